import colorsys
import math

import numpy as np
import pytest
from scipy import ndimage

from kerasgan.data.builders.striped_animals import StripedAnimals, stripe_pattern


@pytest.fixture(scope="module")
def pairs():
    return StripedAnimals(count=200).arrays("train")


def test_sides_agree_outside_of_the_mask_and_differ_inside(pairs):
    same = (pairs["image"] == pairs["target"]).all(axis=-1)
    animal = pairs["mask"][..., 0] == 1
    assert set(np.unique(pairs["mask"])) == {0, 1}
    assert same[~animal].all()
    assert (~same)[animal].mean() > 0.95  # so that the mask is no larger than the animal
    swapped = np.roll(pairs["target"], 1, axis=0)
    assert (pairs["image"] == swapped).all(axis=-1)[~animal].mean() < 0.1


def test_animals_are_whole_and_where_the_factors_say(pairs):
    for mask, facing, scale, x, y in zip(*(pairs[name] for name in ("mask", "facing", "scale", "x", "y")), strict=True):
        animal = mask[..., 0]
        assert ndimage.label(animal, np.ones((3, 3)))[1] == 1
        assert not animal[[0, -1]].any() and not animal[:, [0, -1]].any()
        rows, columns = np.nonzero(animal)
        assert rows.max() + 1 == pytest.approx(y + 0.6 * 32 * scale, abs=1)  # the feet
        assert np.median(columns) == pytest.approx(x, abs=6)
        assert (columns[rows == rows.min()].mean() > x) == (facing == 1)  # the head
        # The body is an ellipse of the half axes 0.5 and 0.24.
        inside = animal[int(y) - 3 : int(y) + 3, int(x - 0.35 * 32 * scale) : int(x + 0.35 * 32 * scale)]
        assert inside.all()
    areas = pairs["mask"].sum(axis=(1, 2, 3))
    assert np.corrcoef(areas, pairs["scale"] ** 2)[0, 1] > 0.95
    assert areas.min() / 4096 > 0.05 and areas.max() / 4096 < 0.3


def test_coats_are_coloured_and_stripes_black_and_white(pairs):
    def saturation(pixels):
        return (pixels.max(axis=-1) - pixels.min(axis=-1)) / np.maximum(pixels.max(axis=-1), 1)

    for index in range(100):
        body = ndimage.binary_erosion(pairs["mask"][index, ..., 0], iterations=2)
        plain, striped = (pairs[side][index][body].astype(float) for side in ("image", "target"))
        assert np.median(saturation(plain)) > 0.4 > 0.2 > np.median(saturation(striped))
        brightness = striped.mean(axis=-1)
        assert (brightness < 70).mean() > 0.2 and (brightness > 140).mean() > 0.2
        assert ((brightness > 90) & (brightness < 130)).mean() < 0.25
        assert plain.mean(axis=-1).std() < 0.5 * brightness.std()
        red, green, blue = np.median(plain, axis=0) / 255
        assert colorsys.rgb_to_hsv(red, green, blue)[0] == pytest.approx(pairs["hue"][index], abs=0.012)


def test_stripes_have_the_density_asked_for():
    along = np.linspace(0.02, 0.48, 400)
    for density in (18, 22, 26):
        period = 2 * math.pi / density
        pattern = stripe_pattern(along, np.zeros(400), density, 0)
        np.testing.assert_allclose(pattern, stripe_pattern(along + period, np.zeros(400), density, 0), atol=1e-9)
        half = stripe_pattern(along + period / 2, np.zeros(400), density, 0)
        np.testing.assert_allclose(pattern + half, np.ones(400), atol=1e-9)
        # On the legs the stripes lie: constant along, alternating down.
        legs = stripe_pattern(along, np.full(400, 0.4), density, 0)
        assert np.ptp(legs) < 1e-9
        assert np.ptp(stripe_pattern(np.zeros(400), np.linspace(0.3, 0.55, 400), density, 0)) == 1


def test_landscapes_and_poses_vary(pairs):
    assert len({image.tobytes() for image in pairs["image"]}) == 200
    assert 60 < pairs["facing"].sum() < 140
    for name, low, high in (("scale", 0.7, 0.95), ("neck", 0.3, 0.75), ("hue", 0.02, 0.1), ("stripes", 18, 26)):
        values = (pairs[name] - low) / (high - low)
        assert values.min() >= 0 and values.max() <= 1 and abs(values.mean() - 0.5) < 0.1
    assert StripedAnimals.pair == ("image", "target")


def test_sheet_shows_both_sides_and_the_mask(pairs):
    sheet = StripedAnimals().sheet({name: values[:4] for name, values in pairs.items()})
    assert sheet.shape == (2 * 65 + 1, 9 * 65 + 1, 3)
    assert np.array_equal(sheet[1:65, 1:65], pairs["image"][0])
    assert np.array_equal(sheet[1:65, 66:130], pairs["target"][0])
    assert np.array_equal(sheet[1:65, 131:195, :1], 255 * pairs["mask"][0])
