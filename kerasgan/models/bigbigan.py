"""BigBiGAN (Donahue & Simonyan 2019, "Large Scale Adversarial Representation Learning")."""

import dataclasses
import functools
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.encoding import EncodingModel
from kerasgan.data.kinds import Images
from kerasgan.game.averages import half_life
from kerasgan.game.phase import Phase, shared
from kerasgan.game.recipe import Adam
from kerasgan.game.signals import observe_logits
from kerasgan.layers import Conv2D, batch_normalization, orthogonal
from kerasgan.layers.residual import discriminator_block
from kerasgan.layers.residual_networks import Kit, sum_pooled
from kerasgan.models.biggan import (
    LATENT_DIMS,
    BigGANRecipe,
    biggan_generator,
    judging_widths,
    of_height_64,
    sized,
    square,
)
from kerasgan.objectives.losses import Hinge, at_least_float32, weighted_mean
from kerasgan.objectives.orthogonal import orthogonal_regularization

SCORES = ("images", "latents", "joint")
KIT = Kit(spectral=True, initializer=orthogonal())


# Losses (section 2) ------------------------------------------------------------------------------------------------


def discriminator_loss(encoded, generated, scores=SCORES, weight=None):
    """The discriminator's loss: the sum of the hinge losses of the scores, not the hinge loss of their sum.

    The sum over scores s of E max(0, 1 - s(x, E(x))) + E max(0, 1 + s(G(z), z)).

    Args:
        encoded: `{name: logits}` of images x and the latents that the encoder gives for them.
        generated: The same for generated images and their latents.
        scores: Names of the scores to use; the paper's ablations omit "images" or "latents".
        weight: Weights of the images, shape (batch,), or None.

    Returns:
        Scalar tensor.
    """
    total = 0.0
    for name in scores:
        real, fake = at_least_float32(encoded[name]), at_least_float32(generated[name])
        total = total + weighted_mean(ops.relu(1.0 - real), weight) + weighted_mean(ops.relu(1.0 + fake))
    return total


def generator_encoder_loss(encoded, generated, scores=SCORES, weight=None):
    """The joint loss of generator and encoder, without a hinge: E sum s(x, E(x)) - E sum s(G(z), z).

    The encoder thus lowers the scores of images and their encodings, while the generator raises those of its samples.

    Args:
        encoded: See `discriminator_loss`.
        generated: See `discriminator_loss`.
        scores: See `discriminator_loss`.
        weight: See `discriminator_loss`.

    Returns:
        Scalar tensor.
    """
    return weighted_mean(sum_of(encoded, scores), weight) - weighted_mean(sum_of(generated, scores))


def sum_of(logits, scores=SCORES):
    """The sum of the named scores, in float32 or float64: shape (batch, 1)."""
    return sum(at_least_float32(logits[name]) for name in scores)


def drawn_latents(mean, spread, noise):
    """Latents from the encoder's distribution: mean + softplus(spread) * noise, with standard normal noise."""
    return mean + ops.softplus(spread) * noise


# Networks (appendix A) ----------------------------------------------------------------------------------------------


def bigbigan_generator(image_size, latent_dim=120, width=96, attention=None, channels=3, widths=None):
    """BigGAN's generator without labels: each block receives only a chunk of the latents."""
    options = {"attention": attention, "channels": channels, "widths": widths}
    return biggan_generator(image_size, latent_dim, (), None, width, **options)


