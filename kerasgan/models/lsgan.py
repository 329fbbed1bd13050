"""LSGAN (Mao et al. 2017, "Least Squares Generative Adversarial Networks")."""

import dataclasses
import functools
import math
from typing import Any

import keras
from keras import layers

from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.recipe import Adam
from kerasgan.layers import Conv2DTranspose, batch_normalization, normal, with_labels
from kerasgan.models.dcgan import DCGAN


@dataclasses.dataclass(frozen=True)
class LSGANRecipe(LatentRecipe):
    """Settings of section 4: equation 9 (0-1 coding), and Adam with the learning rate for LSUN scenes."""

    loss: Any = "least_squares"
    discriminator_optimizer: Any = Adam(1e-3, beta_1=0.5)
    generator_optimizer: Any = Adam(1e-3, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class LSGAN(DCGAN):
    """Least squares GAN: samples are penalised for their distance from the decision boundary, on both sides of it.

    With w for `generator_width`, the generator (figure 1a) starts from a small map of 4 w channels, whose size is
    doubled by transposed convolutions of 4 w, 4 w, 2 w and w channels; each of the first two is followed by one with
    stride 1. All have ReLU and batch normalization. The discriminator (figure 1b) is DCGAN's. At 112 x 112 pixels these
    are the paper's layers; smaller images have fewer doublings, larger images more of the last width. Labels (figure 2)
    are appended to the latents after a linear map to `label_dim` entries, and to the discriminator's input as a learned
    plane. On small images, for which the discriminator has few layers, the generator collapses at the discriminator's
    learning rate, but not at a tenth of it (`benchmarks.families.lsgan`).

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        label_dim: Length of the linear map of the labels in the generator.
        width: Channels of the discriminator's first layer, doubled in each further layer.
        generator_width: Channels of the generator's last hidden layer. `None` for `width`, as in the paper. Small
            images need a discriminator that is wider than the generator.
        **kwargs: Arguments of `DCGAN`.

    Examples:

    >>> model = LSGAN(image_shape=(112, 112, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=25)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe = LSGANRecipe()

    def __init__(
        self,
        image_shape,
        latent_dim=1024,
        latent_range=(-1.0, 1.0),
        num_classes=None,
        label_dim=256,
        **kwargs,
    ):
        self.label_dim = label_dim
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **kwargs)

    def build_generator(self):
        convolution = functools.partial(
            Conv2DTranspose,
            kernel_size=self.kernel_size,
            strides=2,
            padding="same",
            kernel_initializer=normal(0.02),
        )
        height, width, channels = self.image_shape
        wide = 4 * (self.generator_width or self.width)
        small = (height >> self.steps, width >> self.steps, wide)
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = with_labels(latents, labels, self.num_classes, self.label_dim)
        x = layers.Dense(math.prod(small), use_bias=False, kernel_initializer=normal(0.02))(x)
        x = layers.ReLU()(batch_normalization()(layers.Reshape(small)(x)))
        for step in range(self.steps):
            x = convolution(max(wide >> max(step - 1, 0), wide // 4), use_bias=False)(x)
            x = layers.ReLU()(batch_normalization()(x))
            if step < 2:
                x = convolution(wide, strides=1, use_bias=False)(x)
                x = layers.ReLU()(batch_normalization()(x))
        x = convolution(channels, strides=1)(x)
        x = layers.Activation("tanh", dtype=keras.config.floatx(), name="images")(x)
        return keras.Model(self.inputs_of(latents, *labels), x, name="generator")
