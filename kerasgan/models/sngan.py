"""SNGAN (Miyato et al. 2018) and its conditional form with projection (Miyato & Koyama 2018)."""

import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.recipe import Adam
from kerasgan.layers import (
    ConditionalBatchNormalization,
    Conv2D,
    Conv2DTranspose,
    LeakyReLU,
    SelfAttention,
    batch_normalization,
    glorot,
    normal,
)
from kerasgan.layers.residual_networks import Kit, residual_discriminator, residual_generator
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense
from kerasgan.zoo.convert import Source
from kerasgan.zoo.official import pairs

# Channels by image size: appendix B, tables 4 to 6, and the authors' code for 64 pixels.
GENERATOR_WIDTHS = {
    32: (256, 256, 256, 256),
    48: (512, 256, 128, 64),
    64: (1024, 512, 256, 128, 64),
    128: (1024, 1024, 512, 256, 128, 64),
}
# And the number of blocks that halve the size.
DISCRIMINATOR_WIDTHS = {
    32: ((128, 128, 128, 128), 2),
    48: ((64, 128, 256, 512, 1024), 4),
    64: ((64, 128, 256, 512, 1024), 5),
    128: ((64, 128, 256, 512, 1024, 1024), 5),
}


def kit(spectral):
    """The authors' layers: Glorot initialisation, scaled by sqrt 2 in the 3 x 3 convolutions of blocks."""
    return Kit(spectral, glorot(), glorot(math.sqrt(2.0)))


def class_normalization(labels, num_classes, epsilon=1e-5):
    """Batch normalization for a generator's blocks, class-conditional if there are labels.

    Args:
        labels: Symbolic labels in a list, or an empty list.
        num_classes: Number of classes.
        epsilon: Constant added to the variance.

    Returns:
        Function of (map, name, index of the block) that returns the normalized map.
    """

    def normalize(x, name, place):
        if labels:
            return ConditionalBatchNormalization(num_classes, epsilon=epsilon, name=name)([x, labels[0]])
        return batch_normalization(epsilon=epsilon, name=name)(x)

    return normalize


def sngan_generator(image_shape, latent_dim, labels=(), num_classes=None, widths=None, interpolation="nearest"):
    """The residual generator, without spectral normalization.

    Args:
        image_shape: (height, width, channels) of the images.
        latent_dim: Length of the latent vectors.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        widths: Channels of the first map and of each block. None for those of the paper, for sizes 32, 48, 64 and 128.
        interpolation: How maps are enlarged: "nearest", or "bilinear" as in mimicry.

    Returns:
        A Keras model of `latents` [and `labels`] with the output `images`.
    """
    latents = keras.Input((latent_dim,), name="latents")
    return residual_generator(
        [latents, *labels],
        latents,
        widths or of_size(GENERATOR_WIDTHS, image_shape),
        image_shape,
        kit(spectral=False),
        class_normalization(labels, num_classes),
        interpolation=interpolation,
    )


def sngan_discriminator(image_shape, labels=(), num_classes=None, widths=None, downs=None, spectral=True, **options):
    """The residual discriminator, with a projection of the labels if there are any.

    Args:
        image_shape: (height, width, channels) of the images.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        widths: Channels of each block. None for those of the paper, for sizes 32, 48, 64 and 128.
        downs: Number of initial blocks that halve the size. None for that of the paper.
        spectral: Whether all layers are spectrally normalized.
        **options: Other arguments of `residual_discriminator`; `activated=True` as in mimicry.

    Returns:
        A Keras model from `images` [and `labels`] to logits of shape (batch, 1).
    """
    if widths is None:
        widths, downs = of_size(DISCRIMINATOR_WIDTHS, image_shape)
    images = keras.Input(image_shape, name="images")
    return residual_discriminator(images, labels, widths, downs, num_classes, kit(spectral), wide=False, **options)


