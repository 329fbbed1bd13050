"""Penalties on the discriminator: R1, R2, the WGAN gradient penalty, drift, weight clipping.

A penalty is a scalar added to the discriminator's loss. It sees the discriminator as a function of samples only,
`critic(x) -> logits`, with labels, the training flag and the like already bound:

    penalty = R1(gamma=10.0)
    loss += penalty(lambda x: discriminator([x, labels], training=True), real, fake)

The penalties are means over samples of a quantity of one sample, so the critic must treat samples independently. With
BatchNormalization in the critic, the gradient of a sample's logit depends on the rest of the batch, and the penalty
differs from the paper's (Gulrajani et al., 2017, section 4, recommend layer normalization). The critic must also be
twice differentiable by the backend. TensorFlow silently returns no second-order gradient through bilinear resizing
(`UpSampling2D(interpolation="bilinear")`), so that the penalty does not affect the layers after it; resample by
repetition or by convolution instead. Sample weights are ignored: the penalties regularise the critic wherever there are
samples.

Units. The penalised gradient is in logits per unit of data, so a weight has the units of data squared: samples scaled
by s require a gamma that is s^2 times as large for the same game. Published values refer to images in [-1, 1]; scale
other data to unit standard deviation before you report or reuse a value.
"""

from dataclasses import dataclass
from typing import ClassVar

import keras
from keras import ops

from kerasgan.game import schedules
from kerasgan.game.engines import input_gradient
from kerasgan.game.signals import penalty_observer
from kerasgan.objectives.losses import Configured, at_least_float32, mean, require_same_shape, resolve

__all__ = ["R1", "R2", "Drift", "GradientPenalty", "Penalty", "WeightClip", "clip_weights", "get", "weight_decay"]


def squared_gradient_norms(critic, x):
    """Computes || grad_x D(x) ||^2 for each sample, with the norm over all axes except the first.

    If the critic returns several logits per sample (PatchGAN), D is their sum.

    Args:
        critic: Function from samples `(batch, ...)` to logits `(batch, ...)`.
        x: Samples of shape `(batch, ...)`.

    Returns:
        A tensor of shape `(batch,)`, float32 (float64 for float64 samples), differentiable with respect to `x` and to
        the critic's weights.
    """
    gradient = at_least_float32(input_gradient(critic, ops.convert_to_tensor(x)))
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


