"""DCGAN (Radford, Metz & Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional GANs")."""

import dataclasses
import math

import keras
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.layers import (
    batch_normalization,
    label_plane,
    label_projection,
    normal,
    strided_convolutions,
    transposed_convolutions,
    with_labels,
)

SCALE_STDDEV = 0.02  # of batch normalization's initial scales (the authors' code)


@dataclasses.dataclass(frozen=True)
class DCGANRecipe(LatentRecipe):
    batch_size: int = 128
    update: str = "alternating_shared"  # as in the authors' code


@keras.saving.register_keras_serializable(package="kerasgan")
class DCGAN(LatentModel):
    """Deep convolutional GAN: strided convolutions, batch normalization, no pooling, no hidden dense layers.

    The generator projects the latents to a small map of many channels and doubles its size with transposed
    convolutions; the discriminator mirrors it. Batch normalization with momentum 0.9 is used everywhere except at the
    generator's output and the discriminator's input. Initial weights are from N(0, 0.02^2), scales from N(1, 0.02^2).

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        num_classes: Number of classes of a conditional model, whose labels join the latents as one-hot vectors. `None`
            for an unconditional model.
        conditioning: How the discriminator receives labels: "plane" (a learned input channel) or "projection".
        width: Channels of the discriminator's first layer, doubled in each further layer.
        generator_width: Channels of the generator's last hidden layer, doubled in each earlier layer. `None` for
            2 * width, as in the paper (its PyTorch port has `width`).
        kernel_size: Size of the kernels: 5 in the paper; 4, a multiple of the stride, avoids checkerboard patterns.
        discriminator_normalization: "batch", as in the paper, "layer" or `None`.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = DCGAN(image_shape=(64, 64, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=25)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe: LatentRecipe = DCGANRecipe()

    def __init__(
        self,
        image_shape,
        latent_dim=100,
        latent_range=(-1.0, 1.0),
        num_classes=None,
        conditioning="plane",
        width=64,
        generator_width=None,
        kernel_size=5,
        discriminator_normalization="batch",
        **kwargs,
    ):
        if conditioning not in ("plane", "projection"):
            raise ValueError(f"`conditioning` is {conditioning!r}; expected 'plane' or 'projection'.")
        self.conditioning, self.width, self.generator_width = conditioning, width, generator_width
        self.kernel_size, self.discriminator_normalization = kernel_size, discriminator_normalization
        self.steps = self.halvings(image_shape)
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **kwargs)

    def build_generator(self):
        height, width, channels = self.image_shape
        last = self.generator_width or 2 * self.width
        first, *hidden = [last << step for step in reversed(range(self.steps))]
        small = (height >> self.steps, width >> self.steps, first)
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = with_labels(latents, labels, self.num_classes)
        x = layers.Dense(math.prod(small), use_bias=False, kernel_initializer=normal(0.02))(x)
        x = layers.ReLU()(batch_normalization(scale_stddev=SCALE_STDDEV)(layers.Reshape(small)(x)))
        size, dtype = self.kernel_size, keras.config.floatx()
        x = transposed_convolutions(x, hidden, channels, size, dtype, scale_stddev=SCALE_STDDEV)
        return keras.Model(self.inputs_of(latents, *labels), x, name="generator")

    def build_discriminator(self):
        images, labels = keras.Input(self.pack_shape, name="images"), self.condition_inputs(packed=True)
        x = images
        if labels and self.conditioning == "plane":
            x = layers.Concatenate()([x, label_plane(labels[0], self.num_classes, *self.image_shape[:2])])
        widths = [self.width << step for step in range(self.steps)]
        kind, size = self.discriminator_normalization, self.kernel_size
        x = layers.Flatten()(strided_convolutions(x, widths, size, 0.2, kind, scale_stddev=SCALE_STDDEV))
        logits = layers.Dense(1, kernel_initializer=normal(0.02), name="logits")(x)
        if labels and self.conditioning == "projection":
            logits = label_projection(logits, x, labels[0], self.num_classes)
        return keras.Model(self.inputs_of(images, *labels), logits, name="discriminator")
