"""`prepare` maps the ends of a range to exactly -1 and 1, and never guesses a range."""

import numpy as np
import pytest
from PIL import Image

from kerasgan.data import prepare


@pytest.mark.parametrize(
    ("pixels", "value_range"),
    [
        (np.array([0, 255], "uint8"), None),
        (np.array([0, 65535], "uint16"), None),
        (np.array([False, True]), None),
        (np.array([0.0, 1.0], "float32"), None),
        (np.array([-1.0, 1.0], "float64"), None),
        (np.array([0.0, 1.0], "float16"), None),
        (np.array([0, 16], "uint8"), (0, 16)),
        (np.array([-1000, 3000], "int32"), (-1000, 3000)),
        (np.array([0.1, 0.3], "float32"), (0.1, 0.3)),
        (np.array([0, 2**32 - 1], "int64"), (0, 2**32 - 1)),
    ],
)
def test_the_ends_of_the_range_become_minus_one_and_one(pixels, value_range):
    prepared = prepare(pixels.reshape(1, 1, 2), value_range=value_range)
    assert prepared.dtype == np.float32
    assert prepared.shape == (1, 1, 2, 1)
    np.testing.assert_array_equal(prepared.reshape(-1), [-1.0, 1.0])


def test_every_level_keeps_its_value():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    exact = np.arange(256) / 127.5 - 1
    np.testing.assert_allclose(prepare(levels).reshape(-1), exact, atol=1e-7)
    assert len(np.unique(prepare(np.arange(65536, dtype="uint16").reshape(1, 256, 256)))) == 65536


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_already_scaled_floats_come_back(low):
    x = np.random.default_rng(0).uniform(low, 1.0, (2, 4, 4, 3)).astype("float32")
    expected = x if low == -1.0 else 2 * x - 1
    np.testing.assert_allclose(prepare(x), expected, atol=1e-7)


@pytest.mark.parametrize("ends", [(0.0, 255.0), (0.0, 0.3), (-0.2, 1.0), (-0.01, 0.9), (-2.5, 2.5), (0.0, 0.0)])
def test_an_ambiguous_range_is_not_guessed(ends):
    with pytest.raises(ValueError, match="pass value_range="):
        prepare(np.array(ends).reshape(1, 1, 2))


def test_integers_without_a_natural_range_are_not_guessed():
    with pytest.raises(ValueError, match=r"dtype int64.*pass value_range="):
        prepare(np.arange(4).reshape(1, 2, 2))


@pytest.mark.parametrize(
    ("images", "arguments", "message"),
    [
        (np.zeros((8, 8), "uint8"), {}, r"shape \(8, 8\).*images\[None\]"),
        (np.zeros((0, 8, 8), "uint8"), {}, "empty"),
        (np.zeros((1, 8, 0), "uint8"), {}, "empty"),
        (np.zeros((1, 2, 2), "complex64"), {}, "dtype complex64"),
        (np.full((1, 2, 2), np.nan), {"value_range": (0, 1)}, "NaN"),
        (np.full((1, 2, 2), np.inf), {"value_range": (0, 1)}, "NaN or infinite"),
        (np.full((1, 2, 2), 17, "uint8"), {"value_range": (0, 16)}, "from 17 to 17.*=\\(0, 16\\)"),
        (np.zeros((1, 2, 2), "uint8"), {"value_range": (1, 1)}, "low < high"),
        (np.zeros((1, 2, 2), "uint8"), {"image_size": 0}, "image_size is 0"),
        (np.zeros((1, 2, 2), "uint8"), {"image_size": (4, 4, 1)}, "image_size is"),
        (np.zeros((1, 2, 2), "uint8"), {"image_size": 4.0}, "image_size is 4.0"),
    ],
)
def test_wrong_input_is_refused(images, arguments, message):
    with pytest.raises(ValueError, match=message):
        prepare(images, **arguments)


@pytest.mark.parametrize("size", [(8, 8), (5, 12), (32, 32), (20, 9)])
def test_resizing_is_the_lanczos_of_pillow(size):
    x = np.random.default_rng(0).uniform(-0.3, 0.3, (3, 20, 16, 2)).astype("float32")
    expected = [
        [np.asarray(Image.fromarray(image[..., c]).resize(size[::-1], Image.Resampling.LANCZOS)) for c in range(2)]
        for image in x
    ]
    resized = prepare(x, image_size=size, value_range=(-1, 1))
    np.testing.assert_allclose(resized, np.moveaxis(expected, 1, -1), atol=1e-6)


def test_resizing_keeps_constants_and_the_range():
    stripes = np.tile(np.array([0, 255], "uint8").repeat(4), (1, 8, 1))
    enlarged = prepare(stripes, image_size=32)
    assert enlarged.shape == (1, 32, 32, 1)
    assert enlarged.min() == -1.0 and enlarged.max() == 1.0
    np.testing.assert_allclose(prepare(np.full((1, 8, 8), 255, "uint8"), 12), 1.0, atol=1e-6)
    np.testing.assert_array_equal(prepare(stripes, image_size=8), prepare(stripes))
