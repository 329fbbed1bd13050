"""The health of made-up generators is what they were made to be; the callback tells it, and touches nothing."""

import io
import json

import keras
import numpy as np
import pytest
from keras import layers, ops
from PIL import Image
from rich.console import Console

from kerasgan import LatentModel
from kerasgan.callbacks import GANHealth
from kerasgan.callbacks.health import choose
from kerasgan.callbacks.health.evaluation import (
    CYCLE_LENGTH,
    Examiner,
    Reals,
    goes_in_circles,
    mean_distance,
    spectral_norm,
)
from kerasgan.run import set_random_seed
from tests.toys import Toy, assert_equal, linear_game, vectors, weights

ANGLES = 2 * np.pi * np.arange(8) / 8
MEANS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def ring(count, seed, modes=8, sigma=0.01):
    """Points of some of the modes of a ring, and their modes."""
    random = np.random.default_rng(seed)
    labels = random.integers(modes, size=count)
    return MEANS[labels] + sigma * random.standard_normal((count, 2)), labels


@pytest.fixture(scope="module")
def reals():
    return Reals((ring(512, 0)[0], None), (ring(512, 1)[0], None), modes=MEANS)


def test_other_reals_are_healthy(reals):
    signals, shares = reals.quality(ring(512, 2)[0])
    for name in ("recall", "coverage", "diversity", "density", "precision"):
        assert signals[name] == pytest.approx(1.0, abs=0.1)
    assert signals["class_diversity"] > 0.8
    assert signals["duplicates"] < 0.05 and signals["class_divergence"] < 0.05 and signals["missing_classes"] == 0
    assert signals["frechet_distance"] < 0.02 and signals["different_bins"] < 0.2
    assert shares.sum() == pytest.approx(1.0)


def test_one_sample_is_a_total_collapse(reals):
    signals, _ = reals.quality(MEANS[:1] + 1e-6 * np.random.default_rng(0).standard_normal((512, 2)))
    assert signals["diversity"] < 1e-3 and signals["duplicates"] == 1.0 and signals["recall"] < 0.01
    assert signals["class_divergence"] == pytest.approx(np.log(8), abs=0.1) and signals["missing_classes"] == 7


def test_missing_modes_are_no_total_collapse(reals):
    signals, _ = reals.quality(ring(512, 2, modes=4)[0])
    assert signals["diversity"] > 0.5 and signals["missing_classes"] == 4
    assert signals["missing_share"] == pytest.approx(0.5, abs=0.05)
    assert signals["class_divergence"] == pytest.approx(np.log(2), abs=0.1)
    assert signals["recall"] == pytest.approx(0.5, abs=0.1)


def test_narrow_modes_are_a_collapse_within_each(reals):
    signals, _ = reals.quality(ring(512, 2, sigma=0.002)[0])
    assert signals["class_diversity"] < 0.3 and signals["diversity"] == pytest.approx(1.0, abs=0.1)


def test_classes_are_those_of_a_classifier_or_clusters():
    x = ring(512, 0)[0]
    halves = Reals((x, None), classifier=lambda samples: samples[:, 0] > 0)
    assert (halves.classes, halves.classes_are) == (2, "classifier")
    assert halves.quality(x[x[:, 0] > 0])[0]["missing_classes"] == 1
    clusters = Reals((x, None))
    assert clusters.classes_are == "10 clusters" and len(clusters.reference) == 256
    assert clusters.quality(x)[0]["class_divergence"] < 0.01


def test_large_samples_are_projected_and_their_distances_kept():
    random = np.random.default_rng(0)
    x = random.standard_normal((100, 20, 20, 3)).clip(-4, 4).astype("float32") / 4
    reals = Reals((x, None))
    assert reals.space == "pixels, 1200 projected to 256"
    assert reals.spread == pytest.approx(mean_distance(x.reshape(100, -1).astype("float64")), rel=0.02)
    named = Reals((x, None), features=lambda images: images.mean(axis=(1, 2)))
    assert named.train.shape == (100, 3) and "lambda" in named.space


def test_copies_are_nearer_to_the_training_set(reals):
    examiner = Examiner(reals)
    copies = examiner._copying(reals.train + 1e-6)
    assert copies["nearer_to_train"] > 0.99 and copies["copy_distance"] < 0.01 and copies["copy_score"] < -3
    for sigma in (0.01, 0.005):  # narrow modes are nearer to any reals
        honest = examiner._copying(ring(512, 2, sigma=sigma)[0])
        assert honest["nearer_to_train"] == pytest.approx(0.5, abs=0.07)


