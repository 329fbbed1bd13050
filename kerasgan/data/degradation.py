"""Degradations of images: reduction by bicubic interpolation or as in Real-ESRGAN, and degradations of the same size.

Everything is computed in NumPy (and Pillow for JPEG) on the host, as a function of the seed, the epoch and the index of
an image, so that a resumed run sees the same images as an uninterrupted one. Results of JPEG compression may differ in
the last level between versions of Pillow's JPEG library.
"""

import dataclasses
import functools
import io
import math
from typing import Any

import keras
import numpy as np

from kerasgan.data.picture import LUMA
from kerasgan.data.pipeline import WHOLE, ArrayBatches

__all__ = [
    "Bicubic",
    "Degradation",
    "DegradedBatches",
    "GaussianBlur",
    "Grey",
    "HiddenRectangle",
    "RealESRGAN",
    "SameSize",
    "WhiteNoise",
    "enlarged",
    "get",
    "get_same_size",
    "resized",
]

KERNELS = ("isotropic", "anisotropic", "generalized", "generalized_anisotropic", "plateau", "plateau_anisotropic")


def resized(images, size, kind="bicubic", antialias=True):
    """Resizes images with a separable filter and mirrored edges.

    Args:
        images: Floats of shape (..., height, width, channels).
        size: New (height, width).
        kind: "bicubic" (Keys 1981, a = -1/2), "bilinear", or "area", the mean over the area of a pixel.
        antialias: Whether to scale the filter to the pixels of the smaller image, as in MATLAB's `imresize`, whose
            bicubic interpolation defines the published benchmarks. Otherwise it is scaled to the pixels of the larger
            image.

    Returns:
        A float array of shape (..., *size, channels), in the precision of the images, float32 or float64. Bicubic
        interpolation can exceed their range.
    """
    images = np.asarray(images)
    dtype = images.dtype if images.dtype == np.float64 else np.float32
    rows = _matrix(images.shape[-3], size[0], kind, antialias).astype(dtype)
    columns = _matrix(images.shape[-2], size[1], kind, antialias).astype(dtype)
    x = np.einsum("...hwc,vw->...hvc", images.astype(dtype), columns, optimize=True)
    return np.einsum("...hvc,uh->...uvc", x, rows, optimize=True)


def enlarged(images, factor):
    """Enlarges images bicubically by an integer factor and clips to [-1, 1]."""
    height, width = images.shape[-3:-1]
    return np.clip(resized(images, (height * factor, width * factor)), -1.0, 1.0)


@functools.lru_cache(maxsize=64)
def _matrix(size, new, kind, antialias):
    """Weights of the old pixels (columns) for the new pixels (rows), float64."""
    scale = size / new
    if kind == "area":
        edges = np.arange(new + 1) * scale
        left, right = edges[:-1, None], edges[1:, None]
        pixels = np.arange(size)[None]
        weights = np.clip(np.minimum(right, pixels + 1) - np.maximum(left, pixels), 0.0, None)
        return weights / weights.sum(axis=1, keepdims=True)
    stretch = max(scale, 1.0) if antialias else 1.0
    reach = math.ceil(2 * stretch) + 1
    centres = (np.arange(new) + 0.5) * scale - 0.5
    places = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 1)
    distances = np.abs(centres[:, None] - places) / stretch
    if kind == "bicubic":
        near = 1.5 * distances**3 - 2.5 * distances**2 + 1.0
        far = -0.5 * distances**3 + 2.5 * distances**2 - 4.0 * distances + 2.0
        values = np.where(distances <= 1, near, np.where(distances < 2, far, 0.0))
    elif kind == "bilinear":
        values = np.clip(1.0 - distances, 0.0, None)
    else:
        raise ValueError(f"`kind` is {kind!r}; expected 'bicubic', 'bilinear' or 'area'.")
    values /= values.sum(axis=1, keepdims=True)
    mirrored = places % (2 * size)  # edges are repeated, as in MATLAB
    mirrored = np.minimum(mirrored, 2 * size - 1 - mirrored)
    matrix = np.zeros((new, size))
    np.add.at(matrix, (np.arange(new)[:, None], mirrored), values)
    return matrix


