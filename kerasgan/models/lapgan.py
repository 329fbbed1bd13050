"""LAPGAN (Denton et al. 2015, "Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks")."""

import dataclasses
import functools
import itertools
import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data.kinds import Images
from kerasgan.game.optimizers import FlooredDecay
from kerasgan.game.phase import shared
from kerasgan.game.recipe import SGD
from kerasgan.game.signals import probed
from kerasgan.layers import Conv2D, LaplacianPyramid, Resample, label_plane, with_labels

SMALLEST = 8  # maximum size of the coarsest level in pixels, if the number of levels is not given
REFINED = 6  # pixels that a level's valid 5x5 convolution reduces to two
EPOCH = 781  # steps in an epoch of CIFAR-10: 50,000 images in batches of 64
# In each epoch the rate is divided by 1 + 4e-5 and 0.0008 is added to the momentum.
SLOWING_SGD = SGD(
    FlooredDecay(0.02, (1.0 + 4e-5) ** (1.0 / EPOCH), 0.0), momentum=0.5, final_momentum=0.8, ramp_steps=375 * EPOCH
)


@dataclasses.dataclass(frozen=True)
class LAPGANRecipe(LatentRecipe):
    """Settings of each level (section 4). Each level's players have copies of the two optimizers."""

    discriminator_optimizer: Any = SLOWING_SGD
    generator_optimizer: Any = SLOWING_SGD