def convolutional_generator(image_shape, latent_dim, widths=(512, 256, 128, 64)):
    """The generator of table 3: three transposed 4 x 4 convolutions of stride 2, and a 3 x 3 convolution.

    Args:
        image_shape: (height, width, channels) of the images; the sides multiples of 8.
        latent_dim: Length of the latent vectors.
        widths: Channels of the first map and of the hidden layers.

    Returns:
        A Keras model of `latents` with the output `images`.
    """
    height, width, channels = image_shape
    scale = 2 ** (len(widths) - 1)
    small = (height // scale, width // scale, widths[0])
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(math.prod(small), kernel_initializer=normal(0.02), name="stem")(latents)
    x = layers.Reshape(small)(x)
    for place, filters in enumerate(widths[1:]):
        options = {"padding": "same", "kernel_initializer": normal(0.02), "name": f"enlarge{place}"}
        x = Conv2DTranspose(filters, 4, strides=2, **options)(x)
        x = layers.ReLU()(batch_normalization(name=f"normalization{place}")(x))
    x = Conv2D(channels, 3, padding="same", kernel_initializer=normal(0.02), name="convolution")(x)
    return keras.Model(
        latents, layers.Activation("tanh", dtype=keras.config.floatx(), name="images")(x), name="generator"
    )


def convolutional_discriminator(image_shape, widths=(64, 128, 256, 512), spectral=True):
    """The discriminator of table 3: 3 x 3 convolutions, each except the last followed by a 4 x 4 one of stride 2.

    Args:
        image_shape: (height, width, channels) of the images; the sides multiples of 8.
        widths: Channels of the 3 x 3 convolutions.
        spectral: Whether all layers are spectrally normalized.

    Returns:
        A Keras model from `images` to logits of shape (batch, 1).
    """
    convolution, dense = (SpectralConv2D, SpectralDense) if spectral else (Conv2D, layers.Dense)
    images = x = keras.Input(image_shape, name="images")
    for place, filters in enumerate(widths):
        options = {"padding": "same", "kernel_initializer": normal(0.02)}
        x = LeakyReLU(0.1)(convolution(filters, 3, **options, name=f"convolution{place}")(x))
        if place < len(widths) - 1:
            x = LeakyReLU(0.1)(convolution(filters, 4, strides=2, **options, name=f"halve{place}")(x))
    logits = dense(1, kernel_initializer=normal(0.02), name="score")(layers.Flatten()(x))
    return keras.Model(images, logits, name="discriminator")


def of_size(table, image_shape):
    """The entry of a table for the image's height.

    Raises:
        ValueError: If there is no such entry.
    """
    if image_shape[0] not in table:
        raise ValueError(
            f"`image_shape` is {tuple(image_shape)}; the paper has networks for the heights {sorted(table)}. Pass "
            "`widths` for another one."
        )
    return table[image_shape[0]]


@dataclasses.dataclass(frozen=True)
class SNGANRecipe(LatentRecipe):
    """The papers' settings: the hinge loss, 5 discriminator updates per generator update, Adam."""

    loss: Any = "hinge"
    batch_size: int = 64
    generator_every: int = 5
    discriminator_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(2e-4, beta_1=0.0, beta_2=0.9))
    generator_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(2e-4, beta_1=0.0, beta_2=0.9))


