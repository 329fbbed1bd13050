"""Pictures inside larger files: each kind gives what the folder of the same pictures gives, and resumes exactly."""

import io
import json
import struct
import sys
import tarfile
import types

import numpy as np
import pytest
from PIL import Image

from kerasgan.data import describe, load, source
from kerasgan.data.folder_cache import Rows
from kerasgan.data.load import resolve
from kerasgan.data.packed import Texts, files_of, splits_of
from kerasgan.data.tfrecords import example, masked_crc

CLASSES, COUNT = ("cat", "dog"), 12
LABELS = np.arange(COUNT) * 5 % 3 % 2
CAPTIONS = [f"a picture, the {'ü' * number}th" for number in range(COUNT)]
RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (COUNT, 8, 10, 3), dtype="uint8")


def png(pixels):
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "PNG")
    return kept.getvalue()


def write_tar(path, members):
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))


def write_tars(folder):
    for shard in range(2):
        members = [("notes/README", b"no example")]
        for number in range(shard * 6, shard * 6 + 6):
            about = {"caption": CAPTIONS[number], "score": number / 2, "box": [1, 2]}
            members += [
                (f"part/{number:04d}.png", png(PIXELS[number])),
                (f"part/{number:04d}.cls", CLASSES[LABELS[number]].encode()),
                (f"part/{number:04d}.json", json.dumps(about).encode()),
            ]
        write_tar(folder / f"shard-{shard:04d}.tar", members)
    return folder / "shard-{0000..0001}.tar"


def field(number, data):
    """A field of a protocol buffer that has a length, or an integer."""
    if isinstance(data, int):
        return varint(number << 3) + varint(data % 2**64)
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def encoded_example(**features):
    entries = b""
    for name, value in features.items():
        if isinstance(value, int):
            values = field(3, field(1, varint(value % 2**64)))
        elif isinstance(value, list):
            values = field(2, field(1, struct.pack(f"<{len(value)}f", *value)))
        else:
            values = field(1, field(1, value))
        entries += field(1, field(1, name.replace("__", "/").encode()) + field(2, values))
    return field(1, entries)


def write_records(path, examples):
    with open(path, "wb") as file:
        for data in examples:
            size = struct.pack("<Q", len(data))
            file.write(size + struct.pack("<I", masked_crc(size)) + data + struct.pack("<I", masked_crc(data)))


def write_tfrecords(folder):
    for shard in range(2):
        write_records(
            folder / f"train-{shard:05d}-of-00002",
            [
                encoded_example(
                    image__encoded=png(PIXELS[number]),
                    image__class__label=int(LABELS[number]),
                    image__caption=CAPTIONS[number].encode(),
                    score=[number / 2],
                    box=[1.0, 2.0],
                )
                for number in range(shard * 6, shard * 6 + 6)
            ],
        )
    return folder


def write_parquet(folder):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    features = {"label": {"names": list(CLASSES), "_type": "ClassLabel"}}
    for shard in range(2):
        rows = slice(shard * 6, shard * 6 + 6)
        table = pyarrow.table(
            {
                "img": [{"bytes": png(pixels), "path": None} for pixels in PIXELS[rows]],
                "label": LABELS[rows].tolist(),
                "text": CAPTIONS[rows],
                "score": [number / 2 for number in range(COUNT)[rows]],
                "box": [[1, 2]] * 6,
            }
        )
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        parquet.write_table(table, folder / f"train-{shard}.parquet", row_group_size=4)
    return folder


class FakeDataset:
    """What is used of a data set of Hugging Face's `datasets`, in memory or streamed."""

    def __init__(self, rows, features):
        self.rows, self.features = rows, features

    def cast_column(self, name, kind):
        assert self.features[name].decode and not kind.decode
        return FakeDataset(self.rows, {**self.features, name: kind})

    def remove_columns(self, names):
        rows = [{name: value for name, value in row.items() if name not in names} for row in self.rows]
        return FakeDataset(rows, {name: kind for name, kind in self.features.items() if name not in names})

    def __iter__(self):
        assert not any(kind.decode for kind in self.features.values() if hasattr(kind, "decode"))
        for row in self.rows:
            FakeHub.read += 1
            yield row


