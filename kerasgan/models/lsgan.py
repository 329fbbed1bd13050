"""LSGAN (Mao et al. 2017, "Least Squares Generative Adversarial Networks")."""

import dataclasses
import functools
import math
from typing import Any

import keras
from keras import layers

from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.recipe import optimizer
from kerasgan.layers import batch_normalization, normal, with_labels
from kerasgan.models.dcgan import DCGAN

adam = functools.partial(optimizer, "adam", learning_rate=1e-3, beta_1=0.5)


@dataclasses.dataclass(frozen=True)
class LSGANRecipe(LatentRecipe):
    """Section 4: equation 9 (0-1 coding), Adam with beta_1 = .5; the learning rate is that for LSUN scenes."""

    loss: Any = "least_squares"
    discriminator_optimizer: Any = dataclasses.field(default_factory=adam)
    generator_optimizer: Any = dataclasses.field(default_factory=adam)


@keras.saving.register_keras_serializable(package="kerasgan")
class LSGAN(DCGAN):
    """Least squares GAN: samples are penalised for their distance from the decision boundary, also on the right side.

    Generator (paper, figure 1a), with w for `generator_width`: a small map of 4 w channels, doubled by transposed
    convolutions; after each of the first two another one of stride 1; then of 2 w and w channels. ReLU and batch
    normalization. The discriminator (figure 1b) is DCGAN's. At 112 x 112 pixels these are the paper's layers; smaller
    images have fewer doublings, larger ones more of the last width. Labels (figure 2) join the latents by a linear map
    to `label_dim` entries, and the discriminator as a learned plane. On small images, where the discriminator has few
    layers, the generator must learn slowly: at the same rate it collapses, at a tenth of it it does not
    (`benchmarks.families.lsgan`).

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width multiples of 4.
        latent_dim: length of the latent vectors, uniform in [-1, 1].
        num_classes: number of classes of a conditional model.
        label_dim: length of the linear map of labels that the generator sees.
        width: channels of the discriminator's first layer; each further one doubles them.
        generator_width: channels of the generator's last hidden layer; None: `width`, as in the paper. Small images
            leave the discriminator few layers, and need it wider than the generator.
        **kwargs: as for `DCGAN`.

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
        width=64,
        generator_width=None,
        **kwargs,
    ):
        self.label_dim = label_dim
        kwargs |= {"width": width, "generator_width": generator_width or width}
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **kwargs)

    def build_generator(self):
        convolution = functools.partial(
            layers.Conv2DTranspose,
            kernel_size=self.sizes["kernel_size"],
            strides=2,
            padding="same",
            kernel_initializer=normal(0.02),
        )
        height, width, channels = self.image_shape
        wide = 4 * self.sizes["generator_width"]
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

    def get_config(self):
        return {**super().get_config(), "label_dim": self.label_dim}
