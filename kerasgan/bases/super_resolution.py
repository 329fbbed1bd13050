"""Models that enlarge images: base classes of the super-resolution families."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.translation import TranslationModel, as_rgb
from kerasgan.data.degradation import DegradedBatches, enlarged
from kerasgan.data.degradation import get as get_degradation
from kerasgan.data.kinds import Images
from kerasgan.data.pipeline import ArrayBatches, are_arrays, as_arrays
from kerasgan.game.phase import Between, Phase, shared
from kerasgan.game.recipe import Adam, Recipe
from kerasgan.layers import Conv2D, LeakyReLU, batch_normalization
from kerasgan.metrics.features.maps import feature_network
from kerasgan.objectives.losses import weighted_mean


@dataclasses.dataclass(frozen=True)
class SuperResolutionRecipe(Recipe):
    """Training settings of super-resolution.

    Args:
        loss: `kerasgan.losses.AdversarialLoss`, its name or its configuration.
        adversarial_weight: Weight of the generator's adversarial loss.
        perceptual_weight: Weight of the distance between the feature maps of enlarged and original images. 0 for
            training without a feature network.
        pixel_weight: Weight of the distance between enlarged and original images after the pretraining.
        pretraining_steps: Number of initial steps in which only the generator is trained, on the pixel distance.
        degradation: How to make small images from large ones: see `kerasgan.data.degradation.get`.
        flip: Whether half of the training images are mirrored left to right.
        pretraining_optimizer: Optimizer of the generator in the pretraining, or its configuration.
        discriminator_optimizer: Optimizer of the discriminator, or its configuration.
        generator_optimizer: Optimizer of the generator after the pretraining, or its configuration.
    """

    batch_size: int = 16
    loss: Any = "non_saturating"
    adversarial_weight: float = 1e-3
    perceptual_weight: float = 1.0
    pixel_weight: float = 0.0
    pretraining_steps: int = 1_000_000
    degradation: Any = "bicubic"
    flip: bool = False
    pretraining_optimizer: Any = Adam(1e-4)
    discriminator_optimizer: Any = Adam(1e-4)
    generator_optimizer: Any = Adam(1e-4)

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.pretraining_steps, int) or self.pretraining_steps < 0:
            raise ValueError(f"`pretraining_steps` is {self.pretraining_steps!r}; expected an integer of 0 or more.")


class SuperResolutionModel(TranslationModel):
    """Generators of large images from small ones: `fit(large)` or `fit(small, large)`, `translate(small)`.

    `fit(large)` makes the small images itself, according to the recipe's `degradation`; in each epoch they are new, as
    a function of the model's seed, the epoch and the image. In the first `pretraining_steps` steps the generator is
    trained on the pixel distance, afterwards both players on the adversarial, the perceptual and the pixel loss. The
    generators are convolutional, so that `translate` accepts small images of any size. They have no final activation:
    images are clipped to [-1, 1] in inference.

    Args:
        image_shape: Shape (height, width, channels) of the large training images in [-1, 1]. Height and width are
            multiples of `factor`.
        factor: Integer factor by which images are enlarged.
        features: Feature network of the perceptual loss: a name, a folder or a Keras model; see
            `kerasgan.metrics.features.maps`. It is needed for training only. A Keras model is not part of the
            configuration: pass it again to a loaded model before further training.
        **kwargs: Arguments of `AdversarialModel`.

    Attributes:
        adversarial_share: Factor of the adversarial losses of both players.
        factors: Factors that the family supports.
        small_shape: Shape of the small training images.
    """

    recipe = SuperResolutionRecipe()
    fixed = ("target_channels",)
    as_pairs = False
    adversarial_share = 1.0
    factors: tuple[int, ...] = (2, 4)

    def __init__(self, image_shape, factor=4, features="random", **kwargs):
        super().__init__(image_shape, **kwargs)
        if factor not in self.factors:
            raise ValueError(f"`factor` is {factor!r}; expected one of {', '.join(map(str, self.factors))}.")
        if any(size % factor for size in self.image_shape[:2]):
            raise ValueError(
                f"`image_shape` is {self.image_shape}; expected multiples of the factor {factor} as height and width."
            )
        self.factor = self.enlargement = factor
        self.__dict__["features"] = features  # not tracked by Keras, like all frozen networks
        height, width, channels = self.image_shape
        self.small_shape = (height // factor, width // factor, channels)
        self.add_networks(
            averaged=("generator",), generator=self.build_generator(), discriminator=self.build_discriminator()
        )

    def build_generator(self):
        """The generator, a built Keras model from small to large images."""
        raise NotImplementedError(f"{type(self).__name__} must define build_generator().")

    def build_discriminator(self):
        """The discriminator, a built Keras model from large images to logits."""
        raise NotImplementedError(f"{type(self).__name__} must define build_discriminator().")

    def differences(self, images, others):
        """Elementwise differences, whose mean is the distance of pixels or features; a tensor of the same shape."""
        raise NotImplementedError(f"{type(self).__name__} must define differences(images, others).")

    def get_config(self):
        config = super().get_config()
        return {**config, "features": None if isinstance(self.features, keras.Model) else self.features}

    def data_specs(self):
        return Images(self.small_shape), Images(self.image_shape)

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        recipe, start = self.recipe, self.recipe.pretraining_steps
        get_degradation(recipe.degradation)
        if recipe.perceptual_weight and "maps" not in self.frozen:
            if self.features is None:
                raise ValueError(
                    "`features` is None, but the recipe has a perceptual loss. Give the model a feature network, or "
                    "compile with perceptual_weight=0."
                )
            self.add_networks(frozen={"maps": feature_network(self.features, self.image_shape[2])})
        pretraining = Phase(
            "pretraining", ("generator",), self.pretraining_loss, "pretraining", every=Between(0, start)
        )
        discriminator, generator = (dataclasses.replace(phase, every=Between(start)) for phase in super().phases())
        return (pretraining, discriminator, generator) if start else (discriminator, generator)

    def optimizers(self):
        players = super().optimizers()
        return players if self.recipe.pretraining_steps else {k: v for k, v in players.items() if k != "pretraining"}

    @shared
    def views(self, batch):
        """The batch's small and large images, mirrored alike."""
        if not self.recipe.flip:
            return batch.x, batch.y
        mirrored = keras.random.uniform((ops.shape(batch.x)[0], 1, 1, 1), seed=self.random) < 0.5
        return tuple(ops.where(mirrored, ops.flip(images, axis=2), images) for images in (batch.x, batch.y))

    @shared
    def enlarged(self, batch):
        """The generator's enlargements of the small images."""
        return self.generator(self.views(batch)[0], training=True)

    def distance(self, images, others, weight):
        """Weighted mean of the `differences`, a scalar."""
        return weighted_mean(self.differences(images, others), weight)

    def pretraining_loss(self, batch):
        """Mean pixel distance."""
        return self.distance(self.enlarged(batch), self.views(batch)[1], batch.sample_weight), {}

    def discriminator_loss(self, batch):
        large, weight = self.views(batch)[1], batch.sample_weight
        real = self.discriminator(large, training=True)
        fake = self.discriminator(self.enlarged(batch), training=True)
        loss = self.adversarial_loss.discriminator(real, fake, weight, weight)
        return self.adversarial_share * loss, {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake)}

    def generator_loss(self, batch):
        recipe, large, weight = self.recipe, self.views(batch)[1], batch.sample_weight
        made = self.enlarged(batch)
        real = self.discriminator(large, training=True) if self.adversarial_loss.compares else None
        fake = self.discriminator(made, training=True)
        adversarial = self.adversarial_share * self.adversarial_loss.generator(fake, real, weight, weight)
        loss, logs = recipe.adversarial_weight * adversarial, {"adversarial": adversarial}
        if recipe.perceptual_weight:
            ours, theirs = (self.maps(ops.cast(x, keras.config.floatx()), training=False) for x in (made, large))
            logs["perceptual"] = self.distance(ours, theirs, weight)
            loss = loss + recipe.perceptual_weight * logs["perceptual"]
        logs["pixels"] = self.distance(made, large, weight)
        return (loss + recipe.pixel_weight * logs["pixels"] if recipe.pixel_weight else loss), logs

    # Data -----------------------------------------------------------------------------------------------------------

    def fit(self, x=None, y=None, batch_size=None, *, shuffle=True, sample_weight=None, **kwargs):
        """Trains on small images x and large images y, or on large images x alone; see `AdversarialModel.fit`.

        Args:
            x: Small images; large ones of shape (count, *image_shape) if there is no y; or a data set of batches
                (small, large), such as `kerasgan.data.degradation.DegradedBatches`; or large images alone, as from
                `kerasgan.data.source(...).batches()`.
            y: Large images, for arrays.
            batch_size: Batch size for arrays. Defaults to that of the recipe.
            shuffle: Whether to draw a new order for each epoch, for arrays.
            sample_weight: Weights of shape (count,), for arrays x and y.
            **kwargs: See `AdversarialModel.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: For data the family cannot be trained on; the message says what to do.
        """
        stored = isinstance(x, ArrayBatches) and not isinstance(x.arrays, tuple)  # large images, read batch by batch
        if y is None and (stored or (are_arrays(x) and np.shape(x)[1:] == self.image_shape)):
            if sample_weight is not None:
                raise ValueError("`sample_weight` was given with large images only; it needs both x and y.")
            images, read = (x.arrays, x.prepare) if stored else (as_arrays(x), None)
            if not stored:
                Images(self.image_shape).check(images)
            size = batch_size or (x.batch_size if stored else None) or min(self.recipe.largest_batch, len(images))
            order = self.seed if shuffle else None
            options = {"seed": self.seed, "read": read}
            x, batch_size = DegradedBatches(images, self.recipe.degradation, self.factor, size, order, **options), None
        return super().fit(x, y, batch_size, shuffle=shuffle, sample_weight=sample_weight, **kwargs)

    # Enlargements ---------------------------------------------------------------------------------------------------

    def panel(self, x, y=None, seed=0, ema=True):
        """Rows of pictures: small images enlarged by interpolation, those enlarged by the generator, and the originals.

        Args:
            x: Small images, or large ones without y, which are then made small.
            y: Large images of shape (count, *image_shape).
            seed: Not used: the families have no noise.
            ema: See `translate`.

        Returns:
            List of arrays of shape (count, height, width, 3).
        """
        x = np.asarray(x)
        if y is None or len(y) == 0:
            y = x if x.shape[1:] == self.image_shape else None
        if y is not None and x.shape[1:] == self.image_shape:
            degradation = get_degradation(self.recipe.degradation)
            x = degradation.apply(y, self.factor, np.arange(len(y)), seed=self.seed)
        rows = [enlarged(x, self.factor), self.translate(x, ema=ema), *([] if y is None else [y])]
        return [as_rgb(row) for row in rows]