class FakeHub(types.ModuleType):
    """`datasets` as installed beside a hub with one data set."""

    read = 0

    class Image:
        def __init__(self, decode=True):
            self.decode = decode

    def __init__(self, tmp_path):
        super().__init__("datasets")
        (tmp_path / "first.png").write_bytes(png(PIXELS[0]))
        pictures = [{"path": str(tmp_path / "first.png"), "bytes": None}]
        pictures += [{"path": None, "bytes": png(pixels)} for pixels in PIXELS[1:]]
        columns = zip(pictures, LABELS.tolist(), CAPTIONS, strict=True)
        self.rows = [
            {"image": picture, "thumbnail": picture, "label": label, "text": text, "score": number / 2, "box": [1, 2]}
            for number, (picture, label, text) in enumerate(columns)
        ]
        self.asked = []
        FakeHub.read = 0

    def load_dataset_builder(self, path, name=None, **arguments):
        if path != "owner/animals":
            raise ConnectionError(f"Couldn't reach {path!r} on the Hub\nmore")
        return types.SimpleNamespace(hash="4f0c2e", info=types.SimpleNamespace(version="1.0.0"))

    def get_dataset_split_names(self, path, name=None, **arguments):
        return ["train", "test"]

    def load_dataset(self, path, name=None, **arguments):
        self.load_dataset_builder(path)
        self.asked.append({"name": name, **arguments})
        features = dict.fromkeys(self.rows[0])
        features |= {"image": self.Image(), "thumbnail": self.Image(), "label": types.SimpleNamespace(names=CLASSES)}
        return FakeDataset(self.rows, features)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", FakeHub(tmp_path))
    return sys.modules["datasets"]


@pytest.fixture(params=["tar", "tfrecord", "parquet", "hf", "hf streaming"])
def data(request, tmp_path, hub):
    """Address and options of the pictures in each kind of file."""
    folder = tmp_path / "files"
    folder.mkdir()
    if request.param.startswith("hf"):
        return "hf://owner/animals", {"streaming": True} if "streaming" in request.param else {}
    write = {"tar": write_tars, "tfrecord": write_tfrecords, "parquet": write_parquet}[request.param]
    return str(write(folder)), {"class_names": CLASSES} if request.param == "tfrecord" else {}


@pytest.mark.parametrize("cache", [None, True, False, "decode"])
def test_pictures_labels_captions_and_values(data, cache):
    name, options = data
    for _ in range(2):  # made, and found
        x, y = load(name, as_numpy=True, cache=cache, **options)
        np.testing.assert_allclose(x, PIXELS / 127.5 - 1, atol=1e-6)
        np.testing.assert_array_equal(y, LABELS)
        x, y = load(name, features=("caption", "score", "label"), as_numpy=True, cache=cache, **options)
        assert y["caption"].tolist() == CAPTIONS
        np.testing.assert_array_equal(y["score"], np.arange(COUNT) / 2)
    assert load(name, labels=False, cache=cache, image_size=4, as_numpy=True, **options).shape == (COUNT, 4, 4, 3)
    described = describe(name, cache=cache, **options)
    assert described.class_names == CLASSES and described.count == COUNT
    assert {**described.options, **options} == described.options | options  # enough to load it again
    with pytest.raises(ValueError, match="expected 'box' among them"):
        load(name, features="box", **options)


def test_options_of_pictures_are_those_of_folders(data, tmp_path):
    folder = tmp_path / "folder"
    for number, pixels in enumerate(PIXELS):
        path = folder / CLASSES[LABELS[number]] / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    name, options = data
    for more in ({"image_size": 4}, {"channels": 1}, {"flip": True}, {"as_pairs": True, "halves": "BtoA"}):
        found, expected = (load(each, as_numpy=True, **o, **more) for each, o in ((name, options), (folder, {})))
        order = np.argsort(LABELS, kind="stable")
        order = np.concatenate([order, order + COUNT]) if "flip" in more else order
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one[order], other)


@pytest.mark.parametrize("cache", [True, "decode"])
def test_batches_follow_from_seed_epoch_and_position(data, cache):
    """A training that is resumed at any batch sees what the one in memory would have seen from there."""
    name, options = data
    in_memory = source(name, cache=False, **options).batches(4, shuffle_seed=3)
    for epoch in range(3):
        in_memory.epoch = epoch
        resumed = source(name, cache=cache, **options).batches(4, shuffle_seed=3, initial_epoch=epoch)
        assert len(np.unique(resumed.order())) == COUNT
        for row, expected in list(zip(resumed.order(), in_memory.order(), strict=True))[epoch:]:
            for one, other in zip(resumed.take(row), in_memory.take(expected), strict=True):
                np.testing.assert_array_equal(one, other)


