"""CycleGAN (Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks")."""

import dataclasses
import functools
from typing import Any

import keras
from keras import ops

from kerasgan.bases.translation import BATCH_SIZE, as_rgb
from kerasgan.bases.unpaired import UnpairedRecipe, UnpairedTranslationModel
from kerasgan.game.phase import Phase, shared
from kerasgan.layers import ImagePool, patch_discriminator, residual_translator
from kerasgan.objectives.losses import mean


@dataclasses.dataclass(frozen=True)
class CycleGANRecipe(UnpairedRecipe):
    """Training settings of CycleGAN.

    Args:
        adversarial_weight: Weight of the generators' adversarial losses: 2, because `least_squares` halves the squares
            for both players, the paper only for the discriminators.
        cycle_weight: Weight of the mean absolute difference after a translation there and back (lambda of equation 3).
        identity_weight: Weight, as a fraction of `cycle_weight`, of the mean absolute change of images that are already
            in a generator's target domain (section 5.2: 0.5 for photos of paintings). It needs equal channels.
        pool_size: Number of images in each discriminator's memory; 0 for no memory.
    """

    update: str = "alternating_shared"  # as in the authors' code
    adversarial_weight: float = 2.0
    cycle_weight: float = 10.0
    identity_weight: float = 0.0
    pool_size: int = 50


