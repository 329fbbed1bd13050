"""SRGAN (Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network")."""

import dataclasses
import functools
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.super_resolution import SuperResolutionModel, SuperResolutionRecipe, staged_discriminator
from kerasgan.game.recipe import Adam
from kerasgan.layers import (
    BilinearEnlargement,
    ClippedInInference,
    Conv2D,
    LeakyReLU,
    PixelShuffle,
    batch_normalization,
    scaled,
)

DROP = 100_000  # updates of the second stage after which the rate falls to a tenth (section 3.2)


def falling_adam():
    """Adam with learning rate 1e-4, and 1e-5 after 100,000 updates."""
    return Adam(keras.optimizers.schedules.PiecewiseConstantDecay([DROP], [1e-4, 1e-5]))


@dataclasses.dataclass(frozen=True)
class SRGANRecipe(SuperResolutionRecipe):
    """Training settings of section 3.2: 10^6 steps of SRResNet, then 2 x 10^5 of both players."""

    discriminator_optimizer: Any = falling_adam()
    generator_optimizer: Any = falling_adam()


@keras.saving.register_keras_serializable(package="kerasgan")
class SRGAN(SuperResolutionModel):
    """Super-resolution by SRResNet, refined against a discriminator with a loss on VGG features.

    The generator is a residual network (k9n64, 16 blocks, PixelShuffle: figure 4). It is first trained on the mean
    squared error of pixels, which gives SRResNet, then on the mean squared error of feature maps and 0.001 times the
    adversarial loss (equation 3). Images have a higher PSNR after the first stage and sharper textures after the
    second. The paper's inputs are in [0, 1]; here they are in [-1, 1], like its outputs.

    `fit(images)` makes the small images by bicubic interpolation. The published numbers are PSNR and SSIM of luma
    without a border of 4 pixels: `kerasgan.metrics.luma_psnr(real, fake, (-1, 1), border=4)`.

    Args:
        image_shape: Shape (height, width, channels) of the large training images in [-1, 1], 96 pixels in the paper.
        factor: 2, 3 or 4.
        features: Feature network: see `kerasgan.bases.super_resolution.SuperResolutionModel`. The paper's is
            "keras_applications:VGG19".
        width: Channels of both networks' first convolution.
        blocks: Number of residual blocks.
        network: "srresnet", or "msrresnet" for the modified network of BasicSR: 3x3 kernels only, ReLU, no batch
            normalization, and the generator adds to a bilinear enlargement.
        stages: Number of halvings in the discriminator. `None` for up to 4, as in the paper.
        units: Units of the discriminator's hidden dense layer.
        **kwargs: Arguments of `AdversarialModel`.

    Examples:

    >>> model = SRGAN(image_shape=(96, 96, 3), factor=4)
    >>> model.compile(pretraining_steps=20_000)
    >>> model.fit(photos, epochs=100)
    >>> large = model.translate(small)
    """

    recipe = SRGANRecipe()
    factors = (2, 3, 4)

    def __init__(
        self,
        image_shape,
        factor=4,
        features="random",
        width=64,
        blocks=16,
        network="srresnet",
        stages=None,
        units=1024,
        **kwargs,
    ):
        if network not in ("srresnet", "msrresnet"):
            raise ValueError(f"`network` is {network!r}; expected 'srresnet' or 'msrresnet'.")
        self.width, self.blocks, self.network, self.stages, self.units = width, blocks, network, stages, units
        super().__init__(image_shape, factor, features, **kwargs)

    def build_generator(self):
        small = keras.Input(self.small_shape, name="images")
        build = self.srresnet if self.network == "srresnet" else self.msrresnet
        x = layers.Activation("linear", dtype=keras.config.floatx(), name="translations")(build(small))
        return keras.Model(small, ClippedInInference(dtype=keras.config.floatx())(x), name="generator")

    @property
    def enlargements(self):
        """Factors of the successive enlargements."""
        return (2, 2) if self.factor == 4 else (self.factor,)

    def srresnet(self, small):
        """The layers of figure 4."""
        width, convolution = self.width, functools.partial(Conv2D, padding="same")

        def activation():
            return layers.PReLU(keras.initializers.Constant(0.25), shared_axes=(1, 2))

        x = first = activation()(convolution(width, 9)(small))
        for _ in range(self.blocks):
            y = activation()(batch_normalization()(convolution(width, 3, use_bias=False)(x)))
            x = layers.Add()([x, batch_normalization()(convolution(width, 3, use_bias=False)(y))])
        x = layers.Add()([first, batch_normalization()(convolution(width, 3, use_bias=False)(x))])
        for factor in self.enlargements:
            x = activation()(PixelShuffle(factor)(convolution(4 * width * (factor**2) // 4, 3)(x)))
        return convolution(self.small_shape[2], 9)(x)

    def msrresnet(self, small):
        """The modified SRResNet of BasicSR, as of 2022."""
        width, activation = self.width, functools.partial(LeakyReLU, 0.1)
        convolution = functools.partial(Conv2D, kernel_size=3, padding="same")
        weak = scaled(0.1 * 2**0.5)
        x = activation()(convolution(width)(small))
        for _ in range(self.blocks):
            y = layers.ReLU()(convolution(width, kernel_initializer=weak)(x))
            x = layers.Add()([x, convolution(width, kernel_initializer=weak)(y)])
        for factor in self.enlargements:
            x = activation()(PixelShuffle(factor)(convolution(width * factor**2)(x)))
        x = convolution(self.small_shape[2])(activation()(convolution(width)(x)))
        return layers.Add()([x, BilinearEnlargement(self.factor)(small)])

    def build_discriminator(self):
        return staged_discriminator(self.image_shape, self.width, self.stages, 4, 3, self.units)

    def differences(self, images, others):
        return ops.square(images - others)
