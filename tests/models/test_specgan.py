"""SpecGAN through the family harness, and its spectrograms."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import SpecGAN
from kerasgan.data.kinds import Audio
from kerasgan.layers.spectrograms import griffin_lim, log_spectrogram
from kerasgan.objectives.penalties import GradientPenalty
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": Audio(250, 8000), "latent_dim": 3, "width": 2, "window": 16, "phase_iterations": 2}
LAST = "discriminator: logits/bias"  # real and generated sounds have the same one


@keras.saving.register_keras_serializable(package="tests")
class AdaptedSpecGAN(SpecGAN):
    """A model that has seen sounds: the harness wants steps that change nothing but what is trained."""

    def build_networks(self):
        super().build_networks()
        noise = np.random.default_rng(0).uniform(-1, 1, (32, *self.sample_kind.shape))
        self.adapt(noise.astype("float32"))


test_specgan = family_tests(AdaptedSpecGAN, SIZES, {"generator_every": 2}, unmoved=(LAST,))
TWO = {**SIZES, "image_shape": Audio(128, 8000, 2), "num_classes": 3, "packing": 2}
WEAK = {"penalties": (GradientPenalty(0.1),)}  # with the paper's 10 the large steps of the harness diverge
test_classes = family_tests(AdaptedSpecGAN, TWO, WEAK, unmoved=(LAST,), slow=CHECKS, steps=5)


def tones(count=6, length=2048, rate=8000):
    """Sounds of one or two tones that fade."""
    random, time = np.random.default_rng(0), np.arange(length) / rate
    low, high = random.uniform(200, 900, count)[:, None], random.uniform(1000, 3000, count)[:, None]
    x = 0.4 * np.sin(2 * np.pi * low * time) + 0.3 * np.sin(2 * np.pi * high * time)
    return (x * np.exp(-4 * time)).astype("float32")[..., None]


def test_a_spectrogram_is_the_fourier_transform_of_windows():
    x, window = tones(2, 256), 32
    found = ops.convert_to_numpy(log_spectrogram(x, window))
    assert found.shape == (2, 16, 16, 1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    inner = np.stack([np.abs(np.fft.rfft(x[:, s - 16 : s + 16, 0] * hann))[:, :-1] for s in range(16, 241, 16)], axis=1)
    np.testing.assert_allclose(found[:, 1:, :, 0], np.log(inner + 1e-6), atol=2e-2)
    strong = inner > 1e-2
    np.testing.assert_allclose(found[:, 1:, :, 0][strong], np.log(inner[strong]), atol=1e-3)


def test_griffin_lim_finds_sounds_of_a_spectrogram():
    x, window = tones(), 128
    wanted = log_spectrogram(x, window)

    def error(iterations):
        made = griffin_lim(wanted, window, iterations)
        assert made.shape == x.shape
        both = (np.exp(ops.convert_to_numpy(part)) for part in (log_spectrogram(made, window), wanted))
        made, real = both
        return np.linalg.norm(made - real) / np.linalg.norm(real)

    errors = [error(n) for n in (0, 4, 16)]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.25 and errors[0] > 0.5


def test_moments_are_those_of_the_data():
    model = SpecGAN((2048, 1), latent_dim=3, width=1, window=32, seed=0)
    x = tones(8)
    model.adapt(x)
    logarithms = ops.convert_to_numpy(log_spectrogram(x, 32)).astype("float64")
    for network in (model.generator, model.ema_generator):
        moments = network.get_layer("moments")
        np.testing.assert_allclose(moments.mean, logarithms.mean(axis=(0, 1, 3)), rtol=1e-4)
        np.testing.assert_allclose(moments.deviation, logarithms.std(axis=(0, 1, 3)), rtol=1e-3)
    whitened = ops.convert_to_numpy(model.spectrogram(x))
    assert np.abs(whitened).max() <= 1 and 0.2 < whitened.std() < 0.4
    inside = np.abs(whitened) < 1
    again = ops.convert_to_numpy(moments(whitened))
    np.testing.assert_allclose(again[inside], logarithms[inside], atol=1e-3)


def test_the_first_fit_takes_the_moments_and_later_ones_keep_them():
    model = SpecGAN(**SIZES, seed=0)
    model.compile(batch_size=2)
    x = tones(4, 250)
    model.fit(x, verbose=0)
    first = ops.convert_to_numpy(model.generator.get_layer("moments").mean)
    assert np.abs(first).max() > 0.1
    model.fit(0.1 * x, verbose=0)
    np.testing.assert_array_equal(first, model.generator.get_layer("moments").mean)
    assert model.sample(2).shape == (2, 250, 1)


def test_windows_are_powers_of_two():
    for window in (12, 8, 100, "hann"):
        with pytest.raises(ValueError, match="power of 2"):
            SpecGAN((256, 1), window=window)


def test_data_that_can_be_read_only_once_need_adapt():
    model = SpecGAN(**SIZES, seed=0)
    with pytest.raises(ValueError, match="Call adapt"):
        model.fit(iter([tones(4, 250)]))