def test_a_second_start_opens_no_picture(data, monkeypatch):
    name, options = data
    first = load(name, cache=True, as_numpy=True, **options)
    found = source(name, cache=True, **options)
    assert isinstance(found.columns[0].values, Rows)
    monkeypatch.setattr("kerasgan.data.packed.Packed._indexed", None)
    monkeypatch.setattr("kerasgan.data.picture.Reader.__call__", None)
    for one, other in zip(load(name, cache=True, as_numpy=True, **options), first, strict=True):
        np.testing.assert_array_equal(one, other)


def test_broken_pictures_are_named_or_left_out(tmp_path):
    members = [
        (f"{number}.{ending}", b"7" if ending == "cls" else b"broken" if number == 1 else png(PIXELS[number]))
        for number in range(4)
        for ending in ("cls", "jpg")
    ]
    write_tar(tmp_path / "a.tar", [*members, ("9.txt", b"text only")])
    with pytest.raises(ValueError, match=r"a\.tar/1 cannot be read as an image"):
        load(tmp_path / "a.tar", columns={"caption": None})
    for cache in (False, True, True):
        x, y = load(tmp_path / "a.tar", columns={"caption": None}, on_error="skip", cache=cache, as_numpy=True)
        np.testing.assert_allclose(x, PIXELS[[0, 2, 3]] / 127.5 - 1, atol=1e-6)
        assert y.tolist() == [7, 7, 7] and describe(tmp_path / "a.tar", on_error="skip").skipped == 1


def test_files_are_found_by_split(tmp_path):
    for name in ("train-0.tar", "train-1.tar", "val-0.tar", "extra.tar"):
        write_tar(tmp_path / name, [("a.png", png(PIXELS[0]))])

    def names(path, split):
        return [each.name for each in files_of(path, split)[1]]

    assert resolve(tmp_path)[0] == "packed" and splits_of(tmp_path) == ["train", "validation"]
    assert names(tmp_path, "train") == ["train-0.tar", "train-1.tar"] == names(tmp_path / "train-*.tar", "train")
    assert names(tmp_path, "validation") == ["val-0.tar"] == names(tmp_path / "val-0.tar", "train")
    assert names(tmp_path / "{extra,val-0}.tar", "train") == ["extra.tar", "val-0.tar"]
    with pytest.raises(ValueError, match="split='test'"):
        load(tmp_path, "test")
    with pytest.raises(ValueError, match=r"train-2\.tar does not exist \(1 of 3"):
        load(tmp_path / "train-{0..2}.tar")
    (tmp_path / "train-2.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match="several kinds"):
        load(tmp_path)
    nested = tmp_path / "nested" / "test"
    nested.mkdir(parents=True)
    write_tar(nested / "0.tar", [("a.png", png(PIXELS[0]))])
    assert names(nested.parent, "test") == ["0.tar"] and splits_of(nested.parent) == ["test"]


def test_of_several_pictures_and_columns_one_is_chosen(tmp_path):
    write_tar(
        tmp_path / "a.tar",
        [("0.left.png", png(PIXELS[0])), ("0.right.png", png(PIXELS[1])), ("0.json", b'{"kind": "b", "label": 3}')],
    )
    with pytest.raises(ValueError, match=r"left.png and right.png; expected one"):
        load(tmp_path / "a.tar")
    columns = {"image": "right.png", "label": "kind"}
    x, y = load(tmp_path / "a.tar", columns=columns, as_numpy=True)
    np.testing.assert_allclose(x, PIXELS[1:2] / 127.5 - 1, atol=1e-6)
    described = describe(tmp_path / "a.tar", columns=columns)
    assert y.tolist() == [0] and described.class_names == ("b",) and described.options["columns"] == columns
    with pytest.raises(ValueError, match="`columns` names nothing, but a.tar/0 has only the columns kind, label"):
        load(tmp_path / "a.tar", columns={"image": "left.png", "label": "nothing"})
    with pytest.raises(ValueError, match="`columns` has the keys picture"):
        load(tmp_path / "a.tar", columns={"picture": "left.png"})


def test_labels_that_do_not_fit(tmp_path):
    path = tmp_path / "a.tar"

    def write(*labels):
        pictures = [(f"{number}.png", png(PIXELS[number])) for number in range(len(labels))]
        given = [(f"{number}.cls", str(label).encode()) for number, label in enumerate(labels) if label is not None]
        write_tar(path, pictures + given)

    write(-1, -1)
    assert load(path, as_numpy=True).shape == (2, 8, 10, 3)
    write(-1, 1)
    with pytest.raises(ValueError, match="labels from -1 to 1"):
        load(path)
    write(0, None)
    with pytest.raises(ValueError, match="1 of 2 examples of .* have a label"):
        load(path)
    write("dog", "cow")
    with pytest.raises(ValueError, match="also has the classes cow"):
        load(path, class_names=("cat", "dog"))
    write("dog", "dog")
    assert load(path, class_names=("cat", "dog"), as_numpy=True)[1].tolist() == [1, 1]


def test_damaged_and_compressed_files_are_named(tmp_path):
    tar, record = tmp_path / "a.tar", tmp_path / "a.tfrecord"
    write_tar(tar, [("0.png", png(PIXELS[0])), ("0.png", png(PIXELS[0]))])
    with pytest.raises(ValueError, match=r"a.tar has 0.png twice"):
        load(tar)
    tar.write_bytes(b"\x1f\x8b" + tar.read_bytes())
    with pytest.raises(ValueError, match="decompress it"):
        load(tar)
    write_records(record, [encoded_example(image=png(PIXELS[0]))] * 2)
    whole = record.read_bytes()
    for data, message in (
        (whole[:-1], "ends within record 1"),
        (b"a" + whole[1:], "damaged in record 0"),
        (b"\x1f\x8b" + whole, "is compressed"),
        (b"", "holds no pictures"),
    ):
        record.write_bytes(data)
        with pytest.raises(ValueError, match=message):
            load(record)
    write_records(record, [b"\x0a\x05abc"])
    with pytest.raises(ValueError, match=r"Record 0 of .* is not a tf.train.Example"):
        load(record)
    parquet = tmp_path / "a.parquet"
    parquet.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="cannot be read as a Parquet file"):
        load(parquet)


