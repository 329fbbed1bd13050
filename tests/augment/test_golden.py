"""ADA's and DiffAugment's transforms against what the authors' code made of the same images and random numbers.

The numbers in tests/golden come from NVlabs/stylegan2-ada-pytorch and mit-han-lab/data-efficient-gans, in float64.
"""

import functools
import math
from pathlib import Path

import numpy as np
import pytest
from keras import ops
from scipy.special import erfinv

from kerasgan.augment import adaptive, corruption, diffaugment, geometry
from kerasgan.game.engines import input_gradient
from tests.augment.common import compiled_on_jax

FOLDER = Path(__file__).resolve().parents[1] / "golden"
ADA = np.load(FOLDER / "ada_augment.npz")
DIFFAUGMENT = np.load(FOLDER / "diffaugment.npz")

NAMES = {
    "xflip": "x_flip",
    "rotate90": "rotate_90",
    "xint": "integer_translation",
    "scale": "scale",
    "rotate": "rotation",
    "aniso": "anisotropic_scale",
    "xfrac": "fractional_translation",
    "brightness": "brightness",
    "contrast": "contrast",
    "lumaflip": "luma_flip",
    "hue": "hue",
    "saturation": "saturation",
    "imgfilter": "filter",
    "cutout": "cutout",
}
GEOMETRY_AND_COLOR = adaptive.transforms_of(("blit", "geometry", "color"))
SINGLE = [key.removeprefix("outputs/") for key in ADA if "@" in key and key.startswith("outputs/") and "bgc" not in key]
TOGETHER = ["bgc@0.35", "bgc@0.8", "grey/bgc@0.35", "grey/bgc@0.8"]


def channels_last(key, file=ADA, dtype="float64"):
    return np.moveaxis(file[key].astype(dtype), 1, -1)


def assert_golden(actual, file, key, tolerance=None):
    """Within 1e-9 of the key's maximum; of what was stored in float32, its rounding."""
    stored = file[key]
    expected = np.moveaxis(stored, 1, -1) if stored.ndim == 4 else stored
    if tolerance is None:
        tolerance = 1e-9 if stored.dtype == "float64" else 1e-7
    np.testing.assert_allclose(ops.convert_to_numpy(actual), expected, rtol=0, atol=tolerance * np.abs(expected).max())


def percentile_draws(names, q, batch):
    """The authors' debugging mode: uniform numbers are q, normal ones erfinv(2 q - 1), the second rotation is none."""
    draws = {}
    for name in names:
        transform = adaptive.TRANSFORMS[name]
        values = np.full((batch, transform.values), erfinv(2 * q - 1) if transform.normal else q)
        if name == "rotation":
            values[:, 1] = 0.5
        draws[name] = ops.convert_to_tensor(values), ops.zeros((batch, transform.gates), "float64")
    return draws


def margins_of(draws, p, height, width):
    """How far the authors' code continues images: 6 pixels beyond the corners read, and at most by their sides less 1.

    A few pixels at the edge would need more of them, which shows in the eighth digit.
    """
    inverse = ops.convert_to_numpy(adaptive._inverse_map(adaptive._Chosen(draws, p, "float64"), height, width))
    x, y = (width - 1) / 2, (height - 1) / 2
    corners = inverse @ np.array([[-x, x, x, -x], [-y, -y, y, y], [1, 1, 1, 1]])

    def beyond(places, middle):
        reach = -places.min() - middle, places.max() - middle
        return tuple(int(np.clip(np.ceil(r + 6), 0, 2 * middle)) for r in reach)

    return beyond(corners[:, 1], y), beyond(corners[:, 0], x)


@pytest.fixture
def as_the_authors_cut(monkeypatch):
    """Has images continued as far as the authors' code does for a batch with given random numbers."""

    def cut(draws, p, height, width):
        margins = margins_of(draws, p, height, width)
        monkeypatch.setattr(geometry, "warp", functools.partial(geometry.warp, margins=margins))
        return margins

    return cut


@pytest.mark.parametrize("key", SINGLE + TOGETHER)
def test_a_transform_of_ada(key, float64, as_the_authors_cut):
    place, _, name = key.rpartition("/")
    name, q = name.split("@")
    images = channels_last(f"inputs/images_{place}" if place else "inputs/images")
    names = GEOMETRY_AND_COLOR if name == "bgc" else (NAMES[name],)
    images = images[: len(ADA[f"outputs/{key}"])]
    draws = percentile_draws(names, float(q), len(images))
    if "bgc" in key:
        as_the_authors_cut(draws, 1.0, *images.shape[1:3])
    change = compiled_on_jax(lambda x: adaptive.augment(x, draws, 1.0))
    actual = change(ops.convert_to_tensor(images))
    assert_golden(actual, ADA, f"outputs/{key}")


def test_the_gradient_through_ada(float64, as_the_authors_cut):
    images, cotangent = (
        ops.convert_to_tensor(channels_last(f"inputs/{name}")) for name in ("images", "grad_cotangent")
    )
    draws = percentile_draws(GEOMETRY_AND_COLOR, 0.35, 2)
    as_the_authors_cut(draws, 1.0, 24, 24)
    differentiate = compiled_on_jax(lambda x: input_gradient(lambda x: cotangent * adaptive.augment(x, draws, 1.0), x))
    gradient = differentiate(images)
    assert_golden(gradient, ADA, "grads/bgc@0.35/images")


