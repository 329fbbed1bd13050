"""The signals of a step are what they say, on both engines, and the step does not notice them."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.callbacks.checkpoint import named_variables
from kerasgan.game.signals import DECAY, LOGITS, UPDATE, RecentMeans, observe_logits, observing, update_signals
from kerasgan.run import set_random_seed
from kerasgan.testing import mirrored_strategy
from tests.toys import ON_TENSORFLOW, Toy, assert_equal, linear_game, vectors, weights


def values(model, place):
    return model.signals[f"signals/{place}"].values()


def kernel(network):
    return float(ops.convert_to_numpy(network.weights[0])[0, 0])


def fitted(steps=1, replicas=None, **recipe):
    """A watched linear game after some steps of 4 samples, G(z) = a z and D(x) = b x."""
    if replicas:
        with mirrored_strategy(replicas).scope():
            model = linear_game(recipe=recipe)
    else:
        model = linear_game(recipe=recipe)
    model.watch()
    model.fit(vectors(4 * steps, 1), batch_size=4, verbose=0)
    return model


@pytest.mark.parametrize(
    "recipe", [{}, {"update": "simultaneous"}, {"update": "alternating_shared"}, {"skip_nonfinite": True}], ids=str
)
def test_gradients_and_updates_of_a_linear_game(recipe):
    """The loss -D(G(z)) has the slope -b at each sample, b before or after the discriminator's update."""
    model = fitted(**recipe)
    a, b = 0.5, -0.3
    slope = b if recipe.get("update") == "simultaneous" else kernel(model.discriminator)
    generator, discriminator = values(model, "generator"), values(model, "discriminator")
    assert generator["sample_gradient"] == pytest.approx(abs(slope), rel=1e-5)
    assert "sample_gradient" not in discriminator
    for signals, network, before in ((generator, model.generator, a), (discriminator, model.discriminator, b)):
        moved = abs(kernel(network) - before)
        assert signals["gradient_norm"] == pytest.approx(moved / 0.1, rel=1e-3)  # SGD of rate 0.1
        assert signals["update_ratio"] == pytest.approx(moved / abs(before), rel=1e-3)
    assert values(model, "logits").keys() == set(LOGITS)


@pytest.mark.tensorflow
def test_gradient_at_the_samples_does_not_depend_on_the_replicas():
    model = fitted(replicas=2)
    assert values(model, "generator")["sample_gradient"] == pytest.approx(abs(kernel(model.discriminator)), rel=1e-5)


def test_a_phase_that_does_not_run_leaves_its_means_alone():
    model = fitted(steps=3, generator_every=3)
    weight = ops.convert_to_numpy(model.signals["signals/generator"].weight)
    np.testing.assert_allclose(weight, 1 - DECAY, rtol=1e-5)
    weight = ops.convert_to_numpy(model.signals["signals/discriminator"].weight)[:2]
    np.testing.assert_allclose(weight, 1 - DECAY**3, rtol=1e-4)


def test_update_signals_are_their_definition():
    random = np.random.default_rng(0)
    gradients, before, after = ([random.normal(size=s) for s in ((3, 2), (5,))] for _ in range(3))
    at_samples = random.normal(size=(6, 2, 2, 1))
    factor = 8.0  # of a scaled loss
    found = update_signals(
        *([ops.convert_to_tensor(x.astype("float32")) for x in each] for each in (gradients, before, after)),
        factor,
        ops.convert_to_tensor(at_samples.astype("float32")),
    )

    def norm(arrays):
        return np.sqrt(sum(np.square(x).sum() for x in arrays))

    expected = {
        "gradient_norm": norm(gradients) / factor,
        "update_ratio": norm([y - x for x, y in zip(before, after, strict=True)]) / norm(before),
        "sample_gradient": 6 / factor * np.median(np.sqrt(np.square(at_samples).sum(axis=(1, 2, 3)))) * np.sqrt(4),
    }
    np.testing.assert_allclose(ops.convert_to_numpy(found), [expected[name] for name in UPDATE], rtol=1e-5)