def staged_discriminator(image_shape, width, stages=None, most=5, strided_kernel=3, units=1024):
    """A discriminator with two convolutions at each size, as in VGG networks, and two dense layers.

    The first convolution has 3x3 kernels, the second has stride 2. Filters double from stage to stage up to eight times
    `width`. Each convolution except the first is followed by batch normalization, and all by LeakyReLU with slope 0.2.

    Args:
        image_shape: Shape (height, width, channels) of the images.
        width: Filters of the first stage.
        stages: Number of halvings. `None` for as many as possible down to 4 pixels, but at most `most`.
        most: Largest number of halvings if `stages` is `None`.
        strided_kernel: Side of the strided kernels.
        units: Number of units of the hidden dense layer.

    Returns:
        A Keras model from `images` to logits of shape (batch, 1).

    Raises:
        ValueError: If the images are too small for the stages.
    """
    side = min(image_shape[:2])
    stages = max(1, min(most, side.bit_length() - 3)) if stages is None else stages
    if stages < 1 or side >> stages < 1:
        raise ValueError(f"`stages` is {stages}; expected at least 1 and at most {side.bit_length() - 1} halvings.")
    images = x = keras.Input(image_shape, name="images")
    for stage in range(stages):
        filters = width << min(stage, 3)
        x = Conv2D(filters, 3, padding="same", use_bias=stage == 0)(x)
        x = LeakyReLU(0.2)(batch_normalization()(x) if stage else x)
        x = Conv2D(filters, strided_kernel, 2, padding="same", use_bias=False)(x)
        x = LeakyReLU(0.2)(batch_normalization()(x))
    x = LeakyReLU(0.2)(layers.Dense(units)(layers.Flatten()(x)))
    return keras.Model(images, layers.Dense(1, name="logits")(x), name="discriminator")
