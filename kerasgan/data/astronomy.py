"""Astronomical images: the asinh stretch in both directions, FITS files, and checks of fluxes and of false sources.

FITS files need astropy: `pip install 'kerasgan[astro]'`.

>>> stretch = AsinhStretch(softening=5.0, floor=-30.0, ceiling=20_000.0)
>>> counts, header = read_fits("field.fits")
>>> sharp = stretch.counts(model.tiles()(stretch.images(counts)))
>>> write_fits("sharp.fits", sharp, header)
"""

import dataclasses

import numpy as np

__all__ = ["AsinhStretch", "false_sources", "flux_bias", "read_fits", "write_fits"]


@dataclasses.dataclass(frozen=True)
class AsinhStretch:
    """Maps counts to [-1, 1] with asinh, and back (Lupton, Gunn & Szalay 1999).

    `2 (asinh(counts / softening) - low) / (high - low) - 1`, where low and high are `asinh(floor / softening)` and
    `asinh(ceiling / softening)`. It is linear below the softening and logarithmic above, so that noise and bright
    sources fit into one range.

    Args:
        softening: Counts at which the scale becomes logarithmic, about the standard deviation of the noise.
        floor: Counts that become -1, below the noise around 0.
        ceiling: Counts that become 1.

    Raises:
        ValueError: If the softening is not positive, or if the floor is not below the ceiling.
    """

    softening: float
    floor: float
    ceiling: float

    def __post_init__(self):
        if not self.softening > 0 or not self.floor < self.ceiling:
            raise ValueError(
                f"{self} is not a valid stretch; expected a positive softening, and a floor below the ceiling."
            )

    def images(self, counts):
        """Converts counts, an array of any shape, to float32 in [-1, 1]; clips at floor and ceiling."""
        low, high = self._ends()
        stretched = np.arcsinh(np.asarray(counts, "float64") / self.softening)
        return np.clip(2.0 * (stretched - low) / (high - low) - 1.0, -1.0, 1.0).astype("float32")

    def counts(self, images):
        """The inverse of `images`, float64."""
        low, high = self._ends()
        return self.softening * np.sinh((np.asarray(images, "float64") + 1.0) * (high - low) / 2.0 + low)

    def _ends(self):
        return np.arcsinh(self.floor / self.softening), np.arcsinh(self.ceiling / self.softening)


def read_fits(path, extension=None):
    """Reads an image from a FITS file.

    Args:
        path: Path of the file.
        extension: Number or name of the extension. `None` for the first one that holds an image.

    Returns:
        A float32 array of shape (height, width, channels), where the planes of a cube become channels, and the header,
        an `astropy.io.fits.Header`.

    Raises:
        ModuleNotFoundError: If astropy is not installed.
        ValueError: If there is no image with two or three axes, or if it has non-finite values.
    """
    fits = _fits()
    with fits.open(path) as file:
        found = [file[extension]] if extension is not None else [each for each in file if _is_image(each)]
        if not found or not _is_image(found[0]):
            raise ValueError(
                f"{path} has no image of two or three axes; expected one in {extension or 'any extension'}."
            )
        data, header = np.asarray(found[0].data, "float32"), found[0].header.copy()
    if not np.isfinite(data).all():
        raise ValueError(f"{path} has values that are not finite (masked pixels). Fill them first.")
    return (data[..., None] if data.ndim == 2 else np.moveaxis(data, 0, -1)), header


def write_fits(path, counts, header=None):
    """Writes an image as a FITS file, atomically.

    Args:
        path: Path of the file, which is overwritten.
        counts: Array of shape (height, width, channels); one channel gives an image with two axes.
        header: Header to keep, such as that of `read_fits`, with the coordinates. Entries about the array's shape and
            type are replaced.

    Raises:
        ModuleNotFoundError: If astropy is not installed.
    """
    from kerasgan.pictures.files import replacing

    fits = _fits()
    counts = np.asarray(counts, "float32")
    data = counts[..., 0] if counts.shape[-1] == 1 else np.moveaxis(counts, -1, 0)
    with replacing(path) as file:
        fits.PrimaryHDU(np.ascontiguousarray(data), header).writeto(file)


def _fits():
    try:
        from astropy.io import fits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}. FITS files need it: pip install 'kerasgan[astro]'") from error
    return fits


def _is_image(extension):
    return getattr(extension, "is_image", False) and np.ndim(extension.data) in (2, 3)


def flux_bias(real, fake, threshold=0.0):
    """Relative error of the flux of each image: `sum(fake) / sum(real) - 1`.

    Report the median of its absolute value, over images of sources whose background is 0.

    Args:
        real: Counts of the true images, of shape (n, height, width, channels).
        fake: Counts of the images to check, of the same shape.
        threshold: Smallest flux of a true image in the units of the counts; fainter ones give NaN.

    Returns:
        A float64 array of shape (n,).

    Raises:
        ValueError: If the shapes differ.
    """
    real, fake = np.asarray(real, "float64"), np.asarray(fake, "float64")
    if real.shape != fake.shape or real.ndim != 4:
        raise ValueError(
            f"`real` has shape {real.shape} and `fake` {fake.shape}; expected (n, height, width, channels)."
        )
    fluxes, made = (each.sum(axis=(1, 2, 3)) for each in (real, fake))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(fluxes > threshold, made / fluxes - 1.0, np.nan)


def false_sources(fake, noise, sigmas=5.0, pixels=4):
    """Counts the sources in images of empty fields, all of which are false: a check for hallucinations.

    A source is a group of at least `pixels` connected pixels above `sigmas` times the noise.

    Args:
        fake: Counts that a model made from empty fields, of shape (n, height, width, channels); channels are summed.
        noise: Standard deviation of the noise of the model's inputs, in counts, summed over the channels.
        sigmas: Threshold in units of the noise.
        pixels: Smallest number of pixels, connected through edges or corners.

    Returns:
        An integer array of shape (n,).
    """
    from scipy import ndimage

    found = []
    for field in np.asarray(fake, "float64").sum(axis=-1):
        labels, count = ndimage.label(field > sigmas * noise, structure=np.ones((3, 3)))
        sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        found.append(int((sizes >= pixels).sum()))
    return np.array(found, int)