@dataclasses.dataclass(frozen=True)
class Degradation:
    """Base class of degradations, which make a small image from a large one. A subclass defines `__call__`."""

    def __call__(self, image, factor, random):
        """Makes a small image.

        Args:
            image: Float array of shape (height, width, channels) in [-1, 1].
            factor: Integer that divides height and width.
            random: `numpy.random.Generator`.

        Returns:
            A float32 array of shape (height / factor, width / factor, channels) in [-1, 1].
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__(image, factor, random).")

    def apply(self, images, factor, indices, seed=0, epoch=0):
        """Makes small images: image i depends only on `seed`, `epoch`, `indices[i]` and its large image.

        Args:
            images: Float array of shape (count, height, width, channels) in [-1, 1].
            factor: Integer that divides height and width.
            indices: Non-negative integers of shape (count,).
            seed: Non-negative random seed.
            epoch: Number of the epoch, or of an additional draw.

        Returns:
            A float32 array of shape (count, height / factor, width / factor, channels) in [-1, 1].
        """
        return np.stack(
            [
                self(image, factor, np.random.default_rng([seed, epoch, int(index)]))
                for image, index in zip(images, indices, strict=True)
            ]
        )

    def get_config(self):
        """The fields, JSON-ready."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_config(cls, config):
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in config.items()})


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Bicubic(Degradation):
    """Antialiased bicubic interpolation, the degradation of the published benchmarks; clipped to [-1, 1]."""

    def __call__(self, image, factor, random):
        return np.clip(resized(image, _small(image, factor)), -1.0, 1.0).astype("float32")

    def apply(self, images, factor, indices, seed=0, epoch=0):
        return np.clip(resized(images, _small(images, factor)), -1.0, 1.0).astype("float32")