@pytest.mark.parametrize("boundary", [0.0, 0.5, None])
def test_logit_signals_are_their_definition(boundary):
    random = np.random.default_rng(1)
    real, fake = random.normal(1.0, 2.0, (50, 1)), random.normal(-0.5, 1.0, (50, 1))
    with observing(True) as seen:
        observe_logits(*(ops.convert_to_tensor(x.astype("float32")) for x in (real, fake)), boundary)
    middle = (real.mean() + fake.mean()) / 2 if boundary is None else boundary
    expected = {
        "real_accuracy": (real > middle).mean(),
        "fake_accuracy": (fake < middle).mean(),
        "margin": (real.mean() - fake.mean()) / np.sqrt((real.var() + fake.var()) / 2),
        "log_saturation": np.log10((1 / (1 + np.exp(-fake))).mean()),
    }
    (found,) = seen.values()
    np.testing.assert_allclose(ops.convert_to_numpy(found), [expected[name] for name in LOGITS], rtol=1e-5)


def test_saturation_has_a_floor():
    with observing(True) as seen:
        observe_logits(ops.ones((4, 1)), -1e4 * ops.ones((4, 1)))
    (found,) = seen.values()
    assert ops.convert_to_numpy(found)[LOGITS.index("log_saturation")] == pytest.approx(-30.0, rel=1e-5)


def test_means_are_exponential_over_the_steps_that_were_finite():
    means = RecentMeans(("one", "other", "never"))
    steps = [(1.0, 5.0), (2.0, np.nan), (4.0, 7.0)]
    for step in steps:
        means.update_state(ops.convert_to_tensor(np.array([*step, np.inf], "float32")))
    means.reset_state()  # as at the end of an epoch
    weights = DECAY ** np.array([2, 1, 0])
    expected = {
        "one": np.dot(weights, [1, 2, 4]) / weights.sum(),
        "other": np.dot(weights[[0, 2]] / [DECAY, 1], [5, 7]) / (DECAY + 1),
    }
    assert means.values() == pytest.approx(expected, rel=1e-5)
    assert means.result() == {}


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(  # quick on JAX, which compiles it faster
            {"update": "simultaneous", "steps_per_execution": 2}, marks=[pytest.mark.slow] * ON_TENSORFLOW
        ),
        pytest.param({}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_step_does_not_notice_that_it_is_watched(recipe):
    results, logs = [], []
    for watched in (False, True):
        set_random_seed(0)
        model = Toy(seed=5)
        model.compile(**recipe)
        if watched:
            model.watch()
        logs.append(sorted(model.fit(vectors(32), batch_size=8, epochs=2, verbose=0).history))
        results.append(weights(model))
    assert_equal(*results)
    assert logs[0] == logs[1]


def test_watching_begins_in_the_middle_and_ends_with_compile():
    model = linear_game()
    model.fit(vectors(4, 1), batch_size=4, verbose=0)
    model.watch()
    model.fit(vectors(4, 1), batch_size=4, verbose=0)
    assert values(model, "generator")
    model.compile(**model.get_compile_config()["recipe"])
    assert not model.signals


def test_steps_that_are_passed_by_are_not_measured():
    model = linear_game()
    model.watch()
    model.fit(vectors(24, 1), batch_size=4, verbose=0, initial_step=4)
    weight = ops.convert_to_numpy(model.signals["signals/generator"].weight)[:2]
    np.testing.assert_allclose(weight, 1 - DECAY**2, rtol=1e-4)


def test_checkpoints_and_files_do_not_hold_them(tmp_path):
    model = linear_game()
    names = named_variables(model).keys()
    model.watch()
    assert named_variables(model).keys() == names
    model.save(tmp_path / "model.keras")
    assert not keras.models.load_model(tmp_path / "model.keras").signals
