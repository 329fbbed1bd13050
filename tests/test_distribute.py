"""Strategies: what is made, what is refused, what becomes of batches that replicas cannot share."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.distribute import check_batch_size, is_chief, strategy
from kerasgan.testing import mirrored_strategy
from tests.toys import ON_TENSORFLOW, linear_game, vectors


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("parameter_server",), "asynchronous"),
        (("horovod",), "no strategy 'horovod'. Strategies: auto, none, mirrored"),
        (("none", 2), "argument of the strategy"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        strategy(*arguments)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("arguments", "config", "sentence"),
    [
        (("mirrored",), "", "no GPU to mirror on. Pass devices=2"),
        (("mirrored", 3), "", "already started with 2 logical CPU"),
        (("multi_worker",), "", "needs TF_CONFIG"),
        (("multi_worker",), "{", "TF_CONFIG is not valid JSON"),
        (("multi_worker",), json.dumps({"cluster": {"worker": ["a:1", "b:1"], "ps": ["c:1"]}}), "parameter servers"),
        (("tpu",), "", "No TPU was found"),
    ],
)
def test_what_this_machine_has_not_is_refused(arguments, config, sentence, monkeypatch):
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    monkeypatch.delenv("TPU_NAME", raising=False)
    with pytest.raises(ValueError, match=sentence):
        strategy(*arguments)


def test_nothing_to_distribute_over_is_one_device(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if not ON_TENSORFLOW:
        monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    for name in ("auto", "none"):
        with strategy(name).scope():
            model = linear_game()
        assert not model.has_peers and model.is_chief


@pytest.mark.tensorflow
def test_the_chief_by_the_environment(monkeypatch):
    def config(job, index, **cluster):
        return json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})

    workers = {"worker": ["a:1", "b:1"]}
    for text, expected in [
        ("", True),
        (config("worker", 0, **workers), True),
        (config("worker", 1, **workers), False),
        (config("worker", 0, chief=["c:1"], **workers), False),
        (config("chief", 0, chief=["c:1"], **workers), True),
    ]:
        monkeypatch.setenv("TF_CONFIG", text)
        assert is_chief() == expected, text


def test_a_batch_that_replicas_cannot_share():
    check_batch_size(64, 4)
    with pytest.raises(ValueError, match=r"batch_size=64 cannot be shared equally by 3 replicas.*Use 63 or 66"):
        check_batch_size(64, 3)
    with pytest.raises(ValueError, match="Use 3"):
        check_batch_size(2, 3)


@pytest.mark.tensorflow
def test_uneven_batches_of_a_data_set_lose_what_replicas_cannot_share():
    """Batches of 5, 5 and 1 on two replicas train as batches of 4 and 4 on one device."""
    import tensorflow as tf

    x = vectors(11, 1)
    with mirrored_strategy(2).scope():
        two = linear_game()
    one = linear_game()
    two.fit(tf.data.Dataset.from_tensor_slices(x).batch(5), verbose=0)
    one.fit(tf.data.Dataset.from_tensor_slices(np.concatenate([x[:4], x[5:9]])).batch(4), verbose=0)
    assert [int(ops.convert_to_numpy(m.iterations)) for m in (one, two)] == [2, 2]
    assert [int(ops.convert_to_numpy(m.images_seen)) for m in (one, two)] == [8, 8]


@pytest.mark.tensorflow
def test_arrays_that_replicas_cannot_share_are_refused():
    with mirrored_strategy(2).scope():
        model = linear_game()
    with pytest.raises(ValueError, match="cannot be shared equally by 2 replicas"):
        model.fit(vectors(9, 1), batch_size=3, verbose=0)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_several_steps_an_execution_on_replicas():
    x, ends = vectors(24, 1), []
    for count in (1, 3):
        with mirrored_strategy(2).scope():
            model = linear_game(recipe={"steps_per_execution": count})
        model.fit(x, batch_size=4, epochs=2, verbose=0)
        ends.append([ops.convert_to_numpy(v) for v in model.trainable_variables])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_array_equal(a, b)
