"""Grids pixel by pixel, and PNG files as another program reads them."""

import numpy as np
import pytest
from PIL import Image

from kerasgan.pictures.images import columns_of, grid, write_png


def test_pixels_of_a_grid_with_padding_and_scale():
    images = np.array([[[-1.0, 1.0]], [[0.0, 2.0]], [[np.nan, -3.0]]])[..., None]
    picture = grid(images, columns=2, padding=1, scale=2)
    expected = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 255, 255, 0, 128, 128, 255, 255, 0],
        [0, 0, 0, 255, 255, 0, 128, 128, 255, 255, 0],
        [0] * 11,
        [0] * 11,
        [0] * 11,
        [0] * 11,
    ]
    np.testing.assert_array_equal(picture[..., 0], expected)
    assert picture.dtype == "uint8"


@pytest.mark.parametrize(
    ("side", "count", "shape"),
    [
        (8, 64, (8 * 33 + 1, 8 * 33 + 1, 3)),  # four times as large
        (28, 5, (2 * 57 + 1, 3 * 57 + 1, 3)),  # twice
        (32, 1, (34, 34, 3)),
        (100, 2, (102, 203, 3)),
    ],
)
def test_small_images_are_enlarged_and_columns_make_a_square(side, count, shape):
    assert grid(np.zeros((count, side, side, 3))).shape == shape


def test_8_bit_levels_survive_the_round_trip():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(grid(levels / 127.5 - 1, padding=0, scale=1), levels[0])


@pytest.mark.parametrize("shape", [(4, 4, 1), (2, 4, 4, 5), (0, 4, 4, 1)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected .count, height, width, channels."):
        grid(np.zeros(shape))


@pytest.mark.parametrize("channels", [2, 4])
def test_what_is_transparent_shows_a_chequerboard(channels):
    images = np.full((1, 32, 32, channels), -1.0)
    images[:, :, :16, -1] = 1.0
    picture = grid(images, padding=0)
    assert picture.shape == (32, 32, channels - 1)
    assert (picture[:, :16] == 0).all() and set(np.unique(picture[:, 16:])) == {153, 204}
    assert picture[0, 16, 0] != picture[0, 24, 0] and picture[0, 16, 0] != picture[8, 16, 0]
    images[..., -1] = 0.0
    np.testing.assert_allclose(np.unique(grid(images, padding=0)), [76, 102], atol=1)  # half of it


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_png_holds_the_pixels(tmp_path, channels, mode):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype="uint8")
    write_png(tmp_path / "new" / "grid.png", picture)
    with Image.open(tmp_path / "new" / "grid.png") as image:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image).reshape(picture.shape), picture)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["grid.png"]


@pytest.mark.parametrize(("classes", "columns"), [(1, 1), (10, 10), (16, 16), (17, 9), (26, 13), (62, 16), (1000, 16)])
def test_many_classes_make_no_wider_grid_than_a_screen(classes, columns):
    assert columns_of(classes) == columns
