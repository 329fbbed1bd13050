"""SimGAN (Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through Adversarial Training")."""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.own_networks import require_network
from kerasgan.bases.translation import BATCH_SIZE, TranslationRecipe
from kerasgan.bases.unpaired import UnpairedModel
from kerasgan.game.phase import Between, Phase, shared
from kerasgan.game.recipe import Adam
from kerasgan.layers import Conv2D, ImagePool
from kerasgan.objectives.losses import at_least_float32, mean
from kerasgan.pictures.files import replacing

FEATURES = ("identity", "channel_mean", "gradients")


@dataclasses.dataclass(frozen=True)
class Turn:
    """The steps of a cycle in which a player is trained, for the argument `every` of `Phase`.

    Args:
        start: First step of the first cycle.
        length: Number of steps in a cycle.
        first: The player's first step in the cycle.
        end: The step after the player's last one.
    """

    start: int
    length: int
    first: int
    end: int

    def __call__(self, step):
        return step >= self.start and self.first <= (step - self.start) % self.length < self.end


@dataclasses.dataclass(frozen=True)
class SimGANRecipe(TranslationRecipe):
    """Training settings of SimGAN.

    Args:
        regularization_weight: Weight of the mean absolute difference of the features of refined and synthetic images,
            relative to the mean loss of a patch (lambda of equation 4, which weights sums).
        warm_up_steps: Number of initial steps in which the refiner learns to reproduce synthetic images.
        discriminator_steps: Number of steps after these in which only the discriminator is trained.
        refiner_updates: Number of steps of the refiner in each cycle of algorithm 1 (K_g).
        discriminator_updates: Number of steps of the discriminator in each cycle (K_d).
        pool_size: Number of refined images in the discriminator's memory, which provides half of each batch. 0 for no
            memory.
        generator_optimizer: Optimizer of the refiner.
    """

    batch_size: int = 512
    regularization_weight: float = 10.0
    warm_up_steps: int = 1000
    discriminator_steps: int = 200
    refiner_updates: int = 2
    discriminator_updates: int = 1
    pool_size: int = 25_600
    jitter: float = 0.0
    flip: bool = False
    discriminator_optimizer: Any = Adam(1e-3)
    generator_optimizer: Any = Adam(1e-3)


