"""Penalties on the discriminator: R1, R2, the WGAN gradient penalty, drift, weight clipping.

A penalty is a scalar that is added to the discriminator's loss. It sees the discriminator as a
function of samples alone, `critic(x) -> logits`, already closed over labels, the training flag and
the like:

    penalty = R1(gamma=10.0)
    loss += penalty(lambda x: discriminator([x, labels], training=True), real, fake)

The penalties are means over samples of something that belongs to one sample, so the critic must
treat samples independently: with BatchNormalization in it, the gradient of a sample's logit depends
on the rest of the batch, and the penalty is not the paper's (Gulrajani et al., 2017, section 4,
advise layer normalization). And the critic must be twice differentiable by the backend. TensorFlow
gives no second-order gradient through bilinear resizing (`UpSampling2D(interpolation="bilinear")`),
silently, and the layers after it never feel the penalty; resample by repetition or by convolution
instead. Sample weights play no part: the penalties hold the critic down wherever there are samples.

Units. The penalised gradient is logits per unit of data, so a weight has the units of data squared:
samples scaled by s need a gamma s^2 as large for the same game. Quoted values belong to images in
[-1, 1]; scale other data to unit standard deviation before quoting or reusing one.
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
    """|| grad_x D(x) ||^2 for each sample, the norm over all axes but the first.

    Where the critic gives several logits a sample (PatchGAN), D is their sum.

    Args:
        critic: Function of samples `(batch, ...)` that returns logits `(batch, ...)`.
        x: Samples, shape `(batch, ...)`.

    Returns:
        Tensor of shape `(batch,)`, float32 (float64 for float64 samples), differentiable with
        respect to `x` and to the critic's weights.
    """
    gradient = at_least_float32(input_gradient(critic, ops.convert_to_tensor(x)))
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


class Penalty(Configured):
    """Base class of the penalties: `weight` times the `measure` of a critic.

    A subclass is a frozen dataclass, registered with `keras.saving.register_keras_serializable`,
    that has the fields or properties below and defines `measure`; two penalties are equal if they
    are of the same class and their fields are equal.

    Attributes:
        weight: What the measure is multiplied by: a number, or one of `kerasgan.game.schedules`.
        interval: The penalty is meant to run in every `interval`-th step only (lazy regularisation:
            Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, section
            3.1). Whoever runs it so multiplies it by `interval` to keep its strength; the penalty
            itself does not.
        of_one_sample: Whether it is a mean of something that belongs to a single sample, which batch
            statistics in the critic spoil.
    """

    weight: float | schedules.Schedule
    interval: int
    of_one_sample: ClassVar[bool] = False

    def __post_init__(self):
        if not schedules.lowest(self.weight) >= 0:
            raise ValueError(f"The weight of a penalty must not be negative. Received: {self}.")
        if self.interval < 1 or self.interval != int(self.interval):
            raise ValueError(
                f"interval counts the steps from one run of a penalty to the next and must be a "
                f"whole number of at least 1. Received: {self}."
            )

    @property
    def name(self):
        """The name that `get` knows the penalty by, e.g. "gradient_penalty"; it names the log."""
        return next(name for name, kind in PENALTIES.items() if kind is type(self))

    def __call__(self, critic, real, fake, seed=None, images_seen=0):
        """The penalty to add to the discriminator's loss.

        Args:
            critic: Function of samples alone that returns their logits, shape `(batch, ...)`.
            real: Real samples, shape `(batch, ...)`, of rank 2 or more.
            fake: Generated samples, of the same shape but for the batch size.
            seed: `keras.random.SeedGenerator`, or an int for the same numbers at each call, for
                penalties that draw random numbers. With `None` Keras' global generator is used,
                which a compiled JAX step cannot do.
            images_seen: Real images trained on so far, for a weight that is a schedule.

        Returns:
            Scalar tensor, float32 (float64 for float64 samples).
        """
        observer = penalty_observer()
        if observer is not None:
            return observer(self, critic, real, fake, seed)
        value = self.measure(critic, real, fake, seed)
        return schedules.value_at(self.weight, images_seen, value.dtype) * value

    def measure(self, critic, real, fake, seed=None):
        """The penalty without its weight: same arguments, same return."""
        raise NotImplementedError(f"{type(self).__name__} must define measure().")


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class R1(Penalty):
    """Zero-centred gradient penalty on real samples: (gamma / 2) E || grad_x D(x) ||^2.

    The sum of squares over all axes of a sample, the mean over samples. Mescheder et al., "Which
    Training Methods for GANs do actually Converge?", 2018, section 4.1.

    The half is the paper's and StyleGAN's. Mescheder's published code leaves it out, so its
    `reg_param=10` is `gamma=20` here. gamma has the units of data squared; see the module's remark.

    Args:
        gamma: Twice the weight; a number or one of `kerasgan.game.schedules`.
        interval: Run in every `interval`-th step; see `Penalty`.
    """

    gamma: float | schedules.Schedule = 10.0
    interval: int = 1
    of_one_sample: ClassVar[bool] = True

    @property
    def weight(self):  # type: ignore[override]
        return 0.5 * self.gamma

    def measure(self, critic, real, fake, seed=None):
        return mean(squared_gradient_norms(critic, real))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class R2(R1):
    """Zero-centred gradient penalty on generated samples: (gamma / 2) E || grad_x D(G(z)) ||^2.

    `R1` with generated samples in the place of the real ones: Mescheder et al., "Which Training
    Methods for GANs do actually Converge?", 2018, section 4.1. R3GAN (Huang et al., 2024) needs
    both.

    Args:
        gamma: Twice the weight, in units of data squared; a number or one of `kerasgan.game.schedules`.
        interval: Run in every `interval`-th step; see `Penalty`.
    """

    def measure(self, critic, real, fake, seed=None):
        return mean(squared_gradient_norms(critic, fake))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class GradientPenalty(Penalty):
    """WGAN-GP: weight E (|| grad_x' D(x') ||_2 - target)^2, x' between real and generated samples.

    x' = e x + (1 - e) G(z), with one e ~ U[0, 1) for each sample; the norm is over all axes of a
    sample.

    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, equation 3. `one_sided`
    penalises only slopes above the target, max(0, ||.|| - target)^2: Petzka et al., "On the
    Regularization of Wasserstein GANs", 2018.

    TF-GAN's `wasserstein_gradient_penalty` is (||.|| / target - 1)^2, Progressive GAN's (||.|| -
    target)^2 / target^2, which is the same; divide the weight by target^2 to get theirs.

    Args:
        weight: lambda; 10 for images, 0.1 for the paper's toy data.
        interval: Run in every `interval`-th step; see `Penalty`.
        target: The slope at which there is no penalty, in logits per unit of data.
        one_sided: Whether slopes below the target go free.
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
        # The slope of the root is infinite at 0, where the critic is flat.
        excess = ops.sqrt(squares + 1e-12) - self.target
        return mean(ops.square(ops.relu(excess) if self.one_sided else excess))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Drift(Penalty):
    """Keeps the critic's output near zero: weight E D(x)^2 on real samples.

    A Wasserstein critic is free up to a constant, which may drift away. Karras et al., "Progressive
    Growing of GANs for Improved Quality, Stability, and Variation", 2018, appendix A.1.

    Args:
        weight: epsilon_drift.
        interval: Run in every `interval`-th step; see `Penalty`.
    """

    weight: float = 1e-3
    interval: int = 1

    def measure(self, critic, real, fake, seed=None):
        return mean(ops.square(at_least_float32(critic(real))))


