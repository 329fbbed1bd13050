"""BiGAN (Donahue, Krähenbühl & Darrell 2017, "Adversarial Feature Learning"; ALI: Dumoulin et al. 2017)."""

import dataclasses
import functools
import math
from typing import Any

import keras
from keras import layers, ops

from kerasgan.augment.packed import pack
from kerasgan.bases.encoding import EncodingModel
from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.phase import shared
from kerasgan.game.recipe import Adam
from kerasgan.game.schedules import Exponential
from kerasgan.layers import LeakyReLU, dense_images, normalization, strided_convolutions, transposed_convolutions
from kerasgan.objectives.penalties import weight_decay


def bigan_adam(learning_rate=2e-4, kimg=10_000):
    """Adam whose learning rate is constant for the first half of the training and then falls to a hundredth.

    Args:
        learning_rate: Learning rate of the first half.
        kimg: Half the length of the training, in thousands of images; 10,000 are 200 epochs of MNIST's 50,000 images.
    """
    rate = Exponential(learning_rate, 0.01 * learning_rate, kimg, wait=kimg)
    return Adam(rate, beta_1=0.5, beta_2=0.999, epsilon=1e-8)


@dataclasses.dataclass(frozen=True)
class BiGANRecipe(LatentRecipe):
    """Training settings in addition to those of `kerasgan.LatentRecipe`.

    Args:
        weight_decay: Weight, in each player's loss, of half the sum of squares of all kernels. The official value
            2.5e-5 belongs to losses that are half as large.
    """

    batch_size: int = 128
    update: str = "simultaneous"
    weight_decay: float = 5e-5
    discriminator_optimizer: Any = bigan_adam()
    generator_optimizer: Any = bigan_adam()


