"""StyleGAN2 through the family harness, and what its paper says of styles, path lengths and recipes."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import StyleGAN2
from kerasgan.commands.settings import split
from kerasgan.game.recipe import recipe_of
from kerasgan.layers.growing import stage_widths
from kerasgan.objectives.penalties import R1
from kerasgan.testing import CHECKS, family_tests, moves_only_its_own, reaches_every_weight

SIZES = {
    **{"image_shape": (8, 8, 1), "latent_dim": 4, "style_dim": 4, "channel_base": 32, "channel_max": 4, "depth": 1},
    "group_size": 1,  # groups lie within a replica
}
RECIPE = {"path_batch_shrink": 1, "path_interval": 2, "batch_size": 8, "penalties": (R1(0.1, interval=16),)}
# No slope depends on what is added behind the last nonlinearity, or before a leaky ReLU almost everywhere.
UNMOVED = ("path: *colors/bias", "r1: */bias")
test_stylegan2 = family_tests(StyleGAN2, SIZES, RECIPE, UNMOVED)
test_conditional = family_tests(
    StyleGAN2,
    {**SIZES, "num_classes": 3, "architecture": "residual", "discriminator_architecture": "skip"},
    RECIPE,
    UNMOVED,
    slow=[check for check in CHECKS if check not in (moves_only_its_own, reaches_every_weight)],
)


def tiny(**changes):
    return StyleGAN2(**{**SIZES, "seed": 0, **changes})


def images(count=16, shape=(8, 8, 1)):
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype("float32")


@pytest.mark.slow
def test_mean_style_follows_the_first_latents_and_truncates():
    """The averaged network carries it; psi 0 gives one picture, psi 1 leaves all as they are."""
    model = tiny()
    model.compile(**RECIPE)
    model.fit(images(), batch_size=8, verbose=0)
    for network in (model.mapping, model.ema_mapping):
        assert np.abs(ops.convert_to_numpy(network.get_layer("mean_style").mean)).max() > 0
    samples = {psi: model.sample(4, truncation=psi, noise="none") for psi in (0.0, 0.5, 1.0)}
    assert np.ptp(samples[0.0], axis=0).max() < 1e-6 < 1e-3 < np.ptp(samples[0.5], axis=0).max()
    np.testing.assert_allclose(samples[1.0], model.sample(4, noise="none"), atol=1e-6)
    styles = ops.convert_to_numpy(model.ema_mapping(model.draw_latents(3, 0)))
    mean = ops.convert_to_numpy(model.ema_mapping.get_layer("mean_style").mean)
    (found,) = model.generator_inputs(model.draw_latents(3, 0), truncation=0.3)
    np.testing.assert_allclose(found[:, 2], mean + 0.3 * (styles - mean), atol=1e-6)


@pytest.mark.slow
def test_mixing_changes_the_later_layers():
    """With mixing each sample has its first style up to a layer, and that of other latents from it on."""
    model = tiny(image_shape=(16, 16, 1))
    latents = model.draw_latents(64, 1)
    model.compile(**RECIPE, style_mixing=0.0)
    plain = ops.convert_to_numpy(model.mixed_styles(latents, []))
    np.testing.assert_array_equal(plain, np.repeat(plain[:, :1], 6, axis=1))
    model.compile(**RECIPE, style_mixing=0.9)
    mixed = ops.convert_to_numpy(model.mixed_styles(latents, []))
    same = np.all(mixed == plain, axis=2)
    kept = same.sum(axis=1)
    assert same[:, 0].all() and np.all(np.diff(same.astype(int), axis=1) <= 0)
    assert set(kept) == {1, 2, 3, 4, 5, 6} and (kept < 6).mean() > 0.7
    later = mixed[kept == 2][:, 2:]
    np.testing.assert_array_equal(later, np.repeat(later[:, :1], 4, axis=1))


@pytest.mark.slow
def test_mean_path_length_is_kept():
    """It moves by 0.01 towards a batch's mean in each second step, and is part of the model's weights."""
    model = tiny()
    model.compile(**RECIPE)
    history = model.fit(images(8), batch_size=8, verbose=0).history
    moved = float(ops.convert_to_numpy(model.path_length))
    assert moved == pytest.approx(0.01 * history["path_length"][0], rel=1e-4)
    model.fit(images(8), batch_size=8, verbose=0)  # a step without it
    assert float(ops.convert_to_numpy(model.path_length)) == moved


@pytest.mark.slow
def test_recipes():
    model = tiny(image_shape=(16, 32, 1))
    gammas = {"paper256": 1.0, "paper512": 0.5, "paper1024": 2.0, "cifar": 0.01}
    for name, gamma in gammas.items():
        (penalty,) = recipe_of(StyleGAN2, name).penalties
        assert penalty == R1(gamma, interval=16)
    assert set(StyleGAN2.recipes) == set(StyleGAN2.sizes) == {*gammas, "auto", "small"}
    assert model.by_rule("auto")["batch_size"] == 32
    (penalty,) = model.by_rule("small")["penalties"]
    assert penalty.gamma == pytest.approx(0.0002 * 16 * 32 / 16)
    model.compile(recipe="small", checks=False)
    assert [phase.name for phase in model.game] == ["discriminator", "r1", "generator"]
    model.compile(recipe="auto", batch_size=64, checks=False)
    assert model.game[-1].name == "path" and model.game[-1].every == 4
    assert model.recipe.ema_half_life == 20_000 and model.recipe.penalties[0].gamma == pytest.approx(0.0016)
    rates = {name: float(ops.convert_to_numpy(model.optimizer[name].learning_rate)) for name in model.optimizer.players}
    assert rates == {"discriminator": pytest.approx(2.5e-3 * 16 / 17), "generator": pytest.approx(2.5e-3 * 4 / 5)}
    assert StyleGAN2.recipe.ema_half_life == 10_000


def test_the_rule_fills_in_gamma_only():
    """Another interval of R1, or none of its gamma, keeps what the rule says; a given gamma wins."""
    model = tiny(image_shape=(16, 32, 1))
    gamma = pytest.approx(0.0002 * 16 * 32 / 16)
    for assignments, expected in (([], (gamma, 16)), (["interval=8"], (gamma, 8)), (["gamma=3"], (3, 16))):
        _, changes = split(StyleGAN2, [f"penalties.r1.{each}" for each in assignments], "small")
        model.compile(recipe="small", **changes, checks=False)
        (penalty,) = model.recipe.penalties
        assert (penalty.gamma, penalty.interval) == expected
    with pytest.raises(ValueError, match="not a number"):
        split(StyleGAN2, ["penalties.r1.gamma=much"], "small")
    with pytest.raises(ValueError, match="no weight"):
        R1(None)(lambda x: x, images(2), images(2))


@pytest.mark.parametrize("shape", [(8, 12, 3), (6, 10, 1), (28, 28, 1)])
def test_sizes(shape):
    """Any multiple of a power of 2, not only squares."""
    assert tiny(image_shape=shape).sample(2).shape == (2, *shape)


def test_the_papers_networks():
    """Configuration F at 1024 pixels: 512 channels up to 64x64, then half as many for each doubling of the size."""
    model = tiny(image_shape=(32, 64, 3), channel_base=256, channel_max=16)
    assert model.smallest == (4, 8) and model.widths == (16, 16, 16, 8)
    assert stage_widths(9, 32768) == (512, 512, 512, 512, 512, 256, 128, 64, 32)


@pytest.mark.slow
def test_adaptive_augmentation():
    """StyleGAN2-ADA is the view "ada"."""
    model = tiny()
    model.compile(**RECIPE, views=("ada:blit,color",))
    history = model.fit(images(), batch_size=8, verbose=0).history
    assert all(np.isfinite(series).all() for series in history.values())
    assert len(model.states) > 1


def test_what_has_no_networks_is_refused():
    with pytest.raises(ValueError, match="StyleGAN2 does not support packing=2"):
        tiny(num_classes=3, packing=2)
    with pytest.raises(ValueError, match="architecture is 'resnet'"):
        tiny(architecture="resnet")
    assert keras.saving.get_registered_object("kerasgan>StyleGAN2") is StyleGAN2
