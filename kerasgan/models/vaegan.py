"""VAE/GAN (Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric")."""

import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.encoding import EncodingModel
from kerasgan.bases.heads import require_named
from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.engines import mean_over_replicas
from kerasgan.game.phase import Phase, shared
from kerasgan.game.recipe import RMSprop
from kerasgan.layers import (
    Conv2D,
    batch_normalization,
    normal,
    normalization,
    strided_convolutions,
    transposed_convolutions,
    with_labels,
)
from kerasgan.objectives.losses import Minimax, at_least_float32, mean, weighted_mean
from kerasgan.objectives.penalties import weight_decay

POSTERIOR = ["mean", "log_variance"]


@dataclasses.dataclass(frozen=True)
class VAEGANRecipe(LatentRecipe):
    """Training settings in addition to those of `kerasgan.LatentRecipe`.

    Args:
        reconstruction: Weight gamma of the reconstruction in the generator's loss. The squared differences of features
            are summed, so that it depends on their number; 1e-6 is the value of the official script for CelebA at 64
            pixels.
        margin: Margin, in nats, of the rule that lets players wait for each other (official code; not in the paper).
            The discriminator waits if its cross-entropy for real or for generated images is below
            `equilibrium - margin`, the generator if one of them is above `equilibrium + margin`, and neither if both
            would. The weights and the optimizer of a waiting player do not change. `None` for no waiting.
        equilibrium: Cross-entropy, in nats, of a discriminator that cannot tell real from generated images.
        weight_decay: Weight of half the sum of the squares of all kernels in each player's loss.
        encoder_optimizer: Optimizer of the encoder, or its configuration.
    """

    update: str = "simultaneous"
    loss: Any = "minimax"
    reconstruction: float = 1e-6
    margin: float | None = 0.35
    equilibrium: float = 0.68
    weight_decay: float = 1e-5
    discriminator_optimizer: Any = RMSprop(3e-4)
    generator_optimizer: Any = RMSprop(3e-4)
    encoder_optimizer: Any = RMSprop(3e-4)