@keras.saving.register_keras_serializable(package="kerasgan")
class SNGAN(LatentModel):
    """Spectrally normalized GAN; with `num_classes`, the conditional one with a projection discriminator.

    Every layer of the discriminator is spectrally normalized. The generator has batch normalization, with a gain and an
    offset for each class in the conditional model.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1].
        latent_dim: Length of the latent vectors.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        architecture: "residual", or "convolutional" for the networks of table 3, which are unconditional.
        generator_widths: Channels of the generator's first map and after each doubling. `None` for the papers'.
        discriminator_widths: Channels of the discriminator's blocks. `None` for the papers'.
        downs: Number of the discriminator's blocks that halve the size, if widths are given.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = SNGAN(image_shape=(32, 32, 3), num_classes=10)
    >>> model.compile()
    >>> model.fit(images, labels, epochs=100)
    """

    recipe: LatentRecipe = SNGANRecipe()

    def __init__(
        self,
        image_shape,
        latent_dim=128,
        num_classes=None,
        architecture="residual",
        generator_widths=None,
        discriminator_widths=None,
        downs=None,
        **kwargs,
    ):
        if architecture not in ("residual", "convolutional"):
            raise ValueError(f"`architecture` is {architecture!r}; expected 'residual' or 'convolutional'.")
        if architecture == "convolutional" and num_classes:
            raise ValueError(f"`num_classes` is {num_classes}; expected `None` for architecture='convolutional'.")
        if architecture == "residual" and (discriminator_widths is None) != (downs is None):
            raise ValueError(
                f"`discriminator_widths` is {discriminator_widths} and `downs` is {downs}; expected both or neither: "
                "the widths of the blocks, and how many of them, from the first one, halve the size."
            )
        self.sizes = {"architecture": architecture, "downs": downs}
        self.sizes |= {"generator_widths": generator_widths, "discriminator_widths": discriminator_widths}
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)

    def build_generator(self):
        widths = self.sizes["generator_widths"]
        if self.sizes["architecture"] == "convolutional":
            return convolutional_generator(self.image_shape, self.latent_dim, widths or (512, 256, 128, 64))
        labels = self.condition_inputs()
        return sngan_generator(self.image_shape, self.latent_dim, labels, self.num_classes, widths)

    def build_discriminator(self):
        widths = self.sizes["discriminator_widths"]
        if self.sizes["architecture"] == "convolutional":
            return convolutional_discriminator(self.pack_shape, widths or (64, 128, 256, 512))
        labels = self.condition_inputs(packed=True)
        return sngan_discriminator(self.pack_shape, labels, self.num_classes, widths, self.sizes["downs"])

    def get_config(self):
        return {**super().get_config(), **self.sizes}


# Weights of mimicry (github.com/kwotsin/mimicry) ---------------------------------------------------------------------


def mimicry_pairs(network, names):
    """Pairs the variables of a network with their sources in mimicry's `state_dict`.

    Args:
        network: Generator or discriminator of SNGAN or SAGAN, built with `interpolation="bilinear"` and
            `activated=True`.
        names: Names of the entries.

    Returns:
        List of (variable, `kerasgan.zoo.convert.Source`).
    """
    generator = network.name == "generator"
    blocks = sum(layer.name.endswith("_convolution1") for layer in network.layers)
    first, last = (2, blocks + 2) if generator else (1, blocks + 1)
    modules = {"stem": "l1", "normalization": f"b{last}", "convolution": f"c{last}", "score": f"l{last}"}
    modules["label_projection"] = "l_y"
    parts = {"convolution1": "c1", "convolution2": "c2", "shortcut": "c_sc"}
    parts |= {"normalization1": "b1", "normalization2": "b2"}
    modules |= {f"block{i}_{part}": f"block{i + first}.{own}" for i in range(blocks) for part, own in parts.items()}
    owners, found = {}, []
    for layer in network.layers:
        module = modules.get(layer.name)
        if isinstance(layer, ConditionalBatchNormalization):
            owners[f"{module}.bn"] = layer.normalization
            embedding = f"{module}.embed.weight"
            if embedding not in names:
                continue
            found += [(layer.gain.embeddings, Source(embedding, functools.partial(_half, part=0), shift=-1.0))]
            found += [(layer.offset.embeddings, Source(embedding, functools.partial(_half, part=1)))]
        elif isinstance(layer, SelfAttention):
            owners |= {"attn_block": layer}
            owners |= {f"attn_block.{part}": getattr(layer, part) for part in ("theta", "phi", "g", "o")}
        elif module:
            owners[module] = layer
    places = {"l1": network.get_layer("small").target_shape[:2]} if generator else {}
    return found + pairs(owners, names, places)


def _half(values, part):
    return np.split(values, 2, axis=1)[part]
