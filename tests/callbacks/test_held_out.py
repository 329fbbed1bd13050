"""`HeldOut`: the best weights are kept, and a training ends for each of its reasons."""

import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from kerasgan import GAN
from kerasgan.callbacks import HeldOut, load_best, read_best
from kerasgan.callbacks.held_out import RECOVERY


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0) if keras.backend.backend() == "tensorflow" else np.random.seed(0)
    model = GAN((8, 8, 1), latent_dim=2, units=4, seed=0)
    model.compile(batch_size=8)
    return model


IMAGES = np.random.default_rng(0).uniform(-1, 1, (24, 8, 8, 1)).astype("float32")


def judge(model, tmp_path, distances, **options):
    """A callback whose distances are given."""
    one = HeldOut(IMAGES, tmp_path / "best.npz", features="pixels", count=8, tell=lambda text: None, **options)
    one.set_model(model)
    given = iter(distances)
    one.distance = lambda: next(given)
    one.on_train_begin()
    model.stop_training = False
    return one


def play(one, rounds):
    logs = {}
    for epoch in range(rounds):
        one.on_epoch_end(epoch, logs)
        if one.model.stop_training:
            return epoch + 1, logs
    return rounds, logs


def test_the_weights_of_the_smallest_distance_are_kept(model, tmp_path):
    one, network = judge(model, tmp_path, [3.0, 1.0, 2.0, math.inf]), model.ema_generator
    first = network.get_weights()
    for epoch in range(4):
        network.set_weights([weights * 0 + epoch for weights in first])
        one.on_epoch_end(epoch)
    assert load_best(model, one.path)["distance"] == 1.0
    assert all((weights == 1).all() for weights in network.get_weights())
    network.set_weights(first)
    assert one.best["epoch"] == 2 and one.get_state()["evaluations"][-1]["distance"] is None
    other = judge(model, tmp_path, [])
    other.set_state(one.get_state())
    assert other.evaluations == one.evaluations and other.best == one.best


def test_a_file_that_is_better_is_not_overwritten(model, tmp_path):
    play(judge(model, tmp_path, [1.0]), 1)
    play(judge(model, tmp_path, [2.0]), 1)  # resumed from before the first one
    assert read_best(tmp_path / "best.npz")[0]["distance"] == 1.0
    play(judge(model, tmp_path, [0.5]), 1)
    assert read_best(tmp_path / "best.npz")[0]["distance"] == 0.5


def test_reasons_to_end(model, tmp_path):
    one = judge(model, tmp_path, [2.0, 1.0, 3.0, 3.0, 3.0, 0.0], patience=3)
    assert play(one, 6)[0] == 5 and one.reason == "patience"
    one = judge(model, tmp_path, [1.0] * 9, patience=None)
    assert play(one, 9)[0] == 9 and one.reason is None
    one = judge(model, tmp_path, [1.0], minutes=1.0, every_epochs=5)
    one.seconds = 60.0
    assert play(one, 9)[0] == 1 and one.reason == "time"
    sick = [{"flags": ["collapse"]}] * RECOVERY
    one = judge(model, tmp_path, [1.0], health=SimpleNamespace(history=sick))
    assert play(one, 9)[0] == 1 and one.reason == "collapse"
    for history in (sick[1:], [*sick[1:], {"flags": []}], [{"flags": ["coverage"]}] * 9):
        one = judge(model, tmp_path, [1.0] * 3, health=SimpleNamespace(history=history))
        assert play(one, 3)[0] == 3


def test_the_distance_is_that_of_the_metrics_and_leaves_the_training_alone(model, tmp_path):
    from kerasgan.metrics import frechet_distance

    one = HeldOut(IMAGES, tmp_path / "best.npz", features="pixels", count=16, tell=lambda text: None)
    one.set_model(model)
    expected = frechet_distance(IMAGES, np.clip(model.sample(16, 0), -1, 1))
    assert one.distance() == pytest.approx(float(expected), rel=1e-6)

    def trained(callbacks):
        twin = GAN((8, 8, 1), latent_dim=2, units=4, seed=0)
        for name, network in twin.networks.items():
            network.set_weights(model.networks[name].get_weights())
        twin.compile(batch_size=8)
        history = twin.fit(IMAGES, epochs=2, verbose=0, callbacks=callbacks)
        return history.history, twin.generator.get_weights()

    history, with_it = trained([one])
    _, without = trained([])
    assert len(history["held_out_distance"]) == 2
    assert all(np.array_equal(a, b) for a, b in zip(with_it, without, strict=True))