def test_overfitting_is_a_share_of_the_way():
    """D(x) = 2 x on training samples around 1, unseen ones around 0.25 and generated ones around 0."""
    random = np.random.default_rng(0)
    train, unseen = (mean + 0.1 * random.standard_normal((256, 1)).astype("float32") for mean in (1.0, 0.25))
    model = linear_game("non_saturating", kernels=(0.1, 2.0))
    examiner = Examiner(Reals((train, None), (unseen, None)), count=256)
    signals = examiner.examine(model)
    fake = model.sample(256, 0, ema=False).mean()
    expected = (train.mean() - unseen.mean()) / (train.mean() - fake)
    assert signals["overfitting"] == pytest.approx(expected, rel=1e-4) and signals["overfitting_errors"] > 50
    assert signals["sign_train"] == 1.0 and signals["spectral_norm"] == pytest.approx(2.0)
    assert "turn" not in signals and "hop" not in signals and "label_effect" not in signals


def test_changes_between_evaluations():
    """G(z) = a z: from a = 0.1 over 0.2 to 0.1, so that the weights turn back."""
    examiner = Examiner(Reals((vectors(128, 1), None)), count=128)
    model = linear_game(kernels=(0.1, 1.0))
    for a in (0.1, 0.2, 0.1):
        model.generator.set_weights([np.full((1, 1), a, "float32")])
        signals = examiner.examine(model)
    z = model.sample(128, 0, ema=False) / 0.1
    assert signals["turn"] == pytest.approx(-1.0)
    assert signals["drift"] == pytest.approx(np.abs(z).mean() / mean_distance(z.astype("float64")), rel=1e-4)
    assert 0.0 < signals["hop"] <= 1.0
    assert signals["gap"] == pytest.approx(1.0)  # the average is at 0.1, too


def conditional(label_weight, latent_weight):
    """A model of two classes of points, G(z, y) = latent_weight z + label_weight (y, y)."""
    latents, labels = keras.Input((2,), name="latents"), keras.Input((), dtype="int32", name="labels")
    fixed = {"trainable": False, "use_bias": False}
    embedded = layers.Embedding(2, 2, name="embedding")
    x = layers.Add()([layers.Dense(2, name="scale", **fixed)(latents), embedded(labels)])
    generator = keras.Model([latents, labels], x)
    generator.get_layer("scale").set_weights([latent_weight * np.eye(2)])
    embedded.set_weights([label_weight * np.array([[0.0, 0.0], [1.0, 1.0]])])
    images, labels = keras.Input((2,), name="images"), keras.Input((), dtype="int32", name="labels")
    judged = layers.Concatenate()([images, layers.Embedding(2, 2)(labels)])
    discriminator = keras.Model([images, labels], layers.Dense(1)(judged))
    model = LatentModel((2,), 2, num_classes=2, generator=generator, discriminator=discriminator, seed=0)
    model.compile()
    return model


def test_effects_of_labels_and_latents():
    x, y = vectors(128, 2), np.arange(128) % 2
    examiner = Examiner(Reals((x, y), (x, y)), count=128)
    effects = {}
    for label_weight, latent_weight in ((3.0, 1.0), (0.0, 1.0), (3.0, 0.0)):
        signals = examiner.examine(conditional(label_weight, latent_weight))
        effects[label_weight, latent_weight] = signals["label_effect"], signals["latent_effect"]
    spread = mean_distance(x.astype("float64"))
    assert effects[3.0, 1.0][0] == pytest.approx(3 * np.sqrt(2) / spread, rel=1e-4)
    assert effects[3.0, 1.0][1] == pytest.approx(1.0, abs=0.2)
    assert effects[0.0, 1.0][0] == 0.0 and effects[3.0, 0.0][1] == 0.0


def test_spectral_norm_is_the_largest_singular_value():
    matrix = np.random.default_rng(0).standard_normal((30, 8)).astype("float32")
    assert spectral_norm(matrix) == pytest.approx(np.linalg.svd(matrix, compute_uv=False)[0], rel=0.02)


