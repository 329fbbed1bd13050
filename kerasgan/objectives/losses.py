"""Adversarial losses of the discriminator and the generator, computed from logits.

A loss is a pair. `discriminator(...)` is minimised over the discriminator's weights,
`generator(...)` over the generator's. D(.) below is the *output of the network*, before any
sigmoid: a discriminator that is trained with these losses ends in a linear layer. A high
logit means "real".

| name                 | discriminator minimises             | generator minimises      |
|----------------------|-------------------------------------|--------------------------|
| minimax              | E sp(-D(x)) + E sp(D(G))            | -E sp(D(G))              |
| non_saturating       | E sp(-D(x)) + E sp(D(G))            | E sp(-D(G))              |
| least_squares        | 1/2 E (D(x) - 1)^2 + 1/2 E D(G)^2   | 1/2 E (D(G) - 1)^2       |
| wasserstein          | E D(G) - E D(x)                     | -E D(G)                  |
| hinge                | E relu(1 - D(x)) + E relu(1 + D(G)) | -E D(G)                  |
| relativistic_paired  | E sp(D(G) - D(x))                   | E sp(D(x) - D(G))        |
| relativistic_average | E sp(mean D(G) - D(x))              | E sp(mean D(x) - D(G))   |
|                      | + E sp(D(G) - mean D(x))            | + E sp(D(x) - mean D(G)) |

x are real samples, G = G(z) generated ones, sp(t) = softplus(t) = log(1 + exp(t)).
"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import keras
from keras import ops

from kerasgan.game.engines import mean_over_replicas

__all__ = [
    "AdversarialLoss",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "RelativisticAverage",
    "RelativisticPaired",
    "Wasserstein",
    "get",
]


def at_least_float32(x):
    """Returns `x` as a float32 tensor, or unchanged if it is float64: half precision is too coarse for a loss."""
    x = ops.convert_to_tensor(x)
    # Not keras.backend.result_type, which does not support float64 on JAX.
    return x if keras.backend.standardize_dtype(x.dtype) == "float64" else ops.cast(x, "float32")


def require_same_shape(a, b, reason):
    """Raises a `ValueError` that begins with `reason` if the static shapes differ."""
    shapes = tuple(a.shape), tuple(b.shape)
    same_rank = len(shapes[0]) == len(shapes[1])
    if not same_rank or any(None not in (m, n) and m != n for m, n in zip(*shapes, strict=True)):
        raise ValueError(
            f"{reason}, so real and fake must have the same shape. Received the shapes {shapes[0]} and {shapes[1]}."
        )


def mean(x):
    """Mean over all entries, in the precision of `x`."""
    # Not ops.mean, which averages float64 in float32 on JAX.
    return ops.sum(x) / ops.cast(ops.size(x), x.dtype)


def weighted_mean(values, weight=None):
    """Mean over all entries of `values`, with each sample weighted by `weight`.

    Computes sum_i w_i v_i / sum_i w_i, where v_i is the mean over the entries of sample i, and 0 if all weights are 0.
    A sample of weight 2 counts like two copies, a sample of weight 0 does not count, and the scale of the weights is
    irrelevant. With several replicas the sum of the weights is taken over all of them, so that the mean of the
    replicas' results is the weighted mean of the global batch. TF-GAN differs: by default it divides by the *number of
    non-zero weights*, so that doubling all weights doubles the loss.

    Args:
        values: Tensor of shape `(batch, ...)`.
        weight: Tensor of shape `(batch,)`, non-negative. `None` weights all samples equally.

    Returns:
        A scalar tensor with the dtype of `values`.

    Raises:
        ValueError: If `weight` does not have the shape `(batch,)`.
    """
    if weight is None:
        return mean(values)
    weight = ops.cast(weight, values.dtype)
    batch_sizes = {size for size in (*weight.shape, values.shape[0]) if size is not None}
    if len(weight.shape) != 1 or len(batch_sizes) > 1:
        raise ValueError(
            f"Sample weights must have shape (batch,), one weight per sample. Received: "
            f"weights of shape {tuple(weight.shape)} for logits of shape {tuple(values.shape)}."
        )
    weight = ops.reshape(weight, (-1,) + (1,) * (len(values.shape) - 1))
    return ops.divide_no_nan(mean(weight * values), mean_over_replicas(mean(weight)))


@dataclass(frozen=True)
class Configured:
    """Base class of frozen dataclasses that Keras can serialise: the fields are the config."""

    def get_config(self):
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


class AdversarialLoss(Configured):
    """Base class of the adversarial losses.

    A subclass is a frozen dataclass, registered with `keras.saving.register_keras_serializable`, whose fields are its
    hyperparameters. Two losses are equal if their classes and their fields are equal.

    Logits can have any shape `(batch, ...)`, such as the map of a PatchGAN discriminator, and any float dtype;
    half-precision logits are cast to float32. The loss is the mean over all entries. With sample weights it is the
    weighted mean of `weighted_mean`, sum(w * l) / sum(w), and 0 if all weights are 0. (TF-GAN divides by the number of
    non-zero weights by default.)

    Attributes:
        compares: Whether the generator's loss compares fake with real logits and requires `real_logits`.
        boundary: Logit at which the discriminator is undecided; `None` if only differences of logits count.
        saturates: Whether the generator's gradient vanishes where the discriminator is certain.
    """

    compares = False
    boundary: ClassVar[float | None] = None
    saturates = False

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        """Computes the loss that the discriminator minimises.

        Args:
            real_logits: D(x) of real samples, of shape `(batch, ...)`.
            fake_logits: D(G(z)) of generated samples, of shape `(batch, ...)`.
            real_weight: Weights of the real samples, of shape `(batch,)`, or `None`.
            fake_weight: Weights of the generated samples, of shape `(batch,)`, or `None`.

        Returns:
            A scalar tensor, float32 (float64 for float64 logits).
        """
        raise NotImplementedError(f"{type(self).__name__} must define discriminator().")

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        """Computes the loss that the generator minimises.

        Args:
            fake_logits: D(G(z)) of generated samples, of shape `(batch, ...)`.
            real_logits: D(x) of real samples other than those of the discriminator's last step. Used and required only
                if `compares` is true.
            fake_weight: Weights of the generated samples, of shape `(batch,)`, or `None`.
            real_weight: Weights of the real samples, of shape `(batch,)`, or `None`.

        Returns:
            A scalar tensor, float32 (float64 for float64 logits).

        Raises:
            ValueError: If `compares` is true and `real_logits` is missing.
        """
        raise NotImplementedError(f"{type(self).__name__} must define generator().")


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Minimax(AdversarialLoss):
    """The original zero-sum game. The gradient of G vanishes where D is certain that samples are generated.

    discriminator: a E sp(-D(x)) + (1 - a) E sp(D(x)) + E sp(D(G)), with a = `real_label`;
    generator: -E sp(D(G)).

    Goodfellow et al., "Generative Adversarial Nets", 2014, equation 1. a < 1 is one-sided label smoothing: Salimans et
    al., "Improved Techniques for Training GANs", 2016, section 3.4.

    Args:
        real_label: Target probability of real samples in the discriminator's loss, in (0, 1]. 0.9 is the usual label
            smoothing. The generator's loss and the target 0 of generated samples are never smoothed.
    """

    real_label: float = 1.0
    boundary = 0.0
    saturates = True

    def __post_init__(self):
        if not 0 < self.real_label <= 1:
            raise ValueError(
                f"`real_label` is the target probability of real samples and must be in (0, 1]. Use 1 for no label "
                f"smoothing or 0.9 for the usual label smoothing. Received: real_label={self.real_label}."
            )

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        real_logits, fake_logits = at_least_float32(real_logits), at_least_float32(fake_logits)
        # The equivalent sp(D) - a D would suffer from cancellation for large D.
        real_losses = self.real_label * ops.softplus(-real_logits)
        if self.real_label < 1:
            real_losses += (1 - self.real_label) * ops.softplus(real_logits)
        return weighted_mean(real_losses, real_weight) + weighted_mean(ops.softplus(fake_logits), fake_weight)

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        return -weighted_mean(ops.softplus(at_least_float32(fake_logits)), fake_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class NonSaturating(Minimax):
    """The standard GAN loss: the discriminator loss of `Minimax`, and a generator that maximises log D.

    discriminator: a E sp(-D(x)) + (1 - a) E sp(D(x)) + E sp(D(G)), with a = `real_label`;
    generator: E sp(-D(G)).

    Goodfellow et al., "Generative Adversarial Nets", 2014, section 3. a < 1 is one-sided label smoothing: Salimans et
    al., "Improved Techniques for Training GANs", 2016, section 3.4.

    Args:
        real_label: Target probability of real samples in the discriminator's loss, in (0, 1]. 0.9 is the usual label
            smoothing. The generator's target is always 1.
    """

    saturates = False

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        return weighted_mean(ops.softplus(-at_least_float32(fake_logits)), fake_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class LeastSquares(AdversarialLoss):
    """LSGAN with the 0-1 coding: targets are 0 for fake, 1 for real, and 1 for the generator.

    discriminator: 1/2 E (D(x) - 1)^2 + 1/2 E D(G)^2; generator: 1/2 E (D(G) - 1)^2.

    Mao et al., "Least Squares Generative Adversarial Networks", 2017, equation 9. The factors 1/2 are the paper's. Many
    implementations omit them, which doubles the step of an optimizer that depends on the scale.
    """

    boundary = 0.5

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        real_losses = ops.square(at_least_float32(real_logits) - 1)
        fake_losses = ops.square(at_least_float32(fake_logits))
        return 0.5 * weighted_mean(real_losses, real_weight) + 0.5 * weighted_mean(fake_losses, fake_weight)

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        return 0.5 * weighted_mean(ops.square(at_least_float32(fake_logits) - 1), fake_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Wasserstein(AdversarialLoss):
    """The critic's estimate of the Wasserstein-1 distance.

    discriminator: E D(G) - E D(x); generator: -E D(G).

    It is meaningful only for a Lipschitz critic: see `WeightClip` and `GradientPenalty` in
    `kerasgan.objectives.penalties`.

    Arjovsky et al., "Wasserstein GAN", 2017, algorithm 1.
    """

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        real_logits, fake_logits = at_least_float32(real_logits), at_least_float32(fake_logits)
        return weighted_mean(fake_logits, fake_weight) - weighted_mean(real_logits, real_weight)

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        return -weighted_mean(at_least_float32(fake_logits), fake_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Hinge(AdversarialLoss):
    """The hinge loss of SNGAN, SAGAN and BigGAN.

    discriminator: E relu(1 - D(x)) + E relu(1 + D(G)); generator: -E D(G), without a hinge.

    Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral Normalization for Generative
    Adversarial Networks", 2018, section 4.
    """

    boundary = 0.0

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        real_losses = ops.relu(1 - at_least_float32(real_logits))
        fake_losses = ops.relu(1 + at_least_float32(fake_logits))
        return weighted_mean(real_losses, real_weight) + weighted_mean(fake_losses, fake_weight)

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        return -weighted_mean(at_least_float32(fake_logits), fake_weight)


class Relativistic(AdversarialLoss):
    """D decides which of two samples is more real; G minimises D's loss with the roles exchanged."""

    compares = True

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        if real_logits is None:
            raise ValueError(
                f"{type(self).__name__} compares fake with real samples, so its generator loss needs the logits of "
                f"new real samples. Call generator(fake_logits, real_logits)."
            )
        return self.discriminator(fake_logits, real_logits, fake_weight, real_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class RelativisticPaired(Relativistic):
    """RpGAN: each real sample is compared with the generated sample at the same position of the batch.

    discriminator: E sp(D(G) - D(x)); generator: E sp(D(x) - D(G)), on new real samples.

    The weight of a pair is the geometric mean of its samples' weights: two samples of equal weight form a pair of that
    weight. Real and fake logits must have the same shape.

    Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN",
    2018, section 4.1 (RSGAN); Huang et al., "The GAN is dead; long live the GAN! A Modern GAN
    Baseline", 2024, section 2 (RpGAN).
    """

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        real_logits, fake_logits = at_least_float32(real_logits), at_least_float32(fake_logits)
        require_same_shape(real_logits, fake_logits, "RelativisticPaired compares logit with logit")
        losses = ops.softplus(fake_logits - real_logits)
        if real_weight is None or fake_weight is None:
            pair_weight = fake_weight if real_weight is None else real_weight
        else:
            pair_weight = ops.sqrt(at_least_float32(real_weight) * at_least_float32(fake_weight))
        return weighted_mean(losses, pair_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class RelativisticAverage(Relativistic):
    """RaGAN: each sample is compared with the average of the other class.

    discriminator: E sp(mean D(G) - D(x)) + E sp(D(G) - mean D(x)); generator: the same with x and G exchanged, on new
    real samples. The averages are weighted like the losses and taken over all replicas. There is no factor 1/2, as in
    the paper.

    Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN",
    2018, section 4.3 (RaSGAN).
    """

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        real_logits, fake_logits = at_least_float32(real_logits), at_least_float32(fake_logits)
        real, fake = weighted_mean(real_logits, real_weight), weighted_mean(fake_logits, fake_weight)
        real_losses = ops.softplus(mean_over_replicas(fake) - real_logits)
        fake_losses = ops.softplus(fake_logits - mean_over_replicas(real))
        return weighted_mean(real_losses, real_weight) + weighted_mean(fake_losses, fake_weight)


LOSSES = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "least_squares": LeastSquares,
    "wasserstein": Wasserstein,
    "hinge": Hinge,
    "relativistic_paired": RelativisticPaired,
    "relativistic_average": RelativisticAverage,
}


def resolve(identifier, base, by_name):
    """Returns the `base` instance for `identifier`: an instance, a name or a Keras config."""
    found = identifier
    if isinstance(identifier, str) and identifier in by_name:
        found = by_name[identifier]()
    elif isinstance(identifier, dict):
        found = keras.saving.deserialize_keras_object(
            identifier, custom_objects={known.__name__: known for known in by_name.values()}
        )
    if not isinstance(found, base):
        raise ValueError(
            f"Expected an instance of {base.__name__}, the config of one, or one of the names "
            f"{', '.join(map(repr, by_name))}. Received: {identifier!r}."
        )
    return found


def get(identifier):
    """Returns the adversarial loss for an identifier.

    Args:
        identifier: An `AdversarialLoss`; a name from the module's table, such as `"non_saturating"`, for the loss with
            its default arguments; or a config as returned by `keras.saving.serialize_keras_object(loss)`.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: If the identifier is unknown. The message lists the names.
    """
    return resolve(identifier, AdversarialLoss, LOSSES)
