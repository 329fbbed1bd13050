"""Pix2Pix through the family harness, and what its paper says of the networks and of the objective."""

import numpy as np
import pytest
from keras import layers, ops

from kerasgan import Pix2Pix
from kerasgan.game.phase import Batch
from kerasgan.layers import InstanceNormalization, NoiseDropout
from kerasgan.testing import FURTHER, family_tests

SIZES = {"image_shape": (8, 8, 1), "target_channels": 3, "width": 2, "discriminator_depth": 1}

# At the harness' rate the paper's 100 is chaos: what differs by 1e-16 after one step differs by .02 after 20.
RECIPE = {"batch_size": 8, "l1_weight": 1.0}
test_pix2pix = family_tests(Pix2Pix, SIZES, recipe=RECIPE)
test_pixels_and_comparing_loss = family_tests(
    Pix2Pix,
    {**SIZES, "discriminator_depth": 0, "dropout": 0.0},
    recipe={**RECIPE, "loss": "relativistic_paired", "update": "simultaneous"},
    unmoved=("discriminator: */bias",),  # of the logits: it moves real and fake ones alike
    slow=FURTHER,
)


def kernels(network):
    return [v for v in network.trainable_variables if v.name == "kernel"]


@pytest.mark.slow
def test_the_papers_unet_at_256_pixels():
    model = Pix2Pix((256, 256, 3), seed=0)
    found = [tuple(v.shape) for v in kernels(model.generator)]
    down = [64, 128, 256, 512, 512, 512, 512, 512]
    assert found[:8] == [(4, 4, a, b) for a, b in zip([3, *down], down, strict=False)]
    # Transposed kernels hold outputs before inputs; inputs are the layer below and the skipped level.
    up = [512, 512, 512, 512, 256, 128, 64, 3]
    inputs = [512, *(a + b for a, b in zip(up, reversed(down[:7]), strict=False))]
    assert found[8:] == [(4, 4, b, a) for a, b in zip(inputs, up, strict=True)]
    assert sum(isinstance(layer, NoiseDropout) for layer in model.generator.layers) == 3
    assert sum(isinstance(layer, InstanceNormalization) for layer in model.generator.layers) == 6 + 7
    slopes = [layer.negative_slope for layer in model.generator.layers if isinstance(layer, layers.LeakyReLU)]
    assert len(slopes) == 7 and all(slope == pytest.approx(0.2) for slope in slopes)
    assert all(np.std(ops.convert_to_numpy(v)) == pytest.approx(0.02, rel=0.1) for v in kernels(model.generator))
    assert model.discriminator.output.shape == (None, 30, 30, 1)


def test_the_losses_of_a_batch_by_hand():
    """Against equation 4 in float64, with discriminator and generator of constant output, dropout and jitter off."""
    model = Pix2Pix(**SIZES, seed=0)
    model.compile(jitter=0.0, flip=False, l1_weight=7.0, adversarial_weight=3.0)
    for network, bias in ((model.generator, 0.3), (model.discriminator, 0.8)):
        for variable in network.trainable_variables:
            variable.assign(np.zeros(variable.shape))
        network.trainable_variables[-1].assign(np.full(network.trainable_variables[-1].shape, bias))
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(-1, 1, (4, 8, 8, c)).astype("float32") for c in (1, 3))
    weight = np.array([1.0, 2.0, 0.0, 1.0])
    batch = Batch(*(ops.convert_to_tensor(a.astype("float32")) for a in (x, y, weight)))
    _, generator = model.evaluate_losses(model.game[1:], batch)[0]
    _, discriminator = model.evaluate_losses(model.game[:1], batch)[0]
    l1 = np.average(np.abs(np.tanh(0.3) - y).mean(axis=(1, 2, 3)), weights=weight)
    entropies = np.log1p(np.exp(-0.8)), np.log1p(np.exp(0.8))
    assert float(generator["l1"]) == pytest.approx(l1, rel=1e-5)
    assert float(generator["generator_loss"]) == pytest.approx(3 * entropies[0] + 7 * l1, rel=1e-5)
    assert float(discriminator["discriminator_loss"]) == pytest.approx(0.5 * sum(entropies), rel=1e-5)


def test_the_discriminator_is_told_the_input():
    model = Pix2Pix(**SIZES, seed=0)
    model.compile(jitter=0.0, flip=False)
    x, y = (np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, c)).astype("float32") for c in (1, 3))
    same, other = (
        ops.convert_to_numpy(model.discriminator([inputs, y], training=True)) for inputs in (x, np.flip(x, 0).copy())
    )
    assert np.abs(same - other).max() > 1e-6


def test_a_translation_does_not_depend_on_its_neighbours():
    model = Pix2Pix(**SIZES, dropout=0.0, seed=0)
    x = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    np.testing.assert_allclose(model.translate(x)[3:4], model.translate(x[3:4]), atol=1e-6)


def test_sizes():
    assert Pix2Pix((16, 48, 1), width=1, discriminator_depth=1).halvings == 4
    assert Pix2Pix((1024, 1024, 1), width=1).halvings == 8
    with pytest.raises(ValueError, match="can be halved 1 times"):
        Pix2Pix((30, 30, 1))
    with pytest.raises(ValueError, match="expected 2 to 3"):
        Pix2Pix((8, 8, 1), depth=4)
