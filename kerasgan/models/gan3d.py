"""3D-GAN (Wu et al. 2016, "Learning a Probabilistic Latent Space of Object Shapes via 3D Generative-Adversarial
Modeling")."""

import dataclasses
import functools
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data.kinds import Kind, Voxels
from kerasgan.game.engines import mean_over_replicas
from kerasgan.game.phase import shared
from kerasgan.game.recipe import Adam
from kerasgan.layers import (
    Conv3DTranspose,
    LeakyReLU,
    batch_normalization,
    label_projection,
    normal,
    normalization,
    with_labels,
)
from kerasgan.objectives.losses import at_least_float32, weighted_mean
from kerasgan.objectives.penalties import R1

START = 4  # voxels along a side of the generator's first and the discriminator's last feature maps
POOLED = 2  # cells along a side of the pooled features
ROUNDING = 1e-6  # tolerance of an accuracy
# For small cubes on a CPU: equal learning rates, and R1 instead of waiting, which made all samples alike.
SMALL: dict[str, Any] = {
    "batch_size": 32,
    "accuracy_limit": None,
    "penalties": (R1(1.0),),
    "discriminator_optimizer": Adam(1e-3, beta_1=0.5),
    "generator_optimizer": Adam(1e-3, beta_1=0.5),
    "ema_half_life": 2000.0,
}


