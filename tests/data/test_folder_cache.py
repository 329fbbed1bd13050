"""Folders larger than the memory: the same batches as from memory, in little of it, and a bound on the disk."""

import os
import pickle
import resource

import keras
import numpy as np
import pytest
from PIL import Image

import kerasgan
from kerasgan.data import folder_cache, load, source
from kerasgan.data.folder_cache import Rows


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """24 pictures of two classes."""
    monkeypatch.setenv("KERASGAN_DATA", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    for number in range(24):
        path = tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 16, 3), dtype="uint8")).save(path)
    return tmp_path / "photos"


def kept(folder):
    return sorted(folder.parent.glob("cache/folders/*/rows.bin"))


@pytest.mark.parametrize(
    "options", [{}, {"flip": True}, {"image_size": 4}, {"as_pairs": True}, {"channels": 4, "crop": "random"}]
)
def test_the_same_from_the_disk_as_from_memory(folder, options):
    expected = load(folder, cache=False, as_numpy=True, **options)
    assert not kept(folder)
    for _ in range(2):  # made, and found
        on_disk = source(folder, cache=True, **options)
        for one, other in zip(on_disk.arrays(), expected, strict=True):
            np.testing.assert_array_equal(one, other)
        batches, in_memory = (source(folder, cache=use, **options).batches(8, shuffle_seed=3) for use in (True, False))
        for row in batches.order():
            for one, other in zip(batches.take(row), in_memory.take(row), strict=True):
                np.testing.assert_array_equal(one, other)
    assert len(kept(folder)) == 1


def test_only_large_folders_go_to_the_disk(folder, monkeypatch):
    load(folder, as_numpy=True)
    assert not kept(folder)
    monkeypatch.setattr(folder_cache, "IN_MEMORY", 1000)
    assert isinstance(source(folder).columns[0].values, Rows)
    assert len(kept(folder)) == 1


def test_a_second_start_reads_no_picture(folder, monkeypatch):
    first = load(folder, cache=True, as_numpy=True)
    monkeypatch.setattr("kerasgan.data.picture.survey", None)
    monkeypatch.setattr("kerasgan.data.picture.Reader.__call__", None)
    for one, other in zip(load(folder, cache=True, as_numpy=True), first, strict=True):
        np.testing.assert_array_equal(one, other)


def test_changes_are_noticed(folder):
    x, _ = load(folder, cache=True, as_numpy=True)
    Image.new("RGB", (16, 8)).save(folder / "cat" / "0.png")
    os.utime(folder / "cat" / "0.png", (1, 1))
    changed, _ = load(folder, cache=True, as_numpy=True)
    assert (changed[0] == -1).all() and (x[0] != -1).any() and len(kept(folder)) == 2
    (folder / "cat" / "0.png").unlink()
    assert len(load(folder, cache=True, as_numpy=True)[0]) == 23


def test_broken_files_are_remembered(folder, caplog):
    (folder / "cat" / "0.png").write_bytes(b"")
    for _ in range(2):
        caplog.clear()
        assert len(load(folder, cache=True, on_error="skip", as_numpy=True)[0]) == 23
        assert "Skipped 1 of 24 files" in caplog.text
    with pytest.raises(ValueError, match=r"0.png cannot be read"):
        load(folder, cache=True)


def test_what_a_killed_process_left_is_made_anew(folder):
    first = load(folder, cache=True, as_numpy=True)
    (path,) = kept(folder)
    path.write_bytes(path.read_bytes()[:-1])
    np.testing.assert_array_equal(load(folder, cache=True, as_numpy=True)[0], first[0])
    (path.parent.parent / ".x.partial").mkdir()
    (path.parent / "info.json").unlink()
    np.testing.assert_array_equal(load(folder, cache=True, as_numpy=True)[0], first[0])
    assert not list(path.parent.parent.glob(".*.partial"))


def test_the_bound_makes_place_for_the_latest(folder, monkeypatch, caplog):
    monkeypatch.setenv("KERASGAN_FOLDER_GB", str(15e-6))  # 9,216 bytes each, with their manifests
    load(folder, cache=True)
    load(folder, cache=True, crop="random")
    assert len(kept(folder)) == 1 and "least recently used" in caplog.text
    monkeypatch.setenv("KERASGAN_FOLDER_GB", "1e-9")
    with pytest.raises(ValueError, match=r"images take .* GB .*KERASGAN_FOLDER_GB, or use a smaller"):
        load(folder, cache=True, seed=1)


def test_rows_are_an_array_that_is_not_in_memory(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (10, 2, 3), dtype="uint8")
    array.tofile(tmp_path / "rows.bin")
    rows = Rows(tmp_path / "rows.bin", array.shape, "uint8")
    for index in (3, slice(2, 5), slice(None), slice(8, 1, -2), np.array([7, 0, 0]), np.array([[1], [2]]), -1):
        np.testing.assert_array_equal(rows[index], array[index])
        np.testing.assert_array_equal(rows.side(1)[index], array[:, 1][index])
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(rows))), array)
    assert len(rows) == 10 and rows.ndim == 3 and rows.side(0).shape == (10, 3)
    (tmp_path / "rows.bin").write_bytes(b"")
    with pytest.raises(OSError, match=r"ends within row 0"):
        rows[0]


def test_a_hundred_thousand_pictures_take_little_memory(tmp_path):
    """Of 4.9 GB of pictures of 128 pixels 250 MB are read, and the memory stays that of some batches."""
    shape = (100_000, 128, 128, 3)
    with open(tmp_path / "rows.bin", "wb") as file:
        file.truncate(int(np.prod(shape)))  # nothing but holes
    rows = Rows(tmp_path / "rows.bin", shape, "uint8")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    order = np.random.default_rng(0).permutation(shape[0])[:5_120]
    for start in range(0, len(order), 64):
        rows[order[start : start + 64]]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


@pytest.mark.slow
def test_fit_from_the_disk_is_fit_from_memory(folder):
    """Weights bit for bit, also where a training is taken up in mid-epoch."""

    def trained(data, labels=None, **more):
        keras.utils.set_random_seed(0)
        model = kerasgan.DCGAN(image_shape=(8, 8, 3), latent_dim=4, num_classes=2, width=4, seed=7)
        model.compile(batch_size=8)
        model.fit(data, labels, epochs=2, verbose=0, **more)
        return [keras.ops.convert_to_numpy(v) for v in model.generator.trainable_variables]

    options = {"image_size": 8, "on_error": "raise"}
    x, y = load(folder, cache=False, as_numpy=True, **options)
    on_disk = source(folder, cache=True, **options)
    for size, more in ((None, {}), (8, {"initial_epoch": 1, "initial_step": 1})):  # None: the recipe's
        expected = trained(x, y, **more)
        for one, other in zip(trained(on_disk.batches(size, shuffle_seed=7), **more), expected, strict=True):
            np.testing.assert_array_equal(one, other)