def bigbigan_discriminator(
    image_size,
    latent_dim=120,
    width=96,
    units=2048,
    blocks=4,
    attention=None,
    channels=3,
    widths=None,
    downs=None,
):
    """The joint discriminator: F for images, H for latents, J for both, and a linear score for each.

    F is BigGAN's discriminator up to its sum over positions. H and J are residual perceptrons (8 layers in the paper).
    All layers are spectrally normalized.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        latent_dim: Length of the latent vectors.
        width: Channels of the widest map of F.
        units: Width of H and J; 2,048 in the paper.
        blocks: Number of blocks of two layers in each of H and J; 4 in the paper.
        attention: See `biggan_discriminator`.
        channels: Channels of the images.
        widths: See `biggan_discriminator`.
        downs: See `biggan_discriminator`.

    Returns:
        A Keras model of `images` and `latents` with the outputs `{"images", "latents", "joint"}`, logits of shape
        (batch, 1) each; its layer `features` is F.
    """
    widths, downs = judging_widths(image_size, width, widths, downs)
    attention = of_height_64(image_size, downs, True) if attention is None else attention
    images = x = keras.Input((image_size, image_size, channels), name="images")
    latents = keras.Input((latent_dim,), name="latents")
    for place, after in enumerate(widths):
        x = discriminator_block(x, after, KIT.convolution, f"block{place}", down=place < downs, first=place == 0)
        if place in attention:
            x = KIT.attention(f"attention{place}")(x)
    of_images = sum_pooled(x)
    of_latents = perceptron(latents, units, blocks, KIT.dense, "latents")
    of_both = perceptron(layers.Concatenate()([of_images, of_latents]), units, blocks, KIT.dense, "joint")
    features = dict(zip(SCORES, (of_images, of_latents, of_both), strict=True))
    logits = {name: KIT.dense(1, f"{name}_score")(value) for name, value in features.items()}
    return keras.Model([images, latents], logits, name="discriminator")


def perceptron(x, units, blocks, dense, name, normalize=None):
    """A residual perceptron of `2 * blocks` layers: blocks of (ReLU, dense, ReLU, dense) + shortcut, and a final ReLU.

    The first block starts without a ReLU, and has a dense layer in its shortcut if the widths differ.

    Args:
        x: Symbolic tensor of shape (batch, any width).
        units: Width of all layers.
        blocks: Number of blocks.
        dense: Function that makes a layer from the number of units and a name.
        name: Prefix of the layers' names.
        normalize: Function of (tensor, name) that normalizes the tensor before each ReLU, or None.

    Returns:
        Symbolic tensor of shape (batch, units).
    """

    def activated(h, place):
        return layers.ReLU()(normalize(h, f"{name}_normalization{place}") if normalize else h)

    for block in range(blocks):
        h = activated(x, 2 * block) if block else x
        h = dense(units, f"{name}_dense{2 * block}")(h)
        h = dense(units, f"{name}_dense{2 * block + 1}")(activated(h, 2 * block + 1))
        shortcut = x if x.shape[-1] == units else dense(units, f"{name}_shortcut")(x)
        x = layers.Add(name=f"{name}_block{block}")([h, shortcut])
    return activated(x, 2 * blocks)