def test_circles_are_told_from_noise_and_from_drift():
    time, random = np.arange(CYCLE_LENGTH), np.random.default_rng(0)
    around = np.eye(4)[time // 3 % 4]
    assert goes_in_circles(around)
    assert not goes_in_circles(around[:-1])  # too short to tell
    assert not goes_in_circles(0.25 + 0.1 * (around - 0.25))  # a small ripple
    assert not goes_in_circles(np.eye(4)[np.minimum(time // 8, 3)])  # goes on, and does not come back
    noise = random.dirichlet(np.ones(8), size=(50, CYCLE_LENGTH))
    assert sum(map(goes_in_circles, noise)) <= 2


def test_choice_of_reals():
    x, y = vectors(100), np.arange(100)
    (some, labels), (again, _), (other, _) = choose((x, y), 64, 0), choose((x, y), 64, 0), choose((x, y), 64, 1)
    assert some.shape == (64, 4) and (some == x[labels]).all() and (some == again).all() and (some != other).any()
    batches = [(x[start : start + 10], y[start : start + 10]) for start in range(0, 100, 10)]
    some, labels = choose(batches, 25, 0)
    assert len(some) == 25 and labels.max() < 30 and (some == x[labels]).all()
    assert choose([x[:20], x[20:]], 30, 0)[1] is None
    with pytest.raises(ValueError, match="got 5 real samples"):
        choose(x[:5], 64, 0)


def toy(**recipe):
    set_random_seed(0)
    model = Toy(seed=5)
    model.compile(**recipe)
    return model


def health_of(**options):
    return GANHealth(vectors(96, seed=3), vectors(96, seed=4), count=64, console=Console(quiet=True), **options)


@pytest.mark.tensorflow
def test_training_is_not_touched_and_logs_are_the_same(tmp_path):
    plain, watched = toy(steps_per_execution=2), toy(steps_per_execution=2)
    health = health_of(every_steps=4, budget=None, folder=tmp_path)
    logs = [
        sorted(model.fit(vectors(80), batch_size=8, epochs=2, verbose=0, callbacks=callbacks).history)
        for model, callbacks in ((plain, []), (watched, [health]))
    ]
    assert_equal(weights(plain), weights(watched))
    assert logs[0] == logs[1]
    assert [past["step"] for past in health.history] == [4, 8, 12, 16, 20]
    last = health.history[-1]
    signals = {"real_accuracy", "sample_gradient", "generator_gradient_norm", "discriminator_update_ratio", "recall"}
    assert signals <= set(last) and "generator_sample_gradient" not in last
    assert all(np.isfinite(last[name]) for name in signals)

    page = json.loads((tmp_path / "health.json").read_text(), parse_constant=pytest.fail)  # no NaN, no Infinity
    assert page["features"] == "pixels" and page["held_out"] == 64 and len(page["evaluations"]) == 5
    with Image.open(tmp_path / "health.png") as picture:
        assert picture.size[0] > 1000

    later = health_of()
    later.set_state(json.loads(json.dumps(health.get_state())))
    known = [{name: v for name, v in past.items() if v is not None} for past in health.get_state()["evaluations"]]
    assert later.history == known and later.findings == health.findings

    # It goes on in the next fit, from the steps that the model has taken.
    watched.fit(vectors(80), batch_size=8, verbose=0, callbacks=[health])
    assert [past["step"] for past in health.history[5:]] == [24, 28, 30]


def test_a_finding_is_told_once(tmp_path):
    said = io.StringIO()
    health = health_of(folder=tmp_path)
    health.console = Console(file=said, width=400)
    model = toy()
    model.generator.set_weights([np.zeros_like(w) for w in model.generator.get_weights()])
    health.set_model(model)
    for step in range(500, 1000, 100):
        model.iterations.assign(step)
        health.evaluate()
    assert [(each.name, each.step) for each in health.findings] == [("collapse", 700), ("duplicates", 700)]
    assert said.getvalue().count("Total mode collapse") == 1 and "packing=2" in said.getvalue()
    assert health.history[-1]["flags"] == ["collapse", "duplicates"]
    assert [each["name"] for each in json.loads((tmp_path / "health.json").read_text())["findings"]] == [
        "collapse",
        "duplicates",
    ]


def test_evaluations_that_would_cost_too_much_are_put_off():
    health, model = health_of(every_steps=1, budget=0.0), toy()
    model.fit(vectors(64), batch_size=8, verbose=0, callbacks=[health])
    # The first costs nothing by definition, the second uses the budget up, and the last is always taken.
    assert [past["step"] for past in health.history] == [1, 2, 8]


def test_arguments_that_cannot_be_meant():
    with pytest.raises(ValueError, match="count is 10"):
        GANHealth(vectors(64), count=10)
    with pytest.raises(ValueError, match=r"Pass GANHealth\(\(samples, labels\)\)"):
        GANHealth(vectors(64, 2), count=64).set_model(conditional(1.0, 1.0))


def test_a_generator_that_has_diverged_ends_no_training():
    model = linear_game()
    model.generator.set_weights([np.full((1, 1), np.nan, "float32")])
    assert Examiner(Reals((vectors(64, 1), None)), count=64).examine(model) == {"diverged": 1}


@pytest.mark.tensorflow
def test_tensorboard_gets_the_signals(tmp_path):
    import tensorflow as tf

    health = health_of(tensorboard=tmp_path)
    health.set_model(toy())
    health.evaluate()
    health.writer.close()
    (events,) = tmp_path.iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(events)):
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
            found[value.tag] = tf.make_ndarray(value.tensor)
    assert found["health/diversity"] == pytest.approx(health.history[0]["diversity"], rel=1e-6)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow writes TensorBoard's files")
def test_tensorboard_is_refused_elsewhere(tmp_path):
    with pytest.raises(ValueError, match="Leave tensorboard out"):
        health_of(tensorboard=tmp_path)


def test_games_without_samples_get_the_signals_of_their_steps():
    from tests.games import GAMES

    case = GAMES["two domains"]
    model = case.model()
    health = health_of(every_steps=1, budget=None)
    case.fit(model, 2, callbacks=[health])
    last = health.history[-1]
    assert last["generator_gradient_norm"] > 0 and last["discriminator_update_ratio"] > 0
    assert "diversity" not in last and "real_accuracy" not in last
    assert all(ops.convert_to_numpy(v).shape for v in model.signals["signals/generator"].variables)
