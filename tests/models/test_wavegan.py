"""WaveGAN through the family harness, and its lengths."""

import numpy as np
import pytest

from kerasgan import WaveGAN
from kerasgan.data.kinds import Audio, Images
from kerasgan.layers import PhaseShuffle
from kerasgan.objectives.penalties import GradientPenalty
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": Audio(100), "latent_dim": 4, "width": 2, "kernel_size": 9}
LAST = "discriminator: logits/bias"  # real and generated sounds have the same one
test_wavegan = family_tests(WaveGAN, SIZES, {"generator_every": 2}, unmoved=(LAST,))
test_classes = family_tests(
    WaveGAN,
    {**SIZES, "image_shape": Audio(128, 8000, 2), "num_classes": 3, "packing": 2},
    {"penalties": (GradientPenalty(0.1),)},  # with the paper's 10 the large steps of the harness diverge
    unmoved=(LAST,),
    slow=CHECKS,
    steps=5,
)


@pytest.mark.parametrize(
    ("length", "steps", "start"), [(4096, 4, 16), (16384, 5, 16), (65536, 6, 16), (16000, 5, 16), (8192, 5, 8)]
)
def test_lengths(length, steps, start):
    """One width doubles from layer to layer, phase shuffle follows all but the last."""
    model = WaveGAN((length, 1), latent_dim=3, width=1)
    assert model.sample_kind == Audio(length)
    assert model.generator.output_shape == (None, length, 1)
    assert model.generator.get_layer("start").units == start << (steps - 1)
    widths = [1 << step for step in range(steps)]
    judged = [model.discriminator.get_layer(f"convolution{step}").filters for step in range(steps)]
    made = [model.generator.get_layer(f"convolution{step}").filters for step in range(steps)]
    assert judged == widths and made == [*widths[-2::-1], 1]
    assert model.discriminator.get_layer("logits").kernel.shape == (start << (steps - 1), 1)
    assert sum(isinstance(layer, PhaseShuffle) for layer in model.discriminator.layers) == steps - 1


def test_what_lies_behind_a_sound_is_silence():
    model = WaveGAN(**SIZES, seed=0)
    longer = WaveGAN(**{**SIZES, "image_shape": Audio(112)}, seed=0)
    longer.discriminator.set_weights(model.discriminator.get_weights())
    sounds = np.random.default_rng(0).uniform(-1, 1, (2, 100, 1)).astype("float32")
    padded = np.pad(sounds, ((0, 0), (0, 12), (0, 0)))
    np.testing.assert_allclose(model.discriminator(sounds), longer.discriminator(padded), atol=1e-6)
    longer.ema_generator.set_weights(model.ema_generator.get_weights())
    np.testing.assert_allclose(model.sample(2), longer.sample(2)[:, :100], atol=1e-6)


def test_labels_choose_the_sound():
    model = WaveGAN(**SIZES, num_classes=3, seed=0)
    first, second = (model.sample(1, seed=1, labels=[label]) for label in (0, 1))
    assert np.abs(first - second).max() > 1e-3


def test_only_sounds():
    for wrong in ((8, 8, 1), (64,), Images((8, 8, 1))):
        with pytest.raises(ValueError, match="expected sounds"):
            WaveGAN(wrong)
