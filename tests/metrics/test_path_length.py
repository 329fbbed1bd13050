"""The path length of generators whose paths are known exactly, and its refusals."""

import numpy as np
import pytest

from kerasgan.metrics import perceptual_path_length


@pytest.fixture
def latents():
    return np.random.default_rng(0).normal(size=(2, 150, 6))


def trimmed_mean(values):
    values = np.sort(values)
    # 150 values: the percentiles 1 and 99 lie between the second and third from either end.
    return values[1:-1].mean()


def test_of_a_linear_generator_on_lines_it_is_the_squared_length(latents):
    starts, ends = latents
    matrix = np.random.default_rng(1).normal(size=(6, 4 * 4))
    expected = trimmed_mean(np.square((ends - starts) @ matrix).sum(axis=1))
    length = perceptual_path_length(lambda z: (z @ matrix).reshape(-1, 4, 4, 1), starts, ends, "linear")
    assert length == pytest.approx(expected, rel=1e-6)
    small = perceptual_path_length(lambda z: z @ matrix, starts, ends, "linear", batch_size=7)
    assert small == pytest.approx(length, rel=1e-9)


def test_on_the_unit_sphere_it_is_the_squared_angle(latents):
    starts, ends = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in latents)
    angles = np.arccos((starts * ends).sum(axis=1))
    assert perceptual_path_length(lambda z: z, starts, ends) == pytest.approx(trimmed_mean(angles**2), rel=1e-6)


def test_the_path_goes_from_the_start_to_the_end_and_keeps_the_radius(latents):
    starts, ends = (3 * z / np.linalg.norm(z, axis=1, keepdims=True) for z in latents)
    seen = []

    def generate(z):
        seen.append(z)
        return z

    perceptual_path_length(generate, starts, ends, batch_size=150)
    here = seen[0]
    np.testing.assert_allclose(np.linalg.norm(here, axis=1), 3.0, rtol=1e-9)
    angles = [
        np.arccos(np.clip((a * b).sum(axis=1) / 9, -1, 1)) for a, b in [(starts, here), (here, ends), (starts, ends)]
    ]
    np.testing.assert_allclose(angles[0] + angles[1], angles[2], rtol=1e-6)
    places = angles[0] / angles[2]
    assert 0.4 < places.mean() < 0.6
    assert places.max() > 0.9


def test_a_constant_generator_and_equal_ends(latents):
    starts, ends = latents
    assert perceptual_path_length(lambda z: np.ones((len(z), 2, 2, 1)), starts, ends) == 0.0
    for interpolation in ("spherical", "linear"):
        assert perceptual_path_length(lambda z: z, starts, starts, interpolation) == pytest.approx(0.0, abs=1e-12)
        assert perceptual_path_length(lambda z: z, 0 * starts, 0 * starts, interpolation) == 0.0
    # On one ray the arc is the line.
    parallel = perceptual_path_length(lambda z: z, starts, 3 * starts)
    assert parallel == pytest.approx(trimmed_mean(np.square(2 * starts).sum(axis=1)), rel=1e-6)


def test_the_dtype_of_the_latents_is_kept_and_suffices(latents):
    starts, ends = latents.astype("float32")

    def generate(z):
        assert z.dtype == "float32"
        return np.tanh(z)

    expected = perceptual_path_length(np.tanh, *latents)
    assert perceptual_path_length(generate, starts, ends) == pytest.approx(expected, rel=0.01)


def test_wrong_input_is_refused(latents):
    starts, ends = latents
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match="two different images"):
        perceptual_path_length(lambda z: z + random.normal(size=z.shape), starts, ends)
    with pytest.raises(ValueError, match=r"`starts` has shape \(150, 6\) and `ends` has shape \(149, 6\)"):
        perceptual_path_length(lambda z: z, starts, ends[1:])
    with pytest.raises(ValueError, match="interpolation='bent'"):
        perceptual_path_length(lambda z: z, starts, ends, "bent")
    with pytest.raises(ValueError, match="epsilon=0"):
        perceptual_path_length(lambda z: z, starts, ends, epsilon=0)
    with pytest.raises(ValueError, match="NaN"):
        perceptual_path_length(lambda z: z * np.nan, starts, ends)