@keras.saving.register_keras_serializable(package="kerasgan")
class LAPGAN(LatentModel):
    """A Laplacian pyramid of GANs: the coarsest makes small images, each other one adds details at twice the size.

        I~_K = G_K(z_K),    I~_k = u(I~_(k+1)) + G_k(z_k, u(I~_(k+1)))

    K is the coarsest level and 0 the full size; d and u are those of `kerasgan.layers.LaplacianPyramid`. One `fit`
    trains all levels independently: level k learns the details of real coarse images u(d(I_k)), never those of
    generated ones, so that no level depends on another. Its discriminator receives I_k or u(d(I_k)) + G_k(z_k,
    u(d(I_k))): the low-pass image is added to the details before the first layer (section 3.1). The names of a level's
    players, networks and logs end in its number: `generator_0`, `discriminator_0`, ..., and `ema_generator_0` for the
    average.

    The networks are those of CIFAR-10 (section 4.1 and the authors' code). The coarsest level is a GAN of perceptrons:
    2 x 1200 ReLU units in the generator, 2 x 600 with dropout in the discriminator. At the other levels the noise and
    the class (section 3.2) are planes of the level's size, additional channels of the coarse image; the generator has
    convolutions of 7x7, 7x7 and 5x5, the discriminator two of 5x5, a valid and a strided one, and dropout. Generators
    have no final activation; samples are clipped to [-1, 1], images in training are not. Differences from the paper:
    the paper's images have mean 0 and deviation 1 at each pixel, ours are in [-1, 1]; the authors' code has a ReLU on
    the class planes, which would permanently leave half of their entries without a gradient; the paper's images have 28
    pixels, so that the sizes are 28, 14 and 8, whereas here each size is half the previous one.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1].
        levels: Number of sizes, each half the previous one; 1 for a single GAN of perceptrons. `None` for at least two
            sizes, down to 8 pixels or fewer.
        noise_dim: Length of the coarsest level's noise. All noise is uniform in [-1, 1]; the latents are the noise of
            all levels concatenated, coarsest level first.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        width: Channels of the hidden convolutions of both players.
        units: Width of the hidden layers of the coarsest generator.
        discriminator_units: Width of the hidden layers of the coarsest discriminator.
        dropout: Dropout rate of the discriminators' last hidden layer; at the coarsest level, of both hidden layers.
        **kwargs: Arguments of `kerasgan.LatentModel`. For other networks, override `build_level_generator` or
            `build_level_discriminator`.

    Examples:

    >>> model = LAPGAN(image_shape=(8, 8, 1), num_classes=10)
    >>> model.compile()
    >>> model.fit(images, labels, epochs=100)
    >>> sevens = model.sample(16, labels=[7] * 16)
    >>> coarse, fine = model.stages(16, labels=[7] * 16)  # the same images at all levels
    >>> other_details = model.refine(coarse, labels=[7] * 16, seed=1)
    """

    recipe = LAPGANRecipe()
    fixed = ("latent_dim", "latent_range", "generator", "discriminator")

    def __init__(
        self,
        image_shape,
        levels=None,
        noise_dim=100,
        num_classes=None,
        width=64,
        units=1200,
        discriminator_units=600,
        dropout=0.5,
        **kwargs,
    ):
        height, image_width, channels = Images(image_shape).shape
        self.levels = check_levels(height, image_width, levels)
        self.noise_dim, self.width, self.dropout = noise_dim, width, dropout
        self.units, self.discriminator_units = units, discriminator_units
        self.level_shapes = tuple((height >> level, image_width >> level, channels) for level in range(self.levels))
        self.latent_shapes = (*((*shape[:2], 1) for shape in self.level_shapes[:-1]), (noise_dim,))
        latent_dim = sum(math.prod(shape) for shape in self.latent_shapes)
        super().__init__(image_shape, latent_dim, (-1.0, 1.0), num_classes, **kwargs)

    # Networks -------------------------------------------------------------------------------------------------------

    def build_networks(self):
        self.pyramid = LaplacianPyramid(self.levels, dtype=keras.config.floatx())
        generators = {f"generator_{level}": self.build_level_generator(level) for level in range(self.levels)}
        discriminators = {
            f"discriminator_{level}": self.build_level_discriminator(level) for level in range(self.levels)
        }
        self.add_networks(averaged=tuple(generators), **generators, **discriminators)
        self.generator, self.ema_generator = self._chain("generator"), self._chain("ema_generator")

    @property
    def discriminator(self):
        """The discriminator of full-size images: that of level 0."""
        return self.discriminator_0

    def build_level_generator(self, level):
        """The generator of a level: a built Keras model of `latents`, `coarse` images and labels.

        Args:
            level: Number of the level; 0 is the full size. The coarsest level has no input `coarse`.
        """
        *place, channels = self.level_shapes[level]
        latents, labels = keras.Input(self.latent_shapes[level], name="latents"), self.condition_inputs()
        if level == self.levels - 1:
            x = with_labels(latents, labels, self.num_classes)
            for _ in range(2):
                x = layers.Dense(self.units, "relu")(x)
            x = layers.Dense(math.prod(place) * channels, dtype=keras.config.floatx())(x)
            x = layers.Reshape((*place, channels), dtype=keras.config.floatx(), name="images")(x)
            return keras.Model(self.inputs_of(latents, *labels), x, name=f"generator_{level}")
        coarse = keras.Input(self.level_shapes[level + 1], name="coarse")
        enlarged = Resample(up=2, mirror=True, dtype=keras.config.floatx(), name="enlarged")(coarse)
        planes = [label_plane(labels[0], self.num_classes, *place)] if labels else []
        x = layers.Concatenate()([latents, *planes, enlarged])
        for _ in range(2):
            x = Conv2D(self.width, 7, padding="same", activation="relu")(x)
        x = Conv2D(channels, 5, padding="same", dtype=keras.config.floatx(), name="details")(x)
        x = layers.Add(dtype=keras.config.floatx(), name="images")([enlarged, x])
        return keras.Model([latents, coarse, *labels], x, name=f"generator_{level}")

    def build_level_discriminator(self, level):
        """The discriminator of a level: a built Keras model of `images`, or packs of them, and labels.

        Args:
            level: Number of the level; 0 is the full size.
        """
        *place, channels = self.level_shapes[level]
        images = keras.Input((*place, self.packing * channels), name="images")
        labels = self.condition_inputs(packed=True)
        drop = functools.partial(layers.Dropout, self.dropout)
        if level == self.levels - 1:
            x = layers.Flatten()(images)
            x = with_labels(x, labels, self.num_classes)
            for _ in range(2):
                x = drop()(layers.Dense(self.discriminator_units, "relu")(x))
        else:
            planes = [label_plane(labels[0], self.num_classes, *place)] if labels else []
            x = layers.Concatenate()([images, *planes]) if planes else images
            x = Conv2D(self.width, 5, activation="relu")(x)
            x = Conv2D(self.width, 5, strides=2, padding="same", activation="relu")(x)
            x = drop()(layers.Flatten()(x))
        logits = layers.Dense(1, name="logits")(x)
        return keras.Model(self.inputs_of(images, *labels), logits, name=f"discriminator_{level}")

    def _chain(self, name):
        """The chained generators of all levels: a model from latents and labels to images in [-1, 1]."""
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        parts, images = self.split_latents(latents), list[keras.KerasTensor]()
        for level in reversed(range(self.levels)):
            network = getattr(self, f"{name}_{level}")
            images.append(network(self.inputs_of(parts[level], *images[-1:], *labels)))
        return keras.Model(self.inputs_of(latents, *labels), ops.clip(images[-1], -1.0, 1.0), name=name)

    def split_latents(self, latents):
        """Splits latents of shape (batch, latent_dim) into the noise of each level, from level 0 on."""
        ends = list(itertools.accumulate(math.prod(shape) for shape in reversed(self.latent_shapes)))
        parts = [latents[:, start:end] for start, end in zip([0, *ends], ends, strict=False)]
        return [ops.reshape(x, (-1, *shape)) for x, shape in zip(reversed(parts), self.latent_shapes, strict=True)]

    # The game -------------------------------------------------------------------------------------------------------

    def optimizers(self):
        """The optimizers of each level's players: copies of the recipe's two optimizers."""
        return {
            f"{player}_{level}": type(optimizer).from_config(optimizer.get_config())
            for level in range(self.levels)
            for player, optimizer in self.recipe.optimizers().items()
        }

    def phases(self):
        one = super().phases()  # of one level; the losses identify the level by the image size
        return tuple(
            dataclasses.replace(
                phase,
                name=f"{phase.name}_{level}",
                trains=tuple(f"{name}_{level}" for name in phase.trains),
                loss=functools.partial(self._level_loss, loss=phase.loss, level=level),
                optimizer=f"{phase.optimizer}_{level}",
            )
            for level in range(self.levels)
            for phase in one
        )

    def _level_loss(self, batch, loss, level):
        value, logs = loss(self.level_batch(batch, level))
        return value, {f"{name}_{level}": log for name, log in logs.items()}

    @shared
    def level_batch(self, batch, level):
        """The batch with the real images of a level, I_k."""
        return batch._replace(x=self.pyramid.reduce(batch.x, level))

    def level_of(self, images):
        """The level of images of shape (batch, height, width, channels).

        Raises:
            ValueError: If no level has their size.
        """
        sizes = [shape[:2] for shape in self.level_shapes]
        size = tuple(images.shape[1:3])
        if size not in sizes:
            raise ValueError(f"Images of shape {tuple(images.shape)} belong to no level; the sizes are {sizes}.")
        return sizes.index(size)

    @shared
    def generated(self, batch):
        """Generated images of a level, from new noise and the coarse versions of the real images."""
        level = self.level_of(batch.x)
        inputs = [self.split_latents(self.latents(batch))[level]]
        inputs += [self.pyramid.reduce(batch.x)] if level < self.levels - 1 else []
        inputs += self.fake_condition(batch)
        return probed(self.networks[f"generator_{level}"](self.inputs_of(*inputs), training=True))

    def fake_weight(self, batch):
        """Weights of a level's generated images: those of the real images whose coarse version or labels they share."""
        given = self.num_classes or self.level_of(batch.x) < self.levels - 1
        return self.pack_weight(batch) if given else None

    def discriminate(self, samples, *conditions):
        network = self.networks[f"discriminator_{self.level_of(samples)}"]
        return network(self.inputs_of(samples, *conditions), training=True)

    # Samples --------------------------------------------------------------------------------------------------------

    def stages(self, count, seed=0, labels=None, ema=True, batch_size=64):
        """Generates the images of all levels that lead to `sample(count, seed, labels, ema)`.

        Args:
            count: Number of samples.
            seed: Non-negative integer.
            labels: Integers of shape (count,) for a conditional model. Defaults to cycling through 0, 1, 2, ...
            ema: Whether to use the averaged generators rather than those being trained.
            batch_size: Number of samples to process at once.

        Returns:
            List of float32 arrays of shape (count, height, width, channels), images in [-1, 1], coarsest first.

        Raises:
            ValueError: See `sample`.
        """
        latents, *labels = self.sample_inputs(count, seed, labels=labels)
        parts, images = self.split_latents(latents), list[np.ndarray]()
        for level in reversed(range(self.levels)):
            images.append(self._generate_level(level, [parts[level], *images[-1:], *labels], ema, batch_size))
        return [np.clip(x, -1.0, 1.0) for x in images]

    def refine(self, coarse, seed=0, labels=None, ema=True, batch_size=64):
        """Doubles the size of coarse images and adds generated details.

        Args:
            coarse: Images in [-1, 1] with the size of any level except 0: generated by `stages`, or real images reduced
                by `pyramid.reduce`.
            seed: Seed of the noise, a non-negative integer.
            labels: Integers of shape (count,) for a conditional model. Defaults to cycling through 0, 1, 2, ...
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of images to process at once.

        Returns:
            A float32 array of shape (count, 2 * height, 2 * width, channels), images in [-1, 1].

        Raises:
            ValueError: For images of another size; see also `sample`.
        """
        coarse = ops.convert_to_tensor(coarse, "float32")
        level = self.level_of(coarse) - 1
        if level < 0:
            raise ValueError(
                f"`coarse` has images of {tuple(coarse.shape[1:3])} pixels, which is the full size; expected smaller "
                "images."
            )
        latents, *labels = self.sample_inputs(len(coarse), seed, labels=labels)
        inputs = [self.split_latents(latents)[level], coarse, *labels]
        return np.clip(self._generate_level(level, inputs, ema, batch_size), -1.0, 1.0)

    def _generate_level(self, level, inputs, ema, batch_size):
        network = getattr(self, f"{'ema_' if ema else ''}generator_{level}")
        return self.inference(network)(inputs, batch_size=batch_size)


def check_levels(height, width, levels=None):
    """The number of levels of a pyramid.

    Args:
        height: Height of the images.
        width: Width of the images.
        levels: Number of levels. `None` for sizes down to 8 pixels or fewer.

    Raises:
        ValueError: If the images are too small for this number of levels, or cannot be halved that often.
    """
    most, smaller = 1, min(height, width)
    while height % 2**most == width % 2**most == 0 and smaller >> (most - 1) >= REFINED:
        most += 1
    chosen = levels
    if levels is None and most > 1:
        chosen = min(most, max(2, 1 + math.ceil(math.log2(smaller / SMALLEST))))
    if chosen not in range(1, most + 1):
        raise ValueError(
            f"`levels` is {levels!r}; expected 1 to {most} for images of {height}x{width} pixels: each level but the "
            f"coarsest has even sides of at least {REFINED}."
        )
    return chosen
