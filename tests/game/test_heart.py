"""The shared training step: which phases run when, on what random numbers, with which averages."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasgan
from kerasgan import LatentModel, Phase
from kerasgan.data.pipeline import ArrayBatches, epoch_order
from kerasgan.game.randomness import TensorSeed, is_seed_state, seed_states
from kerasgan.objectives.penalties import clip_weights

DATA = np.random.default_rng(0).normal(size=(96, 2)).astype("float32")


def networks():
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(4, "relu"), layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(1)])
    return {"generator": generator, "discriminator": discriminator}


def vector_gan(seed=0, **recipe):
    model = LatentModel((2,), latent_dim=3, seed=seed, **networks())
    model.compile(**recipe)
    return model


def values(model):
    """All state but that of the seed generators, which a training step does not look at."""
    return [ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables] if not is_seed_state(v)]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def copy_start(source, target):
    for a, b in zip(source.variables, target.variables, strict=True):
        b.assign(ops.convert_to_numpy(a))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [{}, {"generator_every": 3}], ids=["every step", "n_critic 3"])
def test_steps_per_execution_changes_nothing(recipe):
    one, several = vector_gan(**recipe), vector_gan(**recipe, steps_per_execution=6)
    copy_start(one, several)
    one.fit(DATA, batch_size=4, epochs=2, verbose=0)
    several.fit(DATA, batch_size=4, epochs=2, verbose=0)
    # XLA fuses a loop's body another way than a single step, hence the last bits on JAX.
    for a, b in zip(values(one), values(several), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("error:Your input ran out of data")
def test_steps_that_do_not_fill_the_last_execution_are_no_news_but_missing_data_are():
    model = vector_gan(steps_per_execution=5)
    model.fit(DATA, batch_size=8, epochs=2, verbose=0)
    assert int(model.iterations) == 2 * (len(DATA) // 8) and len(DATA) // 8 % 5
    with pytest.warns(UserWarning, match="ran out of data"):
        model.fit(DATA, batch_size=8, epochs=1, steps_per_epoch=50, verbose=0)


def test_same_seed_same_training_other_seed_other():
    start, runs = vector_gan(), []
    for seed in (0, 0, 1):
        model = vector_gan(seed)
        copy_start(start, model)
        model.fit(DATA, batch_size=8, epochs=2, verbose=0)
        runs.append([ops.convert_to_numpy(v) for v in model.generator.variables])
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


@pytest.mark.slow  # DCGAN does so among its checks
def test_training_goes_on_exactly_through_a_file(tmp_path):
    whole = vector_gan()
    parts = vector_gan()
    copy_start(whole, parts)
    whole.fit(DATA, batch_size=8, epochs=4, verbose=0)
    parts.fit(DATA, batch_size=8, epochs=2, verbose=0)
    parts.save(tmp_path / "half.keras")
    parts = keras.models.load_model(tmp_path / "half.keras")
    parts.fit(DATA, batch_size=8, epochs=4, initial_epoch=2, verbose=0)
    assert same(values(whole), values(parts))


def test_average_against_numpy():
    batch, steps, half_life, ramp = 8, 12, 20.0, 0.5
    model = vector_gan(ema_half_life=half_life, ema_rampup=ramp)
    average = [np.float64(w) for w in model.generator.get_weights()]
    for step in range(steps):
        model.fit(DATA[:batch], batch_size=batch, epochs=1, verbose=0)
        life = min(half_life, ramp * batch * step)
        decay = 0.5 ** (batch / life) if life else 0.0
        average = [decay * a + (1 - decay) * w for a, w in zip(average, model.generator.get_weights(), strict=True)]
    for a, b in zip(average, model.ema_generator.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert not same(model.generator.get_weights(), model.ema_generator.get_weights())


def test_simultaneous_players_start_from_the_same_point():
    sgd = {f"{player}_optimizer": keras.optimizers.SGD(0.5) for player in ("generator", "discriminator")}
    alternating = vector_gan(**sgd)
    simultaneous = vector_gan(update="simultaneous", **{k: keras.optimizers.SGD(0.5) for k in sgd})
    copy_start(alternating, simultaneous)
    for model in (alternating, simultaneous):
        model.fit(DATA[:8], batch_size=8, verbose=0, shuffle=False)
    assert same(alternating.discriminator.get_weights(), simultaneous.discriminator.get_weights())
    assert not same(alternating.generator.get_weights(), simultaneous.generator.get_weights())


def logistic(t):
    return 1.0 / (1.0 + np.exp(-t))


def linear_gan(**recipe):
    linear = {
        "generator": keras.Sequential([keras.Input((3,)), layers.Dense(2)]),
        "discriminator": keras.Sequential([keras.Input((2,)), layers.Dense(1)]),
    }
    model = LatentModel((2,), latent_dim=3, seed=0, **linear)
    rates = {"discriminator": 0.5, "generator": 0.25}
    model.compile(**{f"{k}_optimizer": keras.optimizers.SGD(v) for k, v in rates.items()}, **recipe)
    return model


def test_one_forward_pass_against_numpy():
    """Both players see the same samples, the generator through the discriminator that has learned from them."""
    x, steps = np.float64(DATA[:8]), 3
    shared, usual = linear_gan(update="alternating_shared"), linear_gan()
    copy_start(shared, usual)
    (w, b), (v, c) = ([np.float64(a) for a in network.get_weights()] for network in shared.networks.values())
    for step in range(steps):
        with keras.StatelessScope(shared.random_states((shared.game[1],), step, 0)):
            z = np.float64(ops.convert_to_numpy(shared.draw_latents(8, shared.random)))
        fake = z @ w + b
        real_slope, fake_slope = logistic(x @ v + c) - 1, logistic(fake @ v + c)
        v = v - 0.5 * (x.T @ real_slope + fake.T @ fake_slope) / 8
        c = c - 0.5 * (real_slope + fake_slope).mean(axis=0)
        slope = (logistic(fake @ v + c) - 1) @ v.T / 8
        w, b = w - 0.25 * z.T @ slope, b - 0.25 * slope.sum(axis=0)
    for model in (shared, usual):
        model.fit(DATA[:8], batch_size=8, epochs=steps, verbose=0, shuffle=False)
    found = [*shared.generator.get_weights(), *shared.discriminator.get_weights()]
    for ours, expected in zip(found, (w, b, v, c), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-6)
    assert np.abs(usual.generator.get_weights()[0] - w).max() > 1e-3


def test_a_further_phase_of_the_generator_has_a_pass_of_its_own():
    """Samples that were made before the generator's update have no gradient for another phase of the generator."""

    class Pulled(LatentModel):
        def phases(self):
            return (*super().phases(), Phase("pull", ("generator",), self.pull, "generator"))

        def pull(self, batch):
            return ops.mean(ops.square(self.generated(batch))), {}

    nets = {
        "generator": keras.Sequential([keras.Input((3,)), layers.Dense(2)]),
        "discriminator": keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="zeros")]),
    }
    model = Pulled((2,), latent_dim=3, seed=0, **nets)
    rates = {"discriminator_optimizer": keras.optimizers.SGD(0.0), "generator_optimizer": keras.optimizers.SGD(0.1)}
    model.compile(update="alternating_shared", **rates)
    before = model.generator.get_weights()[0]
    model.fit(DATA[:8], batch_size=8, verbose=0)  # of a discriminator of zeros the generator learns nothing
    assert np.linalg.norm(model.generator.get_weights()[0]) < 0.98 * np.linalg.norm(before)