@keras.saving.register_keras_serializable(package="kerasgan")
class SimGAN(UnpairedModel):
    """Makes synthetic images realistic while preserving their content, so that their labels remain valid.

    The refiner R, a stack of residual blocks without strides, is trained against a discriminator of patches. The
    refiner's loss also contains the distance of refined from synthetic images in features psi, |psi(R(x)) - psi(x)|
    (self-regularisation, equation 4). Half of the refined images that the discriminator judges are from earlier steps
    (section 2.3). First the refiner learns to reproduce images (`warm_up_steps`), then the discriminator is trained
    alone; after that the two alternate (algorithm 1), each with new batches.

    The networks are those of the gaze experiment (section 3.1). Differences: each patch has one logit instead of the
    equivalent two of a softmax; losses are means instead of sums over patches and pixels, and the paper states no value
    of lambda for them; Adam replaces SGD with a rate of 0.001.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1].
        width: Channels of the refiner.
        blocks: Number of residual blocks of the refiner.
        discriminator_widths: Channels of the discriminator's convolutions: two of 3x3 with stride 2, one of 3x3 after
            3x3 max pooling, and one of 1x1.
        features: The features psi: "identity", "channel_mean" (the mean over the colour channels), "gradients"
            (differences of neighbouring pixels), or a built Keras model of images, which is not trained.
        **kwargs: Arguments of `AdversarialModel`.

    Examples:

    >>> model = SimGAN(image_shape=(32, 32, 1))
    >>> model.compile()
    >>> model.fit(synthetic, real, epochs=100)
    >>> refined = model.refine(synthetic[:4])
    >>> model.write_refined("refined.npz", synthetic, angle=angles)
    """

    recipe = SimGANRecipe()
    translators = ("refiner",)
    fixed = ("target_channels",)

    def __init__(
        self, image_shape, width=64, blocks=4, discriminator_widths=(96, 64, 32, 32), features="identity", **kwargs
    ):
        super().__init__(image_shape, **kwargs)
        self.width, self.blocks, self.discriminator_widths = width, blocks, tuple(discriminator_widths)
        self._psi = None if features in FEATURES else features
        if self._psi is not None:
            if isinstance(features, str):
                raise ValueError(
                    f"`features` is {features!r}; expected one of {', '.join(FEATURES)}, or a Keras model."
                )
            require_network("features", features)
        self.features = features if self._psi is None else None
        more = {} if self._psi is None else {"features_network": self._psi}
        self.add_networks(
            averaged=("refiner",), refiner=self.build_refiner(), discriminator=self.build_discriminator(), **more
        )

    def build_refiner(self):
        """The refiner, a built Keras model of `images`."""
        images = keras.Input(self.image_shape, name="images")
        convolution = {"padding": "same", "kernel_initializer": "he_normal"}
        x = Conv2D(self.width, 3, activation="relu", **convolution)(images)
        for _ in range(self.blocks):
            h = Conv2D(self.width, 3, activation="relu", **convolution)(x)
            x = layers.ReLU()(layers.Add()([x, Conv2D(self.width, 3, **convolution)(h)]))
        x = Conv2D(self.image_shape[-1], 1)(x)
        x = layers.Activation("tanh", dtype=keras.config.floatx(), name="refined")(x)
        return keras.Model(images, x, name="refiner")

    def build_discriminator(self):
        """The discriminator of patches, a built Keras model of `images` to logits (batch, rows, columns, 1)."""
        images = x = keras.Input(self.image_shape, name="images")
        first, second, third, fourth = self.discriminator_widths
        convolution = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
        for filters in (first, second):
            x = Conv2D(filters, 3, strides=2, **convolution)(x)
        x = layers.MaxPooling2D(3, strides=1, padding="same")(x)
        x = Conv2D(third, 3, **convolution)(x)
        x = Conv2D(fourth, 1, **convolution)(x)
        return keras.Model(images, Conv2D(1, 1, name="logits")(x), name="discriminator")

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        recipe = self.recipe
        self._make_pool()
        alone = recipe.warm_up_steps + recipe.discriminator_steps
        cycle = recipe.refiner_updates + recipe.discriminator_updates
        turns = Turn(alone, cycle, 0, recipe.refiner_updates), Turn(alone, cycle, recipe.refiner_updates, cycle)
        refiner, discriminator, pool = ("refiner",), ("discriminator",), ("pool",)
        plan = [
            Phase("warm_up", refiner, self.regularization, "generator", Between(0, recipe.warm_up_steps)),
            Phase(
                "discriminator_alone",
                discriminator,
                self.discriminator_loss,
                "discriminator",
                Between(recipe.warm_up_steps, alone),
                pool,
            ),
            Phase("refiner", refiner, self.generator_loss, "generator", turns[0]),
            Phase("discriminator", discriminator, self.discriminator_loss, "discriminator", turns[1], pool),
        ]
        left_out = {"warm_up": recipe.warm_up_steps, "discriminator_alone": recipe.discriminator_steps}
        return tuple(phase for phase in plan if left_out.get(phase.name, 1))

    def _make_pool(self):
        size, batch_size = self.recipe.pool_size, self.recipe.batch_size
        if not hasattr(self, "pool"):
            self.pool = ImagePool(self.image_shape, size, batch_size, exactly_half=True)
        elif (self.pool.size, self.pool.batch_size) != (size, batch_size):
            raise ValueError(
                f"`pool_size` is {size} for batches of {batch_size}, but the model has a memory of {self.pool.size} "
                f"images for batches of {self.pool.batch_size}. Create a new model."
            )

    @shared
    def translated(self, batch):
        """The refined images of the batch."""
        self.refuse_weights(batch.sample_weight)
        return self.refiner(batch.x, training=True)

    def psi(self, images):
        """The features of images that refinement preserves, as a list of tensors."""
        if self._psi is not None:
            return keras.tree.flatten(self._psi(images, training=False))
        if self.features == "channel_mean":
            return [ops.sum(images, axis=-1) / images.shape[-1]]
        if self.features == "gradients":
            return [images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]]
        return [images]

    def distance(self, batch):
        """Mean absolute difference of the features of refined and synthetic images."""
        refined = self.translated(batch)
        pairs = zip(self.psi(refined), self.psi(ops.cast(batch.x, refined.dtype)), strict=True)
        return sum(mean(ops.abs(at_least_float32(a) - at_least_float32(b))) for a, b in pairs)

    def regularization(self, batch):
        """The self-regularisation alone."""
        loss = self.distance(batch)
        return loss, {"distance": loss}

    def generator_loss(self, batch):
        """The refiner's loss: equation 4."""
        real = self.discriminator(batch.y, training=True) if self.adversarial_loss.compares else None
        fooled = self.adversarial_loss.generator(self.discriminator(self.translated(batch), training=True), real)
        distance = self.distance(batch)
        weights = self.recipe.adversarial_weight, self.recipe.regularization_weight
        return weights[0] * fooled + weights[1] * distance, {"distance": distance}

    def discriminator_loss(self, batch):
        """The discriminator's loss over all patches: equation 2."""
        fake = self.pool(self.translated(batch))
        real_logits, fake_logits = (self.discriminator(images, training=True) for images in (batch.y, fake))
        loss = self.adversarial_loss.discriminator(real_logits, fake_logits)
        return loss, {"real_logits": mean(real_logits), "fake_logits": mean(fake_logits)}

    # Refined images -------------------------------------------------------------------------------------------------

    def refine(self, images, ema=True, batch_size=BATCH_SIZE):
        """Refines synthetic images, whose labels remain valid; the same as `translate`.

        Args:
            images: Float array of shape (count, *image_shape) in [-1, 1].
            ema: Whether to use the averaged refiner rather than the one being trained.
            batch_size: Number of images to process at once.

        Returns:
            A float32 array of shape (count, *image_shape) in [-1, 1].
        """
        return self.translate(images, ema=ema, batch_size=batch_size)

    def write_refined(self, path, images, ema=True, batch_size=BATCH_SIZE, **labels):
        """Writes refined images with the labels of the synthetic ones to a NumPy archive.

        Args:
            path: Path of the file, `refined.npz`.
            images: Synthetic images, float array of shape (count, *image_shape) in [-1, 1].
            ema: See `refine`.
            batch_size: See `refine`.
            **labels: Arrays of shape (count, ...) by name, such as `angle=angles`, which are written unchanged.

        Returns:
            The path. `np.load(path)` contains the refined images as uint8 levels `images`, and the labels under their
            names; `kerasgan.data.prepare` converts levels to [-1, 1].

        Raises:
            ValueError: If an array of labels has another length.
        """
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in labels.items()}
        for name, value in arrays.items():
            if value.ndim == 0 or len(value) != len(images):
                raise ValueError(
                    f"`{name}` has shape {value.shape}; expected ({len(images)}, ...): one for each image."
                )
        refined = self.refine(images, ema, batch_size)
        levels = np.rint(np.clip((refined + 1.0) * 127.5, 0, 255)).astype("uint8")
        with replacing(Path(path)) as file:
            np.savez_compressed(file, images=levels, **arrays)
        return Path(path)

    # Serialisation --------------------------------------------------------------------------------------------------

    def get_config(self):
        features = self.features if self._psi is None else keras.saving.serialize_keras_object(self._psi)
        return {**super().get_config(), "features": features}

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get("features"), dict):
            config = {**config, "features": keras.saving.deserialize_keras_object(config["features"])}
        return cls(**config)
