"""Scores come at their epochs, into the logs and a file, and a training is the same without them."""

import csv
import json
import random

import numpy as np
import pytest
from keras import ops

from kerasgan.callbacks import Evaluation, RunLog
from kerasgan.callbacks.checkpoint import named_variables
from kerasgan.data.kinds import Conditions, Labels

METRICS = ("frechet_distance", "nearest_neighbour")


@pytest.fixture
def real():
    return np.random.default_rng(1).uniform(-1, 1, (50, 4, 4, 1)).astype("float32")


def weights(model):
    return {name: ops.convert_to_numpy(variable) for name, variable in named_variables(model).items()}


def test_a_training_is_the_same_without_it(begin, images, real):
    ends = []
    for callbacks in ([], [Evaluation(real, METRICS, features="random-conv-seed0")]):
        model = begin()
        random.seed(3)
        np.random.seed(3)
        model.fit(images, epochs=2, verbose=0, callbacks=callbacks)
        ends.append((weights(model), random.random(), np.random.random()))
    (without, *first), (scored, *second) = ends
    assert first == second
    for name in without:
        np.testing.assert_array_equal(without[name], scored[name], err_msg=name)


def test_scores_of_both_generators_go_into_the_history_every_few_epochs_and_at_the_end(model, images, real, tmp_path):
    callback = Evaluation(real, METRICS, every_epochs=2, seed=7, folder=tmp_path, features="random-conv-seed0")
    history = model.fit(images, epochs=5, verbose=0, callbacks=[callback, RunLog(tmp_path)]).history
    names = [f"{kind}_{score}" for kind in ("ema", "raw") for score in callback.evaluator.scores]
    assert "ema_frechet_distance" in names and "raw_nearest_neighbour_fake" in names
    assert all(len(history[name]) == 3 for name in names)
    with open(tmp_path / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["raw_frechet_distance"]) for row in rows] == [False, True, False, True, True]
    for kind in ("ema", "raw"):
        expected = callback.evaluator(model.sample(25, seed=7, ema=kind == "ema"))
        assert {score: history[f"{kind}_{score}"][-1] for score in expected} == expected
        assert float(rows[-1][f"{kind}_frechet_distance"]) == expected["frechet_distance"]
    assert history["ema_frechet_distance"][-1] != history["raw_frechet_distance"][-1]
    saved = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))
    assert [entry["epoch"] for entry in saved["epochs"]] == [2, 4, 5]
    assert saved["epochs"][-1]["images_seen"] == 80
    assert saved["epochs"][-1]["raw"]["frechet_distance"] == history["raw_frechet_distance"][-1]
    assert saved["protocol"]["features"] == "random-conv-seed0"
    assert saved["floor"] == callback.evaluator.floor
    assert saved["floor"]["frechet_distance"] < saved["epochs"][-1]["ema"]["frechet_distance"]

    # A training that goes on from epoch 4 writes epoch 5 anew and keeps those before.
    again = Evaluation(real, METRICS, weights=("raw",), folder=tmp_path, features="random-conv-seed0")
    model.fit(images, initial_epoch=4, epochs=5, verbose=0, callbacks=[again])
    entries = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))["epochs"]
    assert [entry["epoch"] for entry in entries] == [2, 4, 5]
    assert "ema" in entries[1] and "ema" not in entries[2]


def test_a_conditional_model_is_asked_for_the_labels_of_the_real_samples(real):
    class Model:
        generates, conditions = True, Conditions(Labels(3))
        asked = ()

        def sample(self, count, seed, labels, ema):
            self.asked = labels
            return 3 * real[:count]  # beyond [-1, 1], as generators without tanh

    labels, model = np.arange(50) % 3, Model()
    callback = Evaluation((real, labels), ("classification_accuracy", "frechet_distance"), features="random-conv-seed0")
    callback.set_model(model)
    scores = callback.scores()
    np.testing.assert_array_equal(model.asked, callback.evaluator.labels)
    assert scores["frechet_distance"] > 0


def test_samples_that_are_not_finite_score_nan(model, images, real, tmp_path):
    callback = Evaluation(real, METRICS, folder=tmp_path, weights=("raw",))
    callback.set_model(model)
    callback.set_params({"epochs": 1})
    callback.on_train_begin()
    before = model.generator.get_weights()
    model.generator.set_weights([weight * np.nan for weight in before])
    logs = {}
    callback.on_epoch_end(0, logs)
    model.generator.set_weights(before)
    assert logs.keys() == {f"raw_{score}" for score in callback.evaluator.scores}
    assert np.isnan(list(logs.values())).all()
    (entry,) = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))["epochs"]
    assert set(entry["raw"].values()) == {None}


def test_what_it_refuses(real):
    with pytest.raises(ValueError, match="expected 'ema', 'raw' or both"):
        Evaluation(real, weights=("best",))
    with pytest.raises(ValueError, match="object does not generate samples"):
        Evaluation(real).set_model(object())