def _small(images, factor):
    return images.shape[-3] // factor, images.shape[-2] // factor


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class RealESRGAN(Degradation):
    """The second-order degradation of Wang et al. 2021 ("Real-ESRGAN", sections 3.1 to 3.3 and 4.1).

    Blur, resizing, noise and JPEG compression are applied twice with different settings; a second resizing to the final
    size, a sinc filter and a second JPEG compression follow, the last two in random order. If a field is a pair of
    pairs or of numbers, the second one is for the second round. The unit of noise is one level of 255, that of blur one
    pixel.

    Args:
        kernel_sizes: Smallest and largest side of a blur kernel, odd numbers.
        kernel_shares: Probabilities of the kernels `KERNELS`: Gaussians, generalized Gaussians and plateaus.
        sinc_share: Probability of a sinc filter instead of a blur.
        blur_shares: Probabilities of a blur in each round.
        deviations: Range of the standard deviations of the kernels along their axes, in each round.
        generalized_shapes: Range of the exponents of generalized Gaussians.
        plateau_shapes: Range of the exponents of plateaus.
        directions: Probabilities of an enlargement, a reduction and neither, in each round.
        scales: Range of the factors of the resizing, in each round.
        gaussian_share: Probability of Gaussian noise instead of Poisson noise.
        gaussian_noise: Range of the standard deviations of Gaussian noise, in each round.
        poisson_noise: Range of the factors of Poisson noise, in each round. At factor 1 white is 255 photons.
        grey_share: Probability that noise is the same in all channels.
        qualities: Range of the quality of JPEG, 1 to 100.
        final_sinc_share: Probability of the last sinc filter.
    """

    kernel_sizes: tuple = (7, 21)
    kernel_shares: tuple = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    sinc_share: float = 0.1
    blur_shares: tuple = (1.0, 0.8)
    deviations: tuple = (0.2, 3.0, 0.2, 1.5)
    generalized_shapes: tuple = (0.5, 4.0)
    plateau_shapes: tuple = (1.0, 2.0)
    directions: tuple = (0.2, 0.7, 0.1, 0.3, 0.4, 0.3)
    scales: tuple = (0.15, 1.5, 0.3, 1.2)
    gaussian_share: float = 0.5
    gaussian_noise: tuple = (1.0, 30.0, 1.0, 25.0)
    poisson_noise: tuple = (0.05, 3.0, 0.05, 2.5)
    grey_share: float = 0.4
    qualities: tuple = (30, 95)
    final_sinc_share: float = 0.8

    def __call__(self, image, factor, random):
        size = _small(image, factor)
        x = (np.asarray(image, "float64") + 1.0) / 2.0
        for order in (0, 1):
            x = self._blurred(x, order, random)
            x = self._rescaled(x, image.shape[:2] if order == 0 else size, order, random)
            x = self._noisy(x, order, random)
            if order == 0:
                x = self._compressed(x, random)
        if random.random() < 0.5:
            x = self._compressed(self._finished(x, size, random), random)
        else:
            x = self._finished(self._compressed(x, random), size, random)
        return np.clip(2.0 * x - 1.0, -1.0, 1.0).astype("float32")

    def _blurred(self, x, order, random):
        if random.random() >= self.blur_shares[order]:
            return x
        side = int(random.integers(self.kernel_sizes[0] // 2, self.kernel_sizes[1] // 2 + 1)) * 2 + 1
        if random.random() < self.sinc_share:
            return filtered(x, sinc_kernel(side, self._cutoff(side, random)))
        kind = random.choice(KERNELS, p=self.kernel_shares)
        low, high = self.deviations[2 * order : 2 * order + 2]
        deviations = random.uniform(low, high, 2)
        angle = random.uniform(-math.pi, math.pi)
        if "anisotropic" not in kind or kind == "isotropic":
            deviations[1] = deviations[0]
        shape, plateau = 1.0, kind.startswith("plateau")
        if plateau or kind.startswith("generalized"):
            low, high = self.plateau_shapes if plateau else self.generalized_shapes
            # Half of the exponents are below 1, although the range above is wider.
            shape = (
                random.uniform(low, 1.0) if low < 1 and random.random() < 0.5 else random.uniform(max(low, 1.0), high)
            )
        return filtered(x, blur_kernel(side, deviations, angle, shape, plateau))

    @staticmethod
    def _cutoff(side, random):
        return random.uniform(math.pi / 3 if side < 13 else math.pi / 5, math.pi)

    def _rescaled(self, x, size, order, random):
        direction = random.choice(3, p=self.directions[3 * order : 3 * order + 3])
        low, high = self.scales[2 * order : 2 * order + 2]
        scale = (random.uniform(1.0, high), random.uniform(low, 1.0), 1.0)[direction]
        kind = random.choice(["area", "bilinear", "bicubic"])
        new = tuple(max(1, round(side * scale)) for side in size)
        return resized(x, new, kind, antialias=False)

    def _noisy(self, x, order, random):
        grey = random.random() < self.grey_share
        if random.random() < self.gaussian_share:
            deviation = random.uniform(*self.gaussian_noise[2 * order : 2 * order + 2])
            x = x + gaussian_noise(x.shape, deviation, grey, random)
        else:
            strength = random.uniform(*self.poisson_noise[2 * order : 2 * order + 2])
            x = x + poisson_noise(x, strength, grey, random)
        return np.clip(x, 0.0, 1.0)

    def _compressed(self, x, random):
        return jpeg(x, int(random.integers(self.qualities[0], self.qualities[1] + 1)))

    def _finished(self, x, size, random):
        x = resized(x, size, random.choice(["area", "bilinear", "bicubic"]), antialias=False)
        if random.random() >= self.final_sinc_share:
            return x
        side = int(random.integers(self.kernel_sizes[0] // 2, self.kernel_sizes[1] // 2 + 1)) * 2 + 1
        return filtered(x, sinc_kernel(side, self._cutoff(side, random)))


@dataclasses.dataclass(frozen=True)
class SameSize(Degradation):
    """Base class of degradations that keep the size, for learning restoration. A subclass overrides `degraded`."""

    def __call__(self, image, factor, random):
        if factor != 1:
            raise ValueError(f"`factor` is {factor}, but {type(self).__name__} keeps the size; expected 1.")
        return np.clip(self.degraded(np.asarray(image, "float32"), random), -1.0, 1.0).astype("float32")

    def degraded(self, image, random):
        """The degraded image, which may exceed [-1, 1].

        Args:
            image: A float32 array of shape (height, width, channels) in [-1, 1].
            random: `numpy.random.Generator`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define degraded(image, random).")


def _check_strength(name, value, most=math.inf):
    if not 0 < value <= most or value == math.inf:
        expected = "a positive number" if most == math.inf else f"a number above 0, at most {most}"
        raise ValueError(f"`{name}` is {value!r}; expected {expected}.")


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Grey(SameSize):
    """Reduces colours to luma (ITU-R BT.601), one channel, as `kerasgan translate` does for colorization.

    Images must have three channels.
    """

    def degraded(self, image, random):
        if image.shape[-1] != 3:
            raise ValueError(f"`image` has {image.shape[-1]} channels; expected 3 for degrade='grey'.")
        return (image @ LUMA)[..., None]


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class GaussianBlur(SameSize):
    """A Gaussian blur.

    Args:
        deviation: Standard deviation in pixels.
    """

    deviation: float = 2.0

    def __post_init__(self):
        _check_strength("deviation", self.deviation)

    def degraded(self, image, random):
        side = 2 * math.ceil(4 * self.deviation) + 1
        return filtered(image, blur_kernel(side, (self.deviation, self.deviation)))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class WhiteNoise(SameSize):
    """White Gaussian noise, clipped to the range of images.

    Args:
        deviation: Standard deviation in levels of 255.
    """

    deviation: float = 25.0

    def __post_init__(self):
        _check_strength("deviation", self.deviation)

    def degraded(self, image, random):
        return image + 2.0 * gaussian_noise(image.shape, self.deviation, False, random)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class HiddenRectangle(SameSize):
    """A grey rectangle (0 in all channels) at a random position, to be filled in by inpainting.

    Args:
        side: Height and width of the rectangle, as a fraction of the image's.
    """

    side: float = 0.5

    def __post_init__(self):
        _check_strength("side", self.side, 1.0)

    def degraded(self, image, random):
        sides = [max(1, round(self.side * whole)) for whole in image.shape[:2]]
        top, left = (int(random.integers(whole - side + 1)) for whole, side in zip(image.shape[:2], sides, strict=True))
        masked = image.copy()
        masked[top : top + sides[0], left : left + sides[1]] = 0.0
        return masked


def blur_kernel(side, deviations, angle=0.0, shape=1.0, plateau=False):
    """Makes a blur kernel, normalized to sum 1.

    Args:
        side: Side of the kernel in pixels, odd.
        deviations: Standard deviations along the kernel's two axes, in pixels.
        angle: Angle of the first axis with the rows, in radians.
        shape: Exponent beta: `exp(-q**beta / 2)`, or `1 / (1 + q**beta)` for a plateau, where q is the squared
            distance from the centre in deviations.
        plateau: Whether the kernel is a plateau.

    Returns:
        A float64 array of shape (side, side).
    """
    steps = np.arange(side) - side // 2
    x, y = np.meshgrid(steps, steps)
    along, across = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
    q = (along / deviations[0]) ** 2 + (across / deviations[1]) ** 2
    kernel = 1.0 / (1.0 + q**shape) if plateau else np.exp(-0.5 * q**shape)
    return kernel / kernel.sum()


def sinc_kernel(side, cutoff):
    """A circular low-pass filter, `cutoff / (2 pi r) J1(cutoff r)`, normalized to sum 1, which rings (equation 6).

    Args:
        side: Side of the kernel in pixels, odd.
        cutoff: Largest frequency that passes, in radians per pixel, up to pi.

    Returns:
        A float64 array of shape (side, side).
    """
    from scipy.special import j1

    steps = np.arange(side) - side // 2
    r = np.hypot(*np.meshgrid(steps, steps))
    centre = r == 0
    r[centre] = 1.0
    kernel = np.where(centre, cutoff**2 / (4 * math.pi), cutoff * j1(cutoff * r) / (2 * math.pi * r))
    return kernel / kernel.sum()


def filtered(x, kernel):
    """Filters an image, with edges mirrored without repetition.

    Args:
        x: Float array of shape (height, width, channels).
        kernel: Symmetric array of shape (side, side), with an odd side.
    """
    from scipy.signal import fftconvolve

    margin = len(kernel) // 2
    places = [np.pad(np.arange(size), margin, mode="reflect" if size > 1 else "edge") for size in x.shape[:2]]
    return fftconvolve(x[np.ix_(*places)], kernel[..., None], mode="valid", axes=(0, 1))


def gaussian_noise(shape, deviation, grey, random):
    """Draws white noise.

    Args:
        shape: Shape (height, width, channels).
        deviation: Standard deviation in levels of 255.
        grey: Whether the noise is the same in all channels.
        random: `numpy.random.Generator`.

    Returns:
        A float array of the given shape, where white is 1.
    """
    drawn = random.standard_normal((*shape[:2], 1 if grey else shape[2]))
    return np.broadcast_to(drawn * (deviation / 255.0), shape)


def poisson_noise(x, strength, grey, random):
    """Draws photon noise, with variance `strength**2 * x / 255` at level x.

    Args:
        x: Image of shape (height, width, channels) in [0, 1].
        strength: Factor of the noise; with 1, white corresponds to 255 photons.
        grey: Whether the noise is the same in all channels: that of the mean of the channels.
        random: `numpy.random.Generator`.

    Returns:
        A float array of the image's shape, where white is 1.
    """
    mean = np.clip(x.mean(axis=2, keepdims=True) if grey else x, 0.0, 1.0)
    return np.broadcast_to(strength * (random.poisson(mean * 255.0) / 255.0 - mean), x.shape)


def jpeg(x, quality):
    """Applies JPEG compression to an image.

    Args:
        x: Image of shape (height, width, 1 or 3) in [0, 1].
        quality: Quality from 1 to 100.

    Returns:
        A float array of the image's shape, in [0, 1].

    Raises:
        ValueError: For an unsupported number of channels.
    """
    from PIL import Image

    if x.shape[-1] not in (1, 3):
        raise ValueError(f"`x` has {x.shape[-1]} channels; expected 1 or 3 for JPEG. Choose degradation='bicubic'.")
    levels = np.rint(np.clip(x, 0.0, 1.0) * 255.0).astype("uint8")
    file = io.BytesIO()
    Image.fromarray(levels[..., 0] if x.shape[-1] == 1 else levels).save(file, "JPEG", quality=quality)
    file.seek(0)
    with Image.open(file) as picture:
        return np.asarray(picture, "float64").reshape(x.shape) / 255.0


DEGRADATIONS: dict[str, type[Degradation]] = {"bicubic": Bicubic, "real": RealESRGAN}


def get(degradation):
    """Returns a degradation.

    Args:
        degradation: "bicubic"; "real" for `RealESRGAN`; a `Degradation`, or its configuration.

    Returns:
        A `Degradation`.

    Raises:
        ValueError: If it is unknown.
    """
    found: Any = degradation
    if isinstance(degradation, str) and degradation in DEGRADATIONS:
        found = DEGRADATIONS[degradation]()
    elif isinstance(degradation, dict):
        found = keras.saving.deserialize_keras_object(degradation)
    if not isinstance(found, Degradation):
        raise ValueError(
            f"`degradation` is {degradation!r}; expected {', '.join(map(repr, DEGRADATIONS))}, a Degradation or its "
            "configuration."
        )
    return found


SAME_SIZE: dict[str, type[Degradation]] = {
    "grey": Grey,
    "gray": Grey,
    "blur": GaussianBlur,
    "noise": WhiteNoise,
    "mask": HiddenRectangle,
    "real": RealESRGAN,
}


def get_same_size(degrade):
    """Returns a degradation that keeps the size of images.

    Args:
        degrade: "grey" (or "gray"), "blur", "noise" or "mask", where the last three can be followed by a strength, such
            as "noise:50" (see `GaussianBlur`, `WhiteNoise` and `HiddenRectangle`); "real" for the degradations of
            `RealESRGAN` without the reduction; a `Degradation`, or its configuration.

    Returns:
        A `Degradation`, for a factor of 1.

    Raises:
        ValueError: If it is unknown, or if its strength is invalid.
    """
    if not isinstance(degrade, str):
        return get(degrade)
    name, colon, strength = degrade.partition(":")
    kind: Any = SAME_SIZE.get(name)
    if kind is None:
        raise ValueError(f"degrade={degrade!r}; expected {', '.join(SAME_SIZE)}, or a Degradation.")
    if not colon:
        return kind()
    try:
        value = float(strength)
    except ValueError:
        value = math.nan
    if kind not in (GaussianBlur, WhiteNoise, HiddenRectangle) or math.isnan(value):
        raise ValueError(f"degrade={degrade!r}; expected a number after 'blur:', 'noise:' or 'mask:' only.")
    return kind(value)


class DegradedBatches(ArrayBatches):
    """Batches (small, large) of large images, whose small versions are made on the host, new ones in each epoch.

    Args:
        images: Float array of shape (count, height, width, channels) in [-1, 1]; a memory map stays on disk.
        degradation: See `get`.
        factor: Integer that divides height and width.
        batch_size: Batch size.
        shuffle_seed: Seed of the order; see `ArrayBatches`.
        seed: Seed of the degradations, 0 or more.
        fixed: Whether all epochs use the small images of epoch 0.
        read: Function from stored rows to images in [-1, 1]. `None` if the rows are such images.
        **options: Other arguments of `ArrayBatches`.
    """

    def __init__(
        self,
        images,
        degradation="real",
        factor=4,
        batch_size=16,
        shuffle_seed=0,
        seed=0,
        fixed=False,
        read=None,
        **options,
    ):
        self.degradation, self.factor, self.seed, self.fixed = get(degradation), factor, seed, fixed
        self.read = read or (lambda rows: rows)
        self.begun = 0
        super().__init__((images, np.arange(len(images))), batch_size, shuffle_seed, self._made, **options)

    def order(self, share=WHOLE):
        self.begun = self.epoch  # epoch of the batches to be drawn next
        return super().order(share)

    def _made(self, rows):
        large, indices = rows
        epoch = 0 if self.fixed else self.begun
        large = np.asarray(self.read(large), "float32")
        return self.degradation.apply(large, self.factor, indices, self.seed, epoch), large
