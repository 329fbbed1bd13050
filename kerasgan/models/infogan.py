"""InfoGAN (Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing GANs")."""

import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.heads import HeadedModel, cross_entropy
from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.recipe import optimizer
from kerasgan.layers import batch_normalization, normal, normalization, strided_convolutions, transposed_convolutions
from kerasgan.objectives.losses import mean


@dataclasses.dataclass(frozen=True)
class InfoGANRecipe(LatentRecipe):
    """As `kerasgan.LatentRecipe`, and

    Args:
        categorical_information: weight lambda of the categorical codes' information, for both players.
        continuous_information: weight lambda of the continuous codes' information, for both players.
    """

    batch_size: int = 128
    categorical_information: float = 1.0
    continuous_information: float = 1.0
    generator_optimizer: Any = dataclasses.field(
        default_factory=functools.partial(optimizer, "adam", learning_rate=1e-3, beta_1=0.5)
    )


@keras.saving.register_keras_serializable(package="kerasgan")
class InfoGAN(HeadedModel):
    """GAN whose latents are noise and codes, and which keeps the information that its images hold about the codes.

    A head Q on the discriminator's trunk reads the codes c of generated images. Both players maximise, besides the
    game's loss, lambda times a lower bound of the mutual information (equation 5):

        L_I = E log Q(c | G(z, c)) + H(c)  in nats.

    Of a categorical code that is its entropy less the cross-entropy, at most ln(classes); of a continuous one, uniform
    in [-1, 1], ln 2 less the negative log-likelihood of a Gaussian. The discriminator never sees the codes.

    Networks and recipe are those of the MNIST experiment (appendix C.1), with more layers for larger images. Where the
    paper leaves the Gaussian open its official code is followed: standard deviation 1, and the weight 1 for all codes
    (the paper: smaller for continuous ones). With that deviation a continuous code's L_I is at most -.23.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width multiples of 4.
        noise_dim: length of the incompressible noise, uniform in [-1, 1].
        categorical: number of classes of each categorical code.
        continuous: number of continuous codes.
        width: channels of the discriminator's first layer and of the generator's last hidden one; doubled inwards.
        units: width of the dense layers; Q has an eighth of it.
        discriminator_normalization: "batch" as in the paper, "layer" or None. Where most of an image is empty, batches
            of real and of generated images, normalized each by itself, look alike, and the generator stays empty.
        **kwargs: Arguments of `kerasgan.LatentModel`. The latents are noise, one-hot codes and continuous codes in one
            vector, so `latent_dim` is not given.

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
        if kwargs.get("num_classes"):
            raise ValueError(
                "num_classes was given, but InfoGAN finds classes without labels. Leave it out, or use ACGAN."
            )
        self.noise_dim, self.categorical, self.continuous = noise_dim, tuple(categorical), continuous
        self.code_sizes = (*self.categorical, continuous)
        if not sum(self.code_sizes):
            raise ValueError("There are no codes. Give a categorical=(10,), continuous=2, or both; or use DCGAN.")
        self.sizes = {"width": width, "units": units, "discriminator_normalization": discriminator_normalization}
        self.steps = self.halvings(image_shape)
        super().__init__(image_shape, noise_dim + sum(self.code_sizes), (-1.0, 1.0), **kwargs)

    def build_generator(self):
        height, width, channels = self.image_shape
        first, *hidden = [self.sizes["width"] << step for step in reversed(range(self.steps))]
        small = (height >> self.steps, width >> self.steps, first)
        latents = x = keras.Input((self.latent_dim,), name="latents")
        for units in (self.sizes["units"], math.prod(small)):
            x = layers.Dense(units, use_bias=False, kernel_initializer=normal(0.02))(x)
            x = layers.ReLU()(batch_normalization()(x))
        x = transposed_convolutions(layers.Reshape(small)(x), hidden, channels, 4, keras.config.floatx())
        return keras.Model(latents, x, name="generator")

    def build_discriminator(self):
        images = keras.Input(self.pack_shape, name="images")
        widths = [self.sizes["width"] << step for step in range(self.steps)]
        x = strided_convolutions(images, widths, 4, 0.1, self.sizes["discriminator_normalization"])
        trunk = self._dense(layers.Flatten()(x), self.sizes["units"])
        codes = self._dense(trunk, self.sizes["units"] // 8)
        outputs = {
            name: layers.Dense(size, kernel_initializer=normal(0.02), name=name)(x)
            for name, size, x in (("logits", 1, trunk), ("codes", self.packing * sum(self.code_sizes), codes))
        }
        return keras.Model(images, outputs, name="discriminator")

    def _dense(self, x, units):
        kind = self.sizes["discriminator_normalization"]
        x = layers.Dense(units, use_bias=kind is None, kernel_initializer=normal(0.02))(x)
        return layers.LeakyReLU(0.1)(normalization(kind)(x))

    # The game -------------------------------------------------------------------------------------------------------

    def draw_latents(self, count, seed, truncation=None):
        """Noise, one-hot codes and continuous codes, shape (count, latent_dim); `seed` as for `keras.random`."""
        uniform = keras.random.uniform((count, self.noise_dim + len(self.code_sizes) - 1 + self.continuous), seed=seed)
        noise, *classes, continuous = self._split(uniform, (self.noise_dim, *[1] * len(self.categorical)))
        codes = [  # the minimum: in low precision size * u may round up to size
            ops.one_hot(ops.cast(ops.minimum(ops.floor(size * u[:, 0]), size - 1), "int32"), size, dtype=u.dtype)
            for size, u in zip(self.categorical, classes, strict=True)
        ]
        return ops.concatenate([2.0 * noise - 1.0, *codes, 2.0 * continuous - 1.0], axis=-1)

    @staticmethod
    def _split(x, sizes):
        """Columns of x in pieces of these sizes, and the rest."""
        edges = np.cumsum((0, *sizes)).tolist()
        return [x[:, start:end] for start, end in zip(edges, [*edges[1:], None], strict=True)]

    def information(self, batch):
        """The bounds L_I (equation 5) of the categorical and of the continuous codes, summed over each, in nats."""
        *drawn, drawn_continuous = self._split(self.latents(batch)[:, self.noise_dim :], self.categorical)
        told = self.per_sample(self.told_of_fake(batch)["codes"])
        *logits, means = self._split(told, self.categorical)
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
        """Generated samples as of `LatentModel.sample`, of chosen codes where these are given.

        Args:
            count: Number of samples.
            seed: Seed of the noise and of codes that are not given, an integer of 0 or more.
            labels: Nothing: the model has no labels.
            ema: Whether to use the averaged generator rather than the one in training.
            batch_size: Number of samples that are computed at once.
            **options: As for `LatentModel.sample`.
            codes: shape (count, codes): a class of each categorical code, from 0, then the continuous codes; NaN leaves
                one to the seed.

        Returns:
            float32 array of shape (count, *image_shape), images in [-1, 1].

        Raises:
            ValueError: for codes that do not fit, or as `LatentModel.sample`.
        """
        if codes is None or labels is not None:
            return super().sample(count, seed, labels, ema=ema, batch_size=batch_size, **options)
        return self.generate(self._with_codes(self.draw_latents(count, int(seed)), codes), ema, batch_size)

    def _with_codes(self, latents, codes):
        latents, codes = np.array(ops.convert_to_numpy(latents)), np.asarray(codes, "float32")
        expected = (len(latents), len(self.categorical) + self.continuous)
        if codes.shape != expected:
            raise ValueError(f"codes have shape {codes.shape}, expected {expected}: a row of codes for each sample.")
        start = self.noise_dim
        for size, column in zip(self.categorical, codes.T, strict=False):
            given = np.flatnonzero(~np.isnan(column))
            if not np.isin(column[given], np.arange(size)).all():
                raise ValueError(
                    f"A categorical code is {column[given]}, expected integers from 0 to {size - 1}, or NaN."
                )
            latents[given, start : start + size] = np.eye(size)[column[given].astype(int)]
            start += size
        continuous = codes[:, len(self.categorical) :]
        latents[:, start:] = np.where(np.isnan(continuous), latents[:, start:], continuous)
        return ops.convert_to_tensor(latents)

    def infer_codes(self, images):
        """The codes that Q finds in images: the likeliest class of a categorical code, the mean of a continuous one.

        Args:
            images: shape (count, *image_shape), in [-1, 1].

        Returns:
            float32 array of shape (count, codes), as `sample` takes it.
        """
        *logits, means = np.split(self.read_head("codes", images), np.cumsum(self.categorical, dtype=int), axis=-1)
        return np.stack([*(scores.argmax(axis=-1) for scores in logits), *means.T], axis=-1).astype("float32")

    def walk(self, code, values=None, rows=10, seed=0, ema=True):
        """Images of one code's values in a row; each row has a noise and other codes of its own.

        Args:
            code: place of the code: categorical ones first, then continuous ones.
            values: of the code; None: all classes, or 10 from -1 to 1.
            rows: number of rows.
            seed: of noise and other codes.
            ema: use the averaged generator, else the one in training.

        Returns:
            float32 array of shape (rows * len(values), *image_shape), row by row, for `kerasgan.pictures.images.grid`.

        Raises:
            ValueError: for a code that there is not.
        """
        count = len(self.categorical) + self.continuous
        if code not in range(count):
            raise ValueError(f"code is {code!r}, expected 0 to {count - 1}.")
        if values is None:
            discrete = code < len(self.categorical)
            values = np.arange(self.categorical[code]) if discrete else np.linspace(-1.0, 1.0, 10)
        codes = np.full((rows * len(values), count), np.nan)
        codes[:, code] = np.tile(values, rows)
        latents = ops.repeat(self.draw_latents(rows, int(seed)), len(values), axis=0)
        return self.generate(self._with_codes(latents, codes), ema)

    def get_config(self):
        own = {"noise_dim": self.noise_dim, "categorical": self.categorical, "continuous": self.continuous}
        config = {**super().get_config(), **own, **self.sizes}
        return {k: v for k, v in config.items() if k not in ("latent_dim", "latent_range", "num_classes")}
