"""GMMN (Li, Swersky & Zemel 2015, "Generative Moment Matching Networks")."""

import dataclasses
import math
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.latent import GenerativeModel
from kerasgan.game.engines import gather
from kerasgan.game.phase import Between, Phase
from kerasgan.game.recipe import SGD, Adam, Recipe
from kerasgan.game.signals import probed
from kerasgan.layers import dense_images
from kerasgan.objectives.discrepancy import squared_mmd
from kerasgan.objectives.losses import at_least_float32, weighted_mean

PIXELS = 784  # size of the images that the published bandwidths are for
DROP = 10_000  # number of updates before the learning rate drops and the momentum grows


@dataclasses.dataclass(frozen=True)
class GMMNRecipe(Recipe):
    """Training settings in addition to those of `kerasgan.Recipe`.

    Args:
        bandwidths: Bandwidths of the summed kernels exp(-|x - y|^2 / (2 bandwidth)). For images they are given for 28 x
            28 pixels in [0, 1]; for other numbers of values they are multiplied by `values / 784`, in proportion to
            typical squared distances. For vectors and codes they are used as they are.
        generator_optimizer: Optimizer of the generator, or its configuration.
    """

    batch_size: int = 1000
    bandwidths: tuple = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
    generator_optimizer: Any = SGD(
        keras.optimizers.schedules.PiecewiseConstantDecay([DROP], [2.0, 0.2]),
        momentum=0.9,
        final_momentum=0.99,
        ramp_start=DROP,
        ramp_steps=1,
    )


@keras.saving.register_keras_serializable(package="kerasgan")
class GMMN(GenerativeModel):
    """Generative moment matching network: a generator without a discriminator.

    It minimises the square root of the squared maximum mean discrepancy between a generated and a real batch (equation
    6), with a sum of Gaussian kernels of several bandwidths (section 4.3). Batches must be large.

    The networks and the recipe are those of the authors' MNIST experiment; details that the paper does not specify
    follow their code. Their code multiplies the loss by 1000 and divides the gradient by the 1000 samples of a batch;
    we do neither. On several replicas the discrepancy is that of the whole batch, not of each replica's part of it.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1], or (size,) of vectors in any range. For
            vectors, choose `bandwidths` to match their distances.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        units: Widths of the generator's hidden ReLU layers.
        **kwargs: Arguments of `kerasgan.GenerativeModel`.

    Examples:

    >>> model = GMMN(image_shape=(8, 8, 1))
    >>> model.compile()
    >>> model.fit(images, epochs=1000)
    >>> pictures = model.sample(16, seed=0)
    """

    recipe = GMMNRecipe()
    conditional = False

    def __init__(self, image_shape, latent_dim=10, latent_range=(-1.0, 1.0), units=(64, 256, 256, 1024), **kwargs):
        self.units = tuple(units)
        super().__init__(image_shape, latent_dim, latent_range, **kwargs)

    def build_generator(self):
        latents, x = self._hidden()
        return keras.Model(latents, dense_images(x, self.image_shape), name="generator")

    def _hidden(self):
        latents = x = keras.Input((self.latent_dim,), name="latents")
        for units in self.units:
            x = layers.Dense(units, "relu")(x)
        return latents, x

    def phases(self):
        return (Phase("generator", self.parts[:1], self.generator_loss, "generator"),)

    def generator_loss(self, batch):
        pair = self.compared(batch)
        real, fake = gather([ops.reshape(x, (-1, math.prod(x.shape[1:]))) for x in pair])
        # Gathered separately: TensorFlow differentiates tensors gathered together as a single tensor.
        weight = [] if batch.sample_weight is None else [gather(batch.sample_weight)]
        squared = squared_mmd(real, fake, [self.bandwidth_unit * b for b in self.recipe.bandwidths], *weight)
        return ops.sqrt(ops.maximum(squared, 0.0) + 1e-8), {"squared_mmd": squared}

    def compared(self, batch):
        """The samples that the discrepancy compares: real and generated samples, or their codes."""
        return [batch.x, self.generated(batch)]

    @property
    def bandwidth_unit(self):
        """Factor of the recipe's bandwidths: for images, converts from 784 pixels in [0, 1] to this size in [-1, 1]."""
        return 4.0 * math.prod(self.image_shape) / PIXELS if len(self.image_shape) == 3 else 1.0


@dataclasses.dataclass(frozen=True)
class GMMNAERecipe(GMMNRecipe):
    """Training settings in addition to those of `GMMNRecipe`.

    Args:
        autoencoder_steps: Number of initial steps that train the autoencoder, before the generator.
        autoencoder_optimizer: Optimizer of the autoencoder, or its configuration.
    """

    bandwidths: tuple = (1.0,)
    autoencoder_steps: int = 3000
    autoencoder_optimizer: Any = Adam(1e-3)


