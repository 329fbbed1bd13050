"""LAPGAN through the family harness: its levels, its chain, and what the paper says of the networks and the rates."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import LAPGAN, Batch
from kerasgan.models.lapgan import check_levels
from kerasgan.objectives import penalties
from kerasgan.testing import CHECKS, enliven, family_tests

SIZES = {"noise_dim": 3, "width": 2, "units": 4, "discriminator_units": 4}
SMALL = {"image_shape": (8, 8, 1), **SIZES}

test_lapgan = family_tests(LAPGAN, SMALL)
test_conditional = family_tests(
    LAPGAN,
    {**SMALL, "num_classes": 3, "packing": 2, "dropout": 0.0},  # masks of packs are not scripted
    recipe={"update": "simultaneous", "penalties": (penalties.R1(1.0, interval=2),)},
    unmoved=("r1_*: *",),
    slow=CHECKS,
)


def model_of(size=16, levels=3, **arguments):
    """A model whose weights are all alive, and two real images."""
    images = np.random.default_rng(0).uniform(-1, 1, (2, size, size, 1)).astype("float32")
    model = LAPGAN((size, size, 1), levels, **SIZES, seed=0, **arguments)
    enliven(model)
    return model, images


def scales(model, images):
    """Real images of each level, from level 0."""
    found = [images]
    for _ in range(1, model.levels):
        found.append(ops.convert_to_numpy(model.pyramid.down(found[-1])))
    return found


@pytest.mark.slow
def test_each_level_learns_from_real_coarse_images():
    """What a level's discriminator is shown: I_k, and u(d(I_k)) and the details; without details u(d(I_k)) alone."""
    model, images = model_of()
    model.compile(checks=False)
    real, batch, shown = scales(model, images), Batch(ops.convert_to_tensor(images)), []
    model.discriminate = lambda images, *labels: (shown.append(ops.convert_to_numpy(images)), ops.zeros((2, 1)))[1]
    for level in range(2):
        for name, value in (("kernel", 0.0), ("bias", 0.25)):
            variable = getattr(model.networks[f"generator_{level}"].get_layer("details"), name)
            variable.assign(ops.full(variable.shape, value))
    for place, phase in enumerate(model.game):
        loss, logs = phase.loss(batch)
        level, samples = place // 2, shown[-1]
        assert phase.name == f"{('discriminator', 'generator')[place % 2]}_{level}"
        assert float(loss) == pytest.approx((2 if place % 2 == 0 else 1) * np.log(2), rel=1e-6)
        assert set(logs) == ({f"real_logits_{level}", f"fake_logits_{level}"} if place % 2 == 0 else set())
        if place % 2 == 0:
            np.testing.assert_allclose(shown[-2], real[level], atol=1e-6)
        if level < 2:
            np.testing.assert_allclose(samples, model.pyramid.up(real[level + 1]) + 0.25, atol=1e-6)
        assert samples.shape == real[level].shape
    assert len(shown) == 3 * 3


@pytest.mark.parametrize("update, calls", [("simultaneous", 1), ("alternating", 2)])
def test_levels_share_no_samples(update, calls):
    """Differentiated together, all losses of a level share one forward pass; levels never share one."""
    model, images = model_of(8, 2)
    model.compile(update=update, checks=False)
    seen = {level: [] for level in range(2)}
    for level in range(2):
        network = model.networks[f"generator_{level}"]

        def call(inputs, training, mask=None, level=level, run=network.call):
            seen[level].append(run(inputs, training=training))
            return seen[level][-1]

        network.call = call
    batch = Batch(ops.convert_to_tensor(images))
    for phases in model.turns(model.due(0)):
        model.evaluate_losses(phases, batch)
    assert [len(found) for found in seen.values()] == [calls] * 2
    assert [found[0].shape[1] for found in seen.values()] == [8, 4]


def test_the_chain_by_hand():
    """I~_K = G_K(z_K), I~_k = u(I~_(k+1)) + h~_k; `sample`, `stages` and `refine` agree on it."""
    model, _ = model_of(num_classes=3)
    labels = np.array([2, 0, 1, 1], "int32")
    known = ops.convert_to_tensor(labels)
    model.ema_generator_0.get_layer("details").bias.assign([0.8])  # so that clipping is seen
    parts = model.split_latents(model.draw_latents(4, 5))
    assert [tuple(part.shape) for part in parts] == [(4, 16, 16, 1), (4, 8, 8, 1), (4, 3)]
    flat = [ops.convert_to_numpy(part).reshape(4, -1) for part in reversed(parts)]
    np.testing.assert_array_equal(np.concatenate(flat, axis=1), model.draw_latents(4, 5))
    images = [model.ema_generator_2([parts[2], known])]
    for level in (1, 0):
        network, inputs = getattr(model, f"ema_generator_{level}"), [parts[level], images[-1], known]
        details = keras.Model(network.inputs, network.get_layer("details").output)(inputs)
        images.append(model.pyramid.up(images[-1]) + details)
    expected = [np.clip(ops.convert_to_numpy(image), -1, 1) for image in images]
    assert ops.convert_to_numpy(images[-1]).max() > 1
    stages = model.stages(4, seed=5, labels=labels)
    for found, right in zip(stages, expected, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-5)
    np.testing.assert_allclose(model.sample(4, seed=5, labels=labels), expected[-1], atol=1e-5)
    np.testing.assert_allclose(model.stages(4, 5, labels, batch_size=3)[-1], expected[-1], atol=1e-5)
    unclipped = ops.convert_to_numpy(images[1])
    np.testing.assert_allclose(model.refine(unclipped, seed=5, labels=labels), expected[2], atol=1e-5)
    other = model.stages(4, seed=5, labels=[0, 1, 2, 2])
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(stages, other, strict=True))


