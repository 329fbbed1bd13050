"""`load`: one function for names, folders and arrays, in an order that seed and epoch determine."""

import hashlib
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerasgan.data import load, prepare, source
from kerasgan.data.builders import DATASETS, Digits, tfds_builder
from kerasgan.data.pipeline import ArrayBatches, epoch_order
from kerasgan.game.schedules import Stairs
from tests.data.toy import Toy


def batches(dataset):
    return [[np.asarray(part) for part in batch] for batch in dataset]


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(DATASETS, "toy", Toy)
    return Toy().arrays("train")


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
        ({"as_pairs": True}, "'digits' has no pairs"),
        ({"as_pairs": "yes"}, "expected True, False or 'unpaired'"),
        ({"as_pairs": True, "features": ("label",)}, "two sides"),
        ({"features": ("size",)}, "has the features image, label; expected 'size'"),
        ({"split": ("train", "test", "train")}, "expected one split, or two"),
        ({"count": 3}, "has no option count; expected none"),
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


def test_features_are_y_in_a_dictionary(toy):
    x, y = load("toy", features=("size", "label", "text", "mask", "sound", "target"), as_numpy=True)
    np.testing.assert_allclose(x, toy["image"] / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(y["size"], toy["size"])
    assert y["label"].dtype == np.int32 and y["label"].tolist() == toy["label"].tolist()
    assert y["text"].tolist() == toy["text"].tolist()
    assert y["mask"].dtype == bool and y["mask"].shape == (40, 4, 6, 1)
    np.testing.assert_array_equal(y["sound"], toy["sound"][..., None] / np.float32(32768))
    np.testing.assert_array_equal(y["target"], toy["target"] / 8.0 - 1)
    assert load("toy", features="size", as_numpy=True)[1].keys() == {"size"}


def test_config_and_options_of_a_name(toy):
    x = load("toy/other", labels=False, as_numpy=True, count=5)
    np.testing.assert_allclose(x, Toy("other").arrays("train")["image"][:5] / 127.5 - 1, atol=1e-6)
    with pytest.raises(ValueError, match="no config 'third'"):
        load("toy/third")


def test_pairs(toy):
    x, y = load("toy", as_pairs=True, as_numpy=True)
    np.testing.assert_array_equal(y, toy["target"] / 8.0 - 1)
    x, y = load("toy", as_pairs=True, as_numpy=True, image_size=8)
    assert x.shape == y.shape == (40, 8, 8, 3)


def test_a_sample_that_is_no_image(toy, monkeypatch):
    monkeypatch.setattr(Toy, "sample", "sound")
    x = load("toy", labels=False, as_numpy=True)
    assert x.shape == (40, 20, 1) and x.dtype == np.float32 and np.abs(x).max() <= 1
    with pytest.raises(ValueError, match="'sound' of 'toy/plain' is not an image"):
        load("toy", image_size=8)
    monkeypatch.setattr(Toy, "sample", "voxels")
    np.testing.assert_array_equal(load("toy", labels=False, as_numpy=True), toy["voxels"])


def test_arrays_of_ones_own():
    images = np.arange(6 * 12, dtype="uint8").reshape(6, 4, 3)
    x, y = load((images, np.arange(6)), as_numpy=True)
    np.testing.assert_allclose(x[..., 0], images / 127.5 - 1, atol=1e-6)
    assert x.shape == (6, 4, 3, 1) and y.dtype == np.int32
    assert load(images, as_numpy=True, image_size=8).shape == (6, 8, 8, 1)
    points = np.linspace(-3, 3, 12).reshape(6, 2)
    np.testing.assert_array_equal(load(points, as_numpy=True), points.astype("float32"))
    first, second = load((images, images[:4] // 2), as_pairs=True, as_numpy=True)
    assert first.shape[0] == 6 and second.shape == (4, 4, 3, 1)
    for data, arguments, message in (
        ((images, images, images), {}, "3 arrays"),
        (images, {"split": "test"}, "not split"),
        (images, {"count": 2}, "only with a name or a folder"),
        (images + 0.5, {}, "do not tell their range"),
        ((images, np.arange(4)), {"batch_size": 2}, r"\[6, 4\] examples; expected equal"),
    ):
        with pytest.raises(ValueError, match=message):
            load(data, **arguments)


def test_two_domains_have_orders_of_their_own():
    first, second = np.arange(10), np.arange(100, 125)
    domains = ArrayBatches((first, second), 5, shuffle_seed=1, unpaired=True, initial_epoch=4)
    batches = [domains.take(row) for row in domains.order()]
    x, y = (np.concatenate(side) for side in zip(*batches, strict=True))
    np.testing.assert_array_equal(x, epoch_order(10, 1, 4))
    np.testing.assert_array_equal(y, 100 + epoch_order(25, 1, 4, domain=1)[:10])
    assert len(set(epoch_order(25, 1, 4)) ^ set(range(25))) == 0
    assert (epoch_order(25, 1, 4) != epoch_order(25, 1, 4, domain=1)).any()
    domains.on_epoch_begin(5)
    y = np.concatenate([domains.take(row)[1] for row in domains.order()])
    assert set(y) - {100 + i for i in epoch_order(25, 1, 4, domain=1)[:10]}, "each epoch leaves out others"


PROGRAM = """
import hashlib
import numpy as np
from kerasgan.data import load

data = load("digits", batch_size=64, shuffle_seed=5, image_size=12, initial_epoch=2)
x, y = map(np.asarray, data[3] if hasattr(data, "num_batches") else next(iter(data.skip(3))))
print(hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_fresh_process_begins_in_mid_epoch():
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    x, y = load("digits", image_size=12, as_numpy=True)
    rows = epoch_order(898, 5, 2)[3 * 64 : 4 * 64]
    assert done.stdout.strip() == hashlib.sha256(x[rows].tobytes() + y[rows].tobytes()).hexdigest()
    data = load("digits", batch_size=64, shuffle_seed=5, image_size=12)
    epochs = [batches(data) for _ in range(3)]
    np.testing.assert_array_equal(epochs[2][3][0], x[rows])


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the data set of the JAX engine")
def test_without_tensorflow_batches_come_as_a_py_dataset():
    x, y = load("digits", as_numpy=True)
    dataset = load("digits", batch_size=64, shuffle_seed=3)
    assert len(dataset) == 14
    for epoch in range(2):
        got_x, got_y = map(np.concatenate, zip(*batches(dataset), strict=True))
        order = epoch_order(898, 3, epoch)[: 14 * 64]
        np.testing.assert_array_equal(got_x, x[order])
        np.testing.assert_array_equal(got_y, y[order])
    with pytest.raises(ValueError, match="expected a number with the JAX engine"):
        load("digits")


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

    def test_every_kind_of_feature(self, toy):
        dataset = load("toy", features=("size", "text", "mask"), batch_size=8, shuffle_seed=2, image_size=8)
        assert dataset.element_spec[0].shape == (8, 8, 8, 3) and dataset.element_spec[1]["size"].shape == (8,)
        order = epoch_order(40, 2, 0)
        rows = list(dataset.unbatch().as_numpy_iterator())
        assert [row["text"].decode() for _, row in rows] == toy["text"][order].tolist()
        np.testing.assert_array_equal([row["mask"] for _, row in rows], toy["mask"][order])
        x = load("toy", labels=False, as_numpy=True, image_size=8)
        np.testing.assert_array_equal([image for image, _ in rows], x[order])
        single = next(iter(load("toy", features=("size", "text"), shuffle_seed=None)))
        assert single[0].shape == (4, 6, 3) and single[1]["text"].numpy().decode() == toy["text"][0]

    def test_unpaired_sides(self, toy):
        x, y = load("toy", as_pairs=True, as_numpy=True)
        dataset = load("toy", as_pairs="unpaired", batch_size=10)
        got_x, got_y = map(np.concatenate, zip(*batches(dataset), strict=True))
        np.testing.assert_array_equal(got_x, x[epoch_order(40, 0, 0)])
        np.testing.assert_array_equal(got_y, y[epoch_order(40, 0, 0, domain=1)])
        got_x, got_y = next(iter(load("digits", ("train", "test"), batch_size=100)))
        np.testing.assert_array_equal(
            got_y, load("digits", "test", labels=False, as_numpy=True)[epoch_order(899, 0, 0, 1)[:100]]
        )
        single = next(iter(load("toy", as_pairs="unpaired", shuffle_seed=None)))
        np.testing.assert_array_equal(single[1], y[0])

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
        with pytest.raises(ValueError, match="not a known dataset; expected one of .*'digits'"):
            load("digit")
        monkeypatch.setattr(tfds, "builder", lambda name: _tfds_builder(tmp_path))
        with pytest.raises(ValueError, match=r"not prepared in .*`kerasgan data prepare mnist`"):
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
        resized = load("mnist", split="test", labels=False, as_numpy=True, image_size=12)
        exact = prepare(np.rint((x + 1) * 127.5).astype("uint8"), 12)
        assert np.abs(resized - exact).max() <= 0.5 / 127.5 + 1e-6, "rounded to the eight bits of the source"
        with pytest.raises(ValueError, match="has the features image, label; expected size among them"):
            load("mnist", features=("size",))
        with pytest.raises(ValueError, match="supports no options"):
            load("mnist", count=3)

    def test_no_connection_is_tried(self, monkeypatch, tmp_path):
        pytest.importorskip("tensorflow_datasets")

        def refuse(*_):
            raise AssertionError("an offline machine would wait here")

        monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        with pytest.raises(ValueError, match=r"`kerasgan data prepare mnist` once.* use one of .*'digits'"):
            load("mnist")


def _tfds_builder(data_dir):
    return tfds_builder(Digits(), data_dir=data_dir)


def test_batches_whose_size_changes_are_read_when_they_are_needed():
    """As of arrays in memory: 4 images twice, then 2; the order is that of batches of one size."""
    stairs = Stairs(((0, 4), (0.008, 2)))
    pixels = np.arange(12 * 4, dtype="uint8").reshape(12, 2, 2, 1)
    batches = source((pixels, np.arange(12))).batches(None, shuffle_seed=5).batched(4, (stairs, 0))
    dataset = batches.tf_dataset() if keras.backend.backend() == "tensorflow" else batches.py_dataset()
    found = [tuple(map(keras.ops.convert_to_numpy, batch)) for batch in dataset]
    order = epoch_order(12, 5, 0)
    assert [len(y) for _, y in found] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([y for _, y in found]), order[:10])
    np.testing.assert_allclose(np.concatenate([x for x, _ in found]), pixels[order[:10]] / 127.5 - 1, atol=1e-6)
