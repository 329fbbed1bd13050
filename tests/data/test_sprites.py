import colorsys
import math

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw

from kerasgan.data.builders import drawing, sprites
from kerasgan.data.builders.sprites import Sprites


def outline(shape):
    """Corners of a fine polygon, independent of the distance functions: unit circumscribed radius, centroid at 0."""
    if shape == "square":
        return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / math.sqrt(2)
    if shape == "ellipse":
        angles = np.linspace(0, 2 * math.pi, 400, endpoint=False)
        return np.stack([np.cos(angles), 0.6 * np.sin(angles)], axis=1)
    # The tip of the square, then around the right and the left half disc, y down.
    half = drawing.HEART_SIDE / 2
    middle = half / math.sqrt(2)
    arc = np.linspace(math.pi / 4, -3 * math.pi / 4, 200)
    right = np.stack([middle + half * np.cos(arc), -middle + half * np.sin(arc)], axis=1)
    left = right[::-1] * (-1, 1)
    corners = np.concatenate([[(0, half * math.sqrt(2))], right, left])
    # The centroid of a polygon, by the shoelace formula.
    following = np.roll(corners, -1, axis=0)
    areas = corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]
    return corners - ((corners + following) * areas[:, None]).sum(axis=0) / (3 * areas.sum())


def draw(shape, scale, orientation, x, y, zoom=32):
    """The same picture from the outline, by Pillow's polygon filling and averaging."""
    turn = np.array([[math.cos(orientation), math.sin(orientation)], [-math.sin(orientation), math.cos(orientation)]])
    place = sprites.MARGIN + (sprites.SIZE - 2 * sprites.MARGIN) * np.array([x, y])
    corners = (outline(shape) * sprites.LARGEST_RADIUS * scale @ turn + place) * zoom - 0.5
    canvas = Picture.new("L", (sprites.SIZE * zoom, sprites.SIZE * zoom))
    ImageDraw.Draw(canvas).polygon([tuple(corner) for corner in corners], fill=255)
    return np.asarray(canvas.reduce(zoom)) / 255


@pytest.fixture(scope="module")
def grey():
    return Sprites(count=150).arrays("train")


def test_pictures_are_those_of_the_outlines(grey):
    for index in range(60):
        shape = sprites.SHAPES[grey["label"][index]]
        reference = draw(shape, *(grey[name][index] for name in ("scale", "orientation", "x", "y")))
        difference = grey["image"][index, ..., 0] / 255 - reference
        assert np.abs(difference).max() < 0.3  # the pixel of a sharp corner
        assert np.abs(difference).sum() < 0.03 * reference.sum()
        assert abs(difference.sum()) < 0.02 * reference.sum()


def test_every_factor_is_recovered_from_the_pixels(grey):
    columns, rows = np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5)
    span = sprites.SIZE - 2 * sprites.MARGIN
    steps = math.pi * 2 / sprites.ORIENTATIONS
    for index in range(40):
        pixels = grey["image"][index, ..., 0] / 255
        area = pixels.sum()
        x = ((columns * pixels).sum() / area - sprites.MARGIN) / span
        y = ((rows * pixels).sum() / area - sprites.MARGIN) / span
        assert x == pytest.approx(grey["x"][index], abs=0.3 / 31)
        assert y == pytest.approx(grey["y"][index], abs=0.3 / 31)
        candidates = []
        for label, shape in enumerate(sprites.SHAPES):
            corners = outline(shape)
            following = np.roll(corners, -1, axis=0)
            unit_area = abs((corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]).sum()) / 2
            scale = math.sqrt(area / unit_area) / sprites.LARGEST_RADIUS
            for orientation in range(sprites.ORIENTATIONS // sprites.SYMMETRIES[label]):
                picture = sprites.render(label, scale, orientation * steps, x, y)
                candidates.append((np.square(picture - pixels).sum(), label, scale, orientation))
        _, label, scale, orientation = min(candidates)
        assert label == grey["label"][index]
        assert scale == pytest.approx(grey["scale"][index], abs=0.02)
        period = sprites.ORIENTATIONS // sprites.SYMMETRIES[label]
        assert orientation == round(grey["orientation"][index] / steps) % period


def test_symmetric_orientations_are_one_picture_and_others_are_not(grey):
    assert np.array_equal(np.array(sprites.SYMMETRIES)[grey["label"]], grey["symmetry"])
    for label, symmetry in enumerate(sprites.SYMMETRIES):
        turns = [sprites.visible((label, 0, orientation, 7, 20)) for orientation in range(sprites.ORIENTATIONS)]
        pictures = [
            drawing.to_uint8(sprites.render(label, *sprites.factor_values(factors))).tobytes() for factors in turns
        ]
        assert len(set(pictures)) == sprites.ORIENTATIONS // symmetry
        # A turn by 2π / symmetry, computed without `visible`, changes the picture by rounding at most.
        turned = sprites.render(label, 0.5, 2 * math.pi / symmetry + 0.3, 0.2, 0.6)
        np.testing.assert_allclose(turned, sprites.render(label, 0.5, 0.3, 0.2, 0.6), atol=1e-4)
        half_way = sprites.render(label, 0.5, math.pi / symmetry + 0.3, 0.2, 0.6)
        assert np.abs(half_way - turned).max() > 0.3


def test_no_picture_is_in_both_splits():
    dataset = Sprites()
    pictures = {}
    for split in ("train", "test"):
        examples = [dataset.example(dataset.random(split, index), split, index) for index in range(300)]
        pictures[split] = {example["image"].tobytes() for example in examples}
        numbers = np.array([[example[name] for name in ("label", "x", "y")] for example in examples])
        assert np.bincount(numbers[:, 0].astype(int)).min() > 70  # uniform in either split: 100 +- 8
        assert np.abs(numbers[:, 1:].mean(axis=0) - 0.5).max() < 0.08
    assert not pictures["train"] & pictures["test"]
    factors = np.random.default_rng(0).integers((3, 6, 40, 32, 32), size=(4000, 5))
    assert np.mean([sprites.reserved_for_test(row) for row in factors]) == pytest.approx(0.1, abs=0.02)


def test_no_sprite_is_cut_off():
    for label in range(len(sprites.SHAPES)):
        for orientation in np.arange(sprites.ORIENTATIONS) * 2 * math.pi / sprites.ORIENTATIONS:
            for place in (0, 1):
                cover = sprites.render(label, 1, orientation, place, 1 - place)
                assert not cover[[0, -1]].any() and not cover[:, [0, -1]].any()


def test_the_colour_is_the_hue_at_full_value():
    examples = Sprites("colour", count=60).arrays("train")
    assert examples["image"].shape == (60, 64, 64, 3)
    for pixels, hue in zip(examples["image"], examples["hue"], strict=True):
        red, green, blue = pixels[pixels.sum(axis=-1).argmax() // 64, pixels.sum(axis=-1).argmax() % 64] / 255
        assert colorsys.rgb_to_hsv(red, green, blue) == pytest.approx((hue, 1, 1), abs=0.005)
    assert len(set(examples["hue"])) == sprites.HUES
