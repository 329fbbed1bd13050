"""FastGAN (Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot ...")."""

import dataclasses
import math
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.heads import HeadedModel
from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.phase import shared
from kerasgan.layers import (
    Conv2D,
    Conv2DTranspose,
    GatedLinearUnit,
    LeakyReLU,
    Noise,
    SpectralConv2D,
    SpectralConv2DTranspose,
    batch_normalization,
    normal,
)
from kerasgan.objectives.losses import weighted_mean
from kerasgan.objectives.perceptual import perceptual_distance

RESIDUAL = 256  # pixels up to which the discriminator has residual stages
LONGEST_SKIP = 4  # doublings between the two maps of a skip: from 4x4 to 64x64
DECODED = 4  # doublings of a decoder: from 8x8 to 128x128


def convolution(filters, size, spectral=True, **options):
    """A convolution, by default spectrally normalized and without a bias."""
    options = {"padding": "same", "use_bias": False, "kernel_initializer": normal(0.02), **options}
    return (SpectralConv2D if spectral else Conv2D)(filters, size, **options)


def enlarged(x, filters, name, convolutions=1, noise=False, spectral=True):
    """Doubles a map: nearest-neighbour upsampling, then convolutions with batch normalization and gated linear units.

    Args:
        x: Map of shape (batch, height, width, channels).
        filters: Number of channels after the gates, which consume half of a convolution's channels.
        name: Prefix of the layers' names.
        convolutions: Number of convolutions.
        noise: Whether noise follows each convolution.
        spectral: Whether the convolutions are spectrally normalized.
    """
    x = layers.UpSampling2D(2, name=f"{name}_enlarged")(x)
    for place in range(convolutions):
        x = convolution(2 * filters, 3, spectral, name=f"{name}_convolution{place}")(x)
        x = Noise(name=f"{name}_noise{place}")(x) if noise else x
        x = batch_normalization(name=f"{name}_normalization{place}")(x)
        x = GatedLinearUnit(name=f"{name}_gates{place}")(x)
    return x


def excited(x, small, size, name, activation=None, spectral=True):
    """Skip-layer excitation: scales a map's channels by a much smaller map (equation 1 and figure 3).

    Args:
        x: Map of shape (batch, height, width, channels).
        small: Smaller map, which is averaged down to `size` and convolved to one number per channel of `x`.
        size: (height, width) of the averaged small map.
        name: Prefix of the layers' names.
        activation: Layer between the two convolutions. `None` for the paper's leaky ReLU (0.1).
        spectral: Whether the convolutions are spectrally normalized.
    """
    window = small.shape[1] // size[0], small.shape[2] // size[1]
    y = layers.AveragePooling2D(window, name=f"{name}_average")(small)
    y = convolution(x.shape[-1], size, spectral, padding="valid", name=f"{name}_squeeze")(y)
    y = convolution(x.shape[-1], 1, spectral, name=f"{name}_scale")((activation or LeakyReLU(0.1))(y))
    return layers.Multiply(name=f"{name}_excited")([x, layers.Activation("sigmoid", name=f"{name}_gate")(y)])


def generator_network(
    smallest, channels, stage_widths, latent_dim=256, convolutions=1, activation=None, skip=None, spectral=True
):
    """The generator (section 3.1): one stage per size, with skips over several stages.

    Args:
        smallest: (height, width) of the first stage.
        channels: Number of channels of the images.
        stage_widths: Channels of the stages, smallest first.
        latent_dim: Length of the latents.
        convolutions: Number of convolutions per stage: 1 without noise, more with noise.
        activation: See `excited`.
        skip: Number of stages that a skip spans. `None` for 4, or for all if there are fewer.
        spectral: Whether all convolutions are spectrally normalized.

    Returns:
        `keras.Model` from `latents` to images in [-1, 1].
    """
    skip = min(LONGEST_SKIP, len(stage_widths) - 1) if skip is None else skip
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Reshape((1, 1, latent_dim), name="point")(latents)
    transposed = SpectralConv2DTranspose if spectral else Conv2DTranspose
    options: dict[str, Any] = {"use_bias": False, "kernel_initializer": normal(0.02), "name": "start_convolution"}
    x = transposed(2 * stage_widths[0], smallest, padding="valid", **options)(x)
    x = GatedLinearUnit(name="start_gates")(batch_normalization(name="start_normalization")(x))
    maps = [x]
    for stage, width in enumerate(stage_widths[1:], 1):
        x = enlarged(x, width, f"stage{stage}", convolutions, convolutions > 1, spectral)
        if stage >= skip:
            x = excited(x, maps[stage - skip], smallest, f"stage{stage}", activation, spectral)
        maps.append(x)
    x = convolution(channels, 3, spectral, use_bias=True, name="colors")(x)
    x = layers.Activation("tanh", dtype=keras.config.floatx(), name="images")(x)
    return keras.Model(latents, x, name="generator")


