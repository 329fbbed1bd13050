"""Images of simulated galaxies, sharp and as seen through a worse telescope, with their catalogue."""

import functools
import math

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Image, Tensor

CLASSES = ("elliptical", "lenticular", "spiral")
CLUMPS = 16
NEIGHBOURS = 3
CLEAN_FWHM = 2.0
DISK_THICKNESS = 0.2
# The asinh stretch, in counts: linear below the softening, which is about the noise; from the floor, 6.7 standard
# deviations of the strongest noise below zero, to the ceiling, which not even the centre of a galaxy with a star in
# front reaches.
SOFTENING, FLOOR, CEILING = 5.0, -40.0, 5000.0
_ARM_SHARPNESS = 2.0
_ARM_MEAN = float(np.i0(_ARM_SHARPNESS))  # mean of exp(sharpness cos(angle)) over the circle
_SIGMA_OF_FWHM = 1.0 / math.sqrt(8.0 * math.log(2.0))


class Galaxies(ProceduralDataset):
    """Simulated galaxies in pairs: `target` is sharp and without noise, `image` is blurred and noisy.

    The protocol is that of GalaxyGAN (Schawinski et al. 2017, arXiv:1702.00403): the degraded image is the sharp one
    convolved with a broader Gaussian point spread function (PSF), plus white Gaussian noise. The galaxies are not
    observations, whose true parameters are unknown, but models:

    * elliptical: one Sérsic profile, I(r) ~ exp(-b (r / radius)^(1/n)) on ellipses (Sérsic 1963);
    * lenticular: a Sérsic bulge and an exponential disk, n = 1, of intrinsic thickness 0.2, seen inclined;
    * spiral: a lenticular galaxy with two logarithmic arms, and clumps along them. The arms preserve the mean over
      every ellipse, so that fluxes and radii keep their meaning.

    There are up to three round neighbours: stars and small galaxies.

    Counts and stretch. An image is stored as float32 after an asinh stretch (Lupton, Gunn & Szalay 1999,
    arXiv:astro-ph/9903081) to [-1, 1], the range that models expect. `to_counts` inverts it, within 2e-6 of a pixel's
    counts. Nothing is clipped or rounded, and negative noise is kept, unlike with 8 bits, so that photometry on
    `to_counts(image)` equals photometry on the simulated detector. The blur mirrors the image at its edges, which
    preserves the sum of its counts: `scipy.ndimage.gaussian_filter(..., mode="reflect")` of the sharp counts with
    `psf_fwhm / 2.3548` is the degraded image without the noise.

    Configs: `"64"` and `"128"` pixels. Both show the same sky. A pixel of the latter has half the side, so that lengths
    in pixels are doubled and the standard deviation of its noise is halved.

    Factors (the catalogue). In both configs, lengths are in pixels of 1/64 of the image's side, x and y are measured
    along rows and down columns from the middle of the image, and angles are in degrees from x towards y:

    * `flux`: counts of the whole galaxy, including those outside the frame; log-uniform in [6300, 63000];
    * `x`, `y`: centre, uniform in [-2, 2]; `position_angle`: angle of the long axis, uniform in [0, 180];
    * `bulge_fraction`: fraction of the flux in the Sérsic profile: 1 for ellipticals, otherwise uniform in [0.05,
      0.45];
    * `sersic_index`: n, uniform in [2, 4.5] for ellipticals, otherwise in [1, 3];
    * `bulge_radius`: half-light radius along the long axis: uniform in [4, 10] for ellipticals, otherwise 0.15 to 0.35
      of the disk's; `bulge_axis_ratio`: uniform in [0.5, 1] for ellipticals, otherwise the disk's, but at least 0.6;
    * `disk_radius`: half-light radius, uniform in [4, 10]; `inclination`: 0 is face-on, its cosine is uniform in [0.1,
      1], for spirals in [0.4, 1]; `disk_axis_ratio`: apparent axis ratio, sqrt(0.96 cos² + 0.04). All are 0 for
      ellipticals;
    * `arm_pitch`: angle between arm and circle, uniform in ±[18, 40], where the sign is the sense of rotation;
      `arm_strength`: contrast, uniform in [0.5, 0.95]; `clump_fraction`: fraction of the disk's flux in the 16 clumps,
      uniform in [0.05, 0.25]. All are 0 except for spirals;
    * `neighbour_flux` (log-uniform in [30, 2000], 0 if there is none), `neighbour_x`, `neighbour_y` (uniform in [-32,
      32]), `neighbour_sigma` (sigma of a Gaussian before any PSF, uniform in [0, 1]);
    * `psf_fwhm`: full width at half maximum of the PSF that blurs `target` to `image`, uniform in [2, 6]; `target`
      itself has a PSF of 2 pixels;
    * `noise`: standard deviation of the noise of `image`, counts in a pixel of 1/64, uniform in [1.2, 6].
    """

    name = "galaxies"
    version = "1.0.0"
    description = (
        "Simulated galaxies (elliptical, lenticular, spiral) in pairs: a sharp image and the same image blurred by a "
        "PSF "
        "with noise, as in GalaxyGAN, with the catalogue of true values."
    )
    citation = """@article{schawinski2017generative,
        author = {Schawinski, K. and Zhang, C. and Zhang, H. and Fowler, L. and Santhanam, G. K.},
        title = {Generative adversarial networks recover features in astrophysical images of galaxies beyond the
                 deconvolution limit},
        journal = {Monthly Notices of the Royal Astronomical Society: Letters},
        volume = {467},
        year = {2017},
        doi = {10.1093/mnrasl/slx008}
    }"""
    license = "CC0 1.0 (made by the package)"
    configs = ("64", "128")
    sample = "target"
    pair = ("image", "target")
    sheet_count = 28
    counts = {"train": 8192, "test": 1024}

    @property
    def size(self):
        """Side of an image in pixels."""
        return {"64": 64, "128": 128}[self.config or "64"]

    @property
    def features(self):
        shape, neighbours = (self.size, self.size, 1), (NEIGHBOURS,)
        return {
            "image": Image(shape, (-1, 1), "blurred and noisy, asinh of counts", "float32"),
            "target": Image(shape, (-1, 1), "sharp and without noise, asinh of counts", "float32"),
            "label": ClassLabel(CLASSES, doc="morphology"),
            "flux": Tensor(doc="counts of the galaxy, 6300 to 63000"),
            "x": Tensor(doc="centre, pixels of 1/64 of the side, right of the middle, -2 to 2"),
            "y": Tensor(doc="centre, pixels of 1/64 of the side, below the middle, -2 to 2"),
            "position_angle": Tensor(doc="long axis, degrees from x towards y, 0 to 180"),
            "bulge_fraction": Tensor(doc="flux of the Sérsic profile over that of the galaxy, 0.05 to 1"),
            "sersic_index": Tensor(doc="n of the bulge, 1 to 4.5"),
            "bulge_radius": Tensor(doc="half-light radius, pixels of 1/64 of the side, 0.6 to 10"),
            "bulge_axis_ratio": Tensor(doc="short over long axis, 0.5 to 1"),
            "disk_radius": Tensor(doc="half-light radius, pixels of 1/64 of the side, 4 to 10, 0 if none"),
            "inclination": Tensor(doc="of the disk, degrees, 0 (face-on) to 84.3"),
            "disk_axis_ratio": Tensor(doc="short over long axis as seen, 0.22 to 1, 0 if none"),
            "arm_pitch": Tensor(doc="degrees, ±18 to ±40, 0 if none"),
            "arm_strength": Tensor(doc="contrast of the arms, 0.5 to 0.95, 0 if none"),
            "clump_fraction": Tensor(doc="flux of the clumps over that of the disk, 0.05 to 0.25, 0 if none"),
            "neighbour_flux": Tensor(neighbours, doc="counts, 30 to 2000, 0 if none"),
            "neighbour_x": Tensor(neighbours, doc="pixels of 1/64 of the side, right of the middle, -32 to 32"),
            "neighbour_y": Tensor(neighbours, doc="pixels of 1/64 of the side, below the middle, -32 to 32"),
            "neighbour_sigma": Tensor(neighbours, doc="pixels of 1/64 of the side, 0 (star) to 1"),
            "psf_fwhm": Tensor(doc="from target to image, pixels of 1/64 of the side, 2 to 6"),
            "noise": Tensor(doc="standard deviation, counts in a pixel of 1/64 of the side, 1.2 to 6"),
        }

    def example(self, rng, split, index):
        label, catalogue = _draw(rng)
        pixels = self.size / 64
        clean = _render(rng, catalogue, self.size)
        noise = rng.standard_normal(clean.shape, "float32") * np.float32(catalogue["noise"] / pixels)
        degraded = _blur(clean, catalogue["psf_fwhm"] * _SIGMA_OF_FWHM * pixels) + noise
        pictures = {"image": self.from_counts(degraded), "target": self.from_counts(clean)}
        return {
            **{name: picture[..., None] for name, picture in pictures.items()},
            "label": label,
            **{name: np.asarray(value, "float32") for name, value in catalogue.items()},
        }

    def from_counts(self, counts):
        """Applies the stretch 2 (asinh(counts / softening) - low) / (high - low) - 1, float32.

        Counts that can occur are mapped to [-1, 1].
        """
        pixels = self.size / 64
        low, high = self._ends()
        stretched = np.arcsinh(np.asarray(counts, "float32") * np.float32(pixels**2 / SOFTENING))
        return (stretched - low) * np.float32(2.0 / (high - low)) - np.float32(1.0)

    def to_counts(self, images):
        """Returns the counts of stretched images, such as a model's outputs: the inverse of `from_counts`.

        Args:
            images: Array of any shape, in [-1, 1].

        Returns:
            A float32 array of the same shape, in counts per pixel.
        """
        pixels = self.size / 64
        low, high = self._ends()
        stretched = (np.asarray(images, "float32") + np.float32(1.0)) * np.float32((high - low) / 2.0) + low
        return np.sinh(stretched) * np.float32(SOFTENING / pixels**2)

    def _ends(self):
        # A finer pixel receives fewer counts by the square of `pixels`, but its noise is smaller only by `pixels`.
        pixels = self.size / 64
        return np.float32(math.asinh(FLOOR * pixels / SOFTENING)), np.float32(math.asinh(CEILING / SOFTENING))

    def sheet(self, arrays):
        """Draws pairs side by side, degraded on the left and sharp on the right."""
        from kerasgan.pictures.images import grid

        pairs = np.concatenate([arrays["image"], arrays["target"]], axis=2)
        pictures = grid(pairs, columns=math.ceil(math.sqrt(len(pairs) / 2)))
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))