def bigbigan_encoder(
    image_size, latent_dim=120, widths=(64, 128, 256, 512), depths=(3, 4, 6, 3), units=4096, blocks=2, channels=3
):
    """The encoder: a residual network, the mean over positions, a residual perceptron, mean and spread of the latents.

    With the default sizes it is ResNet-50, here with pre-activation, which the paper leaves open. For images of up to
    64 pixels, a 3 x 3 convolution replaces the initial 7 x 7 convolution and pooling.

    Args:
        image_size: Height and width of the input, which may be larger than the generated images (256 for 128 in the
            paper).
        latent_dim: Length of the latent vectors.
        widths: Inner channels of each stage, whose output has four times as many.
        depths: Number of blocks of each stage; each stage except the first halves the size.
        units: Width of the final perceptron; 4,096 in the paper.
        blocks: Number of its blocks of two layers; 2 in the paper.
        channels: Channels of the images.

    Returns:
        A Keras model of `images` with the outputs `{"mean", "spread"}` of shape (batch, latent_dim), the parameters of
        `drawn_latents`; linear probes are trained on its layer `features`.
    """
    images = keras.Input((image_size, image_size, channels), name="images")

    def convolution(x, filters, size, strides, name):
        options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal", "name": name}
        return Conv2D(filters, size, strides=strides, **options)(x)

    def activated(x, name):
        return layers.ReLU()(batch_normalization(name=name)(x))

    if image_size > 64:
        x = layers.MaxPooling2D(3, 2, padding="same")(convolution(images, widths[0], 7, 2, "input"))
    else:
        x = convolution(images, widths[0], 3, 1, "input")
    for stage, (filters, depth) in enumerate(zip(widths, depths, strict=True)):
        for step in range(depth):
            name, strides = f"stage{stage}_{step}", 2 if stage and not step else 1
            h = activated(x, f"{name}_normalization1")
            shortcut = x if step else convolution(h, 4 * filters, 1, strides, f"{name}_shortcut")
            h = activated(convolution(h, filters, 1, 1, f"{name}_convolution1"), f"{name}_normalization2")
            h = activated(convolution(h, filters, 3, strides, f"{name}_convolution2"), f"{name}_normalization3")
            x = layers.Add(name=name)([convolution(h, 4 * filters, 1, 1, f"{name}_convolution3"), shortcut])
    features = layers.GlobalAveragePooling2D(name="features")(activated(x, "normalization"))

    def dense(size, name):
        return layers.Dense(size, use_bias=False, kernel_initializer="he_normal", name=name)

    h = perceptron(features, units, blocks, dense, "head", lambda h, name: batch_normalization(name=name)(h))
    outputs = {
        name: layers.Dense(latent_dim, kernel_initializer=orthogonal(), dtype=keras.config.floatx(), name=name)(h)
        for name in ("mean", "spread")
    }
    return keras.Model(images, outputs, name="encoder")


def features_of(encoder):
    """The encoder as a model from `images` to the mean over positions, on which linear probes are trained."""
    return keras.Model(encoder.inputs, encoder.get_layer("features").output, name="features")


# Family ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class BigBiGANRecipe(BigGANRecipe):
    """BigGAN's settings with an encoder whose learning rate is 10 times the generator's (table 1).

    In addition to the settings of `kerasgan.models.biggan.BigGANRecipe`:

    Args:
        scores: Names of the scores to use: "images", "latents" and "joint". The paper's ablations omit one of the first
            two.
        encoder_optimizer: Optimizer of the encoder, or its configuration.
    """

    scores: tuple = SCORES
    orthogonal: float = 0.0
    ema_half_life: Any = half_life(0.9999, 2048)
    encoder_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(5e-4, beta_1=0.0, beta_2=0.999))
    generator_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(5e-5, beta_1=0.0, beta_2=0.999))