PENALTIES = {"r1": R1, "r2": R2, "gradient_penalty": GradientPenalty, "drift": Drift}


def get(identifier):
    """The penalty that `identifier` stands for.

    Args:
        identifier: A `Penalty`; one of the names `"r1"`, `"r2"`, `"gradient_penalty"`, `"drift"`,
            for that penalty with its default arguments; or a config, as
            `keras.saving.serialize_keras_object(penalty)` returns.

    Returns:
        A `Penalty`.

    Raises:
        ValueError: If there is no such penalty; the message lists the names.
    """
    return resolve(identifier, Penalty, PENALTIES)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class WeightClip(Configured, keras.constraints.Constraint):
    """Weight constraint that clips each entry to [-limit, limit]: WGAN's way to a Lipschitz critic.

    Arjovsky et al., "Wasserstein GAN", 2017, algorithm 1 (c = 0.01).

    Args:
        limit: The largest magnitude of a weight, positive.
    """

    limit: float = 0.01

    def __post_init__(self):
        if not self.limit > 0:
            raise ValueError(f"limit must be positive, 0.01 in the paper. Received: {self.limit}.")

    def __call__(self, w):
        return ops.clip(w, -self.limit, self.limit)


def clip_weights(network, limit):
    """Has the optimizer clip a network's trainable variables to [-limit, limit] after each update.

    Keras optimizers apply a variable's constraint after each update. The constraints sit on the
    variables, not in the layers' configs: `network.get_config()` is what it was, and a network that
    was cloned, loaded or rebuilt from its config needs `clip_weights` again. As in algorithm 1 of
    the WGAN paper, the initial weights are not clipped, and all trainable variables are, biases and
    normalisation scales too.

    Args:
        network: A built Keras model or layer.
        limit: The largest magnitude of a weight, positive; 0.01 in the paper.

    Returns:
        The constraint that the variables share, a `WeightClip`.

    Raises:
        ValueError: If the network has no trainable variables yet, or one of them has another
            constraint.
    """
    if not network.trainable_variables:
        raise ValueError(
            f"{network.name!r} has no trainable variables to clip. Build it first, or set its trainable to True."
        )
    for variable in network.trainable_variables:
        if not isinstance(variable.constraint, (WeightClip, type(None))):
            raise ValueError(
                f"The variable {variable.path!r} already has the constraint "
                f"{variable.constraint!r}. Remove it to clip the weights of {network.name!r}."
            )
    constraint = WeightClip(limit)
    for variable in network.trainable_variables:
        variable.constraint = constraint
    return constraint


def weight_decay(network, rate):
    """Half of `rate` times the sum of the squares of all weights but biases, scales and offsets: a term of a loss.

    Args:
        network: A built Keras model or layer.
        rate: The gradient of a weight w is `rate * w`.

    Returns:
        Scalar tensor.
    """
    kernels = [v for v in network.trainable_variables if len(v.shape) > 1]
    return 0.5 * rate * sum(ops.sum(ops.square(ops.convert_to_tensor(v))) for v in kernels)
