"""Three digits as the channels of an image: a thousand modes that can be counted."""

import functools

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.digits import Digits
from kerasgan.data.builders.features import ClassLabel, Image
from kerasgan.data.prepare import prepare

SIZE = 32


class StackedDigits(ProceduralDataset):
    """Three random digits of `digits` as red, green and blue, 32x32 pixels: StackedMNIST without a download.

    The construction follows Metz et al. (2017), section 3.3.1, with the numbers of PacGAN (Lin et al. 2018): 128,000
    images for training and 26,000 for testing. Each of the 1000 modes (red is the hundreds digit, green the tens, blue
    the ones) has a probability of 0.001, up to the unevenness of a few percent of the digits. The modes of a generator
    are counted by a classifier of digits on each channel. The digits of a split are those of the same split of
    `digits`, upsampled by `kerasgan.data.prepare` and rounded to 8 bits.
    """

    name = "stacked_digits"
    version = "1.0.0"
    description = (
        "Images of 32x32 pixels whose three channels are random handwritten digits of the data set `digits`; 1000 "
        "classes. Train and test hold different digits."
    )
    citation = Digits.citation
    license = Digits.license
    homepage = Digits.homepage
    source = Digits.source
    counts = {"train": 128_000, "test": 26_000}
    features = {
        "image": Image((SIZE, SIZE, 3), doc="three digits as red, green and blue"),
        "label": ClassLabel(tuple(f"{number:03d}" for number in range(1000)), "100 red + 10 green + blue"),
    }

    def example(self, rng, split, index):
        images, labels = _enlarged(split)
        chosen = rng.integers(len(labels), size=3)
        return {
            "image": images[chosen].transpose(1, 2, 0),
            "label": int(labels[chosen] @ [100, 10, 1]),
        }


@functools.cache
def _enlarged(split):
    """Returns the digits of a split as uint8 of shape `(count, 32, 32)`, and their labels."""
    digits = Digits().arrays(split)
    images = prepare(digits["image"], SIZE, Digits.features["image"].value_range)
    return np.rint((images[..., 0] + 1) * 127.5).astype("uint8"), digits["label"]