@keras.saving.register_keras_serializable(package="kerasgan")
class BigBiGAN(EncodingModel):
    """BigBiGAN: an unconditional BigGAN with an encoder, whose features describe images.

    The discriminator computes three scores, for the image, for the latents and for both, each with its own hinge.
    Generator and encoder minimise the sum of the scores without a hinge: the encoder that of images and the latents
    drawn for them, the generator the negative sum for generated images and their latents. Neither loss depends on the
    other's network, so that each has its own phase and optimizer and the step is still that of their sum.

    `encode` returns the means of the encoder's distribution; `features` returns its average pool, on which linear
    probes are trained (not on the latents). The encoder may see larger images than the generator makes: the data then
    have the encoder's size, and the discriminator sees their means over blocks of pixels.

    The default recipe is the paper's; "cpu32" is for images of 32 pixels on two CPU cores, with narrow networks as in
    the second example.

    Args:
        image_shape: Shape (size, size, channels) of generated images in [-1, 1]; see `BigGAN`.
        latent_dim: Length of the latent vectors. `None` for the default of `BigGAN`.
        width: Unit of channels, by which all numbers in BigGAN's tables are multiplied.
        units: Width of the discriminator's perceptrons of latents and of both; 2,048 in the paper.
        blocks: Number of two-layer blocks in each of these perceptrons; 4 in the paper.
        encoder_size: Height and width of the encoder's images and of the data, a multiple of the size of the generated
            images. Defaults to that size. 256 for 128 in the paper.
        encoder_widths: Inner channels of each stage of the encoder. Defaults to those of ResNet-50.
        encoder_depths: Number of blocks of each stage of the encoder.
        encoder_units: Width of the perceptron after the encoder's average pool; 4,096 in the paper.
        encoder_blocks: Number of two-layer blocks of this perceptron; 2 in the paper.
        generator_widths: See `BigGAN`.
        discriminator_widths: See `BigGAN`.
        downs: See `BigGAN`.
        generator_attention: See `BigGAN`.
        discriminator_attention: See `BigGAN`.
        **kwargs: Arguments of `kerasgan.LatentModel`. A given discriminator has the inputs [images, latents] and the
            outputs `{"images", "latents", "joint"}`; a given encoder the outputs `{"mean", "spread"}` and a layer
            `features`.

    Examples:

    >>> model = BigBiGAN(image_shape=(128, 128, 3), encoder_size=256)
    >>> model.compile(microbatch=64)
    >>> model.fit(images, epochs=100)
    >>> known = model.features(images)
    >>> again = model.reconstruct(images)
    >>> sizes = {"width": 16, "units": 128, "encoder_widths": (8, 16, 32), "encoder_depths": (1, 1, 1)}
    >>> small = BigBiGAN(image_shape=(32, 32, 3), latent_dim=32, encoder_units=128, **sizes)
    >>> small.compile(recipe="cpu32")
    """

    recipe = BigBiGANRecipe()
    recipes = {
        "cpu32": {
            "batch_size": 32,
            "microbatch": None,
            "generator_every": 1,
            "ema_half_life": 10_000.0,
            "discriminator_optimizer": Adam(4e-4, beta_1=0.0, beta_2=0.999),
            "generator_optimizer": Adam(1e-4, beta_1=0.0, beta_2=0.999),
            "encoder_optimizer": Adam(1e-3, beta_1=0.0, beta_2=0.999),
        }
    }
    fixed = ("num_classes", "condition")

    def __init__(
        self,
        image_shape,
        latent_dim=None,
        width=96,
        units=2048,
        blocks=4,
        encoder_size=None,
        encoder_widths=(64, 128, 256, 512),
        encoder_depths=(3, 4, 6, 3),
        encoder_units=4096,
        encoder_blocks=2,
        generator_widths=None,
        discriminator_widths=None,
        downs=None,
        generator_attention=None,
        discriminator_attention=None,
        **kwargs,
    ):
        size = square(image_shape)
        if kwargs.get("num_classes") or kwargs.get("condition") is not None:
            raise ValueError("`num_classes` or `condition` was given, but BigBiGAN is unconditional. Leave it out.")
        if encoder_size is not None and encoder_size % size:
            raise ValueError(f"`encoder_size` is {encoder_size}; expected a multiple of the image size, {size}.")
        self.width, self.units, self.blocks = width, units, blocks
        self.encoder_size, self.encoder_widths, self.encoder_depths = encoder_size, encoder_widths, encoder_depths
        self.encoder_units, self.encoder_blocks = encoder_units, encoder_blocks
        self.generator_widths, self.discriminator_widths, self.downs = generator_widths, discriminator_widths, downs
        self.generator_attention, self.discriminator_attention = generator_attention, discriminator_attention
        if latent_dim is None:
            latent_dim = 20 * len(generator_widths) if generator_widths else sized(LATENT_DIMS, size)
        super().__init__(image_shape, latent_dim, **kwargs)

    # Networks -------------------------------------------------------------------------------------------------------

    def build_generator(self):
        size, _, channels = self.image_shape
        return bigbigan_generator(
            size, self.latent_dim, self.width, self.generator_attention, channels, self.generator_widths
        )

    def build_discriminator(self):
        size, _, channels = self.pack_shape
        return bigbigan_discriminator(
            size,
            self.packing * self.latent_dim,
            self.width,
            self.units,
            self.blocks,
            self.discriminator_attention,
            channels,
            self.discriminator_widths,
            self.downs,
        )

    def build_encoder(self):
        return bigbigan_encoder(
            self.encoder_size or self.image_shape[0],
            self.latent_dim,
            self.encoder_widths,
            self.encoder_depths,
            self.encoder_units,
            self.encoder_blocks,
            self.image_shape[-1],
        )

    # The game -------------------------------------------------------------------------------------------------------

    def data_specs(self):
        size = self.encoder_size or self.image_shape[0]
        return Images((size, size, self.image_shape[-1])), None

    def phases(self):
        if not isinstance(self.adversarial_loss, Hinge):
            raise ValueError(
                f"`loss` is {self.recipe.loss!r}, but BigBiGAN uses a hinge loss for each score. Leave it out."
            )
        if self.chosen_penalties():
            raise ValueError(
                "`penalties` were given, but BigBiGAN uses spectral normalization instead. Leave them out."
            )
        unknown = set(self.recipe.scores) - set(SCORES)
        if unknown or not self.recipe.scores:
            raise ValueError(f"`scores` is {self.recipe.scores}; expected some of {SCORES}.")
        *others, generator = super().phases()
        return *others, generator, Phase("encoder", ("encoder",), self.encoder_loss, "encoder", every=generator.every)

    def real_samples(self, batch):
        factor = (self.encoder_size or self.image_shape[0]) // self.image_shape[0]
        return batch.x if factor == 1 else ops.average_pool(batch.x, factor, factor)

    @shared
    def encoded(self, batch):
        """Latents drawn from the encoder's distribution for the real samples."""
        told = self.encoder(batch.x, training=True)
        noise = keras.random.normal(ops.shape(told["mean"]), dtype=told["mean"].dtype, seed=self.random)
        return drawn_latents(told["mean"], told["spread"], noise)

    @shared
    def real_logits(self, batch):
        """The scores of real samples and the encoder's latents, by name."""
        return self.judge(self.real_samples(batch), self.encoded(batch))

    @shared
    def fake_logits(self, batch):
        """The scores of generated samples and their latents, by name."""
        return self.judge(self.generated(batch), self.latents(batch))

    def discriminator_loss(self, batch):
        encoded, generated, scores = self.real_logits(batch), self.fake_logits(batch), self.recipe.scores
        real, fake = sum_of(encoded, scores), sum_of(generated, scores)
        observe_logits(real, fake, self.adversarial_loss.boundary)
        logs = {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake), **self.observe_reals(batch, real)}
        return discriminator_loss(encoded, generated, scores, self.pack_weight(batch)), logs

    def generator_loss(self, batch):
        loss = -weighted_mean(sum_of(self.fake_logits(batch), self.recipe.scores))
        if self.recipe.orthogonal:
            loss = loss + orthogonal_regularization(self.generator, self.recipe.orthogonal)
        return loss, {}

    def encoder_loss(self, batch):
        """The encoder's part of `generator_encoder_loss`: the scores of real samples and its latents."""
        return weighted_mean(sum_of(self.real_logits(batch), self.recipe.scores), self.pack_weight(batch)), {}

    # Encodings ------------------------------------------------------------------------------------------------------

    def latents_network(self, ema):
        return self._means[ema]

    def features(self, images, ema=True, batch_size=256):
        """Computes the average pool of the encoder, on which linear probes are trained.

        Args:
            images: See `encode`.
            ema: See `encode`.
            batch_size: See `encode`.

        Returns:
            A float32 array of shape (count, 4 * encoder_widths[-1]).

        Raises:
            ValueError: See `encode`.
        """
        return self.read(self._features[ema], images, batch_size)

    @functools.cached_property
    def _means(self):
        return {ema: keras.Model(network.input, network.output["mean"]) for ema, network in self._encoders()}

    @functools.cached_property
    def _features(self):
        return {ema: features_of(network) for ema, network in self._encoders()}

    def _encoders(self):
        return (True, self.ema_encoder), (False, self.encoder)

    def served(self):
        return {**super().served(), "features": (self._features[True], "features")}