def test_refine_is_raw_or_averaged_and_refuses():
    model, images = model_of(8, 2)
    model.generator_0.get_layer("details").bias.assign([0.3])
    coarse = scales(model, images)[1]
    raw, averaged = (model.refine(coarse, ema=ema) for ema in (False, True))
    assert np.abs(raw - averaged).max() > 0.1
    assert np.abs(model.sample(2, ema=False) - model.sample(2)).max() > 0.1
    assert np.abs(model.refine(coarse, seed=1) - averaged).max() > 1e-3
    with pytest.raises(ValueError, match="full size"):
        model.refine(images)
    with pytest.raises(ValueError, match="belong to no level"):
        model.refine(images[:, :3, :3])
    with pytest.raises(ValueError, match="unconditional"):
        model.refine(coarse, labels=[1, 2])
    with pytest.raises(ValueError, match="seed.* is -1"):
        model.stages(2, seed=-1)


def test_each_level_has_optimizers_of_its_own():
    given = keras.optimizers.Adam(1e-3)
    model = LAPGAN(**SMALL, seed=0)
    model.compile(generator_optimizer=given, clip_weights=0.01, checks=False)
    players = model.optimizer.players
    assert list(players) == ["discriminator_0", "generator_0", "discriminator_1", "generator_1"]
    assert len({id(optimizer) for optimizer in [given, *players.values()]}) == 5
    assert [type(players[f"generator_{level}"]) for level in range(2)] == [keras.optimizers.Adam] * 2
    assert all(players[name]._trainable_variables for name in players)
    for level in range(2):
        assert all(v.constraint for v in model.networks[f"discriminator_{level}"].trainable_variables)
        assert not any(v.constraint for v in model.networks[f"generator_{level}"].trainable_variables)


def test_the_papers_rates():
    """.02 divided by 1 + 4e-5 an epoch; momentum .5 and .0008 more an epoch."""
    optimizer = LAPGAN.recipe.optimizers()["generator"]
    schedule = optimizer._learning_rate
    for epoch in (0, 1, 100, 10_000):
        rate = float(ops.convert_to_numpy(schedule(781 * epoch)))
        assert rate == pytest.approx(0.02 / (1 + 4e-5) ** epoch, rel=1e-5)
    ramp = (optimizer.final_momentum - optimizer.initial_momentum) / optimizer.ramp_steps
    assert 781 * ramp == pytest.approx(0.0008)


@pytest.mark.parametrize(
    "sides, levels", [((8, 8), 2), ((16, 16), 2), ((28, 28), 3), ((32, 32), 3), ((64, 64), 4), ((24, 12), 2)]
)
def test_levels_by_default(sides, levels):
    assert check_levels(*sides) == levels
    with pytest.raises(ValueError, match="expected 1 to"):
        check_levels(*sides, 6)


def test_other_numbers_of_levels():
    assert [check_levels(16, 16, levels) for levels in (1, 2, 3)] == [1, 2, 3]
    single = LAPGAN((9, 7, 1), 1, **SIZES, seed=0)
    assert list(single.networks) == ["generator_0", "discriminator_0"] and single.latent_dim == 3
    assert single.stages(2)[0].shape == (2, 9, 7, 1)
    with pytest.raises(ValueError, match="levels` is None; expected 1 to 1"):
        LAPGAN((9, 7, 1))
    with pytest.raises(ValueError, match="LAPGAN sets it itself"):
        LAPGAN(**SMALL, generator=single.generator_0)


def test_the_papers_networks():
    model = LAPGAN((32, 32, 3), num_classes=10, seed=0)
    kernels = {
        name: [tuple(v.shape) for v in network.trainable_variables if v.name == "kernel"]
        for name, network in model.networks.items()
    }
    assert model.latent_dim == 32**2 + 16**2 + 100
    for level, flat in ((0, 14 * 14 * 64), (1, 6 * 6 * 64)):
        assert kernels[f"generator_{level}"] == [(7, 7, 5, 64), (7, 7, 64, 64), (5, 5, 64, 3)]
        assert kernels[f"discriminator_{level}"] == [(5, 5, 4, 64), (5, 5, 64, 64), (flat, 1)]
    assert kernels["generator_2"] == [(110, 1200), (1200, 1200), (1200, 8 * 8 * 3)]
    assert kernels["discriminator_2"] == [(8 * 8 * 3 + 10, 600), (600, 600), (600, 1)]
    drops = [[x.rate for x in network.layers if isinstance(x, layers.Dropout)] for network in model.networks.values()]
    assert drops == [[], [], [], [0.5], [0.5], [0.5, 0.5]]
