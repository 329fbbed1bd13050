"""Lab against scikit-image 0.26 (its published numbers, no dependency), and back again."""

import numpy as np
import pytest

from kerasgan.pictures.color import colorization_pairs, colorized, lab_to_rgb, rgb_to_lab

# skimage.color.rgb2lab of levels in [0, 1].
KNOWN = [
    ((1, 0, 0), (53.2405879437, 80.0923082257, 67.2027510444)),
    ((0, 1, 0), (87.7350994883, -86.1830297444, 83.1797031754)),
    ((0, 0, 1), (32.295672565, 79.1855909118, -107.8573002067)),
    ((1, 1, 1), (100.0, -0.0024549379, 0.0046534212)),
    ((0, 0, 0), (0.0, 0.0, 0.0)),
    ((0.5, 0.5, 0.5), (53.3889647411, -0.0014684965, 0.0027835869)),
    ((0.2, 0.6, 0.9), (60.9295320289, -3.0601553174, -46.8376536377)),
    ((0.01, 0.02, 0.03), (1.3000539221, -0.3123502773, -1.1997649952)),
]


def images():
    return np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3))


@pytest.mark.parametrize(("levels", "lab"), KNOWN)
def test_known_colours(levels, lab):
    found = rgb_to_lab(2.0 * np.array(levels) - 1.0)
    np.testing.assert_allclose(found, lab, atol=1e-9)
    np.testing.assert_allclose(lab_to_rgb(lab), 2.0 * np.array(levels) - 1.0, atol=1e-6)


def test_there_and_back():
    np.testing.assert_allclose(lab_to_rgb(rgb_to_lab(images())), images(), atol=1e-5)
    lightness, colours = colorization_pairs(images())
    assert (lightness.shape, colours.shape, lightness.dtype) == ((2, 8, 8, 1), (2, 8, 8, 2), np.float32)
    np.testing.assert_allclose(colorized(lightness, colours), images(), atol=1e-5)
    grey = colorized(lightness, np.zeros_like(colours))
    np.testing.assert_allclose(grey[..., 0], grey[..., 2], atol=1e-3)


def test_all_of_srgb_fits_into_the_range():
    corners = np.stack(np.meshgrid(*[np.linspace(-1, 1, 9)] * 3), axis=-1)
    for part in colorization_pairs(corners):
        assert np.abs(part).max() <= 1.0


def test_wrong_channels_are_refused():
    with pytest.raises(ValueError, match=r"expected \(..., 3\)"):
        rgb_to_lab(np.zeros((4, 4, 1)))
    with pytest.raises(ValueError, match=r"expected \(..., 2\)"):
        colorized(np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 3)))
