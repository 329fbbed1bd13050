"""ESRGAN (Wang et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks")."""

import dataclasses
import functools
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.super_resolution import SuperResolutionModel, SuperResolutionRecipe, staged_discriminator
from kerasgan.game.recipe import Adam
from kerasgan.layers import ClippedInInference, Conv2D, LeakyReLU, scaled

PRETRAINING_RATE = keras.optimizers.schedules.PiecewiseConstantDecay(
    [200_000, 400_000, 600_000, 800_000], [2e-4, 1e-4, 5e-5, 2.5e-5, 1.25e-5]
)


def halving_adam():
    """Adam with learning rate 1e-4, halved after 50,000, 100,000, 200,000 and 300,000 updates (section 4.1)."""
    rates = [1e-4, 5e-5, 2.5e-5, 1.25e-5, 6.25e-6]
    return Adam(keras.optimizers.schedules.PiecewiseConstantDecay([50_000, 100_000, 200_000, 300_000], rates))


@dataclasses.dataclass(frozen=True)
class ESRGANRecipe(SuperResolutionRecipe):
    """Training settings of section 4.1; distances are mean absolute differences of pixels and of features.

    The paper's weight of the adversarial loss is 0.005, but the authors' code, which we follow, takes half the sum of
    its two terms for both players.
    """

    loss: Any = "relativistic_average"
    adversarial_weight: float = 5e-3
    pixel_weight: float = 1e-2
    flip: bool = True
    pretraining_optimizer: Any = Adam(PRETRAINING_RATE)
    discriminator_optimizer: Any = halving_adam()
    generator_optimizer: Any = halving_adam()


@keras.saving.register_keras_serializable(package="kerasgan")
class ScaledResidual(keras.layers.Layer):
    """Adds a scaled residual: `x + scale * y` for inputs [x, y] of one shape (section 3.1).

    Args:
        scale: Factor of y.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, scale=0.2, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        x, y = inputs
        return x + self.scale * y

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package="kerasgan")
class ESRGAN(SuperResolutionModel):
    """Super-resolution by residual-in-residual dense blocks, with a relativistic discriminator.

    The generator (section 3.1) has no normalization; the outputs of dense blocks, and of three of them, are multiplied
    by `residual_scale` before they are added, and the kernels of dense blocks start at a tenth of the usual size. The
    discriminator judges how much more realistic an image is than the average image of the other kind (equation 1). The
    perceptual loss compares feature maps before their activation (section 3.3). `interpolated` blends the weights of
    two models, such as those before and after the adversarial training (section 3.4). In the paper, training images are
    also rotated; here they are only mirrored.

    Args:
        image_shape: Shape (height, width, channels) of the large training images in [-1, 1], 128 pixels in the paper.
        factor: 2 or 4.
        features: Feature network: see `kerasgan.bases.super_resolution.SuperResolutionModel`. The paper's is
            "keras_applications:VGG19".
        width: Channels of the generator and of the discriminator's first convolution.
        blocks: Number of residual-in-residual dense blocks, 23 in the authors' code.
        growth: Channels that each convolution of a dense block adds.
        residual_scale: Factor of each residual (beta of figure 4).
        stages: Number of halvings in the discriminator. `None` for up to 5, as in the authors' code.
        units: Units of the discriminator's hidden dense layer.
        **kwargs: Arguments of `AdversarialModel`.

    Examples:

    >>> model = ESRGAN(image_shape=(128, 128, 3), factor=4)
    >>> model.compile(pretraining_steps=20_000, degradation="real")
    >>> model.fit(photos, epochs=100)
    >>> large = model.translate(small)
    """

    recipe = ESRGANRecipe()
    adversarial_share = 0.5

    def __init__(
        self,
        image_shape,
        factor=4,
        features="random",
        width=64,
        blocks=23,
        growth=32,
        residual_scale=0.2,
        stages=None,
        units=100,
        **kwargs,
    ):
        self.width, self.blocks, self.growth, self.residual_scale = width, blocks, growth, residual_scale
        self.stages, self.units = stages, units
        super().__init__(image_shape, factor, features, **kwargs)

    def build_generator(self):
        width, activation = self.width, functools.partial(LeakyReLU, 0.2)
        convolution = functools.partial(Conv2D, kernel_size=3, padding="same")
        weak = scaled(0.1 * 2**0.5)

        def residual(x, y):
            return ScaledResidual(self.residual_scale)([x, y])

        def dense_block(x):
            maps = [x]
            for _ in range(4):
                joined = layers.Concatenate()(maps) if len(maps) > 1 else x
                maps.append(activation()(convolution(self.growth, kernel_initializer=weak)(joined)))
            return residual(x, convolution(width, kernel_initializer=weak)(layers.Concatenate()(maps)))

        small = keras.Input(self.small_shape, name="images")
        x = first = convolution(width)(small)
        for _ in range(self.blocks):
            y = x
            for _ in range(3):
                y = dense_block(y)
            x = residual(x, y)
        x = layers.Add()([first, convolution(width)(x)])
        for _ in range(self.factor.bit_length() - 1):
            x = activation()(convolution(width)(layers.UpSampling2D(2)(x)))
        x = convolution(self.small_shape[2])(activation()(convolution(width)(x)))
        x = layers.Activation("linear", dtype=keras.config.floatx(), name="translations")(x)
        return keras.Model(small, ClippedInInference(dtype=keras.config.floatx())(x), name="generator")

    def build_discriminator(self):
        return staged_discriminator(self.image_shape, self.width, self.stages, 5, 4, self.units)

    def differences(self, images, others):
        return ops.abs(images - others)

    def interpolated(self, other, share):
        """Creates a model with the weights `(1 - share) * other + share * self`.

        Wang et al. 2018, section 3.4, use the pretrained model as the other one: less noise than after the adversarial
        training, at the same sharpness.

        Args:
            other: An `ESRGAN` of the same configuration.
            share: Share of this model, from 0 to 1.

        Returns:
            A new `ESRGAN`, not compiled.

        Raises:
            ValueError: If the other model has another family or shape, or if the share is outside [0, 1].
        """
        if not 0 <= share <= 1:
            raise ValueError(f"`share` is {share}; expected a number from 0 to 1.")
        mine, theirs = ([tuple(v.shape) for v in m.generator.variables] for m in (self, other))
        if type(other) is not type(self) or mine != theirs:
            raise ValueError(f"`other` has other networks than this {type(self).__name__}; expected the same sizes.")
        model = type(self).from_config(self.get_config())
        for networks in ("networks", "averages"):
            for name, network in getattr(model, networks).items():
                theirs, mine = (getattr(m, networks)[name].get_weights() for m in (other, self))
                blend = [(1.0 - share) * a + share * b for a, b in zip(theirs, mine, strict=True)]
                network.set_weights(blend)
        return model
