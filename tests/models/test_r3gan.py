"""R3GAN through the family harness, and what its paper says of the networks and the loss."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import R3GAN
from kerasgan.game.schedules import Cosine
from kerasgan.models.r3gan import r3_schedules
from kerasgan.objectives import penalties
from kerasgan.testing import CHECKS, EXTENSIVE, agrees_with_other_engine, enliven, family_tests, moves_only_its_own

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4, "group_width": 4, "blocks": 1}
# Within the few steps of a check the schedules of a short training move.
SHORT = r3_schedules(kimg=0.1, ema_half_life=(0.0, 50.0))

test_r3gan = family_tests(R3GAN, SIZES, recipe=SHORT, slow=(*EXTENSIVE, agrees_with_other_engine))
test_conditional = family_tests(
    R3GAN,
    {**SIZES, "num_classes": 3, "embedding": 3, "packing": 2},
    recipe=SHORT,
    slow=[check for check in CHECKS if check is not moves_only_its_own],
)


def tiny(**changes):
    return R3GAN(**{**SIZES, "seed": 0, **changes})


def kernels(network):
    return [v for v in network.trainable_variables if len(v.shape) > 1]


@pytest.mark.parametrize("penalty", [penalties.R1(1.0), penalties.R2(1.0)], ids=["r1", "r2"])
def test_each_penalty_reaches_every_layer(penalty):
    """And no bias: a leaky ReLU's slope does not change with one, almost everywhere."""
    from kerasgan.game.engines import gradients

    model = tiny()
    enliven(model)
    network = model.discriminator
    rng = np.random.default_rng(0)
    real, fake = (ops.convert_to_tensor(rng.uniform(-1, 1, (4, 8, 8, 1)), "float32") for _ in range(2))

    def value(tensors):
        with keras.StatelessScope(list(zip(network.trainable_variables, tensors, strict=True))):
            return penalty(lambda x: network(x, training=True), real, fake)

    start = [ops.convert_to_tensor(v.value) for v in network.trainable_variables]
    for variable, gradient in zip(network.trainable_variables, gradients(value, start), strict=True):
        moved = float(ops.max(ops.abs(gradient)))
        assert moved > 1e-6 if variable.name != "bias" else moved == 0, variable.path


def test_the_logit_has_no_constant():
    """The loss sees differences of logits only: a constant would drift."""
    logits = tiny().discriminator.get_layer("logits")
    assert logits.bias is None


def test_blocks_start_as_the_identity():
    """So the generator starts as basis times latents, resampled: linear in the latents, and without its blocks."""
    model = tiny(width=(8, 4))
    latents = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    first, second = (ops.convert_to_numpy(model.generator(z)) for z in (latents, -3 * latents))
    np.testing.assert_allclose(second, -3 * first, rtol=1e-4, atol=1e-5)
    assert np.std(first) > 0.1


def test_initial_weights():
    """Fix-up: sqrt(2 / 1.04) / sqrt(fan-in) L^(-1/4) in a block, L = 4 blocks; 1 / sqrt(fan-in) out of them."""
    model = tiny(width=64, blocks=2, group_width=16, latent_dim=64)
    for network in model.networks.values():
        named = {v.path: np.std(ops.convert_to_numpy(v)) for v in kernels(network)}
        of_blocks = [v for v in kernels(network) if len(v.shape) == 4 and v.shape[-1] == 128]
        assert len(of_blocks) == 8
        for kernel in of_blocks:
            fan_in = np.prod(kernel.shape[:-1])
            assert tuple(kernel.shape[:-1]) in ((1, 1, 64), (3, 3, 16))
            assert named[kernel.path] == pytest.approx(np.sqrt(2 / 1.04 / fan_in) * 4**-0.25, rel=0.05)
        assert sum(std == 0 for std in named.values()) == 4
    basis = {name: np.std(ops.convert_to_numpy(n.get_layer("basis").kernel)) for name, n in model.networks.items()}
    assert basis == {"generator": pytest.approx(1.0, rel=0.1), "discriminator": pytest.approx(0.25, rel=0.1)}


@pytest.mark.slow
def test_the_papers_networks():
    """At 32 pixels 768 channels and 96 groups of 16 throughout; at 256 down to 96 channels."""
    model = R3GAN((32, 32, 3), blocks=1, seed=0)
    grouped = [layer for layer in model.generator.layers if getattr(layer, "groups", 1) > 1]
    assert [(layer.groups, tuple(layer.kernel.shape)) for layer in grouped] == [(96, (3, 3, 16, 1536))] * 4
    assert model.generator.output.shape == (None, 32, 32, 3)
    wide = R3GAN((256, 256, 1), width=64, blocks=1, group_width=2, seed=0)
    assert wide.stage_widths == (64, 64, 64, 64, 32, 16, 8)
    assert wide.generator.output.shape == (None, 256, 256, 1)


@pytest.mark.parametrize("size", [6, 8, 12, 28])
def test_sizes(size):
    model = tiny(image_shape=(size, size, 3))
    images = ops.convert_to_numpy(model.generator(model.draw_latents(2, 0)))
    assert images.shape == (2, size, size, 3) and model.discriminator(images).shape == (2, 1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="multiple of 2, got 7"):
        tiny(image_shape=(7, 7, 1))
    with pytest.raises(ValueError, match="3 entries; expected 2"):
        tiny(width=(4, 4, 4))
    with pytest.raises(ValueError, match="`blocks` has 1 entries; expected 2"):
        tiny(blocks=(1,))
    with pytest.raises(ValueError, match="multiple of group_width, 16"):
        tiny(group_width=16, width=12)


def test_the_recipe_is_the_papers():
    recipe = R3GAN.recipe
    assert recipe.penalties == (penalties.R1(Cosine(0.05, 0.005, 20_000)), penalties.R2(Cosine(0.05, 0.005, 20_000)))
    assert recipe.ema_half_life == Cosine(0.0, 5e6, 20_000)
    for optimizer in recipe.optimizers().values():
        config = optimizer.get_config()
        assert config["learning_rate"]["config"] == {"start": 2e-4, "end": 5e-5, "kimg": 20_000}
        assert config["beta_2"]["config"] == {"start": 0.9, "end": 0.99, "kimg": 20_000}
        assert (config["beta_1"], config["epsilon"]) == (0.0, 1e-8)


def test_named_recipes():
    model = tiny()
    model.compile(recipe="ffhq64", batch_size=4, checks=False)
    assert model.recipe.penalties == tuple(kind(Cosine(2.0, 0.2, 20_000)) for kind in (penalties.R1, penalties.R2))
    assert (model.recipe.ema_half_life, model.recipe.batch_size) == (Cosine(0.0, 5e5, 20_000), 4)
    with pytest.raises(ValueError, match=r"imagenet32, ffhq64, ffhq256.*Did you mean 'ffhq64'"):
        model.compile(recipe="ffhq65")