def _draw(rng):
    label = int(rng.integers(len(CLASSES)))
    kind = CLASSES[label]
    catalogue = {
        "flux": 10.0 ** rng.uniform(3.8, 4.8),
        "x": rng.uniform(-2.0, 2.0),
        "y": rng.uniform(-2.0, 2.0),
        "position_angle": rng.uniform(0.0, 180.0),
        "psf_fwhm": rng.uniform(2.0, 6.0),
        "noise": rng.uniform(1.2, 6.0),
    }
    radius = rng.uniform(4.0, 10.0)
    if kind == "elliptical":
        bulge = {
            "bulge_fraction": 1.0,
            "sersic_index": rng.uniform(2.0, 4.5),
            "bulge_radius": radius,
            "bulge_axis_ratio": rng.uniform(0.5, 1.0),
        }
        disk = dict.fromkeys(("disk_radius", "inclination", "disk_axis_ratio"), 0.0)
    else:
        cosine = rng.uniform(0.4 if kind == "spiral" else 0.1, 1.0)
        axis_ratio = math.sqrt(cosine**2 * (1.0 - DISK_THICKNESS**2) + DISK_THICKNESS**2)
        bulge = {
            "bulge_fraction": rng.uniform(0.05, 0.45),
            "sersic_index": rng.uniform(1.0, 3.0),
            "bulge_radius": radius * rng.uniform(0.15, 0.35),
            "bulge_axis_ratio": max(axis_ratio, 0.6),
        }
        inclination = math.degrees(math.acos(cosine))
        disk = {"disk_radius": radius, "inclination": inclination, "disk_axis_ratio": axis_ratio}
    if kind == "spiral":
        arms = {
            "arm_pitch": rng.uniform(18.0, 40.0) * rng.choice((-1.0, 1.0)),
            "arm_strength": rng.uniform(0.5, 0.95),
            "clump_fraction": rng.uniform(0.05, 0.25),
        }
    else:
        arms = dict.fromkeys(("arm_pitch", "arm_strength", "clump_fraction"), 0.0)
    there = rng.random(NEIGHBOURS) < 0.5
    neighbours = {
        "neighbour_flux": there * 10.0 ** rng.uniform(1.5, 3.3, NEIGHBOURS),
        "neighbour_x": there * rng.uniform(-32.0, 32.0, NEIGHBOURS),
        "neighbour_y": there * rng.uniform(-32.0, 32.0, NEIGHBOURS),
        "neighbour_sigma": there * rng.uniform(0.0, 1.0, NEIGHBOURS),
    }
    return label, {**catalogue, **bulge, **disk, **arms, **neighbours}