def golden_draws(dtype):
    """The random numbers of the authors' whole pipeline at p = 0.8, as `augment` takes them."""

    def read(*keys):
        parts = [ADA[f"inputs/random/draws/{key}"].astype(dtype) for key in keys]
        return ops.convert_to_tensor(np.concatenate([part.reshape(6, -1) for part in parts], axis=1))

    draws = {}
    for theirs, ours in NAMES.items():
        kind = "n" if adaptive.TRANSFORMS[ours].normal else "u"
        if ours == "rotation":
            parts = [f"{when}_rotate" for when in ("pre", "post")]
        elif ours == "filter":
            parts = [f"imgfilter{band}" for band in range(4)]
        else:
            parts = [theirs]
        value = "center" if ours == "cutout" else "value"
        draws[ours] = read(*(f"{part}.{value}_{kind}" for part in parts)), read(*(f"{part}.gate_u" for part in parts))
    draws["noise"] = read("noise.sigma_n"), read("noise.gate_u")
    draws["pixels"] = ops.convert_to_tensor(channels_last("inputs/random/draws/noise.pixels_n", dtype=dtype))
    return draws


def test_the_whole_pipeline_at_random(float64, as_the_authors_cut):
    images, draws = ops.convert_to_tensor(channels_last("inputs/random/images")), golden_draws("float64")
    as_the_authors_cut(draws, 0.8, 24, 24)
    actual = compiled_on_jax(lambda x: adaptive.augment(x, draws, float(ADA["inputs/random/p"])))(images)
    assert_golden(actual, ADA, "outputs/random/images")


def test_the_whole_pipeline_in_float32():
    images = ops.convert_to_tensor(channels_last("inputs/random/images", dtype="float32"))
    draws = golden_draws("float32")
    actual = compiled_on_jax(lambda x: adaptive.augment(x, draws, float(ADA["inputs/random/p"])))(images)
    assert str(ops.convert_to_numpy(actual).dtype) == "float32"
    assert_golden(actual, ADA, "outputs/random/images", 5e-5)


def test_the_map_of_all_geometric_transforms(float64):
    """Their matrix, from the result's square [-1, 1]^2 with 3 pixels around it to that of the continued image."""
    draws = golden_draws("float64")
    inverse = ops.convert_to_numpy(adaptive._inverse_map(adaptive._Chosen(draws, 0.8, "float64"), 24, 24))
    (top, bottom), (left, right) = margins_of(draws, 0.8, 24, 24)
    assert (top, bottom, left, right) == (16, 16, 23, 13)
    columns, rows = left + 24 + right, top + 24 + bottom
    # From and to pixels that are counted from the middle of the image, half a sample aside for the wavelet's sake.
    to_pixels = np.array([[15, 0, 0.25], [0, 15, 0.25], [0, 0, 1]])
    middle = (left - right) / columns, (top - bottom) / rows
    from_pixels = np.array([[2 / columns, 0, middle[0]], [0, 2 / rows, middle[1]], [0, 0, 1]])
    from_pixels = from_pixels @ np.array([[1, 0, -0.25], [0, 1, -0.25], [0, 0, 1]])
    theirs = ADA["outputs/random/affine_theta"]
    np.testing.assert_allclose((from_pixels @ inverse @ to_pixels)[:, :2], theirs, rtol=0, atol=1e-9)


def test_the_filters():
    for taps in (geometry.SYM6, np.divide(geometry.SYM6, math.sqrt(2))):
        same = np.allclose(taps, ADA["outputs/Hz_geom"], rtol=0, atol=1e-11)
        assert same == (taps is not geometry.SYM6)
    np.testing.assert_allclose(corruption.band_filters(), ADA["outputs/Hz_fbank"], rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    "key, target, images, kimg", [("0.6_64_4_500", 0.6, 64 * 4, 500), ("0.45_32_8_100", 0.45, 32 * 8, 100)]
)
def test_the_controller(key, target, images, kimg, float64):
    p, expected = ops.zeros((), "float64"), ADA[f"outputs/controller/{key}/p"]
    for sign, after in zip(ADA[f"inputs/controller/{key}/sign_means"].astype("float64"), expected, strict=True):
        p = adaptive.next_probability(p, ops.convert_to_tensor(sign), images, target, kimg)
        assert float(p) == pytest.approx(after, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("name", ["brightness", "saturation", "contrast", "translation", "cutout"])
def test_a_change_of_diffaugment(name, float64):
    images = ops.convert_to_tensor(channels_last("inputs/images", DIFFAUGMENT))
    keys = sorted(key for key in DIFFAUGMENT if key.startswith(f"inputs/rand_{name}/draw"))
    draws = [ops.convert_to_tensor(np.reshape(DIFFAUGMENT[key], -1)) for key in keys]
    assert_golden(getattr(diffaugment, name)(images, *draws), DIFFAUGMENT, f"outputs/rand_{name}")


def test_diffaugment(float64):
    images = ops.convert_to_tensor(channels_last("inputs/images", DIFFAUGMENT))
    given = [ops.convert_to_tensor(np.reshape(DIFFAUGMENT[f"inputs/policy/draw{i}"], -1)) for i in range(7)]
    draws = {"color": ops.stack(given[:3], axis=1), "translation": given[3:5], "cutout": given[5:]}
    actual = diffaugment.DiffAugment().transform(images, draws)
    assert_golden(actual, DIFFAUGMENT, "outputs/policy_color,translation,cutout")