@dataclasses.dataclass(frozen=True)
class GAN3DRecipe(LatentRecipe):
    """Settings of section 3.1.

    Args:
        accuracy_limit: Accuracy on a batch's real and generated solids above which the discriminator waits. `None` for
            no waiting.
    """

    batch_size: int = 100
    accuracy_limit: float | None = 0.8
    discriminator_optimizer: Any = Adam(1e-5, beta_1=0.5)
    generator_optimizer: Any = Adam(2.5e-3, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class GAN3D(LatentModel):
    """3D-GAN: a DCGAN with volumetric convolutions, for voxel solids.

    All kernels are 4x4x4. The generator makes feature maps of 4x4x4 positions from the latents and doubles their side
    in each further layer, the last of which ends in a sigmoid; the discriminator halves it with strided convolutions. A
    cube of 64 voxels takes four layers of stride 2 in each network, a cube of 32 three and a cube of 16 two (section
    3.1 and supplementary material).

    The discriminator waits while it is ahead: its weights, statistics and optimizer do not change in a step in which it
    classifies more than 80% of the batch's solids correctly. The paper measures this on the previous batch; here the
    accuracy is that of the current batch before the update, so that nothing must be stored. The log
    `discriminator_waited` is the share of such steps. The generator's loss is the usual non-saturating one. The recipe
    "small" is for cubes of 16 voxels on a CPU: R1 instead of waiting, for a discriminator without normalization.

    Args:
        image_shape: Kind of the solids, `kerasgan.data.kinds.Voxels((64, 64, 64, 1))`, or this shape: cubes whose side
            is a power of 2 of at least 8. Occupancies are in [0, 1].
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        num_classes: Number of classes of a conditional model, whose labels are appended to the latents as one-hot
            vectors and enter the discriminator by projection (Miyato & Koyama 2018). `None` for an unconditional model,
            as in the paper.
        width: Channels of the discriminator's first and of the generator's last hidden layer, doubled towards smaller
            maps.
        discriminator_normalization: "batch", as in the paper, "layer" or `None`.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = GAN3D((32, 32, 32, 1), num_classes=8)
    >>> model.compile()
    >>> model.fit(solids, labels, epochs=100)
    >>> new = model.sample(16, seed=0)
    >>> known = model.features(solids)  # for a classifier of few labels
    """

    recipe = GAN3DRecipe()
    recipes = {"small": SMALL}
    averaged: tuple[str, ...] = ("generator", "discriminator")

    def __init__(
        self,
        image_shape,
        latent_dim=200,
        latent_range=(0.0, 1.0),
        num_classes=None,
        width=64,
        discriminator_normalization="batch",
        **kwargs,
    ):
        self.width, self.discriminator_normalization = width, discriminator_normalization
        kind = as_cube(image_shape)
        self.steps = (kind.shape[0] // START).bit_length() - 1
        super().__init__(kind, latent_dim, latent_range, num_classes, **kwargs)

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        first, *hidden = [self.width << step for step in reversed(range(self.steps))]
        x = with_labels(latents, labels, self.num_classes)
        # Equivalent to a transposed convolution of one voxel without padding.
        x = layers.Dense(START**3 * first, use_bias=False, kernel_initializer=normal(0.02), name="start")(x)
        x = layers.ReLU()(batch_normalization()(layers.Reshape((START,) * 3 + (first,))(x)))
        options = {"kernel_size": 4, "strides": 2, "padding": "same", "kernel_initializer": normal(0.02)}
        for step, channels in enumerate(hidden):
            x = Conv3DTranspose(channels, use_bias=False, name=f"convolution{step}", **options)(x)
            x = layers.ReLU()(batch_normalization()(x))
        x = Conv3DTranspose(1, name=f"convolution{self.steps - 1}", **options)(x)
        x = layers.Activation("sigmoid", dtype=keras.config.floatx(), name="voxels")(x)
        return keras.Model(self.inputs_of(latents, *labels), x, name="generator")

    def build_discriminator(self):
        solids, labels = keras.Input(self.pack_shape, name="voxels"), self.condition_inputs(packed=True)
        kind, x = self.discriminator_normalization, solids
        options = {"kernel_size": 4, "strides": 2, "padding": "same", "kernel_initializer": normal(0.02)}
        for step in range(self.steps):
            x = layers.Conv3D(self.width << step, use_bias=kind is None, name=f"convolution{step}", **options)(x)
            x = LeakyReLU(0.2, name=f"responses{step}")(normalization(kind)(x))
        x = layers.Flatten()(x)
        logits = layers.Dense(1, kernel_initializer=normal(0.02), name="logits")(x)
        if labels:
            logits = label_projection(logits, x, labels[0], self.num_classes)
        return keras.Model(self.inputs_of(solids, *labels), logits, name="discriminator")

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        phases = super().phases()
        if self.recipe.accuracy_limit is None:
            return phases
        if self.adversarial_loss.boundary is None:
            raise ValueError(
                f"`accuracy_limit` is {self.recipe.accuracy_limit}, but there is no accuracy with the loss "
                f"{self.recipe.loss!r}, whose logits have no boundary. Compile with accuracy_limit=None."
            )
        return tuple(
            dataclasses.replace(phase, when=self.discriminator_moves) if phase.trains == ("discriminator",) else phase
            for phase in phases
        )

    @shared
    def real_logits(self, batch):
        return super().real_logits(batch)

    @shared
    def accuracy(self, batch):
        """The discriminator's accuracy on real and generated solids, the same on all replicas."""
        real, fake = at_least_float32(self.real_logits(batch)), at_least_float32(self.fake_logits(batch))
        boundary = self.adversarial_loss.boundary
        sides = (real > boundary, self.pack_weight(batch)), (fake < boundary, self.fake_weight(batch))
        shares = [weighted_mean(ops.cast(right, real.dtype), weight) for right, weight in sides]
        return mean_over_replicas((shares[0] + shares[1]) / 2)

    def discriminator_moves(self, batch):
        """Whether the discriminator is updated: a boolean scalar, the same on all replicas."""
        limit = 1.0 if self.recipe.accuracy_limit is None else self.recipe.accuracy_limit
        return self.accuracy(batch) <= limit + ROUNDING

    # Features -------------------------------------------------------------------------------------------------------

    def features(self, images, ema=True, batch_size=256):
        """Computes pooled responses of the discriminator's convolutions from the second one on (section 4.2).

        Each is max-pooled to 2x2x2 cells; for a side of 64 these are the paper's pools of 8, 4 and 2 voxels.

        Args:
            images: Solids of shape (count, *image_shape), occupancies in [0, 1].
            ema: Whether to use the averaged discriminator rather than the one being trained.
            batch_size: Number of solids to process at once.

        Returns:
            A float32 array of shape (count, size); 7,168 numbers for a side of 64 and the default width.

        Raises:
            ValueError: For solids of another shape, type or range, or if the discriminator is not the family's.
        """
        if self._custom["discriminator"] is not None:
            raise ValueError(
                "`discriminator` was given to GAN3D, which can only extract features from its own discriminator."
            )
        return self.read(self._features[ema], images, batch_size)

    @functools.cached_property
    def _features(self):
        return {True: self._pooled(self.ema_discriminator), False: self._pooled(self.discriminator)}

    def _pooled(self, discriminator):
        """A network from solids to features; a pack consists of copies of one solid."""
        responses = [discriminator.get_layer(f"responses{step}").output for step in range(self.steps)]
        responses = responses[1:] or responses
        cells = [layers.Flatten()(layers.MaxPooling3D(x.shape[1] // POOLED)(x)) for x in responses]
        cells = layers.Concatenate()(cells) if len(cells) > 1 else cells[0]
        solids = keras.Input(self.image_shape, name="voxels")
        pack = layers.Concatenate()([solids] * self.packing) if self.packing > 1 else solids
        return keras.Model(solids, keras.Model(discriminator.inputs[0], cells)(pack))

    def served(self):
        if self._custom["discriminator"] is not None:
            return super().served()
        return {**super().served(), "features": (self._features[True], "features")}


def as_cube(given):
    """Returns the kind of the solids, given a kind or a shape (side, side, side, 1).

    Raises:
        ValueError: Unless they are cubes whose side is a power of 2, at least 8.
    """
    shape = given.shape if isinstance(given, Voxels) else () if isinstance(given, Kind) else tuple(given)
    side = shape[0] if shape else 0
    if shape != (side, side, side, 1) or side < 2 * START or side & (side - 1):
        raise ValueError(
            f"`image_shape` is {given!r}; expected solids: kerasgan.data.kinds.Voxels((side, side, side, 1)), or this "
            "shape, with a side of 8, 16, 32, 64, ... voxels. Pad or shrink them."
        )
    return given if isinstance(given, Voxels) else Voxels(shape)
