"""Fashion-MNIST: what comes with the package, and the whole of it from IDX files."""

import gzip
import os
import struct

import numpy as np
import pytest

from kerasgan.data import cifar, idx, load
from kerasgan.data.builders import Fashion, fashion, tfds_builder
from kerasgan.data.load import describe


def write_idx(path, array):
    """An IDX file as MNIST's, compressed where the name says so."""
    array = np.asarray(array, "uint8")
    data = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def folder(tmp_path):
    """The layout of Fashion-MNIST with 30 and 20 random pictures; one file is compressed."""
    random = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 20)):
        images, labels = idx.FILES[split]
        write_idx(tmp_path / f"{images}.gz", random.integers(256, size=(count, 28, 28)))
        write_idx(tmp_path / labels, np.arange(count) % 10)
    return tmp_path


def test_the_embedded_pictures_are_balanced_and_fixed():
    arrays = {split: Fashion().arrays(split) for split in ("train", "test")}
    for split, count in (("train", 1200), ("test", 200)):
        assert np.bincount(arrays[split]["label"]).tolist() == [count] * 10
        assert arrays[split]["image"].shape == (10 * count, 28, 28, 1)
        assert len(arrays[split]["image"]) == Fashion().splits()[split]
    # Fashion-MNIST's file begins with an ankle boot and two T-shirts.
    assert [fashion.CLASSES[label] for label in arrays["train"]["label"][:3]] == ["Ankle boot", *["T-shirt/top"] * 2]
    assert int(arrays["train"]["image"].sum()) == 687403837 and int(arrays["test"]["image"].sum()) == 114072606
    pictures = {image.tobytes() for part in arrays.values() for image in part["image"]}
    assert len(pictures) == 14_000


def test_names_travel_with_the_labels():
    names = Fashion("full").class_names
    assert describe("fashion").class_names == names
    assert names == Fashion().class_names and len(names) == 10 and names[9] == "Ankle boot"


def test_32_pixels_are_28_with_a_margin_and_other_sizes_come_from_these():
    x, y = load("fashion", "test", as_numpy=True)
    assert x.shape == (2000, 28, 28, 1) and y.dtype == np.int32 and x.min() == -1 and x.max() == 1
    same = load("fashion", "test", image_size=28, labels=False, as_numpy=True)
    np.testing.assert_array_equal(same, x)
    padded = load("fashion", "test", image_size=32, labels=False, as_numpy=True)
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=-1))
    halved = load("fashion", "test", image_size=16, labels=False, as_numpy=True)
    np.testing.assert_allclose(halved.mean(), padded.mean(), atol=0.01)  # stretched, the clothes would be larger
    stretched = load(x / 2 + 0.5, image_size=16, as_numpy=True)
    assert abs(stretched.mean() - padded.mean()) > 0.1


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    data = bytearray(fashion.EMBEDDED.read_bytes())
    data[5000] ^= 1
    (tmp_path / "fashion.npz").write_bytes(data)
    monkeypatch.setattr(fashion, "EMBEDDED", tmp_path / "fashion.npz")
    with pytest.raises(ValueError, match="SHA-256"):
        fashion._embedded.__wrapped__()


def test_a_folder_of_idx_files(folder):
    dataset = Fashion("full", folder=folder)
    arrays = dataset.arrays("train")
    images, labels = idx.images_and_labels(folder, "train")
    assert {(i.tobytes(), n) for i, n in zip(images, labels, strict=True)} == {
        (i.tobytes(), n) for i, n in zip(arrays["image"], arrays["label"], strict=True)
    }
    x, y = load("fashion/full", "test", as_numpy=True, folder=str(folder))
    assert x.shape == (20, 28, 28, 1) and sorted(y) == sorted(np.arange(20) % 10)


def test_the_order_of_the_source_does_not_matter(folder):
    before = Fashion("full", folder=folder).arrays("train")
    images, labels = idx.images_and_labels(folder, "train")
    names = idx.FILES["train"]
    (folder / f"{names[0]}.gz").unlink()
    write_idx(folder / names[0], images[::-1])
    write_idx(folder / names[1], labels[::-1])
    after = Fashion("full", folder=folder).arrays("train")
    for name in before:
        np.testing.assert_array_equal(after[name], before[name])


def test_tfds_is_a_source(folder, tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    rows = [
        {"image": image[..., None], "label": label}
        for image, label in zip(*idx.images_and_labels(folder, "train"), strict=True)
    ]

    class Builder:
        def as_dataset(self, split):
            assert split == "train"
            return rows[::-1]

    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: Builder())
    monkeypatch.setattr(tfds, "as_numpy", lambda dataset: dataset)
    monkeypatch.setattr(fashion, "installed", lambda *paths: [])
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert "install_data_packages.sh fashion" in Fashion("full").requires()
    (tmp_path / "fashion_mnist").mkdir()
    arrays, expected = Fashion("full").arrays("train"), Fashion("full", folder=folder).arrays("train")
    for name in expected:
        np.testing.assert_array_equal(arrays[name], expected[name])