def _render(rng, catalogue, size):
    """Returns the sharp image in counts per pixel, float32 of shape `(size, size)`."""
    pixels = size / 64
    arm_phase = rng.uniform(0.0, 2.0 * np.pi)

    def mean_brightness(first_x, first_y, count, parts):
        """Returns the mean over each of `count` × `count` pixels, from `parts` × `parts` points in the pixel."""
        steps = (np.arange(count * parts) + 0.5) / (parts * pixels)
        x = (first_x / pixels - 32.0 - catalogue["x"] + steps).astype("float32")
        y = (first_y / pixels - 32.0 - catalogue["y"] + steps).astype("float32")
        values = _brightness(x, y[:, None], catalogue, arm_phase, (0.3 / (parts * pixels)) ** 2)
        rows = values.reshape(count, parts, count * parts).sum(axis=1)
        return sum(rows[:, part::parts] for part in range(parts)) * np.float32(1.0 / (parts * pixels) ** 2)

    picture = mean_brightness(0, 0, size, 2)
    # Near the centre a Sérsic profile changes within a pixel.
    core = 6
    left, top = (round((32.0 + catalogue[axis]) * pixels) - core // 2 for axis in "xy")
    picture[top : top + core, left : left + core] = mean_brightness(left, top, core, 12)
    clean_sigma = CLEAN_FWHM * _SIGMA_OF_FWHM
    picture = _blur(picture, clean_sigma * pixels)

    # The squared widths of round Gaussians add up when they are blurred.
    flux, x, y, sigma = catalogue["neighbour_flux"], *(catalogue[f"neighbour_{axis}"] for axis in ("x", "y", "sigma"))
    if catalogue["clump_fraction"]:
        clumps = _clumps(rng, catalogue, arm_phase)
        flux, x, y, sigma = (np.append(*both) for both in zip((flux, x, y, sigma), clumps, strict=True))
    sigma = np.hypot(sigma, clean_sigma)[:, None]
    centres = (np.arange(size) + 0.5) / pixels - 32.0
    rows, columns = (np.exp(-0.5 * ((centres - at[:, None]) / sigma) ** 2) for at in (y, x))
    peaks = flux[:, None] / (2.0 * np.pi * sigma**2 * pixels**2)
    return picture + ((rows * peaks).T @ columns).astype("float32")


def _brightness(x, y, catalogue, arm_phase, softening):
    """Returns counts per square pixel (of 1/64) of bulge and disk at points `(x, y)` from the centre, before any PSF.

    `softening` is added to squared radii, so that a point on the cusp does not dominate its surroundings.
    """
    cosine, sine = _direction(catalogue)
    along, across = cosine * x + sine * y, cosine * y - sine * x
    along_squared = along**2 + np.float32(softening)
    index, radius, ratio = (catalogue[f"{name}"] for name in ("sersic_index", "bulge_radius", "bulge_axis_ratio"))
    scale = _sersic_scale(index)
    total = 2.0 * math.pi * index * ratio * radius**2 * scale ** (-2.0 * index) * math.gamma(2.0 * index)
    peak = catalogue["flux"] * catalogue["bulge_fraction"] / total
    squared = along_squared + (across * np.float32(1.0 / ratio)) ** 2
    power = np.exp(np.log(squared * np.float32(radius**-2.0)) * np.float32(0.5 / index))  # Faster than **.
    brightness = np.exp(np.float32(math.log(peak)) - np.float32(scale) * power)
    if not catalogue["disk_radius"]:
        return brightness

    length = catalogue["disk_radius"] / _sersic_scale(1.0)
    disk_flux = catalogue["flux"] * (1.0 - catalogue["bulge_fraction"]) * (1.0 - catalogue["clump_fraction"])
    peak = disk_flux / (2.0 * math.pi * catalogue["disk_axis_ratio"] * length**2)
    across = across * np.float32(1.0 / catalogue["disk_axis_ratio"])
    radius = np.sqrt(along_squared + across**2)
    disk = np.exp(np.float32(math.log(peak)) - radius * np.float32(1.0 / length))
    if catalogue["arm_strength"]:
        disk *= _arms(along, across, radius, catalogue, arm_phase)
    return brightness + disk


def _arms(along, across, radius, catalogue, arm_phase):
    """Contrast of two logarithmic arms at points in the disk's plane: positive, with mean 1 over any circle."""
    crest = np.log(radius) * np.float32(2.0 / _tangent(catalogue)) + np.float32(arm_phase)
    # cos(2 angle - crest), with cos(angle) = along / radius and sin(angle) = across / radius.
    wave = (along - across) * (along + across) * np.cos(crest) + 2.0 * along * across * np.sin(crest)
    crests = np.exp(_ARM_SHARPNESS * wave / radius**2) * np.float32(1.0 / _ARM_MEAN)
    start = np.clip(radius * np.float32(1.0 / catalogue["disk_radius"]) - np.float32(0.2), 0.0, 1.0)
    return 1.0 + start * np.float32(catalogue["arm_strength"]) * (crests - 1.0)


def _clumps(rng, catalogue, arm_phase):
    """Returns flux, x, y and sigma of clumps near the crests of the arms."""
    radius = catalogue["disk_radius"] * rng.uniform(0.5, 1.8, CLUMPS)
    crest = np.log(radius) / _tangent(catalogue) + arm_phase / 2.0
    angle = crest + np.pi * rng.integers(2, size=CLUMPS) + rng.normal(0.0, 0.2, CLUMPS)
    along, across = radius * np.cos(angle), radius * np.sin(angle) * catalogue["disk_axis_ratio"]
    cosine, sine = _direction(catalogue)
    share = rng.exponential(size=CLUMPS)
    disk_flux = catalogue["flux"] * (1.0 - catalogue["bulge_fraction"])
    return (
        disk_flux * catalogue["clump_fraction"] * share / share.sum(),
        catalogue["x"] + cosine * along - sine * across,
        catalogue["y"] + sine * along + cosine * across,
        rng.uniform(0.3, 1.0, CLUMPS),
    )


def _direction(catalogue):
    angle = math.radians(catalogue["position_angle"])
    return np.float32(math.cos(angle)), np.float32(math.sin(angle))


def _tangent(catalogue):
    return math.tan(math.radians(catalogue["arm_pitch"]))


def _sersic_scale(index):
    """The b of exp(-b (r / radius)^(1/n)) for which `radius` contains half the light (Ciotti & Bertin 1999, eq. 18)."""
    return 2.0 * index - 1.0 / 3.0 + 4.0 / (405.0 * index) + 46.0 / (25515.0 * index**2)


def _blur(picture, sigma):
    """Convolves an image with a Gaussian, mirrored at the edges, which preserves the sum."""
    size = len(picture)
    weights = np.exp(-0.5 * (np.arange(2 * size) / sigma) ** 2)
    weights = (weights / (2.0 * weights.sum() - 1.0)).astype("float32")
    direct, lower, upper = _distances(size)
    matrix = weights[direct] + weights[lower] + weights[upper]
    return matrix @ picture @ matrix


@functools.cache
def _distances(size):
    """Returns the distances of pixel i from pixel j and from its mirror images at both edges."""
    i, j = np.arange(size)[:, None], np.arange(size)
    return np.abs(i - j), i + j + 1, 2 * size - 1 - i - j
