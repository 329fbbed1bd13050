"""Models that translate images into images: base classes of the translation families."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.bases.tiles import Tiles
from kerasgan.data.kinds import Images
from kerasgan.game.inference import Inference
from kerasgan.game.model import AdversarialModel
from kerasgan.game.recipe import Adam, Recipe
from kerasgan.game.sizes import any_size, mirrored_to
from kerasgan.objectives import losses

BATCH_SIZE = 16  # of translations; with the seed it determines the noise of an image


@dataclasses.dataclass(frozen=True)
class TranslationRecipe(Recipe):
    """Training settings of translators between images.

    Args:
        loss: `kerasgan.losses.AdversarialLoss`, its name or its configuration.
        adversarial_weight: Weight of the generators' adversarial loss.
        jitter: Fraction by which training images are enlarged (bilinearly) before a random crop of their size.
        flip: Whether half of the training images are mirrored left to right.
        discriminator_optimizer: Optimizer of the discriminator, or its configuration.
        generator_optimizer: Optimizer of the generator, or its configuration.
    """

    batch_size: int = 1
    loss: Any = "non_saturating"
    adversarial_weight: float = 1.0
    jitter: float = 30 / 256
    flip: bool = True
    discriminator_optimizer: Any = Adam(2e-4, beta_1=0.5)
    generator_optimizer: Any = Adam(2e-4, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class TranslationModel(AdversarialModel):
    """Models that translate images x into images y: `fit(x, y)`, `translate(x)`.

    A family names its translators, adds its networks and defines its losses or phases.

    Args:
        image_shape: Shape (height, width, channels) of images x in [-1, 1].
        target_channels: Number of channels of images y. `None` for that of x.
        **kwargs: Arguments of `AdversarialModel`.

    Attributes:
        as_pairs: Value of the argument `as_pairs` of `kerasgan.data.load` for the family's data.
        translators: Names of the networks that translate; the first translates x into y.
        size_multiple: Number that must divide the translators' height and width. Images of other sizes are padded by
            reflection at the bottom and at the right, and the translations are cropped accordingly.
        smallest_size: Smallest height and width that the translators accept.
        enlargement: Factor by which translations are larger than their inputs.
    """

    recipe: Any = TranslationRecipe()
    as_pairs: Any = True
    translators: tuple[str, ...] = ("generator",)
    size_multiple = 1
    smallest_size = 1
    enlargement = 1

    def __init__(self, image_shape, target_channels=None, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = Images(image_shape).shape
        self.target_channels = target_channels
        self.target_shape = (*self.image_shape[:2], target_channels or self.image_shape[2])

    def data_specs(self):
        return Images(self.image_shape), Images(self.target_shape)

    @property
    def adversarial_loss(self):
        """The recipe's loss."""
        return losses.get(self.recipe.loss)

    def jittered(self, *images):
        """Aligned training images with the recipe's jitter, the same for all."""
        return jitter(images, self.recipe.jitter, self.recipe.flip, self.random)

    # Translations ---------------------------------------------------------------------------------------------------

    def call(self, inputs, training=False):
        """Translates images x with the averaged generator and the noise of seed 0."""
        return Inference(self.averages[self.translators[0]]).graph(inputs)

    def translate(self, images, seed=0, ema=True, batch_size=BATCH_SIZE):
        """Translates images x into the domain of y.

        Args:
            images: Float array of shape (count, height, width, channels) in [-1, 1], of the training images' size or
                any other: see `size_multiple`.
            seed: Seed of the noise, for families with noise; a non-negative integer. The same seed, images and
                `batch_size` give the same translations in every process of the same engine.
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of images to process at once.

        Returns:
            A float32 array of shape (count, height, width, target channels) in [-1, 1].

        Raises:
            ValueError: For images with other channels, of another type or range, or a negative seed.
        """
        return self._translate(self.translators[0], images, seed, ema, batch_size)

    def _translate(self, name, images, seed, ema, batch_size):
        network = self.averages[name] if ema else self.networks[name]
        images, shape = np.asarray(images), tuple(network.input.shape[1:])
        size = images.shape[1:3] if images.ndim == 4 and 0 not in images.shape else shape[:2]
        Images((*size, shape[2])).check(images, "images")
        trained = size == shape[:2]
        if (name, ema, trained) not in self._inferences:
            self._inferences[name, ema, trained] = Inference(network if trained else any_size(network))
        padded = images if trained else mirrored_to(images, self.size_multiple, self.smallest_size)
        made = self._inferences[name, ema, trained](padded, seed, batch_size=batch_size)
        return made[:, : size[0] * self.enlargement, : size[1] * self.enlargement]

    def tiles(self, to="y", ema=True, tile=None, overlap=None):
        """A translator for big pictures that works in tiles without visible seams: see `kerasgan.bases.tiles.Tiles`.

        Args:
            to: "y" to translate pictures of domain x, "x" for the opposite direction, in families that have one.
            ema: Whether to use the averaged generator rather than the one being trained.
            tile: Side of the tiles in pixels. `None` for a size that fits into memory.
            overlap: Pixels that neighbouring tiles share. `None` for the receptive field of the generator, so that the
                result is that of an untiled translation, or for a third of a tile if that is too much.

        Returns:
            A `Tiles`, to be called with a picture of shape (height, width, channels) in [-1, 1]. It uses the
            generator's current weights.

        Raises:
            ValueError: For an unknown domain, or for an impossible tile or overlap.

        Example:
            >>> large = model.tiles()(photo)
        """
        known = ("y", "x")[: len(self.translators)]
        if to not in known:
            raise ValueError(f"`to` is {to!r}; expected {' or '.join(map(repr, known))}.")
        name = self.translators[0 if to == "y" else 1]
        network = self.averages[name] if ema else self.networks[name]
        return Tiles(network, self.size_multiple, self.smallest_size, self.enlargement, tile, overlap)

    @functools.cached_property
    def _inferences(self):
        return {}

    def panel(self, x, y=None, seed=0, ema=True):
        """Rows of pictures that show translations.

        Args:
            x: Images of shape (count, *image_shape).
            y: Targets of shape (count, *target_shape), or images of the other domain.
            seed: See `translate`.
            ema: See `translate`.

        Returns:
            List of arrays of shape (count, height, width, 3): input, output and, if y is given, target.
        """
        rows = [x, self.translate(x, seed, ema), *([] if y is None else [y])]
        return [as_rgb(row) for row in rows]

    def export(self, folder):
        """Writes a SavedModel for TensorFlow Serving: see `kerasgan.export.export_translation`."""
        from kerasgan.export import export_translation

        export_translation(self, folder)