class Penalty(Configured):
    """Base class of the penalties: `weight` times the `measure` of a critic.

    A subclass is a frozen dataclass, registered with `keras.saving.register_keras_serializable`, that has the fields or
    properties below and defines `measure`. Two penalties are equal if their classes and their fields are equal.

    Attributes:
        weight: Factor of the measure: a number, or one of `kerasgan.game.schedules`.
        interval: Number of steps between two runs of the penalty (lazy regularisation: Karras et al., "Analyzing and
            Improving the Image Quality of StyleGAN", 2020, section 3.1). The caller multiplies it by `interval` to keep
            its average strength; the penalty itself does not.
        of_one_sample: Whether the measure is a mean of a quantity of single samples, which batch statistics in the
            critic would invalidate.
    """

    weight: float | schedules.Schedule | None
    interval: int
    of_one_sample: ClassVar[bool] = False

    def __post_init__(self):
        if self.weight is not None and not schedules.lowest(self.weight) >= 0:
            raise ValueError(f"The weight of a penalty must not be negative. Received: {self}.")
        if self.interval < 1 or self.interval != int(self.interval):
            raise ValueError(
                f"`interval` is the number of steps between two runs of a penalty and must be an integer of at least "
                f"1. Received: {self}."
            )

    @property
    def name(self):
        """Name of the penalty in `get` and in the logs, e.g. "gradient_penalty"."""
        return next(name for name, kind in PENALTIES.items() if kind is type(self))

    def __call__(self, critic, real, fake, seed=None, images_seen=0):
        """Computes the penalty to add to the discriminator's loss.

        Args:
            critic: Function from samples only to their logits, of shape `(batch, ...)`.
            real: Real samples of shape `(batch, ...)`, of rank 2 or more.
            fake: Generated samples of the same shape, apart from the batch size.
            seed: `keras.random.SeedGenerator`, or an int for the same numbers in each call, for penalties that draw
                random numbers. `None` uses Keras' global generator, which does not work in a compiled JAX step.
            images_seen: Number of real images trained on so far, for a weight that is a schedule.

        Returns:
            A scalar tensor, float32 (float64 for float64 samples).
        """
        observer = penalty_observer()
        if observer is not None:
            return observer(self, critic, real, fake, seed)
        if self.weight is None:
            raise ValueError(
                f"The penalty has no weight; only recipes that compute it may leave it out. Received: {self}."
            )
        value = self.measure(critic, real, fake, seed)
        return schedules.value_at(self.weight, images_seen, value.dtype) * value

    def measure(self, critic, real, fake, seed=None):
        """Computes the penalty without its weight, with the same arguments and return value."""
        raise NotImplementedError(f"{type(self).__name__} must define measure().")


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class R1(Penalty):
    """Zero-centred gradient penalty on real samples: (gamma / 2) E || grad_x D(x) ||^2.

    The squares are summed over all axes of a sample and averaged over samples. Mescheder et al., "Which Training
    Methods for GANs do actually Converge?", 2018, section 4.1.

    The factor 1/2 is that of the paper and of StyleGAN. Mescheder's official implementation omits it, so its
    `reg_param=10` is `gamma=20` here. gamma has the units of data squared; see the module docstring.

    Args:
        gamma: Twice the weight, a number or one of `kerasgan.game.schedules`. `None` in a recipe whose family computes
            it from the images' size and the batch, such as "auto" of `kerasgan.StyleGAN2`.
        interval: Number of steps between two runs; see `Penalty`.
    """

    gamma: float | schedules.Schedule | None = 10.0
    interval: int = 1
    of_one_sample: ClassVar[bool] = True

    @property
    def weight(self):  # type: ignore[override]
        return None if self.gamma is None else 0.5 * self.gamma

    def measure(self, critic, real, fake, seed=None):
        return mean(squared_gradient_norms(critic, real))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class R2(R1):
    """Zero-centred gradient penalty on generated samples: (gamma / 2) E || grad_x D(G(z)) ||^2.

    The same as `R1` for generated instead of real samples: Mescheder et al., "Which Training Methods for GANs do
    actually Converge?", 2018, section 4.1. R3GAN (Huang et al., 2024) needs both.

    Args:
        gamma: Twice the weight, in units of data squared, a number or one of `kerasgan.game.schedules`.
        interval: Number of steps between two runs; see `Penalty`.
    """

    def measure(self, critic, real, fake, seed=None):
        return mean(squared_gradient_norms(critic, fake))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class GradientPenalty(Penalty):
    """WGAN-GP: weight E (|| grad_x' D(x') ||_2 - target)^2, x' between real and generated samples.

    x' = e x + (1 - e) G(z), with one e ~ U[0, 1) per sample; the norm is over all axes of a sample.

    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, equation 3. `one_sided` penalises only gradient
    norms above the target, max(0, ||.|| - target)^2: Petzka et al., "On the Regularization of Wasserstein GANs", 2018.

    TF-GAN's `wasserstein_gradient_penalty` is (||.|| / target - 1)^2, which equals (||.|| - target)^2 / target^2 of
    Progressive GAN. Divide the weight by target^2 to reproduce them.

    Args:
        weight: The paper's lambda: 10 for images, 0.1 for the toy data.
        interval: Number of steps between two runs; see `Penalty`.
        target: Gradient norm without a penalty, in logits per unit of data.
        one_sided: Whether to penalise only gradient norms above the target.
    """

    weight: float = 10.0
    interval: int = 1
    target: float = 1.0
    one_sided: bool = False
    of_one_sample: ClassVar[bool] = True

    def measure(self, critic, real, fake, seed=None):
        real = at_least_float32(real)
        fake = ops.cast(fake, real.dtype)
        require_same_shape(real, fake, "GradientPenalty interpolates between real and fake samples")
        one_a_sample = (ops.shape(real)[0],) + (1,) * (len(real.shape) - 1)
        epsilon = keras.random.uniform(one_a_sample, dtype=real.dtype, seed=seed)
        squares = squared_gradient_norms(critic, epsilon * real + (1 - epsilon) * fake)
        # The derivative of the square root is infinite at 0, where the critic is flat.
        excess = ops.sqrt(squares + 1e-12) - self.target
        return mean(ops.square(ops.relu(excess) if self.one_sided else excess))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Drift(Penalty):
    """Keeps the critic's output near zero: weight * E D(x)^2 on real samples.

    A Wasserstein critic is determined only up to a constant, which can drift. Karras et al., "Progressive Growing of
    GANs for Improved Quality, Stability, and Variation", 2018, appendix A.1.

    Args:
        weight: The paper's epsilon_drift.
        interval: Number of steps between two runs; see `Penalty`.
    """

    weight: float = 1e-3
    interval: int = 1

    def measure(self, critic, real, fake, seed=None):
        return mean(ops.square(at_least_float32(critic(real))))


