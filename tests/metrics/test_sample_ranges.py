"""Every measure refuses images that `fit` would refuse: a wrong range gives numbers that look like results."""

import numpy as np
import pytest

from kerasgan import metrics
from kerasgan.callbacks import GANHealth
from kerasgan.metrics.features import check_samples

RANDOM = np.random.default_rng(0)
REAL, FAKE = (RANDOM.uniform(-1, 1, (60, 8, 8, 1)).astype("float32") for _ in range(2))
LABELS = np.arange(60) % 2
WRONG = {
    "uint8": ((FAKE + 1) * 127.5).astype("uint8"),
    "levels": (FAKE + 1) * 127.5,
    "NaN": np.where(FAKE > 0.99, np.nan, FAKE),
}


def streamed(metric):
    def measure(real, fake):
        metric.reset_state()
        metric.update_state(real=real, fake=fake)

    return measure


MEASURES = {
    "frechet_distance": metrics.frechet_distance,
    "FrechetDistance": streamed(metrics.FrechetDistance()),
    "kernel_distance": metrics.kernel_distance,
    "KernelDistance": streamed(metrics.KernelDistance(subset_size=2)),
    "precision_recall_density_coverage": metrics.precision_recall_density_coverage,
    "nearest_neighbour_test": metrics.nearest_neighbour_test,
    "sliced_wasserstein": metrics.sliced_wasserstein,
    "pyramid_sliced_wasserstein": lambda real, fake: metrics.pyramid_sliced_wasserstein(real, fake, smallest=8),
    "mmd_test": lambda real, fake: metrics.mmd_test(real, fake, permutations=2),
    "different_bins": lambda real, fake: metrics.different_bins(real, fake, bins=2),
    "data_copying": lambda real, fake: metrics.data_copying(real, REAL, fake),
    "birthday_support": lambda real, fake: metrics.birthday_support(fake, 1.0, trials=2),
    "duplicate_threshold": lambda real, fake: metrics.duplicate_threshold(fake),
    "classification_accuracy_score": lambda real, fake: metrics.classification_accuracy_score(
        fake, LABELS, real, LABELS
    ),
    "label_fidelity": lambda real, fake: metrics.label_fidelity(fake, LABELS, real, LABELS),
    "augmentation_gain": lambda real, fake: metrics.augmentation_gain(
        fake, LABELS, real, LABELS, REAL, LABELS, 2, draws=2
    ),
    "evaluate": lambda real, fake: metrics.evaluate(real, fake, metrics=("frechet_distance",)),
    "Evaluator": lambda real, fake: metrics.Evaluator(fake, real, ("frechet_distance",)),
    "psnr": lambda real, fake: metrics.psnr(real, fake, (-1, 1)),
    "ssim": lambda real, fake: metrics.ssim(real, fake, (-1, 1), window=3),
    "GANHealth": lambda real, fake: GANHealth(fake),
    "GANHealth validation": lambda real, fake: GANHealth(real, validation_data=fake),
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_ranges_are_refused(measure, wrong):
    if wrong == "uint8" and measure in ("psnr", "ssim"):
        pytest.skip("compares any numbers in the range that it is given; levels are refused below")
    with pytest.raises(ValueError, match=r"dtype uint8|values from|NaN or infinite|not finite|finite"):
        MEASURES[measure](REAL, WRONG[wrong])


@pytest.mark.parametrize("measure", sorted(set(MEASURES) - {"psnr", "ssim"}))
def test_images_that_never_go_below_0_are_warned_of(measure):
    """[0, 1] against [-1, 1]: 25.9 where 8.1 is right."""
    with pytest.warns(UserWarning, match=r"never go below 0.*value_range=.0, 1."):
        MEASURES[measure](REAL, (FAKE + 1) / 2)


def test_what_may_have_any_range():
    check_samples(RANDOM.normal(0, 9, (5, 3)))  # vectors
    check_samples(RANDOM.normal(0, 9, (5, 3, 1)))  # sound
    with pytest.raises(ValueError, match=r"real has NaN or infinite values"):
        check_samples(np.full((5, 3), np.nan), "real")


def test_a_generator_that_overshoots_is_told_to_clip():
    with pytest.warns(UserWarning, match=r"fake has values from .*np.clip.fake, -1, 1."):
        metrics.frechet_distance(REAL, 1.5 * FAKE)
    with pytest.raises(ValueError, match=r"real has values from -1.*prepare"):
        metrics.frechet_distance(1.5 * REAL, FAKE)
    with pytest.raises(ValueError, match=r"call kerasgan.data.prepare.fake, value_range") as caught:
        metrics.frechet_distance(REAL, 127.5 * FAKE)
    assert "clip" not in str(caught.value)


def test_baselines_are_of_pixels_from_0_to_1():
    with pytest.raises(ValueError, match=r"expected finite values in .0, 1. of shape .count, pixels."):
        metrics.baseline_samples(REAL.reshape(60, -1), LABELS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"real": REAL[:30]}, r"30 real samples.*expected at least 40, or further"),
        (
            {"real": REAL, "other": FAKE[:10]},
            r"60 real and 10 other real samples; expected at least 20 of each",
        ),
        ({"real": REAL, "count": 31}, r"count=31 with 30 real and 30 other real samples; expected 20 to 30"),
        ({"real": REAL, "count": 20.0}, r"count=20.0 .*expected 20 to 30"),
    ],
)
def test_counts_make_sense(arguments, message):
    """It was "expected 20 to 15"."""
    with pytest.raises(ValueError, match=message):
        metrics.Evaluator(**arguments)