def jitter(images, enlargement, flip, seed):
    """Random crops of enlarged images, mirrored with probability 1/2 (Isola et al. 2017, appendix 6.2).

    Images are enlarged to `round(size * (1 + enlargement))` pixels, bilinearly, and cropped to their size again.

    Args:
        images: Tuple of tensors (batch, height, width, channels) with the same height and width. Images at the same
            position in the batch are transformed in the same way.
        enlargement: Fraction of the size, 0 or more.
        flip: Whether to mirror each image with probability 1/2.
        seed: `keras.random.SeedGenerator`; an integer would give the same numbers for height and width.

    Returns:
        Tuple of tensors of the same shapes.
    """
    if not enlargement and not flip:
        return images
    first, count = images[0], ops.shape(images[0])[0]
    maps = []
    for axis in (1, 2):
        size = first.shape[axis]
        enlarged = round(size * (1.0 + enlargement))
        offset = keras.random.randint((count, 1), 0, enlarged - size + 1, seed=seed)
        place = ops.cast(offset + ops.arange(size, dtype="int32"), first.dtype)
        source = ops.clip((place + 0.5) * (size / enlarged) - 0.5, 0.0, size - 1.0)
        if flip and axis == 2:
            mirrored = keras.random.uniform((count, 1), seed=seed) < 0.5
            source = ops.where(mirrored, size - 1.0 - source, source)
        distance = ops.abs(source[:, :, None] - ops.arange(size, dtype=first.dtype))
        maps.append(ops.maximum(1.0 - distance, 0.0))
    return tuple(ops.einsum("bij,bjkc,blk->bilc", maps[0], image, maps[1]) for image in images)


def as_rgb(images):
    """Images as RGB pictures: the grey channel three times, or the first three channels."""
    images = np.asarray(images)
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    missing = max(0, 3 - images.shape[-1])
    return np.pad(images, [(0, 0)] * 3 + [(0, missing)], constant_values=-1.0)[..., :3]