def test_crc_is_castagnoli():
    """The check value of CRC-32C, and a length of TensorFlow's own."""
    unmasked = (masked_crc(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (unmasked >> 17 | unmasked << 15) & 0xFFFFFFFF == 0xE3069283


@pytest.mark.tensorflow
def test_examples_are_read_as_tensorflow_reads_them(tmp_path):
    import tensorflow as tf

    values = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[png(PIXELS[0])])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[-5])),
        "many": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2**62, -(2**63)])),
        "floats": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5, -1e30])),
        "none": tf.train.Feature(),
        "texts": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"", b"two"])),
    }
    data = tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString()
    found = dict(example(data, 0, len(data)))
    assert found["label"][1] == [-5] and found["many"][1] == [1, 2**62, -(2**63)] and found["none"][1] == []
    np.testing.assert_array_equal(np.float32(found["floats"][1]), np.float32([0.5, -1e30]))
    assert [data[slice(*place)] for place in found["texts"][1]] == [b"", b"two"]
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        writer.write(data)
        writer.write(data)
    x = load(tmp_path / "a.tfrecord", columns={"label": None}, as_numpy=True)
    np.testing.assert_allclose(x, PIXELS[[0, 0]] / 127.5 - 1, atol=1e-6)


def test_streaming_takes_no_more_than_asked_for(hub):
    x, y = load("hf://owner/animals@v2/small", "test", streaming=True, count=5, as_numpy=True)
    np.testing.assert_allclose(x, PIXELS[:5] / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(y, LABELS[:5])
    assert FakeHub.read == 5
    assert hub.asked == [{"name": "small", "revision": "v2", "split": "test", "streaming": True}]


def test_what_is_wrong_with_an_address_is_said(hub, monkeypatch):
    with pytest.raises(ValueError, match=r"hf://nobody/nothing cannot be loaded \(ConnectionError: Couldn't reach"):
        load("hf://nobody/nothing")
    with pytest.raises(ValueError, match=r"expected hf://owner/name\[@revision\]\[/config\]"):
        load("hf://")
    with pytest.raises(ValueError, match="`columns` names photo"):
        load("hf://owner/animals", columns={"image": "photo"})
    with pytest.raises(ValueError, match="`count` is 0"):
        load("hf://owner/animals", count=0)
    with pytest.raises(ValueError, match="colour was passed; the options of these data are crop, .*streaming"):
        load("hf://owner/animals", colour=True)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match=r"pip install 'kerasgan\[hf\]'"):
        load("hf://owner/animals")


def test_texts_are_an_array():
    texts = ["", "a", "größer", "字"]
    array = Texts.of(texts)
    for index in (2, slice(1, 3), slice(None), np.array([3, 0]), np.array([[1], [2]]), -1):
        np.testing.assert_array_equal(array[index], np.array(texts)[index])
    assert len(array) == 4 and np.asarray(array).tolist() == texts
