"""Adversarial losses: what the discriminator and the generator each minimise, on logits.

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
    """`x` as a float32 tensor, or as it is if float64: half precision is too coarse for a loss."""
    x = ops.convert_to_tensor(x)
    # Not keras.backend.result_type, which knows no float64 on JAX.
    return x if keras.backend.standardize_dtype(x.dtype) == "float64" else ops.cast(x, "float32")


def require_same_shape(a, b, reason):
    """Raises a `ValueError` that begins with `reason` if the shapes are known to differ."""
    shapes = tuple(a.shape), tuple(b.shape)
    same_rank = len(shapes[0]) == len(shapes[1])
    if not same_rank or any(None not in (m, n) and m != n for m, n in zip(*shapes, strict=True)):
        raise ValueError(
            f"{reason}, so real and fake must have the same shape. Received the shapes {shapes[0]} and {shapes[1]}."
        )


def mean(x):
    """Mean over all entries, in the precision of `x`."""
    # Not ops.mean, which on JAX averages float64 in float32.
    return ops.sum(x) / ops.cast(ops.size(x), x.dtype)


def weighted_mean(values, weight=None):
    """Mean over all entries of `values`, each sample counted `weight` times.

    sum_i w_i v_i / sum_i w_i, where v_i is the mean over the entries of sample i, and 0 if all
    weights are 0. So a sample of weight 2 counts like that sample twice, a sample of weight 0 like
    no sample, and the scale of the weights is of no consequence. Where several replicas train, the
    sum of the weights is that of all of them, so that the mean of the replicas' results is the
    weighted mean of the whole batch. TF-GAN differs: by default it
    divides by the *number of non-zero weights*, so there all weights doubled double the loss.

    Args:
        values: Tensor of shape `(batch, ...)`.
        weight: Tensor of shape `(batch,)`, not negative. `None` weighs all samples alike.

    Returns:
        Scalar tensor of `values`' dtype.

    Raises:
        ValueError: If `weight` does not have the shape `(batch,)`.
    """
    if weight is None:
        return mean(values)
    weight = ops.cast(weight, values.dtype)
    batch_sizes = {size for size in (*weight.shape, values.shape[0]) if size is not None}
    if len(weight.shape) != 1 or len(batch_sizes) > 1:
        raise ValueError(
            f"Sample weights must have the shape (batch,), one weight for each sample. Received: "
            f"weights of shape {tuple(weight.shape)} for logits of shape {tuple(values.shape)}."
        )
    weight = ops.reshape(weight, (-1,) + (1,) * (len(values.shape) - 1))
    return ops.divide_no_nan(mean(weight * values), mean_over_replicas(mean(weight)))


@dataclass(frozen=True)
class Configured:
    """What a frozen dataclass needs to be serialised by Keras: its fields are its config."""

    def get_config(self):
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


class AdversarialLoss(Configured):
    """Base class of the adversarial losses.

    A subclass is a frozen dataclass, registered with `keras.saving.register_keras_serializable`,
    whose fields are its hyper-parameters; two losses are equal if they are of the same class and
    their fields are equal.

    Logits may have any shape `(batch, ...)`, such as the map of a PatchGAN discriminator, and any
    float dtype; half-precision logits are cast to float32 first. A loss is the mean over
    everything, with sample weights the weighted mean of `weighted_mean`: sum(w * l) / sum(w), and 0
    if all weights are 0. (TF-GAN's default divides by the number of non-zero weights instead.)

    Attributes:
        compares: Whether the generator's loss compares fake with real logits, and so needs
            `real_logits`.
        boundary: The logit at which the discriminator is undecided; `None` where only differences
            of logits count.
        saturates: Whether the generator's gradient vanishes where the discriminator is sure.
    """

    compares = False
    boundary: ClassVar[float | None] = None
    saturates = False

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        """The loss that the discriminator minimises.

        Args:
            real_logits: D(x) of real samples, shape `(batch, ...)`.
            fake_logits: D(G(z)) of generated samples, shape `(batch, ...)`.
            real_weight: Weights of the real samples, shape `(batch,)`, or `None`.
            fake_weight: Weights of the generated samples, shape `(batch,)`, or `None`.

        Returns:
            Scalar tensor, float32 (float64 for float64 logits).
        """
        raise NotImplementedError(f"{type(self).__name__} must define discriminator().")

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        """The loss that the generator minimises.

        Args:
            fake_logits: D(G(z)) of generated samples, shape `(batch, ...)`.
            real_logits: D(x) of real samples other than those of the discriminator's last step.
                Only used, and then necessary, if `compares` is true.
            fake_weight: Weights of the generated samples, shape `(batch,)`, or `None`.
            real_weight: Weights of the real samples, shape `(batch,)`, or `None`.

        Returns:
            Scalar tensor, float32 (float64 for float64 logits).

        Raises:
            ValueError: If `compares` is true and `real_logits` is missing.
        """
        raise NotImplementedError(f"{type(self).__name__} must define generator().")


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Minimax(AdversarialLoss):
    """The original zero-sum game; G's gradient saturates where D is sure of its fakes.

    discriminator: a E sp(-D(x)) + (1 - a) E sp(D(x)) + E sp(D(G)), with a = `real_label`;
    generator: -E sp(D(G)).

    Goodfellow et al., "Generative Adversarial Nets", 2014, equation 1. With a < 1, one-sided label
    smoothing: Salimans et al., "Improved Techniques for Training GANs", 2016, section 3.4.

    Args:
        real_label: Target probability of real samples in the discriminator's loss, in (0, 1]; 0.9
            smooths. The generator's loss and the target 0 of generated samples are never smoothed.
    """

    real_label: float = 1.0
    boundary = 0.0
    saturates = True

    def __post_init__(self):
        if not 0 < self.real_label <= 1:
            raise ValueError(
                f"real_label is the target probability of real samples and must lie in (0, 1]; "
                f"use 1 for no label smoothing, 0.9 for the usual one. Received: {self.real_label}."
            )

    def discriminator(self, real_logits, fake_logits, real_weight=None, fake_weight=None):
        real_logits, fake_logits = at_least_float32(real_logits), at_least_float32(fake_logits)
        # Not sp(D) - a D, which is equal but cancels where D is large.
        real_losses = self.real_label * ops.softplus(-real_logits)
        if self.real_label < 1:
            real_losses += (1 - self.real_label) * ops.softplus(real_logits)
        return weighted_mean(real_losses, real_weight) + weighted_mean(ops.softplus(fake_logits), fake_weight)

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        return -weighted_mean(ops.softplus(at_least_float32(fake_logits)), fake_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class NonSaturating(Minimax):
    """The standard GAN loss: the discriminator of `Minimax`, and a generator that maximises log D.

    discriminator: a E sp(-D(x)) + (1 - a) E sp(D(x)) + E sp(D(G)), with a = `real_label`;
    generator: E sp(-D(G)).

    Goodfellow et al., "Generative Adversarial Nets", 2014, section 3. With a < 1, one-sided label
    smoothing: Salimans et al., "Improved Techniques for Training GANs", 2016, section 3.4.

    Args:
        real_label: Target probability of real samples in the discriminator's loss, in (0, 1]; 0.9
            smooths. The generator's target is always 1.
    """

    saturates = False

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        return weighted_mean(ops.softplus(-at_least_float32(fake_logits)), fake_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class LeastSquares(AdversarialLoss):
    """LSGAN with the 0-1 coding: fake is 0, real is 1, and the generator aims at 1.

    discriminator: 1/2 E (D(x) - 1)^2 + 1/2 E D(G)^2; generator: 1/2 E (D(G) - 1)^2.

    Mao et al., "Least Squares Generative Adversarial Networks", 2017, equation 9. The halves are
    the paper's; many implementations leave them out, which doubles the step of an optimizer that
    minds the scale.
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

    It means something only for a Lipschitz critic: see `kerasgan.penalties.WeightClip` and
    `kerasgan.penalties.GradientPenalty`.

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
    """D says which of two is more real; G minimises D's loss with the roles exchanged."""

    compares = True

    def generator(self, fake_logits, real_logits=None, fake_weight=None, real_weight=None):
        if real_logits is None:
            raise ValueError(
                f"{type(self).__name__} compares fake with real, so its generator loss needs the "
                f"logits of new real samples: call generator(fake_logits, real_logits)."
            )
        return self.discriminator(fake_logits, real_logits, fake_weight, real_weight)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class RelativisticPaired(Relativistic):
    """RpGAN: each real sample is compared with the generated one at its place in the batch.

    discriminator: E sp(D(G) - D(x)); generator: E sp(D(x) - D(G)), on new real samples.

    The weight of a pair is the geometric mean of its samples' weights: two samples of one weight make
    a pair of that weight. Real and fake logits must have the same shape.

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

    discriminator: E sp(mean D(G) - D(x)) + E sp(D(G) - mean D(x)); generator: the same with x and G
    exchanged, on new real samples. The averages are weighted like the losses, and of all replicas.
    There is no factor 1/2, as in the paper.

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
    """The `base` instance that `identifier` (an instance, a name or a Keras config) stands for."""
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
    """The adversarial loss that `identifier` stands for.

    Args:
        identifier: An `AdversarialLoss`; a name of the module's table, such as `"non_saturating"`,
            for that loss with its default arguments; or a config, as
            `keras.saving.serialize_keras_object(loss)` returns.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: If there is no such loss; the message lists the names.
    """
    return resolve(identifier, AdversarialLoss, LOSSES)