def test_what_is_missing_is_said(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(fashion, "installed", lambda *paths: [])
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError, match=r"install_data_packages\.sh fashion, or pass folder="):
        load("fashion/full")
    os.remove(folder / idx.FILES["test"][1])
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte; expected these files"):
        load("fashion/full", folder=folder)
    with pytest.raises(ValueError, match="only 'fashion/full' supports it"):
        load("fashion", folder=folder)


def test_any_folder_of_idx_files_is_data(folder):
    x, y = load(folder, as_numpy=True)
    images, labels = idx.images_and_labels(folder, "train")
    np.testing.assert_allclose(x[..., 0], images / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(y, labels)
    both, _ = load(str(folder), "train+test", image_size=32, as_numpy=True)
    assert both.shape == (50, 32, 32, 1) and (both[:, :2] == -1).all()
    assert describe(folder).class_names == tuple("0123456789")
    with pytest.raises(ValueError, match="has train and test"):
        load(folder, "validation")
    with pytest.raises(ValueError, match="crop was given"):
        load(folder, crop="none")


def test_files_of_its_successors_have_other_names(folder, tmp_path):
    expected = load(folder, "test", as_numpy=True)
    raw = tmp_path / "emnist" / "raw"
    raw.mkdir(parents=True)
    for split, names in idx.FILES.items():
        for name in names:
            end = name.split("-", 1)[1]
            source = idx._file(folder, name)
            source.rename(raw / f"emnist-letters-{split}-{end}{'.gz' if source.suffix == '.gz' else ''}")
    for one, other in zip(load(tmp_path / "emnist", "test", as_numpy=True), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    (raw / "emnist-digits-train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(ValueError, match=r"emnist-digits-train-.* and emnist-letters-train-.*; expected"):
        load(tmp_path / "emnist")


def test_pickles_are_not_read(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80\x02}q\x01.")
    with pytest.raises(ValueError, match="expected the binary version"):
        load(tmp_path)


@pytest.mark.parametrize("hundred", [False, True])
def test_a_folder_of_cifars_binary_files_is_data(tmp_path, hundred):
    random = np.random.default_rng(0)
    names = cifar.FILES_100 if hundred else cifar.FILES
    rows = {}
    for split, parts in names.items():
        for name in parts:
            images = random.integers(256, size=(4, 3, 32, 32), dtype="uint8")
            labels = random.integers(10, size=(4, 2 if hundred else 1), dtype="uint8")
            (tmp_path / name).write_bytes(np.concatenate([labels, images.reshape(4, -1)], axis=1).tobytes())
            rows.setdefault(split, []).append((images.transpose(0, 2, 3, 1), labels[:, -1]))
    (tmp_path / ("fine_label_names.txt" if hundred else "batches.meta.txt")).write_text("\n".join("abcdefghij"))
    for split, parts in rows.items():
        x, y = load(tmp_path, split, as_numpy=True)
        np.testing.assert_allclose(x, np.concatenate([images for images, _ in parts]) / 127.5 - 1, atol=1e-6)
        np.testing.assert_array_equal(y, np.concatenate([labels for _, labels in parts]))
    assert describe(tmp_path).class_names == tuple("abcdefghij")
    (tmp_path / names["train"][0]).write_bytes(b"1234")
    with pytest.raises(ValueError, match="has 4 bytes"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "expected the size of an array of shape"),
        (lambda data: b"\x89PNG" + data, "starts with '89 50 4e 47'"),
        (lambda data: b"", "starts with ''"),
    ],
)
def test_a_broken_idx_file_is_named(folder, damage, message):
    path = folder / idx.FILES["train"][1]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        Fashion("full", folder=folder).arrays("train")
    assert path.name in str(caught.value)


def test_a_cut_off_gzip_file_is_named(folder):
    path = folder / f"{idx.FILES['train'][0]}.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"images-idx3-ubyte\.gz is not a complete gzip"):
        Fashion("full", folder=folder).arrays("train")


def test_sheet_has_one_class_a_column():
    dataset = Fashion()
    assert dataset.sheet(dataset.some("train", 400)).shape[1] == 10 * 57 + 1
    assert dataset.sheet(dataset.some("train", 3)).ndim == 3  # too few for that


@pytest.mark.tensorflow
def test_tfds_reads_back_what_it_was_given(folder, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    dataset = Fashion("full", folder=folder)
    builder = tfds_builder(dataset, tmp_path / "tfds")
    builder.download_and_prepare()
    stored = list(tfds.as_numpy(builder.as_dataset(split="test")))
    assert {(r["image"].tobytes(), int(r["label"])) for r in stored} == {
        (image.tobytes(), int(label)) for image, label in zip(*dataset.arrays("test").values(), strict=True)
    }
    assert builder.info.features["label"].names == list(fashion.CLASSES)


@pytest.mark.data
def test_the_embedded_pictures_are_those_of_the_package():
    dataset = Fashion("full")
    assert dataset.requires() is None
    arrays = dataset.arrays("train")
    assert np.bincount(arrays["label"]).tolist() == [6000] * 10
    everything = {image.tobytes() for image in arrays["image"]}
    assert all(image.tobytes() in everything for image in Fashion().arrays("train")["image"])