@keras.saving.register_keras_serializable(package="kerasgan")
class VAEGAN(EncodingModel):
    """Variational autoencoder whose decoder is a GAN generator and whose similarity measure is D's features.

    With q(z | x) = N(mean(x), variance(x)), x' = G(z) for z ~ q(z | x), x_p = G(z_p) for z_p ~ N(0, I), and D_l a
    hidden layer of the discriminator (algorithm 1):

        L_prior = KL(q(z | x) || N(0, I)),    L_like = 1/2 || D_l(x) - D_l(x') ||^2,
        encoder: L_prior + L_like,    generator: gamma L_like - L_GAN,    discriminator: L_GAN on x, x' and x_p.

    Each player learns from its own sum only: the encoder does not learn from L_GAN, nor the discriminator from L_like.
    All three kinds of images pass through the discriminator as one batch (in the official code, the features of x and
    x' are those of a separate batch), and all players are updated at once. As in the official code, real and generated
    images have equal weight in the discriminator's loss, although there are twice as many generated ones; D_l is the
    last convolution before its normalization; and players wait for each other (`margin` of the recipe). The paper's
    form of L_GAN is minimax; `compile(loss="non_saturating")` is the usual one. Labels are appended to the latents and
    to the last vectors of encoder and discriminator, like the attributes of the paper's faces.

    The networks and the recipe are those for faces of 64 pixels: 5 x 5 kernels and three halvings, or two if a third
    would leave fewer than 4 pixels or an odd size. RMSProp's learning rate is the paper's 3e-4; in the official code it
    falls from 0.025 divided by the batch size.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        latent_dim: Length of the latent vectors, which are standard normal.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        width: Channels of the discriminator's first layer and of the generator's last hidden layer; the encoder's first
            layer has twice as many.
        units: Width of the encoder's dense layer; the discriminator's has half of that.
        discriminator_normalization: "batch", as in the paper, "layer" or `None`.
        **kwargs: Arguments of `kerasgan.LatentModel`, and `encoder`, a built Keras model with the outputs `mean` and
            `log_variance`. A given discriminator has the outputs `logits` and `features`.

    Examples:

    >>> model = VAEGAN(image_shape=(8, 8, 1), latent_dim=16, units=128)
    >>> model.compile(reconstruction=1e-3)
    >>> model.fit(images, epochs=100)
    >>> again = model.reconstruct(images)
    >>> like_a_seven = model.attribute(images, labels == 7)
    >>> moved = model.generate(model.encode(images) + like_a_seven)
    """

    recipe = VAEGANRecipe()
    fixed = ("latent_range",)

    def __init__(
        self,
        image_shape,
        latent_dim=128,
        num_classes=None,
        width=32,
        units=1024,
        discriminator_normalization="batch",
        **kwargs,
    ):
        self.width, self.units, self.discriminator_normalization = width, units, discriminator_normalization
        self.steps = min(3, self.halvings(image_shape))
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)
        vectors = [keras.KerasTensor((None,), "int32")] if num_classes else []
        images = keras.KerasTensor((None, *self.image_shape), "float32")
        told = self.encoder.compute_output_spec([images, *vectors] if vectors else images)
        require_named(told, POSTERIOR, "The encoder of VAEGAN")

    # Networks -------------------------------------------------------------------------------------------------------

    def build_encoder(self):
        images, labels = keras.Input(self.image_shape, name="images"), self.condition_inputs()
        widths = [self.width << step for step in range(1, self.steps + 1)]
        x = layers.Flatten()(strided_convolutions(images, widths, 5, 0.0, normalize_first=True))
        x = self._dense(with_labels(x, labels, self.num_classes), self.units)
        dense = functools.partial(
            layers.Dense, self.latent_dim, kernel_initializer=normal(0.02), dtype=keras.config.floatx()
        )
        outputs = {name: dense(name=name)(x) for name in POSTERIOR}
        return keras.Model(self.inputs_of(images, *labels), outputs, name="encoder")

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        height, width, channels = self.image_shape
        widths = [self.width << step for step in (3, 2, 0)][-self.steps :]
        small = (height >> self.steps, width >> self.steps, self.width << 3)
        x = self._dense(with_labels(latents, labels, self.num_classes), math.prod(small))
        x = transposed_convolutions(layers.Reshape(small)(x), widths, channels, 5, keras.config.floatx(), 1)
        return keras.Model(self.inputs_of(latents, *labels), x, name="generator")

    def build_discriminator(self):
        images, labels = keras.Input(self.pack_shape, name="images"), self.condition_inputs(packed=True)
        kind, width = self.discriminator_normalization, self.width
        *hidden, last = [width << step for step in (2, 3, 3)][: self.steps]
        options = {"kernel_size": 5, "padding": "same", "kernel_initializer": normal(0.02)}
        x = Conv2D(width, activation="relu", **options)(images)
        x = strided_convolutions(x, hidden, 5, 0.0, kind, normalize_first=True)
        features = Conv2D(last, strides=2, use_bias=kind is None, name="features", **options)(x)
        x = layers.Flatten()(layers.ReLU()(normalization(kind)(features)))
        x = self._dense(with_labels(x, labels, self.num_classes), self.units // 2, kind)
        logits = layers.Dense(1, kernel_initializer=normal(0.02), name="logits")(x)
        outputs = {"logits": logits, "features": features}
        return keras.Model(self.inputs_of(images, *labels), outputs, name="discriminator")

    @staticmethod
    def _dense(x, units, kind="batch"):
        x = layers.Dense(units, use_bias=kind is None, kernel_initializer=normal(0.02))(x)
        return layers.ReLU()(batch_normalization()(x) if kind == "batch" else normalization(kind)(x))

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        if self.recipe.margin is not None and not isinstance(self.adversarial_loss, Minimax):
            raise ValueError(
                f"`margin` is {self.recipe.margin} and the loss {type(self.adversarial_loss).__name__}, but a margin "
                "needs cross-entropies. Compile with margin=None, or with loss='minimax' or 'non_saturating'."
            )
        phases = [*super().phases(), Phase("encoder", ("encoder",), self.encoder_loss, "encoder")]
        if self.recipe.margin is None:
            return tuple(phases)
        places = {("discriminator",): 0, ("generator",): 1}
        return tuple(
            dataclasses.replace(phase, when=functools.partial(self._moves, place=places[phase.trains]))
            if phase.trains in places
            else phase
            for phase in phases
        )

    @shared
    def posterior(self, batch):
        """Mean and logarithm of the variance of the real samples' latents, each of shape (batch, latent_dim)."""
        told = self.encoder(self.inputs_of(batch.x, self.labels(batch)), training=True)
        return tuple(at_least_float32(told[name]) for name in POSTERIOR)

    @shared
    def reconstructed(self, batch):
        """Reconstructions of the real samples, from latents drawn from their posterior."""
        center, log_variance = self.posterior(batch)
        noise = keras.random.normal(ops.shape(center), dtype=center.dtype, seed=self.random)
        latents = center + ops.exp(0.5 * log_variance) * noise
        return self.generator(self.inputs_of(latents, self.labels(batch)), training=True)

    @shared
    def told(self, batch):
        """The discriminator's outputs for real, reconstructed and generated samples, `{name: three tensors}`."""
        kinds, conditions = (batch.x, self.reconstructed(batch), self.generated(batch)), self.real_condition(batch)
        shown = [self.viewed(ops.cast(x, kinds[1].dtype), *conditions) for x in kinds]
        outputs = self.discriminator(self.inputs_of(*map(ops.concatenate, zip(*shown, strict=True))), training=True)
        outputs = require_named(outputs, ["logits", "features"], "The discriminator of VAEGAN")
        return {name: ops.split(outputs[name], 3) for name in ("logits", "features")}

    def real_logits(self, batch):
        """The logits of real samples, repeated for the comparison with reconstructions and with generated samples."""
        return ops.concatenate(2 * [self.told(batch)["logits"][0]])

    def fake_logits(self, batch):
        return ops.concatenate(self.told(batch)["logits"][1:])

    def pack_weight(self, batch):
        weight = super().pack_weight(batch)
        return None if weight is None else ops.concatenate([weight, weight])

    def fake_weight(self, batch):
        """Weights of reconstructions, then of samples.

        A reconstruction has the weight of its source image; a sample has the weight of the image that it shares its
        labels with or is compared to.
        """
        weight = super().pack_weight(batch)
        if weight is None or self.num_classes or self.adversarial_loss.compares:
            return self.pack_weight(batch)
        return ops.concatenate([ops.divide_no_nan(weight, mean_over_replicas(mean(weight))), ops.ones_like(weight)])

    def discriminate(self, samples, *conditions):
        return super().discriminate(samples, *conditions)["logits"]

    @shared
    def moves(self, batch):
        """Whether discriminator and generator are updated, the same on all replicas."""
        real, fake = at_least_float32(self.real_logits(batch)), at_least_float32(self.fake_logits(batch))
        weights = self.pack_weight(batch), self.fake_weight(batch)
        costs = [weighted_mean(ops.softplus(x), w) for x, w in zip((-real, fake), weights, strict=True)]
        costs = mean_over_replicas(ops.stack(costs))
        margin = math.inf if self.recipe.margin is None else self.recipe.margin
        low, high = self.recipe.equilibrium - margin, self.recipe.equilibrium + margin
        strong, weak = ops.any(costs < low), ops.any(costs > high)
        both = ops.logical_and(strong, weak)
        return tuple(ops.logical_or(both, ops.logical_not(held)) for held in (strong, weak))

    def _moves(self, batch, place):
        return self.moves(batch)[place]

    def prior_loss(self, batch):
        """Mean of KL(q(z | x) || N(0, I)) over the batch, in nats."""
        center, log_variance = self.posterior(batch)
        terms = ops.exp(log_variance) + ops.square(center) - 1.0 - log_variance
        return weighted_mean(0.5 * ops.sum(terms, axis=-1), batch.sample_weight)

    @shared
    def reconstruction_loss(self, batch):
        """L_like, the mean over the batch of half the squared distance in the discriminator's features."""
        real, again, _ = (at_least_float32(features) for features in self.told(batch)["features"])
        squares = ops.square(ops.reshape(real - again, (ops.shape(real)[0], -1)))
        return weighted_mean(0.5 * ops.sum(squares, axis=-1), LatentModel.pack_weight(self, batch))

    def discriminator_loss(self, batch):
        loss, logs = super().discriminator_loss(batch)
        return loss + weight_decay(self.discriminator, self.recipe.weight_decay), logs

    def generator_loss(self, batch):
        # Each kind of generated images has weight 1, not 1/2 as in the discriminator's loss.
        loss = 2.0 * super().generator_loss(batch)[0] + self.recipe.reconstruction * self.reconstruction_loss(batch)
        return loss + weight_decay(self.generator, self.recipe.weight_decay), {}

    def encoder_loss(self, batch):
        """L_prior + L_like."""
        prior, likeness = self.prior_loss(batch), self.reconstruction_loss(batch)
        decay = weight_decay(self.encoder, self.recipe.weight_decay)
        return prior + likeness + decay, {"prior": prior, "reconstruction": likeness}

    # Encodings ------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _means(self):
        both = {True: self.ema_encoder, False: self.encoder}
        return {ema: keras.Model(net.input, net.output["mean"]) for ema, net in both.items()}

    def latents_network(self, ema):
        return self._means[ema]

    def attribute(self, images, has, labels=None):
        """Computes an attribute's latent vector: mean latents of images that have it minus those of the others.

        Args:
            images: Array of shape (count, *image_shape), in [-1, 1].
            has: Whether each image has the attribute, shape (count,).
            labels: See `encode`.

        Returns:
            A float32 array of shape (latent_dim,), to be added to latents.

        Raises:
            ValueError: As `encode`; if `has` has another length; or if all images or none have the attribute.
        """
        has = np.asarray(has, bool)
        if has.shape != (len(images),) or has.all() or not has.any():
            raise ValueError(
                f"`has`, of shape {has.shape}, selects {has.sum()} of {len(images)} images; expected one entry for "
                "each image, some True and some False."
            )
        latents = self.encode(images, labels=labels)
        return latents[has].mean(axis=0) - latents[~has].mean(axis=0)