@keras.saving.register_keras_serializable(package="kerasgan")
class BiGAN(EncodingModel):
    """GAN with an encoder that learns to invert the generator, without a reconstruction loss.

    The discriminator judges pairs: a real image and its encoding, (x, E(x)), or a generated image and its latents,
    (G(z), z). Generator and encoder together minimise the discriminator's loss with swapped labels, so that the encoder
    learns from real pairs as the generator does from generated ones (section 3; equation 3, in the non-saturating
    form). At the optimum, encoder and generator invert each other (theorem 2). The encoder's output is linear.

    The networks and the recipe are those of the permutation-invariant MNIST experiment (appendix C.1): perceptrons with
    two hidden layers and batch normalization without scale and offset. Details that the paper does not specify follow
    its official code: the latents join the images in the discriminator's second layer, all players are updated at once,
    and the learning rate falls in the second half. `convolutional` networks, for images of 8 to 64 pixels, have DCGAN's
    strided convolutions (4 x 4) in place of the first layers and of the generator's last layer; their discriminator has
    ALI's two layers for the latents alone and two for both (Dumoulin et al. 2017).

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1], or (size,) of vectors. For convolutional
            networks, height and width are multiples of 4.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        units: Width of the dense layers.
        convolutional: Whether the networks are convolutional.
        width: Channels of the first convolution, doubled inwards.
        discriminator_normalization: "batch", as in the paper, "layer" or `None`. If images are mostly empty, batches of
            real and of generated pairs look alike after batch normalization, and nothing is learned.
        **kwargs: Arguments of `kerasgan.LatentModel`, and `encoder`, a built Keras model from images to latents with a
            layer `features`. A given discriminator has the inputs [images, latents]; penalties are on the gradient with
            respect to both.

    Examples:

    >>> model = BiGAN(image_shape=(8, 8, 1))
    >>> model.compile()
    >>> model.fit(images, epochs=400)
    >>> latents = model.encode(images)
    >>> again = model.reconstruct(images)
    >>> known = model.features(images)  # for a classifier of few labels
    >>> pictures = model.sample(16, seed=0)
    """

    recipe = BiGANRecipe()
    conditional = False

    def __init__(
        self,
        image_shape,
        latent_dim=50,
        latent_range=(-1.0, 1.0),
        units=1024,
        convolutional=False,
        width=64,
        discriminator_normalization="batch",
        **kwargs,
    ):
        self.units, self.convolutional, self.width = units, convolutional, width
        self.discriminator_normalization = discriminator_normalization
        steps = self.halvings(image_shape) if convolutional else 0
        self.widths = [width << step for step in range(steps)]
        super().__init__(image_shape, latent_dim, latent_range, **kwargs)

    # Networks -------------------------------------------------------------------------------------------------------

    def build_generator(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        x = layers.ReLU()(self._normalized(latents, self.units))
        if not self.widths:
            x = layers.ReLU()(self._normalized(x, self.units))
            return keras.Model(latents, dense_images(x, self.image_shape), name="generator")
        height, width, channels = self.image_shape
        *hidden, first = self.widths
        small = (height >> len(self.widths), width >> len(self.widths), first)
        x = layers.Reshape(small)(layers.ReLU()(self._normalized(x, math.prod(small))))
        x = transposed_convolutions(x, hidden[::-1], channels, 4, keras.config.floatx())
        return keras.Model(latents, x, name="generator")

    def build_encoder(self):
        images = keras.Input(self.image_shape, name="images")
        x = LeakyReLU(0.2, name="features")(self._normalized(self._first(images), self.units))
        # No offset: the discriminator's batch normalization, separate for real and generated pairs, would remove it.
        x = layers.Dense(self.latent_dim, use_bias=False, dtype=keras.config.floatx(), name="latents")(x)
        return keras.Model(images, x, name="encoder")

    def build_discriminator(self):
        images = keras.Input(self.pack_shape, name="images")
        latents = keras.Input((self.packing * self.latent_dim,), name="latents")
        kind = self.discriminator_normalization

        def hidden(x, depth):
            for _ in range(depth):
                x = LeakyReLU(0.2)(self._normalized(x, self.units, kind))
            return x

        alone, joint = (2, 2) if self.widths else (0, 1)
        x = hidden(layers.Concatenate()([self._first(images, kind), hidden(latents, alone)]), joint)
        return keras.Model([images, latents], layers.Dense(1, name="logits")(x), name="discriminator")

    def _first(self, images, kind="batch"):
        """Flat features of images."""
        if self.widths:
            return layers.Flatten()(strided_convolutions(images, self.widths, 4, 0.2, kind))
        x = images
        if len(self.image_shape) == 3:  # to the paper's intensities in [0, 1]
            x = layers.Flatten()(layers.Rescaling(0.5, 0.5)(images))
        return LeakyReLU(0.2)(layers.Dense(self.units)(x))

    @staticmethod
    def _normalized(x, units, kind="batch"):
        x = layers.Dense(units, use_bias=kind is None)(x)
        return normalization(kind, center=False, scale=False)(x)

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        *others, generator = super().phases()
        return *others, dataclasses.replace(generator, trains=("generator", "encoder"))

    @shared
    def encoded(self, batch):
        """The encoder's latents of the real samples."""
        return self.encoder(batch.x, training=True)

    @shared
    def real_logits(self, batch):
        return self.judge(batch.x, self.encoded(batch))

    @shared
    def fake_logits(self, batch):
        return self.judge(self.generated(batch), self.latents(batch))

    def discriminator_loss(self, batch):
        loss, logs = super().discriminator_loss(batch)
        return loss + weight_decay(self.discriminator, self.recipe.weight_decay), logs

    def generator_loss(self, batch):
        swapped = {"real_logits": self.fake_logits(batch), "fake_logits": self.real_logits(batch)}
        loss = self.adversarial_loss.discriminator(**swapped, fake_weight=self.pack_weight(batch))
        return loss + sum(weight_decay(n, self.recipe.weight_decay) for n in (self.generator, self.encoder)), {}

    def penalty(self, penalty, batch):
        """The value of a penalty on the discriminator for pairs, each as one vector."""
        pairs = (batch.x, self.encoded(batch)), (self.generated(batch), self.latents(batch))
        size = math.prod(self.pack_shape)

        def joined(images, latents):
            images = ops.reshape(pack(images, self.packing), (-1, size))
            latents = ops.cast(pack(latents, self.packing), images.dtype)
            return ops.stop_gradient(ops.concatenate([images, latents], axis=-1))

        def judge(joint):
            images = ops.reshape(joint[:, :size], (-1, *self.pack_shape))
            return self.judge(self.unpack(images), self.unpack(joint[:, size:]))

        return penalty(judge, *(joined(*pair) for pair in pairs), seed=self.random, images_seen=self.images_seen)

    # Encodings ------------------------------------------------------------------------------------------------------

    def features(self, images, ema=True, batch_size=256):
        """Computes the encoder's last hidden layer, before the linear output: the features that the paper classifies.

        Args:
            images: See `encode`.
            ema: See `encode`.
            batch_size: See `encode`.

        Returns:
            A float32 array of shape (count, units).

        Raises:
            ValueError: See `encode`.
        """
        return self.read(self._features[ema], images, batch_size)

    @functools.cached_property
    def _features(self):
        both = {True: self.ema_encoder, False: self.encoder}
        return {ema: keras.Model(net.input, net.get_layer("features").output) for ema, net in both.items()}

    def served(self):
        return {**super().served(), "features": (self._features[True], "features")}
