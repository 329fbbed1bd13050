"""The protocol of the benchmark of a thousand modes."""

import numpy as np
import pytest

from benchmarks import stacked_digits
from kerasgan.metrics import stacked_labels


def test_real_stacks():
    """The classifier reads real stacks, of other digits than it has seen, channel by channel in their order."""
    images, labels = stacked_digits.stacks("test", 2_000)
    assert images.shape == (2_000, 8, 8, 3) and labels.shape == (2_000, 3)
    assert abs(images).max() <= 1
    found = stacked_digits.read_digits(images)
    assert (found == labels).mean(axis=0) == pytest.approx(0.99, abs=0.01)
    assert (stacked_labels(found) == 100 * labels[:, 0] + 10 * labels[:, 1] + labels[:, 2]).mean() > 0.95
    # Negative control: one image again and again is one mode, as far from uniform as can be.
    collapsed = stacked_digits.judge(np.repeat(images[:1], 500, axis=0))
    assert collapsed == {"modes": 1, "divergence": pytest.approx(np.log(1000))}


def test_control_has_the_same_networks():
    models = {key: stacked_digits.build(key, 0, 1) for key in ("gan_r1", "r3")}
    assert models["gan_r1"].discriminator.count_params() == models["r3"].discriminator.count_params()
    assert models["gan_r1"].generator.count_params() == models["r3"].generator.count_params()
    weights = [model.get_weights() for model in models.values()]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=False) if a.ndim > 1)
    assert [p.name for p in models["r3"].penalties] == ["r1", "r2"]
    assert [p.name for p in models["gan_r1"].penalties] == ["r1"]
    assert not any("batch_norm" in layer.name for layer in models["r3"].discriminator.layers)
