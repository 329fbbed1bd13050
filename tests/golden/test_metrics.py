"""Metrics of features against pytorch-fid (b9c1811), torch-fidelity (5e211a9), generative-evaluation-prdc (e320c1d).

One thing differs: of fewer samples than features, pytorch-fid's root of a singular matrix is wrong by 8e-7, because
its eigenvalues of 0 are rounded to 1e-16; ours is compared with the singular values of the samples themselves.
"""

import itertools
import unittest.mock

import numpy as np
import pytest
from scipy.special import softmax

from kerasgan import metrics
from tests.golden.reader import Golden

GOLDEN = Golden("metrics")
PAIRS = [pytest.param(*pair, id="".join(pair)) for pair in ("ab", "ac", "ad", "aa")]

pytestmark = pytest.mark.tensorflow  # NumPy: once is enough


def features(name):
    return GOLDEN[f"inputs/{name}"].astype("float64")


def check(found):
    GOLDEN.check(found, "float64")


@pytest.mark.parametrize(("real", "fake"), PAIRS)
def test_frechet_distance(real, fake):
    distance = metrics.frechet_distance(features(real), features(fake))
    if real == fake:
        assert 0.0 <= distance < 1e-13  # rounding: pytorch-fid gives -7e-15, and some processors 4e-15
    else:
        check({f"outputs/{library}/{real}{fake}": distance for library in ("pytorch_fid", "torch_fidelity_fid")})


def test_frechet_distance_of_fewer_samples_than_features():
    few = features("few_a_24x40"), features("few_b_24x40")
    deviations = [(x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in few]
    expected = np.square(few[0].mean(axis=0) - few[1].mean(axis=0)).sum() + sum(np.square(x).sum() for x in deviations)
    expected -= 2.0 * np.linalg.svd(deviations[0] @ deviations[1].T, compute_uv=False).sum()
    assert metrics.frechet_distance(*few) == pytest.approx(expected, rel=1e-14)
    assert GOLDEN["outputs/pytorch_fid/few_ab"] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("neighbours", [1, 3, 5])
@pytest.mark.parametrize(("real", "fake"), [*PAIRS, pytest.param("c", "b", id="cb")])
def test_precision_recall_density_coverage(real, fake, neighbours):
    found = metrics.precision_recall_density_coverage(features(real), features(fake), neighbours)._asdict()
    check({f"outputs/prdc/real={real},fake={fake},k={neighbours}/{name}": value for name, value in found.items()})
    if neighbours == 3:  # torch-fidelity computes in float32, and takes closed balls, where nothing lies on a sphere
        for name in ("precision", "recall"):
            expected = GOLDEN[f"outputs/torch_fidelity_prc/generated={fake},real={real},k=3/{name}"]
            assert found[name] == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(("splits", "shuffle"), [(1, False), (10, False), (7, False), (10, True)])
def test_inception_score(splits, shuffle):
    """Ours of each split; the paper's mean and deviation are taken here."""
    probabilities = softmax(features("logits"), axis=1)
    if shuffle:
        probabilities = probabilities[GOLDEN["inputs/shuffle_permutation_300_seed2020"]]
    ends = [split * len(probabilities) // splits for split in range(splits + 1)]
    scores = [metrics.inception_score(probabilities[a:b]) for a, b in itertools.pairwise(ends)]
    name = f"outputs/inception_score/splits={splits},shuffle={shuffle}"
    check({f"{name}/mean": np.mean(scores)})
    assert np.std(scores) == pytest.approx(float(GOLDEN[f"{name}/std"]), rel=1e-9)


@pytest.mark.parametrize(("real", "fake"), PAIRS)
def test_kernel_distance(real, fake):
    """With the cubic kernel, of ten given subsets and of the first 150 samples; and with a Gaussian kernel."""
    x, y = features(real), features(fake)
    kernel_distance = lambda *sets: metrics.kernel_distance(*sets, subset_size=150, seed=None).distance  # noqa: E731
    found = {f"outputs/mmd2_poly3_first150/{real}{fake}/unbiased": kernel_distance(x[:150], y[:150])}
    if fake != "c":  # of 150 samples, whose subsets are not stored
        chosen = GOLDEN.part("inputs/kid_subset_indices_200_200/").values()
        of_subsets = [kernel_distance(x[first], y[second]) for first, second in chosen]
        found[f"outputs/kid_poly3_subsets10x50/{real}{fake}/mean"] = np.mean(of_subsets)
        found[f"outputs/kid_poly3_subsets10x50/{real}{fake}/std"] = np.std(of_subsets)
    gaussian = metrics.mmd_test(x[:150], y[:150], bandwidth=3.0, permutations=1)
    check({**found, f"outputs/mmd2_rbf_sigma3_first150/{real}{fake}/unbiased": gaussian.statistic})


@pytest.mark.parametrize("fake", ["b", "d"])
def test_sliced_wasserstein(fake):
    """torch-fidelity's MIND of given directions: the squared distance of order 2, times three times the features."""
    directions = features("mind_directions_unnormalised")
    drawn = iter(np.split(directions, [64]))
    with unittest.mock.patch("numpy.random.default_rng") as rng:
        rng.return_value.normal = lambda size: next(drawn)
        found = metrics.sliced_wasserstein(features("a"), features(fake), len(directions), order=2)
    GOLDEN.check({f"outputs/mind_100_projections/a{fake}": 3 * directions.shape[1] * found**2}, "float32")