@keras.saving.register_keras_serializable(package="kerasgan")
class GMMNAE(GMMN):
    """GMMN+AE: a generator of codes, and an autoencoder whose decoder turns codes into images (section 4.2).

    The first `autoencoder_steps` steps of `fit` train the autoencoder, with dropout in the encoder. It is then frozen,
    and the generator learns to match the codes of real images. Samples are decoded codes. The paper trains the
    autoencoder layer by layer and then as a whole; here it is trained as a whole from the start, with larger initial
    weights and Adam.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1].
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        units: Widths of the generator's hidden ReLU layers.
        code_dim: Length of the codes, which are in [0, 1].
        code_units: Widths of the encoder's hidden sigmoid layers; the decoder's are the same in reverse.
        dropout: Dropout rates of the encoder: of its input, and of its hidden layers.
        **kwargs: Arguments of `kerasgan.GenerativeModel`.

    Examples:

    >>> model = GMMNAE(image_shape=(8, 8, 1))
    >>> model.compile()
    >>> model.fit(images, epochs=4000)
    >>> pictures = model.sample(16, seed=0)
    >>> codes = model.encode(images)
    """

    recipe = GMMNAERecipe()
    parts = averaged = ("code_generator", "encoder", "decoder")
    bandwidth_unit = 1.0

    def __init__(
        self,
        image_shape,
        latent_dim=10,
        latent_range=(-1.0, 1.0),
        units=(64, 256, 256, 1024),
        code_dim=32,
        code_units=(1024,),
        dropout=(0.2, 0.5),
        **kwargs,
    ):
        if len(image_shape) != 3:
            raise ValueError(
                f"`image_shape` is {image_shape}; expected (height, width, channels). Use GMMN for vectors."
            )
        self.code_dim, self.code_units, self.dropout = code_dim, tuple(code_units), tuple(dropout)
        super().__init__(image_shape, latent_dim, latent_range, units, **kwargs)

    def build_networks(self):
        super().build_networks()
        pairs = (self.code_generator, self.decoder), (self.ema_code_generator, self.ema_decoder)
        both = (keras.Model(make.input, decode(make.output), name="generator") for make, decode in pairs)
        self.generator, self.ema_generator = both

    def build_code_generator(self):
        """The generator of codes, a built Keras model."""
        latents, x = self._hidden()
        x = layers.Dense(self.code_dim, "sigmoid", dtype=keras.config.floatx(), name="codes")(x)
        return keras.Model(latents, x, name="code_generator")

    def build_encoder(self):
        """The encoder from images to codes, a built Keras model."""
        images = keras.Input(self.image_shape, name="images")
        first, later = self.dropout
        x = layers.Dropout(first)(layers.Flatten()(layers.Rescaling(0.5, 0.5)(images)))
        for units in self.code_units:
            x = layers.Dropout(later)(self._sigmoids(units)(x))
        x = self._sigmoids(self.code_dim, dtype=keras.config.floatx(), name="codes")(x)
        return keras.Model(images, x, name="encoder")

    def build_decoder(self):
        """The decoder from codes to images, a built Keras model."""
        codes = x = keras.Input((self.code_dim,), name="codes")
        for units in reversed(self.code_units):
            x = self._sigmoids(units)(x)
        return keras.Model(codes, dense_images(x, self.image_shape), name="decoder")

    @staticmethod
    def _sigmoids(units, **options):
        """A sigmoid layer with four times Glorot's initial weights, because a sigmoid's slope at 0 is 1/4."""
        wide = {"scale": 16.0, "mode": "fan_avg", "distribution": "uniform"}
        initializer = {"class_name": "VarianceScaling", "config": wide}
        return layers.Dense(units, "sigmoid", kernel_initializer=initializer, **options)

    def phases(self):
        first, last = Between(0, self.recipe.autoencoder_steps), Between(self.recipe.autoencoder_steps)
        (generator,) = super().phases()
        return (
            Phase("autoencoder", ("encoder", "decoder"), self.autoencoder_loss, "autoencoder", first),
            dataclasses.replace(generator, every=last),
        )

    def autoencoder_loss(self, batch):
        """Cross-entropy of the pixels, treated as probabilities, summed over each image; and logs."""
        decoded = self.decoder(self.encoder(batch.x, training=True), training=True)
        target, found = (at_least_float32(x) / 2.0 + 0.5 for x in (batch.x, decoded))
        crossed = ops.binary_crossentropy(ops.cast(target, found.dtype), found)
        return weighted_mean(ops.sum(crossed, axis=(1, 2, 3)), batch.sample_weight), {}

    def compared(self, batch):
        """Codes of the real images, without dropout, and generated codes."""
        real = ops.stop_gradient(self.encoder(batch.x, training=False))
        return [real, probed(self.code_generator(self.latents(batch), training=True))]

    def encode(self, images, batch_size=256):
        """Encodes images as codes.

        Args:
            images: Array of shape (count, *image_shape), in [-1, 1].
            batch_size: Number of images to process at once.

        Returns:
            A float32 array of shape (count, code_dim), in [0, 1].

        Raises:
            ValueError: For images of another shape, type or range.
        """
        return self.read(self.ema_encoder, images, batch_size)

    def served(self):
        return {"encode": (self.ema_encoder, "codes")}