def test_only_a_forward_pass_that_a_game_has_can_be_shared():
    model = vector_gan()
    model.forward_pass = None
    with pytest.raises(ValueError, match="has no forward pass"):
        model.compile(update="alternating_shared")
    with pytest.raises(ValueError, match="`microbatch` cannot be combined"):
        model.compile(update="alternating_shared", microbatch=4)


def test_shared_forward_pass_runs_once_in_simultaneous_updates():
    calls = []

    class Counting(LatentModel):
        @kerasgan.shared
        def generated(self, batch):
            calls.append(1)
            return super().generated(batch)

    for update, expected in (("alternating", 2), ("alternating_shared", 1), ("simultaneous", 1)):
        model = Counting((2,), latent_dim=3, **networks())
        model.compile(update=update)
        calls.clear()
        model.fit(DATA[:8], batch_size=8, verbose=0)
        assert len(calls) == expected


def test_regularisers_count_for_their_own_network_only():
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(2, kernel_regularizer=keras.regularizers.L2(1e3))])
    sgd = {f"{player}_optimizer": keras.optimizers.SGD(1e-4) for player in ("generator", "discriminator")}
    model = LatentModel((2,), latent_dim=3, generator=generator, discriminator=networks()["discriminator"], seed=0)
    model.compile(**sgd)
    before = generator.get_weights()[0]
    model.fit(DATA[:8], batch_size=8, verbose=0)
    np.testing.assert_allclose(generator.get_weights()[0], before * (1 - 2 * 1e3 * 1e-4), atol=1e-3)


def test_clipped_weights_stay_within():
    model = vector_gan(loss="wasserstein", clip_weights=0.01)
    model.fit(DATA, batch_size=8, verbose=0)
    assert max(np.abs(w).max() for w in model.discriminator.get_weights()) <= 0.01 + 1e-9
    assert max(np.abs(w).max() for w in model.generator.get_weights()) > 0.01


def test_weights_are_clipped_no_longer_where_the_recipe_says_none():
    model = vector_gan(loss="wasserstein", clip_weights=0.01)
    model.compile(loss="wasserstein", discriminator_optimizer=keras.optimizers.SGD(1.0))
    model.fit(DATA, batch_size=8, verbose=0)
    assert max(np.abs(w).max() for w in model.discriminator.get_weights()) > 0.02
    with pytest.raises(ValueError, match="must be positive"):
        model.compile(loss="wasserstein", clip_weights=0)


def test_a_users_own_clipping_stays():
    model = vector_gan(loss="wasserstein")
    mine = clip_weights(model.discriminator, 0.03)
    model.compile(loss="wasserstein")
    assert all(variable.constraint is mine for variable in model.discriminator.trainable_variables)


