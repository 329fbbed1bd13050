"""`load`: the same data as arrays and as a data set, in an order that seed and epoch determine."""

import os
import subprocess
import sys

import numpy as np
import pytest

from kerasgan.data import load
from kerasgan.data.pipeline import epoch_order


def batches(dataset):
    return [[np.asarray(part) for part in batch] for batch in dataset]


def test_arrays():
    x, y = load("digits", as_numpy=True)
    assert x.shape == (898, 8, 8, 1) and x.dtype == np.float32
    assert y.shape == (898,) and y.dtype == np.int32
    assert x.min() == -1.0 and x.max() == 1.0
    np.testing.assert_array_equal(load("digits", labels=False, as_numpy=True), x)
    assert len(load("digits", split="train+test", labels=False, as_numpy=True)) == 1797
    assert load("digits", image_size=12, labels=False, as_numpy=True).shape == (898, 12, 12, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "validation"}, "'train' or 'test'"),
        ({"image_size": 10}, "multiple of 4 from 8 to 128"),
        ({"image_size": 256}, "multiple of 4 from 8 to 128"),
        ({"as_numpy": True, "batch_size": 8}, "pass batch_size to fit"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        load("digits", **arguments)


def test_epoch_order_is_a_function_of_seed_and_epoch():
    orders = [epoch_order(100, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(100))
    np.testing.assert_array_equal(epoch_order(100, 1, 0), orders[2])
    np.testing.assert_array_equal(epoch_order(5, None, 3), np.arange(5))


def test_arrays_need_no_tensorflow():
    program = (
        "import sys; from kerasgan.data import load; load('digits', as_numpy=True);"
        "assert not {'tensorflow', 'tensorflow_datasets'} & set(sys.modules)"
    )
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@pytest.mark.tensorflow
class TestDataset:
    def test_each_epoch_has_the_stated_order(self):
        x, y = load("digits", as_numpy=True)
        dataset = load("digits", batch_size=64, shuffle_seed=3)
        assert dataset.cardinality() == 14
        assert [tuple(spec.shape) for spec in dataset.element_spec] == [(64, 8, 8, 1), (64,)]
        for epoch in range(3):
            got_x, got_y = map(np.concatenate, zip(*batches(dataset), strict=True))
            order = epoch_order(898, 3, epoch)[: 14 * 64]
            np.testing.assert_array_equal(got_x, x[order])
            np.testing.assert_array_equal(got_y, y[order])
        assert (got_x.dtype, got_y.dtype) == (np.float32, np.int32)

    def test_repeat_advances_the_epoch(self):
        x = load("digits", labels=False, as_numpy=True)
        repeated = list(load("digits", labels=False, batch_size=400).repeat(2))
        orders = [epoch_order(898, 0, epoch)[:800] for epoch in (0, 1)]
        np.testing.assert_array_equal(np.concatenate(repeated), x[np.concatenate(orders)])

    def test_without_batch_and_shuffle(self):
        x, y = load("digits", as_numpy=True)
        dataset = load("digits", shuffle_seed=None)
        assert dataset.cardinality() == 898
        got_x, got_y = map(np.stack, zip(*batches(dataset), strict=True))
        np.testing.assert_array_equal(got_x, x)
        np.testing.assert_array_equal(got_y, y)

    def test_a_strategy_deals_out_every_example_once(self):
        import tensorflow as tf

        devices = [device.name for device in tf.config.list_logical_devices("CPU")[:2]]
        strategy = tf.distribute.MirroredStrategy(devices)
        x = load("digits", labels=False, as_numpy=True)
        dataset = load("digits", labels=False, batch_size=128)
        parts = [
            np.asarray(part)
            for batch in strategy.experimental_distribute_dataset(dataset)
            for part in strategy.experimental_local_results(batch)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), x[epoch_order(898, 0, 0)[: 7 * 128]])

    @pytest.mark.parametrize("batch_size", [0, 899])
    def test_a_batch_that_does_not_fit_is_refused(self, batch_size):
        with pytest.raises(ValueError, match=f"batch_size is {batch_size}; expected 1 to 898"):
            load("digits", batch_size=batch_size)

    def test_unknown_and_unprepared_names_fail_at_once(self, monkeypatch, tmp_path):
        tfds = pytest.importorskip("tensorflow_datasets")
        with pytest.raises(ValueError, match="no known data set; expected one of 'digits'"):
            load("digit")
        monkeypatch.setattr(tfds, "builder", lambda name: _tfds_builder(tmp_path))
        with pytest.raises(ValueError, match=r"not prepared in .*download_and_prepare\(\)"):
            load("mnist")

    def test_a_prepared_tfds_data_set_is_read(self, monkeypatch, tmp_path):
        tfds = pytest.importorskip("tensorflow_datasets")
        builder = _tfds_builder(tmp_path)
        builder.download_and_prepare()
        monkeypatch.setattr(tfds, "builder", lambda name: builder)
        x, y = load("mnist", split="test", as_numpy=True)
        own_x, own_y = load("digits", split="test", as_numpy=True)
        assert x.dtype == np.float32 and y.dtype == np.int32

        def rows(x, y):
            return sorted(map(tuple, np.column_stack([np.rint(x.reshape(-1, 64)), y])))

        # TFDS does not know the range of the levels and takes them for [0, 255].
        assert rows((x + 1) * 127.5, y) == rows((own_x + 1) * 8, own_y)
        assert load("mnist", split="test[:3]", labels=False, as_numpy=True).shape == (3, 8, 8, 1)


def _tfds_builder(data_dir):
    from kerasgan.data.builders import Digits, tfds_builder

    return tfds_builder(Digits(), data_dir=data_dir)
