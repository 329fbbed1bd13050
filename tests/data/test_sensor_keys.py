"""Keys at the stated angles, and a sensor of the stated strengths."""

import numpy as np
import pytest

from kerasgan.data import load
from kerasgan.data.builders.sensor_keys import NOISE, SensorKeys, keys, sensed


@pytest.fixture(scope="module")
def pairs():
    return SensorKeys(count=300).arrays("train")


def test_keys_lie_at_their_angles(pairs):
    """The long axis of a key's pixels, by their moments: within a few degrees, as the teeth are at one side."""
    rows, columns = np.mgrid[:24, :24]
    errors = []
    for image, angle in zip(pairs["synthetic"][..., 0], pairs["angle"], strict=True):
        weight = np.clip(image.astype(float) - 80, 0, None)
        weight /= weight.sum()
        x, y = (columns - (weight * columns).sum(), rows - (weight * rows).sum())
        xx, yy, xy = ((weight * each).sum() for each in (x * x, y * y, x * y))
        errors.append(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) - angle)
    assert np.abs(errors).max() < 10 and np.std(errors) < 3
    assert pairs["angle"].dtype == np.float32 and np.abs(pairs["angle"]).max() <= 60
    assert abs(pairs["angle"].mean()) < 6 and pairs["angle"].std() == pytest.approx(60 / 3**0.5, rel=0.1)


def test_the_sensor_is_the_stated_one(pairs):
    """On a flat field there are offset, light and noise; of a key the contrast is left, blurred."""
    flat = sensed(np.zeros((4000, 24, 24, 1), "float32"), np.random.default_rng(0))
    mean = flat.mean(axis=(0, 1))[:, 0]
    np.testing.assert_allclose(mean, 0.1 + 0.25 * np.linspace(1, -1, 24), atol=0.01)
    noise = flat[:, 1:] - flat[:, :-1]
    assert noise.std() / 2**0.5 == pytest.approx(NOISE, rel=0.02)
    x, y = (pairs[side][..., 0].astype(float) / 127.5 - 1 for side in ("synthetic", "real"))
    light = y - np.linspace(1, -1, 24) * 0.25
    slopes = [np.polyfit(a.ravel(), b.ravel(), 1)[0] for a, b in zip(x, light, strict=True)]
    assert 0.2 < np.mean(slopes) < 0.6  # at most 0.7, and less where thin bars are blurred
    turned = [np.polyfit(a.ravel(), b.ravel(), 1)[0] for a, b in zip(x, np.roll(light, 1, axis=0), strict=True)]
    assert np.mean(turned) < 0.5 * np.mean(slopes)  # another key is elsewhere


def test_without_strength_the_sensor_changes_nothing():
    images, _ = keys(20, np.random.default_rng(0))
    changes = np.abs(sensed(images, np.random.default_rng(1), weakest=0.0) - images).mean(axis=(1, 2, 3))
    whole = np.abs(sensed(images, np.random.default_rng(1)) - images).mean(axis=(1, 2, 3))
    assert changes.min() < 0.3 * whole.min() and changes.max() < whole.max() * 1.1


def test_loads_as_two_domains_and_with_labels(pairs):
    x, y = load("sensor_keys", count=8, as_pairs=True, as_numpy=True)
    assert x.shape == y.shape == (8, 24, 24, 1)
    np.testing.assert_array_equal(np.rint((x + 1) * 127.5), pairs["synthetic"][:8])
    synthetic, labels = load("sensor_keys", count=8, features=("angle",), as_numpy=True)
    np.testing.assert_array_equal(synthetic, x)
    np.testing.assert_array_equal(labels["angle"], pairs["angle"][:8])
    sheet = SensorKeys().sheet({name: values[:6] for name, values in pairs.items()})
    assert sheet.shape[2] == 3 and sheet.shape[1] > 10 * sheet.shape[0]
