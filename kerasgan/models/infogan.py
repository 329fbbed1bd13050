"""InfoGAN (Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing GANs")."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.heads import HeadedModel, cross_entropy
from kerasgan.bases.latent import LatentRecipe
from kerasgan.bases.latents import Codes
from kerasgan.game.recipe import Adam
from kerasgan.layers import (
    LeakyReLU,
    batch_normalization,
    normal,
    normalization,
    strided_convolutions,
    transposed_convolutions,
)
from kerasgan.objectives.losses import mean


@dataclasses.dataclass(frozen=True)
class InfoGANRecipe(LatentRecipe):
    """Training settings in addition to those of `kerasgan.LatentRecipe`.

    Args:
        categorical_information: Weight lambda of the information about the categorical codes, for both players.
        continuous_information: Weight lambda of the information about the continuous codes, for both players.
    """

    batch_size: int = 128
    categorical_information: float = 1.0
    continuous_information: float = 1.0
    generator_optimizer: Any = Adam(1e-3, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class InfoGAN(HeadedModel):
    """GAN with noise and codes as latents that maximises the information that images contain about the codes.

    A head Q on the discriminator's trunk reads the codes c of generated images. Besides the adversarial loss, both
    players maximise lambda times a lower bound of the mutual information (equation 5):

        L_I = E log Q(c | G(z, c)) + H(c)  in nats.

    For a categorical code, this is its entropy minus the cross-entropy, at most ln(classes). For a continuous code,
    uniform in [-1, 1], it is ln 2 minus the negative log-likelihood of a Gaussian. The discriminator does not receive
    the codes.

    The networks and the recipe are those of the MNIST experiment (appendix C.1), with more layers for larger images.
    The paper does not specify the Gaussian, so we follow the official code: standard deviation 1, and weight 1 for all
    codes (in the paper, smaller for continuous ones). L_I of a continuous code is then at most -0.23.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        noise_dim: Length of the incompressible noise, which is uniform in [-1, 1].
        categorical: Number of classes of each categorical code.
        continuous: Number of continuous codes.
        width: Channels of the discriminator's first layer and of the generator's last hidden layer, doubled towards
            smaller maps.
        units: Width of the dense layers; Q has an eighth of that.
        discriminator_normalization: "batch", as in the paper, "layer" or `None`. If images are mostly empty, batches of
            real and of generated images look alike after batch normalization, and generated images stay empty.
        **kwargs: Arguments of `kerasgan.LatentModel`. The latents are noise, one-hot codes and continuous codes in one
            vector, so that there is no argument `latent_dim`.

    Examples:

    >>> model = InfoGAN(image_shape=(8, 8, 1))
    >>> model.compile()
    >>> model.fit(images, epochs=100)
    >>> pictures = model.sample(2, codes=[[3, -1.0, 0.0], [3, 1.0, 0.0]])  # one class, two ends of a continuous code
    >>> codes = model.infer_codes(images)
    >>> walk = model.walk(code=1)
    """

    recipe = InfoGANRecipe()
    heads = ("codes",)
    conditional = False  # the family finds classes without labels
    fixed = ("latent_dim", "latent_range")

    def __init__(
        self,
        image_shape,
        noise_dim=62,
        categorical=(10,),
        continuous=2,
        width=64,
        units=1024,
        discriminator_normalization="batch",
        **kwargs,
    ):
        self.noise_dim, self.categorical, self.continuous = noise_dim, tuple(categorical), continuous
        self.width, self.units, self.discriminator_normalization = width, units, discriminator_normalization
        self.codes = Codes(noise_dim, self.categorical, continuous)
        if not self.codes.count:
            raise ValueError("There are no codes. Pass categorical=(10,), continuous=2, or both; or use DCGAN.")
        self.steps = self.halvings(image_shape)
        super().__init__(image_shape, self.codes.size, **kwargs)
        self.prior = self.codes

    def build_generator(self):
        height, width, channels = self.image_shape
        first, *hidden = [self.width << step for step in reversed(range(self.steps))]
        small = (height >> self.steps, width >> self.steps, first)
        latents = x = keras.Input((self.latent_dim,), name="latents")
        for units in (self.units, math.prod(small)):
            x = layers.Dense(units, use_bias=False, kernel_initializer=normal(0.02))(x)
            x = layers.ReLU()(batch_normalization()(x))
        x = transposed_convolutions(layers.Reshape(small)(x), hidden, channels, 4, keras.config.floatx())
        return keras.Model(latents, x, name="generator")

    def build_discriminator(self):
        images = keras.Input(self.pack_shape, name="images")
        widths = [self.width << step for step in range(self.steps)]
        x = strided_convolutions(images, widths, 4, 0.1, self.discriminator_normalization)
        trunk = self._dense(layers.Flatten()(x), self.units)
        codes = self._dense(trunk, self.units // 8)
        outputs = {
            name: layers.Dense(size, kernel_initializer=normal(0.02), name=name)(x)
            for name, size, x in (("logits", 1, trunk), ("codes", self.packing * self.codes.code_size, codes))
        }
        return keras.Model(images, outputs, name="discriminator")

    def _dense(self, x, units):
        kind = self.discriminator_normalization
        x = layers.Dense(units, use_bias=kind is None, kernel_initializer=normal(0.02))(x)
        return LeakyReLU(0.1)(normalization(kind)(x))

    # The game -------------------------------------------------------------------------------------------------------

    def information(self, batch):
        """The bounds L_I (equation 5), in nats, summed over the categorical and over the continuous codes."""
        *drawn, drawn_continuous = self.codes.split(self.latents(batch)[:, self.noise_dim :])
        *logits, means = self.codes.split(self.per_sample(self.told_of_fake(batch)["codes"]))
        categorical = sum(
            math.log(size) - cross_entropy(code, scores)
            for size, code, scores in zip(self.categorical, drawn, logits, strict=True)
        )
        errors = ops.square(ops.cast(drawn_continuous, means.dtype) - means)
        continuous = math.log(2.0) - 0.5 * math.log(2.0 * math.pi)
        return categorical, self.continuous * (continuous - 0.5 * mean(errors)) if self.continuous else 0.0

    def fake_head_loss(self, batch):
        categorical, continuous = self.information(batch)
        loss = -self.recipe.categorical_information * categorical - self.recipe.continuous_information * continuous
        logs = {"categorical_information": categorical} if self.categorical else {}
        return loss, {**logs, "continuous_information": continuous} if self.continuous else logs

    # Codes ----------------------------------------------------------------------------------------------------------

    def sample(self, count, seed=0, labels=None, *, ema=True, batch_size=64, codes=None, **options):
        """Generates samples as `LatentModel.sample` does, with given codes if `codes` is passed.

        Args:
            count: Number of samples.
            seed: Seed of the noise and of codes that are not given, a non-negative integer.
            labels: Must be `None`: the model has no labels.
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of samples to process at once.
            **options: See `LatentModel.sample`.
            codes: Array of shape (count, codes): the class of each categorical code, from 0, then the continuous codes.
                Codes that are NaN are drawn at random.

        Returns:
            A float32 array of shape (count, *image_shape), images in [-1, 1].

        Raises:
            ValueError: For codes that do not fit; see also `LatentModel.sample`.
        """
        if codes is None or labels is not None:
            return super().sample(count, seed, labels, ema=ema, batch_size=batch_size, **options)
        return self.generate(self._with_codes(self.draw_latents(count, int(seed)), codes), ema, batch_size)

    def _with_codes(self, latents, codes):
        latents, codes = np.array(ops.convert_to_numpy(latents)), np.asarray(codes, "float32")
        expected = (len(latents), self.codes.count)
        if codes.shape != expected:
            raise ValueError(f"`codes` has shape {codes.shape}; expected {expected}: a row of codes for each sample.")
        start = self.noise_dim
        for size, column in zip(self.categorical, codes.T, strict=False):
            given = np.flatnonzero(~np.isnan(column))
            if not np.isin(column[given], np.arange(size)).all():
                raise ValueError(
                    f"`codes` has a categorical code {column[given]}; expected integers from 0 to {size - 1}, or NaN."
                )
            latents[given, start : start + size] = np.eye(size)[column[given].astype(int)]
            start += size
        continuous = codes[:, len(self.categorical) :]
        latents[:, start:] = np.where(np.isnan(continuous), latents[:, start:], continuous)
        return ops.convert_to_tensor(latents)

    def infer_codes(self, images):
        """Infers the codes of images with Q: the likeliest class of a categorical code, the mean of a continuous one.

        Args:
            images: Array of shape (count, *image_shape), in [-1, 1].

        Returns:
            A float32 array of shape (count, codes), in the format of `sample`.
        """
        *logits, means = self.codes.split(self.read_head("codes", images))
        return np.stack([*(scores.argmax(axis=-1) for scores in logits), *means.T], axis=-1).astype("float32")

    def walk(self, code, values=None, rows=10, seed=0, ema=True):
        """Generates rows of images with varying values of one code; noise and other codes differ from row to row.

        Args:
            code: Index of the code: categorical codes first, then continuous ones.
            values: Values of the code. `None` for all classes, or 10 values from -1 to 1.
            rows: Number of rows.
            seed: Seed of the noise and of the other codes.
            ema: Whether to use the averaged generator rather than the one being trained.

        Returns:
            A float32 array of shape (rows * len(values), *image_shape), row by row, ready for
            `kerasgan.pictures.images.grid`.

        Raises:
            ValueError: For a code that the model does not have.
        """
        count = self.codes.count
        if code not in range(count):
            raise ValueError(f"`code` is {code!r}; expected 0 to {count - 1}.")
        if values is None:
            discrete = code < len(self.categorical)
            values = np.arange(self.categorical[code]) if discrete else np.linspace(-1.0, 1.0, 10)
        codes = np.full((rows * len(values), count), np.nan)
        codes[:, code] = np.tile(values, rows)
        latents = ops.repeat(self.draw_latents(rows, int(seed)), len(values), axis=0)
        return self.generate(self._with_codes(latents, codes), ema)