def test_logs_have_constant_keys_and_the_phases_losses():
    model = vector_gan(generator_every=3, penalties=("r1",))
    history = model.fit(DATA, batch_size=8, epochs=3, verbose=0).history
    assert set(history) == {"discriminator_loss", "real_logits", "fake_logits", "r1", "generator_loss"}
    assert all(len(v) == 3 and np.all(np.isfinite(v)) for v in history.values())


def test_seed_states_are_known_and_differ_everywhere():
    states = ops.convert_to_numpy(seed_states(5, 3, 7, 1, 0))
    assert states.tolist() == [[1008910729, 802189294], [1751944138, 1253159868], [2000356718, 1911219494]]
    seen = {
        tuple(row)
        for seed in (0, 1)
        for step in range(8)
        for phase in range(3)
        for replica in range(4)
        for row in ops.convert_to_numpy(seed_states(seed, 5, step, phase, replica)).tolist()
    }
    assert len(seen) == 2 * 8 * 3 * 4 * 5


def test_tensor_seed_draws_what_the_integer_draws():
    for seed in (0, 3, 2**31 - 3):
        wanted = keras.random.normal((5,), seed=seed)
        given = keras.random.normal((5,), seed=TensorSeed(ops.convert_to_tensor(seed, "int32")))
        assert np.array_equal(ops.convert_to_numpy(wanted), ops.convert_to_numpy(given))


def test_samples_do_not_depend_on_the_chunks():
    model = vector_gan()
    np.testing.assert_allclose(model.sample(7, seed=3), model.sample(7, seed=3, batch_size=2), rtol=1e-6, atol=1e-7)
    assert not np.allclose(model.sample(7, seed=3), model.sample(7, seed=4))
    assert model.sample(0).shape == (0, 2)
    with pytest.raises(ValueError, match="0 or more"):
        model.sample(1, seed=-1)
    with pytest.raises(ValueError, match="unconditional"):
        model.sample(1, labels=[0])


class Broken(LatentModel):
    wrong = None

    def phases(self):
        return (self.wrong,)


def no_loss(batch):
    return 0.0, {}


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [
        (Phase("one", ("critic",), no_loss, "generator"), "trains 'critic'"),
        (Phase("one", ("generator",), no_loss, "critic"), "uses the optimizer 'critic'"),
        (Phase("one", ("generator",), no_loss, "generator", every=0), "every 0 steps"),
    ],
)
def test_a_game_that_cannot_be_played_is_refused(phase, sentence):
    model = Broken((2,), latent_dim=3, **networks())
    model.wrong = phase
    with pytest.raises(ValueError, match=sentence):
        model.compile()


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"no 'lr'.*generator_optimizer"):
        vector_gan(lr=1.0)
    with pytest.raises(ValueError, match="expected one of 'alternating'"):
        vector_gan(update="both")
    with pytest.raises(ValueError, match="positive integer"):
        vector_gan(batch_size=0)
    with pytest.raises(ValueError, match="has no variables yet"):
        LatentModel((2,), generator=keras.Sequential([layers.Dense(2)]), discriminator=networks()["discriminator"])
    for missing in ("generator", "discriminator"):
        given = {name: network for name, network in networks().items() if name != missing}
        with pytest.raises(NotImplementedError, match=f"build_{missing}"):
            LatentModel((2,), latent_dim=3, **given)


@pytest.mark.tensorflow
def test_xla_under_a_strategy_is_refused():
    import tensorflow as tf

    with (
        tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope(),
        pytest.raises(ValueError, match="jit_compile=True is not supported"),
    ):
        vector_gan(jit_compile=True)


def test_short_epochs_have_each_an_order_of_their_own():
    """Of 12 batches three an epoch: the second epoch begins with the first batches of its own order, also resumed."""
    model = vector_gan(seed=4)
    seen = []
    orders = [epoch_order(len(DATA), 4, epoch)[:24] for epoch in (0, 1)]
    batches = ArrayBatches(DATA, 8, 4)
    arguments = {"steps_per_epoch": 3}
    batches.shorten(arguments)
    assert arguments == {} and batches.steps == 3
    for steps in (5, 3):  # of the whole, whatever an earlier fit wanted
        batches.shorten({"steps_per_epoch": steps})
        assert batches.steps == steps
    for epoch in (0, 1):
        batches.on_epoch_begin(epoch)
        seen.append(batches.order().reshape(-1))
    np.testing.assert_array_equal(seen, orders)
    whole, again = vector_gan(seed=4), vector_gan(seed=4)
    for each in (whole, again):
        copy_start(model, each)
    whole.fit(DATA, batch_size=8, epochs=2, steps_per_epoch=3, verbose=0)
    again.fit(DATA, batch_size=8, epochs=1, steps_per_epoch=3, verbose=0)
    again.fit(DATA, batch_size=8, initial_epoch=1, epochs=2, steps_per_epoch=3, verbose=0)
    assert int(ops.convert_to_numpy(whole.iterations)) == 6 and same(values(whole), values(again))