def halved(x, filters, name, spectral=True, direct=True, bias=False):
    """Halves a map: the mean of a path with a 4x4 and a 3x3 convolution and of a direct path with average pooling.

    Args:
        x: Map of shape (batch, height, width, channels).
        filters: Number of channels.
        name: Prefix of the layers' names.
        spectral: Whether the convolutions are spectrally normalized.
        direct: Whether to use the direct path; otherwise there is only the 4x4 convolution.
        bias: Whether the 4x4 convolution has a bias, which the normalization removes again.
    """

    def activated(x, part):
        x = batch_normalization(name=f"{name}_normalization{part}")(x)
        return LeakyReLU(0.2, name=f"{name}_activation{part}")(x)

    y = activated(convolution(filters, 4, spectral, strides=2, use_bias=bias, name=f"{name}_convolution0")(x), 0)
    if not direct:
        return y
    y = activated(convolution(filters, 3, spectral, name=f"{name}_convolution1")(y), 1)
    x = convolution(filters, 1, spectral, name=f"{name}_direct")(layers.AveragePooling2D(2, name=f"{name}_average")(x))
    return layers.Average(name=f"{name}_mean")([y, activated(x, 2)])


def discriminator_network(image_shape, stage_widths, spectral=True):
    """The discriminator (section 3.2): strided convolutions down to 256 pixels, then residual stages.

    Args:
        image_shape: (height, width, channels) of the images.
        stage_widths: Channels at each size, from that of the images downwards in halvings.
        spectral: Whether all convolutions are spectrally normalized.

    Returns:
        `keras.Model` of `images` with the outputs `logits`, one for each 4x4 window of the smallest map, and the
        decoders' inputs: `features`, the smallest map, and `larger_features`, the map before it.
    """
    images = keras.Input(image_shape, name="images")
    strides = 2 if min(image_shape[:2]) > RESIDUAL else 1
    widths = stage_widths[strides - 1 :]
    x = convolution(widths[0], 4 if strides > 1 else 3, spectral, strides=strides, name="start_convolution")(images)
    maps = [LeakyReLU(0.2, name="start_activation")(x)]
    for stage, width in enumerate(widths[1:], 1):
        x = halved(maps[-1], width, f"stage{stage}", spectral, direct=min(maps[-1].shape[1:3]) <= RESIDUAL)
        maps.append(x)
    x = convolution(x.shape[-1], 1, spectral, name="last_convolution")(x)
    x = LeakyReLU(0.2, name="last_activation")(batch_normalization(name="last_normalization")(x))
    x = convolution(1, tuple(min(4, size) for size in x.shape[1:3]), spectral, padding="valid", name="windows")(x)
    outputs = {"logits": x, "features": maps[-1], "larger_features": maps[-2]}
    return keras.Model(images, outputs, name="discriminator")


def decoder(x, channels, widths, name):
    """Decodes a map to a small image, doubling its size once for each of `widths` (section 3.2 and figure 4)."""
    for place, width in enumerate(widths):
        x = enlarged(x, width, f"{name}{place}")
    x = convolution(channels, 3, use_bias=True, name=f"{name}_colors")(x)
    return layers.Activation("tanh", dtype=keras.config.floatx(), name=name)(x)


def quarter(x, corners):
    """One of the four quarters of each image or map.

    Args:
        x: Tensor of shape (batch, height, width, channels), height and width even.
        corners: Integers of shape (batch,), 0 to 3 for the upper left, upper right, lower left and lower right.
    """
    height, width, channels = x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
    x = ops.transpose(ops.reshape(x, (-1, 2, height, 2, width, channels)), (0, 1, 3, 2, 4, 5))
    chosen = ops.reshape(ops.one_hot(corners, 4, dtype=x.dtype), (-1, 4, 1, 1, 1))
    return ops.sum(ops.reshape(x, (-1, 4, height, width, channels)) * chosen, axis=1)


def shrunk(images, size):
    """Images averaged down to a size (height, width)."""
    factors = images.shape[1] // size[0], images.shape[2] // size[1]
    return images if factors == (1, 1) else ops.average_pool(images, factors, padding="valid")


@dataclasses.dataclass(frozen=True)
class FastGANRecipe(LatentRecipe):
    """Hinge loss, DiffAugment, and Adam of learning rate 2e-4 with beta_1 = 0.5 (section 3.3 and appendix).

    In addition to the settings of `kerasgan.LatentRecipe`:

    Args:
        reconstruction: Weight of the decoders' loss (equation 2).
    """

    batch_size: int = 8
    loss: Any = "hinge"
    views: tuple = ("diffaugment",)
    ema_half_life: float = 5_500.0  # 0.999 per step of 8 images
    reconstruction: float = 1.0


