"""WGAN-GP: what it estimates and how steep it is, in closed form; no batch statistics in the critic."""

import numpy as np
import pytest
from keras import layers, ops

from benchmarks.families.common import two_gaussians
from kerasgan import WGANGP
from kerasgan.game.recipe import Adam
from kerasgan.layers import SampleNormalization
from kerasgan.objectives.penalties import GradientPenalty, squared_gradient_norms
from kerasgan.testing import family_tests

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4}

# The Wasserstein loss is a difference of logits, and the penalty acts on slopes.
test_wgan_gp = family_tests(WGANGP, SIZES, unmoved=("discriminator: *logits/bias",))


@pytest.mark.slow
def test_estimate_and_slope_are_those_of_the_best_critic():
    slope = 1 + 2.0 / 20.0  # the best slope a for d is where -a d + 10 (a - 1)^2 is least
    adam = Adam(2e-3, beta_1=0.0, beta_2=0.9)
    model, estimate = two_gaussians(2.0, 250, penalties=(GradientPenalty(10.0),), discriminator_optimizer=adam)
    assert estimate == pytest.approx(2.0 * slope, rel=0.03)
    random = np.random.default_rng(1)
    share = random.uniform(size=(2000, 1))
    between = share * random.normal(2.0, 1.0, (2000, 1)) + (1 - share) * random.normal(0.0, 1.0, (2000, 1))
    squares = squared_gradient_norms(model.discriminator, ops.convert_to_tensor(between, "float32"))
    assert float(ops.mean(ops.sqrt(squares))) == pytest.approx(slope, abs=0.05)


def test_no_batch_normalization_in_the_critic():
    def has(network, kind):
        return any(isinstance(layer, kind) for layer in network.layers)

    model = WGANGP(**SIZES, seed=0)
    assert not has(model.discriminator, layers.BatchNormalization)
    assert has(model.discriminator, SampleNormalization)
    assert has(model.generator, layers.BatchNormalization)
    plain = WGANGP(**SIZES, discriminator_normalization=None, seed=0)
    assert not has(plain.discriminator, SampleNormalization)
    with pytest.raises(ValueError, match="'batch', 'layer' or None"):
        WGANGP(**SIZES, discriminator_normalization="instance")


def test_layer_normalization_is_over_a_sample_with_a_scale_a_channel():
    model = WGANGP(**SIZES, seed=0)
    layer = next(layer for layer in model.discriminator.layers if isinstance(layer, SampleNormalization))
    shape = layer.input.shape[1:]
    x = np.random.default_rng(0).normal(2.0, 3.0, (2, *shape)).astype("float32")
    mean, std = (f(x.astype("float64"), axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), (x - mean) / np.sqrt(std**2 + 1e-5), atol=1e-4)
    assert layer.scale.shape == (shape[-1],)
