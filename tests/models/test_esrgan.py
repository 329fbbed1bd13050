"""ESRGAN through the family harness, and what its paper says of networks and interpolation."""

import numpy as np
import pytest
from keras import ops

from kerasgan import ESRGAN, SRGAN
from kerasgan.game.phase import Batch
from kerasgan.testing import family_tests

SIZES = {"image_shape": (8, 8, 1), "width": 2, "blocks": 1, "growth": 2, "stages": 1, "units": 3}
RECIPE = {"batch_size": 8, "pretraining_steps": 2}
# The last bias moves real and fake logits alike, of which only differences count.
test_esrgan = family_tests(ESRGAN, SIZES, recipe=RECIPE, unmoved=("discriminator: logits/bias",))


@pytest.mark.slow
def test_the_papers_networks():
    model = ESRGAN((128, 128, 3), blocks=2, seed=0)
    kernels = [tuple(v.shape) for v in model.generator.trainable_variables if v.name == "kernel"]
    dense = [(3, 3, 64 + 32 * i, 32) for i in range(4)] + [(3, 3, 192, 64)]
    assert kernels == [(3, 3, 3, 64), *dense * 6, *[(3, 3, 64, 64)] * 4, (3, 3, 64, 3)]
    weak = np.std(model.generator.trainable_variables[2])
    assert weak == pytest.approx(0.1 * np.sqrt(2 / (9 * 64)), rel=0.05)
    assert model.discriminator.layers[-3].input.shape[-1] == 512 * 4 * 4
    assert len(ESRGAN((8, 8, 1), factor=2, blocks=1, width=2, stages=1).translate(np.zeros((1, 4, 4, 1)) - 0.1)[0]) == 8


@pytest.mark.slow
def test_both_players_take_half_of_the_relativistic_losses():
    model = ESRGAN(**SIZES, seed=0)
    model.compile(flip=False, perceptual_weight=0.0, pretraining_steps=0)
    rng = np.random.default_rng(0)
    small, large = (rng.uniform(-1, 1, (4, size, size, 1)).astype("float32") for size in (2, 8))
    batch = Batch(ops.convert_to_tensor(small), ops.convert_to_tensor(large))
    made = model.generator(small, training=True)
    fake, real = (ops.convert_to_numpy(model.discriminator(x, training=True)) for x in (made, large))
    real, fake = real.astype("float64"), fake.astype("float64")

    def terms(more, less):
        return np.log1p(np.exp(less.mean() - more)).mean() + np.log1p(np.exp(less - more.mean())).mean()

    discriminator, generator = (model.evaluate_losses((phase,), batch)[0][1] for phase in model.game)
    assert float(discriminator["discriminator_loss"]) == pytest.approx(terms(real, fake) / 2, rel=1e-5)
    pixels = np.abs(ops.convert_to_numpy(made).astype("float64") - large).mean()
    expected = 5e-3 * terms(fake, real) / 2 + 1e-2 * pixels
    assert float(generator["generator_loss"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_interpolation_of_networks():
    first, second = ESRGAN(**SIZES, seed=0), ESRGAN(**SIZES, seed=1)
    blended = second.interpolated(first, 0.25)
    for name in ("generator", "ema_generator", "discriminator"):
        parts = (getattr(model, name).get_weights() for model in (first, second, blended))
        for a, b, c in zip(*parts, strict=True):
            np.testing.assert_allclose(c, 0.75 * a + 0.25 * b, rtol=1e-6, atol=1e-7)
    small = np.random.default_rng(0).uniform(-1, 1, (2, 3, 3, 1)).astype("float32")
    np.testing.assert_array_equal(second.interpolated(first, 1).translate(small), second.translate(small))
    with pytest.raises(ValueError, match="`share` is 2"):
        second.interpolated(first, 2)
    with pytest.raises(ValueError, match="`other` has other networks"):
        second.interpolated(SRGAN((8, 8, 1), width=2, blocks=1, stages=1), 0.5)
