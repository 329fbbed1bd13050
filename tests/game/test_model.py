"""What `fit` promises around the shared step: compiled or not, on one device or two, in any precision."""

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import DCGAN, AdversarialModel, Batch, Phase, shared
from kerasgan.objectives.penalties import R1
from kerasgan.testing import double_precision, mirrored_strategy, scripted_random
from tests.toys import Toy, assert_equal, linear_game, vectors, weights


def toy(start=None, **recipe):
    """A compiled toy, from the weights of another one if given."""
    model = Toy(seed=5)
    model.compile(**recipe)
    if start is not None:
        for variable, value in zip(model.variables, start, strict=True):
            variable.assign(value)
    return model


def start_of(model):
    return [ops.convert_to_numpy(v) for v in model.variables]


def kernels(model):
    """The weights a and b of a linear game."""
    return [float(ops.convert_to_numpy(network.weights[0])[0, 0]) for network in (model.generator, model.discriminator)]


@pytest.mark.slow
@pytest.mark.tensorflow  # on JAX the critic is taken up again in test_games.py
def test_one_compiled_step_for_each_set_of_due_phases():
    model = toy(generator_every=5, penalties=(R1(1.0, interval=4),))
    model.fit(vectors(96), batch_size=2, verbose=0)
    assert [phase.name for phase in model.game] == ["discriminator", "r1", "generator"] and model.period == 20
    counts = [optimizer.iterations for optimizer in model.optimizer.players.values()]
    counts += [model.iterations, model.images_seen]
    assert [int(ops.convert_to_numpy(count)) for count in counts] == [48 + 12, 10, 48, 96]
    steps = model._step_functions.values()
    assert len(steps) == len({model.due(step) for step in range(48)}) == 4
    traces = [step.experimental_get_tracing_count() for step in steps]
    assert traces == [1, 1, 1, 1]


@pytest.mark.slow
def test_several_steps_an_execution_are_the_same_steps_also_where_the_data_end():
    model = toy(generator_every=2)
    several = toy(start_of(model), generator_every=2, steps_per_execution=4)
    for each in (model, several):  # 10 steps an epoch: two executions and a half
        each.fit(vectors(80), batch_size=8, epochs=3, verbose=0)
    assert int(ops.convert_to_numpy(several.iterations)) == 30
    assert int(ops.convert_to_numpy(several.optimizer["generator"].iterations)) == 15
    assert_equal(weights(model), weights(several))