@keras.saving.register_keras_serializable(package="kerasgan")
class CycleGAN(UnpairedTranslationModel):
    """Unpaired translation: a generator for each direction, each trained against a discriminator.

    `to_y` and `to_x` are residual networks (c7s1-64, d128, d256, R256 times `blocks`, u128, u64, c7s1: appendix 7.2)
    with instance normalization and reflection padding. `discriminator_x` and `discriminator_y` judge patches of 70
    pixels, including those of earlier translations. The generators are trained first, as in the authors' code; they
    share an optimizer. If the domains have a symmetry (a transformation of images that preserves their distribution),
    the losses do not determine which of the translations that differ by it is learned.

    `fit(x, y)` draws the images of each domain in a separate order; the domains may have different sizes.

    Args:
        image_shape: Shape (height, width, channels) of the domain x, in [-1, 1]. Height and width are multiples of 4.
        target_channels: Channels of the domain y. `None` for those of x.
        width: Channels of the first layer of all networks.
        blocks: Number of residual blocks of a generator. `None` for 6 up to 128 pixels and 9 above.
        discriminator_depth: Number of strided layers of the discriminators: 0, 1, 2, 3 judge patches of 1, 16, 34, 70
            pixels.
        **kwargs: Arguments of `AdversarialModel`.

    Examples:

    >>> model = CycleGAN(image_shape=(256, 256, 3))
    >>> model.compile()
    >>> model.fit(horses, zebras, epochs=200)
    >>> striped = model.translate(horses[:4])
    >>> plain = model.translate(zebras[:4], to="x")
    """

    recipe = CycleGANRecipe()
    translators = ("to_y", "to_x")
    forward_pass = ("generator", "translated")

    def __init__(self, image_shape, target_channels=None, width=64, blocks=None, discriminator_depth=3, **kwargs):
        super().__init__(image_shape, target_channels, **kwargs)
        if any(size % 4 for size in self.image_shape[:2]):
            raise ValueError(f"`image_shape` is {self.image_shape}; expected height and width to be multiples of 4.")
        self.width, self.blocks, self.discriminator_depth = width, blocks, discriminator_depth
        patches = functools.partial(patch_discriminator, width=width, depth=discriminator_depth, affine=False)
        self.add_networks(
            averaged=self.translators,
            to_y=self.build_generator(self.image_shape, self.target_shape[2], "to_y"),
            to_x=self.build_generator(self.target_shape, self.image_shape[2], "to_x"),
            discriminator_x=patches(self.image_shape, name="discriminator_x"),
            discriminator_y=patches(self.target_shape, name="discriminator_y"),
        )

    def build_generator(self, image_shape, channels, name):
        """A translator, a built Keras model.

        Args:
            image_shape: Shape of its inputs.
            channels: Channels of its outputs.
            name: Name of the model.
        """
        blocks = (6 if max(self.image_shape[:2]) <= 128 else 9) if self.blocks is None else self.blocks
        return residual_translator(image_shape, channels, self.width, blocks, name)

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        if self.recipe.identity_weight and self.image_shape != self.target_shape:
            raise ValueError(
                f"`identity_weight` is {self.recipe.identity_weight}, but the domains have {self.image_shape[2]} and "
                f"{self.target_shape[2]} channels, so that no image can be in both. Leave it at 0."
            )
        self._make_pools()
        generators = Phase("generator", self.translators, self.generator_loss, "generator")
        critics, pools = ("discriminator_x", "discriminator_y"), ("pool_x", "pool_y")
        return generators, Phase("discriminator", critics, self.discriminator_loss, "discriminator", keeps=pools)

    def _make_pools(self):
        size, batch_size = self.recipe.pool_size, self.recipe.batch_size
        if not hasattr(self, "pool_x"):
            self.pool_x = ImagePool(self.image_shape, size, batch_size)
            self.pool_y = ImagePool(self.target_shape, size, batch_size)
        elif (self.pool_x.size, self.pool_x.batch_size) != (size, batch_size):
            raise ValueError(
                f"`pool_size` is {size} for batches of {batch_size}, but the model has memories of {self.pool_x.size} "
                f"images for batches of {self.pool_x.batch_size}. Create a new model."
            )

    @shared
    def translated(self, batch):
        """The pair (translations of the batch's y to x, translations of its x to y)."""
        x, y = self.views(batch)
        return self.to_x(y, training=True), self.to_y(x, training=True)

    def generator_loss(self, batch):
        loss, recipe = self.adversarial_loss, self.recipe
        real, fake = self.views(batch), self.translated(batch)
        fooled = 0.0
        for critic, images, translations in zip(self._critics, real, fake, strict=True):
            real_logits = critic(images, training=True) if loss.compares else None
            fooled += loss.generator(critic(translations, training=True), real_logits)
        back = self.to_x(fake[1], training=True), self.to_y(fake[0], training=True)
        cycle = _distance(back, real)
        total, logs = recipe.adversarial_weight * fooled + recipe.cycle_weight * cycle, {"cycle": cycle}
        if recipe.identity_weight:
            kept = self.to_x(real[0], training=True), self.to_y(real[1], training=True)
            logs["identity"] = _distance(kept, real)
            total += recipe.identity_weight * recipe.cycle_weight * logs["identity"]
        return total, logs

    def discriminator_loss(self, batch):
        fakes = [pool(images) for pool, images in zip((self.pool_x, self.pool_y), self.translated(batch), strict=True)]
        total, logs = 0.0, dict[str, Any]()
        for domain, critic, images, fake in zip("xy", self._critics, self.views(batch), fakes, strict=True):
            real_logits, fake_logits = critic(images, training=True), critic(fake, training=True)
            total += self.adversarial_loss.discriminator(real_logits, fake_logits)
            logs |= {f"real_logits_{domain}": mean(real_logits), f"fake_logits_{domain}": mean(fake_logits)}
        return total, logs

    @property
    def _critics(self):
        return self.discriminator_x, self.discriminator_y

    # Translations ---------------------------------------------------------------------------------------------------

    def translate(self, images, to="y", ema=True, batch_size=BATCH_SIZE):
        """Translates images of one domain into the other.

        Args:
            images: Float array of shape (count, height, width, channels) in [-1, 1], of any size; see `size_multiple`.
            to: "y" for images of the domain x, "x" for images of the domain y.
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of images to process at once.

        Returns:
            A float32 array of shape (count, height, width, channels of the domain `to`) in [-1, 1].

        Raises:
            ValueError: For images with other channels, of another type or range, or for an unknown domain.
        """
        if to not in ("x", "y"):
            raise ValueError(f"`to` is {to!r}; expected 'y' (for images of the domain x) or 'x'.")
        return self._translate(f"to_{to}", images, 0, ema, batch_size)

    def panel(self, x, y=None, seed=0, ema=True):
        """Rows of pictures: images of x, their translations to y, and back; if y is given, the same for y."""
        rows = []
        for images, there, back in ((x, "y", "x"), (y, "x", "y")):
            if images is not None:
                changed = self.translate(images, there, ema)
                rows += [images, changed, self.translate(changed, back, ema)]
        return [as_rgb(row) for row in rows]


def _distance(images, others):
    """Mean absolute difference, summed over both domains."""
    return sum(mean(ops.abs(a - b)) for a, b in zip(images, others, strict=True))
