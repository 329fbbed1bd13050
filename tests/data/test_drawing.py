import colorsys
import math

import numpy as np
import pytest

from kerasgan.data.builders import drawing, packages

X, Y = np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-3, 3, 61))


def far_from(corners):
    """Distance to a closed line through many points, by brute force."""
    return np.sqrt(((X[..., None] - corners[:, 0]) ** 2 + (Y[..., None] - corners[:, 1]) ** 2).min(axis=-1))


def along(*corners, count=800):
    """Points along the sides of a polygon."""
    corners = np.array(corners, float)
    shares = np.linspace(0, 1, count, endpoint=False)[:, None]
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    return np.concatenate([start + shares * (stop - start) for start, stop in sides])


def test_polygon_and_star_are_exact_distances():
    corners = drawing.corners_on_circle(10, [2.0, 0.9])
    distance = drawing.polygon(X, Y, corners)
    np.testing.assert_allclose(np.abs(distance), far_from(along(*corners)), atol=0.01)
    assert distance[30, 30] < 0 < distance[0, 0]
    assert (distance < 0).sum() * 0.1**2 == pytest.approx(5 * 2 * 0.9 * math.sin(math.pi / 5), rel=0.03)
    np.testing.assert_allclose(drawing.star(X, Y, 2.0), drawing.polygon(X, Y, drawing.corners_on_circle(10, [2, 0.9])))


def test_box_square_and_capsule():
    inside = (np.abs(X) < 2) & (np.abs(Y) < 1)
    assert np.array_equal(drawing.box(X, Y, 2, 1) < 0, inside)
    assert drawing.square(0.0, 0.0, 1.0) == pytest.approx(-math.sqrt(0.5))
    capsule = drawing.capsule(X, Y, (-1, -1), (1, 2), 0)
    np.testing.assert_allclose(capsule, far_from(along((-1, -1), (1, 2))), atol=0.01)
    assert drawing.capsule(-1.0, -1.0, (-1, -1), (1, 2), 0.5, 0.2) == pytest.approx(-0.5)
    assert drawing.capsule(1.0, 2.0, (-1, -1), (1, 2), 0.5, 0.2) == pytest.approx(-0.2)


def test_ellipse_is_exact_to_first_order():
    angles = np.linspace(0, 2 * math.pi, 4000)
    outline = np.stack([2.5 * np.cos(angles), 1.2 * np.sin(angles)], axis=1)
    distance, expected = drawing.ellipse(X, Y, 2.5, 1.2), far_from(outline)
    near = expected < 0.1
    np.testing.assert_allclose(np.abs(distance)[near], expected[near], atol=0.02)
    assert np.array_equal(distance < 0, np.hypot(X / 2.5, Y / 1.2) < 1)


def test_heart_has_its_centroid_at_the_origin_and_its_radius_at_the_tip():
    x, y = (axis.astype("float64") for axis in drawing.pixel_grid(400))
    cover = drawing.coverage(drawing.heart(x - 200, y - 200, 150))
    assert (cover * y).sum() / cover.sum() == pytest.approx(200, abs=0.05)
    assert (cover * x).sum() / cover.sum() == pytest.approx(200, abs=0.05)
    assert drawing.heart(0.0, 150.0, 150) == pytest.approx(0, abs=0.01)
    side = 150 * drawing.HEART_SIDE
    assert cover.sum() == pytest.approx(side**2 * (1 + math.pi / 4), rel=0.001)


def test_coverage_of_an_upright_box_is_exact():
    x, y = drawing.pixel_grid(16)
    cover = drawing.coverage(drawing.box(x - 8, y - 8, 3.25, 100))
    np.testing.assert_allclose(cover[8, 4:12], [0.25, 1, 1, 1, 1, 1, 1, 0.25])


def test_colours():
    for hue in np.linspace(0, 1, 13):
        expected = colorsys.hsv_to_rgb(hue, 0.7, 0.9)
        np.testing.assert_allclose(drawing.hsv(hue, 0.7, 0.9), expected, atol=1e-6)
    canvas = np.zeros((1, 2, 3), "float32")
    drawing.paint(canvas, np.array([[0.25, 1.0]]), (1.0, 0.5, 0.0))
    np.testing.assert_allclose(canvas[0], [[0.25, 0.125, 0], [1, 0.5, 0]])
    assert drawing.to_uint8(np.array([-1, 0.5, 2])).tolist() == [0, 128, 255]
    np.testing.assert_allclose(drawing.mix((0, 1), (1, 0), 0.25), [0.25, 0.75])
    assert [drawing.ramp(value, 20, 40) for value in (10, 25, 50)] == [0, 0.25, 1]


def test_value_noise_is_smooth_and_between_0_and_1():
    noise = drawing.value_noise(np.random.default_rng(0), 64, (4, 8))
    assert noise.shape == (64, 64) and noise.dtype == "float32"
    assert 0 <= noise.min() < 0.3 and 0.7 < noise.max() <= 1
    steps = np.abs(np.diff(noise, axis=0)).max(), np.abs(np.diff(noise, axis=1)).max()
    assert max(steps) < 0.2
    # With as many cells as pixels there is nothing to interpolate with but the two neighbours.
    coarse = drawing.value_noise(np.random.default_rng(0), 4, (4,))
    lattice = np.random.default_rng(0).random((5, 5), dtype="float32")
    expected = (lattice[:-1, :-1] + lattice[1:, :-1] + lattice[:-1, 1:] + lattice[1:, 1:]) / 4
    np.testing.assert_allclose(coarse, expected, atol=1e-6)


def test_packages_are_looked_for_where_the_script_puts_them(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_PACKAGES", str(tmp_path))
    assert packages.packages_folder() == tmp_path
    (tmp_path / "usr" / "share").mkdir(parents=True)
    assert packages.installed("usr/share", "usr/nowhere")[0] == tmp_path / "usr" / "share"
    assert packages.installed("usr/nowhere") == []
    monkeypatch.delenv("KERASGAN_PACKAGES")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert packages.packages_folder() == tmp_path / "cache" / "kerasgan" / "packages"