@pytest.mark.tensorflow  # JAX compiles each operation of an eager step
def test_eager_steps_are_the_compiled_ones():
    with double_precision():
        model = toy(update="simultaneous")
        eager = toy(start_of(model), update="simultaneous", run_eagerly=True)
        for each in (model, eager):
            each.fit(vectors(24).astype("float64"), batch_size=8, verbose=0)
        for a, b in zip(weights(model), weights(eager), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.tensorflow
@pytest.mark.slow  # every family does so in its own tests
def test_fit_on_two_replicas_is_fit_on_one():
    with double_precision():
        x, one = vectors(16).astype("float64"), toy()
        with mirrored_strategy(2).scope():
            two = toy(start_of(one))
        for each in (one, two):
            with scripted_random(batch_size=8):
                each.fit(x, batch_size=8, verbose=0)
        assert int(ops.convert_to_numpy(two.images_seen)) == 16
        for a, b in zip(weights(one), weights(two), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "loss, weighted",
    [
        pytest.param("non_saturating", True, id="weights"),
        pytest.param("relativistic_average", False, id="average"),
        pytest.param("relativistic_average", True, id="weighted average"),
    ],
)
def test_weights_and_averages_are_those_of_the_whole_batch(loss, weighted):
    """Of two replicas, of which one has nearly all of the weight: as on one."""
    with double_precision():
        x, one = vectors(16).astype("float64"), toy(loss=loss)
        weight = np.array([3.0, 1.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.5] * 2) if weighted else None
        with mirrored_strategy(2).scope():
            two = toy(start_of(one), loss=loss)
        for each in (one, two):
            with scripted_random(batch_size=8):
                each.fit(x, batch_size=8, sample_weight=weight, verbose=0)
        for a, b in zip(weights(one), weights(two), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_replicas_draw_numbers_of_their_own():
    """The negative control of the above: without the script the two replicas' latents differ."""
    model, drawn = toy(), []
    for replica in range(2):
        states = model.random_states(model.game[:1], 3, replica)
        with keras.StatelessScope(states):
            drawn.append(ops.convert_to_numpy(model.draw_latents(4, model.random)))
    assert (drawn[0] != drawn[1]).all()


def test_the_average_holds_batch_statistics_too():
    model = toy(ema_half_life=16.0, ema_rampup=1e9)  # at full length from the second step on: a decay of .5 ** (8 / 16)
    average = [w.astype("float64") for w in model.generator.get_weights()]
    for step in range(4):
        model.fit(vectors(8, seed=step), batch_size=8, verbose=0)
        decay = 0.0 if step == 0 else np.sqrt(0.5)
        average = [decay * a + (1 - decay) * w for a, w in zip(average, model.generator.get_weights(), strict=True)]
    names = [v.name for v in model.generator.variables if v.name != "seed_generator_state"]
    assert "moving_mean" in names
    for name, a, b in zip(names, average, model.ema_generator.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6, err_msg=name)


def test_no_half_life_means_no_averaging():
    model = toy(ema_half_life=0)
    model.fit(vectors(16), batch_size=8, verbose=0)
    assert_equal(model.generator.get_weights(), model.ema_generator.get_weights())


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_one_step_in_closed_form(update):
    """D(x) = b x, G(z) = a z, Wasserstein, rate h: b' = b + h (E x - a E z); a' = a + h B E z, B = b' or b."""
    model, h, x = linear_game(recipe={"update": update}), 0.1, np.array([[1.0], [3.0]], "float32")
    game, means = model.game, []
    for phase in game[: 1 if update == "simultaneous" else 2]:
        with keras.StatelessScope(model.random_states((phase,), 0, 0)):
            means.append(float(ops.mean(model.draw_latents(2, model.random))))
    a, b = kernels(model)
    model.fit(x, batch_size=2, verbose=0)
    new_b = b + h * (2.0 - a * means[0])
    new_a = a + h * (new_b if update == "alternating" else b) * means[-1]
    np.testing.assert_allclose(kernels(model), [new_a, new_b], rtol=1e-5)


def test_a_regulariser_acts_in_its_own_networks_phase_only():
    model = linear_game(kernel_regularizer=keras.regularizers.L2(0.5))
    a, b = kernels(model)
    for due, factor in (("generator", 1.0), ("discriminator", 1.0 - 2 * 0.5 * 0.1)):
        model.due = lambda *moment, due=due: (due,)
        history = model.fit(np.zeros((2, 1), "float32"), batch_size=2, verbose=0, shuffle=False).history
        if due == "generator":
            assert kernels(model)[1] == b
            a = kernels(model)[0]
        else:
            with keras.StatelessScope(model.random_states(model.game[:1], 1, 0)):
                mean = float(ops.mean(model.draw_latents(2, model.random)))
            assert kernels(model)[1] == pytest.approx(b * factor - 0.1 * a * mean, rel=1e-4)
            assert history["discriminator_loss"][0] == pytest.approx(a * b * mean, rel=1e-4)  # the regulariser apart


def test_sample_weights_weigh_samples():
    x, first = np.array([[1.0], [5.0]], "float32"), []
    for weight in (None, [1.0, 1.0], [2.0, 0.0]):
        model = linear_game()
        weight = None if weight is None else np.array(weight, "float32")
        model.fit(x, sample_weight=weight, batch_size=2, verbose=0, shuffle=False)
        first.append(kernels(model)[1])
    assert first[0] == first[1]
    assert first[2] - first[0] == pytest.approx(0.1 * (1.0 - 3.0), rel=1e-4)


def test_shared_is_one_evaluation_for_losses_that_are_differentiated_together():
    class Counting(Toy):
        calls = 0

        @shared
        def generated(self, batch):
            self.calls += 1
            return super().generated(batch)

    model = Counting()
    model.compile()
    batch = Batch(ops.convert_to_tensor(vectors(8)))
    for phases, expected in ((model.game, 1), (model.game[:1], 1)):
        model.calls = 0
        model.evaluate_losses(phases, batch)
        assert model.calls == expected
    model.calls = 0
    first, second = model.generated(batch), model.generated(batch)  # outside a step: as any method
    assert model.calls == 2
    assert (ops.convert_to_numpy(first) != ops.convert_to_numpy(second)).any()


class Counted(AdversarialModel):
    """One network, whose phase counts its evaluations in a variable, and may keep the count or not."""

    recipe = Toy.recipe
    keeps: tuple = ()

    def __init__(self):
        super().__init__(seed=0)
        self.add_networks(generator=keras.Sequential([keras.Input((4,)), layers.Dense(1)]))
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def phases(self):
        return (Phase("only", ("generator",), self.only_loss, "generator", keeps=self.keeps),)

    def only_loss(self, batch):
        self.count.assign(self.count + 1.0)
        return ops.mean(ops.square(self.generator(batch.x))), {"count": self.count}

    def data_specs(self):
        return Toy().data_specs()


@pytest.mark.parametrize("keeps", [(), ("count",)], ids=["not kept", "kept"])
def test_a_phase_changes_other_state_only_where_it_says_so(keeps):
    model = Counted()
    model.keeps = keeps
    model.compile()
    model.fit(vectors(24), batch_size=8, verbose=0)
    assert float(ops.convert_to_numpy(model.count)) == (3.0 if keeps else 0.0)


def test_half_precision_scales_each_players_loss():
    keras.config.set_dtype_policy("mixed_float16")
    model = toy(update="simultaneous")
    assert all(isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizer.players.values())
    before = start_of(model)
    history = model.fit(vectors(32), batch_size=8, verbose=0).history
    assert np.isfinite([value for series in history.values() for value in series]).all()
    assert {v.dtype for network in model.networks.values() for v in network.weights} == {"float32"}
    assert any((a != ops.convert_to_numpy(v)).any() for a, v in zip(before, model.variables, strict=True))


def test_an_incomplete_batch_is_left_out_and_the_recipes_batch_size_is_used():
    model = toy()
    model.fit(vectors(8 * 2 + 3), verbose=0)
    assert [int(ops.convert_to_numpy(v)) for v in (model.iterations, model.images_seen)] == [2, 16]


def test_what_a_family_must_say():
    class Says(AdversarialModel):
        recipe = Toy.recipe

    model = Says()
    for method, arguments in (
        (model.discriminator_loss, (None,)),
        (model.generator_loss, (None,)),
        (model.data_specs, ()),
    ):
        with pytest.raises(NotImplementedError, match="Says must define"):
            method(*arguments)


def test_two_phases_of_one_name_are_refused():
    class Twice(Toy):
        def phases(self):
            return 2 * super().phases()[:1]

    with pytest.raises(ValueError, match="share a name"):
        Twice().compile()


@pytest.mark.tensorflow  # the same of both
def test_a_game_that_was_compiled_before_is_not_traced_again(monkeypatch):
    traced = []
    trace = DCGAN.trace
    monkeypatch.setattr(DCGAN, "trace", lambda *arguments: traced.append(1) or trace(*arguments))

    def compiled(**changes):
        del traced[:]
        model = DCGAN((8, 8, 1), width=5)
        model.compile(checks=False, **changes)
        return len(traced), [tracker.name for tracker in model.trackers.values()]

    count, names = compiled(penalties="r1")
    assert count == 2 and "discriminator_loss" in names
    adam = keras.optimizers.Adam(1e-5)
    assert compiled(penalties="r1", generator_optimizer=adam) == (0, names)
    assert compiled()[0] == 2

    class Mine(DCGAN):
        """Its configuration does not tell what its constructor was given."""

        def __init__(self, more):
            super().__init__((8, 8, 1), width=5)
            self.more = more

        def generator_loss(self, batch):
            return super().generator_loss(batch)[0], {"more": 1.0} if self.more else {}

    for more in (False, True):
        model = Mine(more)
        model.compile(checks=False)
        assert ("more" in {tracker.name for tracker in model.trackers.values()}) == more
    loss = DCGAN.generator_loss
    monkeypatch.setattr(DCGAN, "generator_loss", lambda self, batch: (loss(self, batch)[0], {"new": 1.0}))
    count, names = compiled()
    assert count == 2 and "new" in names


def test_what_keras_would_validate_with_is_refused_at_once():
    model, x = toy(), vectors(16)
    for options in ({"validation_data": x}, {"validation_data": (x, x)}, {"validation_split": 0.1}):
        with pytest.raises(ValueError, match=r"was requested, but no loss of a game.*GANHealth"):
            model.fit(x, verbose=0, **options)
    with pytest.raises(ValueError, match=r"evaluate\(\) was requested"):
        model.evaluate(x)
    with pytest.raises(TypeError, match="positional"):
        model.fit(x, None, 8, 20)
    assert int(ops.convert_to_numpy(model.iterations)) == 0


def test_a_model_is_freed_after_its_training():
    model = toy()
    model.fit(vectors(4), batch_size=2, verbose=0)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None, "whoever trains many models in one process would run out of memory"
