"""The mixtures are those of the papers, and their parameters are exact."""

import numpy as np
import pytest

from kerasgan.data.builders import Gaussians


@pytest.fixture(scope="module", params=[config for config in Gaussians.configs if config != "s_curve"])
def mixture(request):
    dataset = Gaussians(request.param, count=6000)
    return dataset, dataset.arrays("train")


def test_the_modes():
    ring = Gaussians("ring").modes
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1)
    gaps = np.diff(np.sort(np.arctan2(ring[:, 1], ring[:, 0])))
    np.testing.assert_allclose(gaps, np.pi / 4)  # eight different ones, not seven and one twice
    np.testing.assert_allclose(Gaussians("ring2").modes, 2 * ring)
    grid = Gaussians("grid").modes
    assert {tuple(mode) for mode in grid} == {(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)}
    sigmas = {config: Gaussians(config).sigma for config in ("ring", "ring2", "grid")}
    assert sigmas == {"ring": 0.01, "ring2": 0.02, "grid": 0.05}


def test_samples_scatter_around_their_mode(mixture):
    dataset, arrays = mixture
    deviations = (arrays["point"] - dataset.modes[arrays["label"]]) / dataset.sigma
    # Five standard errors of a mean, a variance and a covariance of this many numbers.
    count = len(deviations)
    np.testing.assert_allclose(deviations.mean(axis=0), 0, atol=5 / count**0.5)
    np.testing.assert_allclose(np.cov(deviations.T), np.eye(deviations.shape[1]).squeeze(), atol=5 * (2 / count) ** 0.5)


def test_modes_have_their_weights(mixture):
    dataset, arrays = mixture
    count = len(arrays["label"])
    expected = count * dataset.weights
    found = np.bincount(arrays["label"], minlength=len(dataset.modes))
    assert (np.abs(found - expected) < 5 * expected**0.5).all()
    assert dataset.weights.sum() == pytest.approx(1)


def test_the_share_of_high_quality_is_that_of_two_dimensions():
    grid = Gaussians("grid", count=6000)
    points = grid.arrays("train")["point"]
    nearest = np.linalg.norm(points[:, None] - grid.modes, axis=-1).min(axis=1)
    share = (nearest < 3 * grid.sigma).mean()
    assert share == pytest.approx(1 - np.exp(-4.5), abs=5 * (0.0111 / 6000) ** 0.5)


def test_the_s_curve():
    curve = Gaussians("s_curve", count=4000)
    arrays = curve.arrays("train")
    offsets = arrays["point"] - curve.modes[arrays["label"]]
    # Across the curve the noise, along it 270 degrees of each circle.
    radii = np.linalg.norm(offsets, axis=1)
    assert radii.mean() == pytest.approx(1, abs=0.005) and radii.std() == pytest.approx(curve.sigma, rel=0.1)
    angles = np.degrees(np.arctan2(offsets[:, 1], offsets[:, 0]))
    upper, lower = angles[arrays["label"] == 0], angles[arrays["label"] == 1]
    # Both start where they touch, at (0, 0); then through (-1, 1), (0, 2) and (1, 1), and as a half turn of that.
    from_touch = [np.sort((270 - upper) % 360), np.sort((90 - lower) % 360)]
    for degrees in from_touch:
        inside = (degrees < 285) | (degrees > 345)
        assert inside.all()
        assert np.histogram(degrees, 9, (0, 270))[0].min() > 0.8 * len(degrees) / 9