PENALTIES = {"r1": R1, "r2": R2, "gradient_penalty": GradientPenalty, "drift": Drift}


def get(identifier):
    """Returns the penalty for an identifier.

    Args:
        identifier: A `Penalty`; one of the names `"r1"`, `"r2"`, `"gradient_penalty"`, `"drift"`, for the penalty with
            its default arguments; or a config as returned by `keras.saving.serialize_keras_object(penalty)`.

    Returns:
        A `Penalty`.

    Raises:
        ValueError: If the identifier is unknown. The message lists the names.
    """
    return resolve(identifier, Penalty, PENALTIES)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class WeightClip(Configured, keras.constraints.Constraint):
    """Weight constraint that clips each entry to [-limit, limit], which makes WGAN's critic Lipschitz.

    Arjovsky et al., "Wasserstein GAN", 2017, algorithm 1 (c = 0.01).

    Args:
        limit: Largest magnitude of a weight, positive.
    """

    limit: float = 0.01

    def __post_init__(self):
        if not self.limit > 0:
            raise ValueError(f"`limit` must be positive; the paper uses 0.01. Received: limit={self.limit}.")

    def __call__(self, w):
        return ops.clip(w, -self.limit, self.limit)


def clip_weights(network, limit):
    """Makes the optimizer clip a network's trainable variables to [-limit, limit] after each update.

    Keras optimizers apply a variable's constraint after each update. The constraints belong to the variables and not to
    the layers' configs: `network.get_config()` does not change, and a network that is cloned, loaded or rebuilt from
    its config needs `clip_weights` again. As in algorithm 1 of the WGAN paper, all trainable variables are clipped,
    including biases and normalization scales, but the initial weights are not.

    Args:
        network: A built Keras model or layer.
        limit: Largest magnitude of a weight, positive; 0.01 in the paper.

    Returns:
        The `WeightClip` constraint that the variables share.

    Raises:
        ValueError: If the network has no trainable variables yet, or if one of them has another constraint.
    """
    if not network.trainable_variables:
        raise ValueError(
            f"{network.name!r} has no trainable variables to clip. Build it first, or set `trainable = True`."
        )
    for variable in network.trainable_variables:
        if not isinstance(variable.constraint, (WeightClip, type(None))):
            raise ValueError(
                f"The variable {variable.path!r} already has the constraint {variable.constraint!r}. Remove the "
                f"constraint to clip the weights of {network.name!r}."
            )
    constraint = WeightClip(limit)
    for variable in network.trainable_variables:
        variable.constraint = constraint
    return constraint


def weight_decay(network, rate):
    """Loss term for weight decay: `rate / 2` times the sum of squares of all kernels, without biases and scales.

    Args:
        network: A built Keras model or layer.
        rate: Decay rate; the gradient with respect to a weight w is `rate * w`.

    Returns:
        A scalar tensor.
    """
    kernels = [v for v in network.trainable_variables if len(v.shape) > 1]
    return 0.5 * rate * sum(ops.sum(ops.square(ops.convert_to_tensor(v))) for v in kernels)
