"""The parameters that chance makes: their distributions, and that those of the images can be recovered."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from kerasgan.augment import Augment, DiffAugment, adaptive, geometry
from kerasgan.augment.diffaugment import hole, reach

pytestmark = pytest.mark.tensorflow  # once: the engines' random numbers are theirs, and all else is the same

COUNT, P = 20_000, 0.6
SURE = 1e-3  # the seeds are fixed, so a test that passes once passes always


@pytest.fixture(scope="module")
def chosen():
    images = ops.zeros((COUNT, 8, 8, 1))
    draws = adaptive.draw(images, [name for name in adaptive.TRANSFORMS if name != "noise"], _seed(1))
    return adaptive._Chosen(draws, P, "float32")


def _seed(value):
    return keras.random.SeedGenerator(value)


def fits(values, expected):
    """Whether a chi-squared test takes values for draws of `{value: probability}`."""
    seen = [(values == value).sum() for value in expected]
    assert sum(seen) == len(values)
    return stats.chisquare(seen, np.array(list(expected.values())) * len(values)).pvalue > SURE


def test_each_gate_is_open_with_the_probability(chosen):
    for name in chosen.draws:
        gates = ops.convert_to_numpy(chosen.open(name))
        expected = 1 - math.sqrt(1 - P) if name == "rotation" else P
        assert stats.binomtest(int(gates.sum()), gates.size, expected).pvalue > SURE, name
        if name == "rotation":
            assert stats.binomtest(int(gates.any(axis=1).sum()), COUNT, P).pvalue > SURE
            wrong = stats.binomtest(int(gates.any(axis=1).sum()), COUNT, 1 - (1 - P) ** 2)
            assert wrong.pvalue < SURE


def test_the_numbers_are_independent_of_each_other_and_of_the_gates(chosen):
    columns = [ops.convert_to_numpy(part) for draws in chosen.draws.values() for part in draws]
    correlations = np.corrcoef(np.concatenate(columns, axis=1).T)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 5 / math.sqrt(COUNT)


def test_numbers_are_uniform_or_normal(chosen):
    for name, (values, gates) in chosen.draws.items():
        kind = "norm" if adaptive.TRANSFORMS[name].normal else "uniform"
        for column in ops.convert_to_numpy(values).T:
            assert stats.kstest(column, kind).pvalue > SURE, name
        assert stats.kstest(ops.convert_to_numpy(gates)[:, 0], "uniform").pvalue > SURE


def inverse_of(name):
    """Inverse maps of one transform for images of 16 x 8 pixels, shape (COUNT, 3, 3), at p = 0.6."""
    images = ops.zeros((COUNT, 8, 16, 1))
    draws = adaptive.draw(images, [name], _seed(2))
    return ops.convert_to_numpy(adaptive._inverse_map(adaptive._Chosen(draws, P, "float32"), 8, 16))


def test_blits():
    flips, turns, moves = (inverse_of(name) for name in ("x_flip", "rotate_90", "integer_translation"))
    assert fits(flips[:, 0, 0], {-1: P / 2, 1: 1 - P / 2}) and (flips[:, 1, 1] == 1).all()
    quarter = np.round(np.arctan2(turns[:, 1, 0], turns[:, 0, 0]) / (math.pi / 2)) % 4
    assert fits(quarter, {0: 1 - P + P / 4, 1: P / 4, 2: P / 4, 3: P / 4})
    # Up to 2 pixels of 16, rounded: the ends are half as wide.
    ends, middle = P / 8, P / 4
    assert fits(moves[:, 0, 2], {-2: ends, -1: middle, 0: 1 - P + middle, 1: middle, 2: ends})
    assert fits(moves[:, 1, 2], {-1: P / 4, 0: 1 - P / 2, 1: P / 4})


def test_geometry():
    scale, stretch, move = (inverse_of(name) for name in ("scale", "anisotropic_scale", "fractional_translation"))
    for octaves in (np.log2(scale[:, 0, 0]), np.log2(stretch[:, 0, 0])):
        assert stats.kstest(octaves[octaves != 0], stats.norm(0, 0.2).cdf).pvalue > SURE
    np.testing.assert_array_equal(scale[:, 0, 0], scale[:, 1, 1])
    np.testing.assert_allclose(stretch[:, 0, 0] * stretch[:, 1, 1], 1, rtol=1e-6)
    for pixels, size in ((move[:, 0, 2], 16), (move[:, 1, 2], 8)):
        assert stats.kstest(pixels[pixels != 0], stats.norm(0, size / 8).cdf).pvalue > SURE
    turned = inverse_of("rotation")
    angles = np.arctan2(turned[:, 1, 0], turned[:, 0, 0])
    angles = angles[np.abs(angles) > 1e-6]
    assert stats.kstest(angles, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > SURE
    np.testing.assert_allclose(np.linalg.det(turned), 1, rtol=1e-5)


def test_colors(chosen):
    """One pixel of each color: what happens to grey and to the distance from it."""
    color = np.float32([0.5, -0.25, 0.0])
    images = np.broadcast_to(color, (COUNT, 2, 2, 3))
    grey, chroma = color.mean(), np.linalg.norm(color - color.mean())

    def changed(*categories):
        view = Augment(P, categories)
        x = ops.convert_to_numpy(view(images, seed=_seed(4))[0])[:, 0, 0]
        return x.mean(axis=-1), x - x.mean(axis=-1, keepdims=True)

    means, rest = changed("brightness")
    moved = means[np.abs(means - grey) > 1e-6] - grey
    assert stats.kstest(moved, stats.norm(0, 0.2).cdf).pvalue > SURE
    np.testing.assert_allclose(np.linalg.norm(rest, axis=-1), chroma, rtol=1e-4)
    means, rest = changed("contrast")
    octaves = np.log2(means / grey)
    assert stats.kstest(octaves[np.abs(octaves) > 1e-6], stats.norm(0, 0.5).cdf).pvalue > SURE
    np.testing.assert_allclose(np.linalg.norm(rest, axis=-1) / chroma, means / grey, rtol=1e-3)
    means, rest = changed("luma_flip")
    assert fits(np.sign(means), {1: 1 - P / 2, -1: P / 2})
    np.testing.assert_allclose(rest, np.broadcast_to(color - grey, rest.shape), rtol=1e-4, atol=1e-6)
    means, rest = changed("saturation")
    octaves = np.log2(np.linalg.norm(rest, axis=-1) / chroma)
    assert stats.kstest(octaves[np.abs(octaves) > 1e-5], stats.norm(0, 1).cdf).pvalue > SURE
    np.testing.assert_allclose(means, grey, rtol=1e-3)
    means, rest = changed("hue")
    np.testing.assert_allclose(means, grey, rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(rest, axis=-1), chroma, rtol=1e-4)
    start = (color - grey) / chroma
    across = np.cross(np.ones(3) / math.sqrt(3), start)
    angles = np.arctan2(rest @ across, rest @ start)
    angles = angles[np.abs(angles) > 1e-5]
    assert stats.kstest(angles, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > SURE
    assert stats.binomtest(len(angles), COUNT, P).pvalue > SURE


def test_diffaugment():
    images = ops.zeros((COUNT, 16, 13, 1))
    draws = DiffAugment().draw(images, _seed(5))
    assert (reach(16), reach(13), hole(16), hole(13)) == (2, 2, 8, 7)
    for column in ops.convert_to_numpy(draws["color"]).T:
        assert stats.kstest(column, "uniform").pvalue > SURE
    rows, columns = (ops.convert_to_numpy(x) for x in draws["translation"])
    assert fits(rows, dict.fromkeys(range(-2, 3), 1 / 5)) and fits(columns, dict.fromkeys(range(-2, 3), 1 / 5))
    rows, columns = (ops.convert_to_numpy(x) for x in draws["cutout"])
    assert fits(rows, dict.fromkeys(range(17), 1 / 17)) and fits(columns, dict.fromkeys(range(13), 1 / 13))


# Non-leaking: Karras et al. 2020, section 2.2 and appendix C.

STEPS = 3000
UPRIGHT, TILTED = np.array([0.85, 0.1, 0.05, 0.0]), np.array([0.4, 0.3, 0.2, 0.1])


def directions(distribution, seed):
    """Where the bright side of so distributed images is: 0 below, and by quarter turns."""
    return np.random.default_rng(seed).choice(4, STEPS, p=distribution)


def shown_directions(truth, p, categories):
    """The same of the images as a discriminator is shown them, from the slope of brightness in their middle."""
    ramp = np.broadcast_to(np.linspace(-1, 1, 12, dtype="float32")[:, None], (12, 12))
    images = np.stack([np.rot90(ramp, k) for k in range(4)])[truth][..., None]
    x = ops.convert_to_numpy(Augment(p, categories)(images, seed=_seed(6))[0])[:, 3:9, 3:9, 0]
    places = np.arange(6) - 2.5
    down, right = np.einsum("bij,i->b", x, places), np.einsum("bij,j->b", x, places)
    return np.round(np.arctan2(right, down) / (math.pi / 2)).astype(int) % 4


def histogram(values):
    return np.bincount(values, minlength=4) / len(values)


@pytest.mark.parametrize("p", [0.3, 0.79])
@pytest.mark.parametrize("categories", [("rotate_90",), ("rotation",), ("rotate_90", "rotation")], ids="-".join)
def test_rotations_do_not_leak(p, categories):
    """They mix a distribution with the uniform one, which is undone as long as p < 1."""
    kept = (1 - p) ** len(categories)
    noise = 5 * math.sqrt(0.25 / STEPS)
    for number, distribution in enumerate((UPRIGHT, TILTED)):
        seen = histogram(shown_directions(directions(distribution, number), p, categories))
        np.testing.assert_allclose(seen, kept * distribution + (1 - kept) / 4, rtol=0, atol=noise)
        recovered = (seen - (1 - kept) / 4) / kept
        np.testing.assert_allclose(recovered, distribution, rtol=0, atol=noise / kept)
    upright = histogram(shown_directions(np.zeros(STEPS, int), p, categories))
    assert upright[0] > upright[1:].max() + kept / 2


def test_at_a_probability_of_one_they_leak():
    """What is shown is the same, whatever the images are."""
    for number, distribution in enumerate((UPRIGHT, TILTED, np.eye(4)[0])):
        seen = shown_directions(directions(distribution, number), 1.0, ("rotate_90",))
        assert fits(seen, dict.fromkeys(range(4), 1 / 4))


def test_a_turn_is_a_turn():
    """A quarter turn of the map is what NumPy calls one, and what the bright side is read from."""
    truth = np.arange(4)
    np.testing.assert_array_equal(shown_directions(truth, 0.0, ("rotate_90",)), truth)
    image = np.random.default_rng(0).normal(size=(1, 8, 8, 1)).astype("float32")
    maps = geometry.inverse_quarter_turns(ops.convert_to_tensor([2]))
    turned = ops.convert_to_numpy(geometry.warp(ops.convert_to_tensor(image), maps))
    distances = [np.abs(turned - np.rot90(image, k, (1, 2))).mean() for k in range(4)]
    assert np.argmin(distances) == 2
