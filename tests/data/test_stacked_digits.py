"""Stacked digits: three digits of the same split, and a thousand modes."""

import numpy as np

from kerasgan.data import load
from kerasgan.data.builders import Digits, StackedDigits


def test_channels_are_the_digits_of_the_split_and_the_label_says_which():
    for split in ("train", "test"):
        enlarged, labels = load("digits", split, image_size=32, as_numpy=True)
        digits = {image.tobytes(): label for image, label in zip(to_bytes(enlarged), labels, strict=True)}
        stacked = StackedDigits(count=300).arrays(split)
        for image, label in zip(stacked["image"], stacked["label"], strict=True):
            assert [digits[image[..., channel].tobytes()] for channel in range(3)] == [
                label // 100,
                label // 10 % 10,
                label % 10,
            ]


def to_bytes(images):
    return np.rint((images[..., 0] + 1) * 127.5).astype("uint8")


def test_load_gives_the_digits_within_half_a_level():
    x, y = load("stacked_digits", as_numpy=True, count=50)
    assert x.shape == (50, 32, 32, 3) and x.min() >= -1 and x.max() <= 1
    first = StackedDigits(count=50).arrays("train")
    np.testing.assert_allclose(x, first["image"] / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(y, first["label"])


def test_modes_are_even():
    labels = np.array(
        [StackedDigits().example(StackedDigits().random("train", i), "train", i)["label"] for i in range(6000)]
    )
    # Five standard errors, and digits that are not quite equally frequent.
    shares = np.bincount(Digits().arrays("train")["label"]) / 898
    for place in (100, 10, 1):
        found = np.bincount(labels // place % 10, minlength=10)
        assert (np.abs(found - 6000 * shares) < 5 * (6000 * shares) ** 0.5).all()
    assert len(np.unique(labels)) > 990  # of 1000, after 6 draws of each on average


def test_the_numbers_of_pacgan():
    assert StackedDigits().splits() == {"train": 128_000, "test": 26_000}
    assert len(StackedDigits.features["label"].names) == 1000
