"""Games that turn images into images: the common part of the translation families."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.data.kinds import Images
from kerasgan.game.inference import Inference
from kerasgan.game.model import AdversarialModel
from kerasgan.game.recipe import Recipe, optimizer
from kerasgan.objectives import losses

BATCH_SIZE = 16  # of translations: with the seed, what noise an image gets


@dataclasses.dataclass(frozen=True)
class TranslationRecipe(Recipe):
    """Training settings of translators between images.

    Args:
        loss: a `kerasgan.losses.AdversarialLoss`, its name or its configuration.
        adversarial_weight: of the generators' adversarial loss.
        jitter: share by which training images are enlarged (bilinear) before a crop of their size is taken anywhere.
        flip: mirror half of the training images, left to right.
        discriminator_optimizer: optimizer, or its configuration.
        generator_optimizer: likewise.
    """

    batch_size: int = 1
    loss: Any = "non_saturating"
    adversarial_weight: float = 1.0
    jitter: float = 30 / 256
    flip: bool = True
    discriminator_optimizer: Any = dataclasses.field(
        default_factory=functools.partial(optimizer, "adam", learning_rate=2e-4, beta_1=0.5)
    )
    generator_optimizer: Any = dataclasses.field(
        default_factory=functools.partial(optimizer, "adam", learning_rate=2e-4, beta_1=0.5)
    )


@keras.saving.register_keras_serializable(package="kerasgan")
class TranslationModel(AdversarialModel):
    """Generators of images from images: `fit(x, y)` with images x and y, `translate(x)`.

    A family names its translators, adds its networks and states its game.

    Args:
        image_shape: (height, width, channels) of images x in [-1, 1].
        target_channels: channels of images y; None for those of x.
        **kwargs: as for `AdversarialModel`.

    Attributes:
        as_pairs: what the family's data are, as `kerasgan.data.load` takes it.
        translators: names of the networks that translate, to the one that turns x into y first.
    """

    recipe = TranslationRecipe()
    as_pairs: Any = True
    translators: tuple[str, ...] = ("generator",)

    def __init__(self, image_shape, target_channels=None, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = Images(image_shape).shape
        self.target_shape = (*self.image_shape[:2], target_channels or self.image_shape[2])

    def data_specs(self):
        return Images(self.image_shape), Images(self.target_shape)

    @property
    def adversarial_loss(self):
        """The recipe's loss."""
        return losses.get(self.recipe.loss)

    def jittered(self, *images):
        """Aligned training images, jittered alike as the recipe says."""
        return jitter(images, self.recipe.jitter, self.recipe.flip, self.random)

    # Translations ---------------------------------------------------------------------------------------------------

    def call(self, inputs, training=False):
        """Images x in the style of y, by the averaged generator, with the noise of seed 0."""
        return Inference(self.averages[self.translators[0]]).graph(inputs)

    def translate(self, images, seed=0, ema=True, batch_size=BATCH_SIZE):
        """Images x in the style of y.

        Args:
            images: float array of shape (count, *image_shape) in [-1, 1].
            seed: of the noise of a family that has some, an integer of 0 or more. The same seed, images and
                `batch_size` give the same translations in every process of the same engine.
            ema: use the averaged generator, else the one in training.
            batch_size: how many are computed at once.

        Returns:
            float32 array of shape (count, *target_shape) in [-1, 1].

        Raises:
            ValueError: for images of another shape, type or range, or a negative seed.
        """
        return self._translate(self.translators[0], images, seed, ema, batch_size)

    def _translate(self, name, images, seed, ema, batch_size):
        network = self.averages[name] if ema else self.networks[name]
        Images(tuple(network.input.shape[1:])).check(images, "images")
        if (name, ema) not in self._inferences:
            self._inferences[name, ema] = Inference(network)
        return self._inferences[name, ema](np.asarray(images), seed, batch_size=batch_size)

    @functools.cached_property
    def _inferences(self):
        return {}

    def panel(self, x, y=None, seed=0, ema=True):
        """What a person should see of some images: rows of pictures.

        Args:
            x: images of shape (count, *image_shape).
            y: their targets of shape (count, *target_shape), or the other domain's images.
            seed: as for `translate`.
            ema: as for `translate`.

        Returns:
            List of arrays of shape (count, height, width, 3): input, output and, where y is given, target.
        """
        rows = [x, self.translate(x, seed, ema), *([] if y is None else [y])]
        return [as_rgb(row) for row in rows]

    def export(self, folder):
        """Writes a SavedModel for TensorFlow Serving: see `kerasgan.export.export_translation`."""
        from kerasgan.export import export_translation

        export_translation(self, folder)

    def get_config(self):
        own = {"image_shape": self.image_shape, "target_channels": self.target_shape[2]}
        return {**super().get_config(), **own}


def jitter(images, enlargement, flip, seed):
    """Random crops of enlarged images, mirrored by chance (Isola et al. 2017, appendix 6.2).

    Images are enlarged to `round(size * (1 + enlargement))` pixels, bilinearly, and cropped to their size again.

    Args:
        images: tuple of tensors (batch, height, width, channels) of one height and width; those at the same place of
            the batch are changed alike.
        enlargement: share of the size, 0 or more.
        flip: mirror each with probability 1/2.
        seed: a `keras.random.SeedGenerator`; an integer would draw the same for height and width.

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
    """Images of any number of channels as pictures: grey ones in three equal channels, of others the first three."""
    images = np.asarray(images)
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    missing = max(0, 3 - images.shape[-1])
    return np.pad(images, [(0, 0)] * 3 + [(0, missing)], constant_values=-1.0)[..., :3]