@keras.saving.register_keras_serializable(package="kerasgan")
class FastGAN(HeadedModel):
    """A lightweight GAN for 100 to 1,000 images and small hardware.

    Two things distinguish it from a DCGAN. In the generator, small maps scale the channels of maps 16 times as large
    (skip-layer excitation, section 3.1). The discriminator also learns to encode: two small decoders must reconstruct
    real images from its maps, the whole image from the smallest map, and a random quarter of the image from the same
    quarter of the preceding map (section 3.2). Both networks use spectral normalization and batch normalization, and
    the generator uses gated linear units. All images pass through DiffAugment; the decoders reconstruct the augmented
    images.

    Differences from the paper: the distance of a decoded image is `kerasgan.objectives.perceptual_distance` in a fixed
    random network instead of LPIPS. Each image has its own random corner; the authors' code uses one per batch. The
    authors' code has a second convolution with noise in every other stage of the generator, excitation in the
    discriminator as well, and logits of a small copy of the image; the paper and this class do not (`convolutions=2`
    adds the second convolution to all stages). Images smaller than 64 pixels have one skip, from the first stage to the
    last.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width multiples of 4. The paper has 256
            to 1024 pixels; 32 and more are sensible. The generator's smallest stage has the size that results from
            halving both sides down to 4 or more.
        latent_dim: Length of the latent vectors, standard normal.
        width: Channels of both networks at 128x128 pixels. The generator has 16 times as many at 4x4, 8 times at 8x8, 4
            times at 16x16, 2 times at 32x32 and 64x64, and half as many with each further doubling. The discriminator
            has twice as many with each halving, up to 16 times.
        convolutions: Number of convolutions per stage of the generator; if more than 1, each has noise.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = FastGAN(image_shape=(256, 256, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=400)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe = FastGANRecipe()
    parts = ("generator", "discriminator", "decoders")
    heads = ("features", "larger_features")
    conditional = False

    def __init__(self, image_shape, latent_dim=256, width=64, convolutions=1, **kwargs):
        self.width, self.convolutions = width, convolutions
        self.steps, self.judged_steps = self.halvings(image_shape), self.halvings(image_shape, smallest=8)
        self.smallest = tuple(size >> self.steps for size in image_shape[:2])
        super().__init__(image_shape, latent_dim, **kwargs)

    def build_generator(self):
        shares = [16, 8, 4, 2, 2, *(0.5**place for place in range(self.steps - 4))][: self.steps + 1]
        widths = [max(1, int(share * self.width)) for share in shares]
        return generator_network(self.smallest, self.image_shape[-1], widths, self.latent_dim, self.convolutions)

    @property
    def judged_widths(self):
        """Channels of the discriminator's maps, from the size of the images downwards."""
        sizes = [min(self.image_shape[:2]) / 2**step for step in range(self.judged_steps + 1)]
        return [max(1, int(self.width * 2.0 ** min(4, math.floor(math.log2(128 / size))))) for size in sizes]

    def build_discriminator(self):
        return discriminator_network(self.pack_shape, self.judged_widths)

    def build_decoders(self):
        place = [size >> self.judged_steps for size in self.image_shape[:2]]
        *_, larger, smallest = self.judged_widths
        maps = {"whole": (smallest, self.judged_steps), "part": (larger, self.judged_steps - 1)}
        widths = [max(1, int(share * self.width / 2)) for share in (4, 2, 2, 1)]
        inputs = {name: keras.Input((*place, channels), name=f"{name}_map") for name, (channels, _) in maps.items()}
        images = {
            name: decoder(inputs[name], self.pack_shape[-1], widths[: min(DECODED, steps)], name)
            for name, (_, steps) in maps.items()
        }
        return keras.Model(list(inputs.values()), images, name="decoders")

    # The game ---------------------------------------------------------------------------------------------------------

    def phases(self):
        discriminator, *others = super().phases()
        if not self.recipe.reconstruction:
            return discriminator, *others
        return dataclasses.replace(discriminator, trains=(*discriminator.trains, "decoders")), *others

    @shared
    def shown_real(self, batch):
        """The real images as the discriminator sees them, after the views."""
        return self.viewed(self.real_samples(batch))[0]

    @shared
    def told_of_real(self, batch):
        return self._tell(self.shown_real(batch))

    def real_head_loss(self, batch):
        """The decoders' loss (equation 2): the distance between real images and their reconstructions."""
        if not self.recipe.reconstruction:
            return 0.0, {}
        told, shown = self.told_of_real(batch), self.shown_real(batch)
        corners = keras.random.randint((ops.shape(shown)[0],), 0, 4, seed=self.random)
        built = self.decoders([told["features"], quarter(told["larger_features"], corners)], training=True)
        wanted = {"whole": shown, "part": quarter(shown, corners)}
        distances = [perceptual_distance(built[k], shrunk(wanted[k], built[k].shape[1:3])) for k in built]
        loss = weighted_mean(sum(distances), self.pack_weight(batch))
        return self.recipe.reconstruction * loss, {"reconstruction": loss}

    def fake_head_loss(self, batch):
        return 0.0, {}  # the decoders learn from real images only
