"""Prepared data: complete or not there, whatever happens to the process that makes them."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from kerasgan.data import cache
from kerasgan.data.builders import Digits
from tests.data import toy
from tests.data.toy import Toy

PATIENCE = 60  # seconds until something that should happen at once counts as failed


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_prepared_data_are_the_examples():
    arrays = cache.arrays(Toy(), "train")
    expected = Toy().arrays("train")
    assert arrays.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(arrays[name], expected[name])
        assert arrays[name].dtype == expected[name].dtype
    assert isinstance(arrays["image"], np.memmap) and not arrays["image"].flags.writeable
    both = cache.arrays(Toy(), "test+train")
    assert both["text"].tolist()[7:] == expected["text"].tolist() and len(both["image"]) == 47


def test_the_folder_and_its_manifest(root):
    folder = cache.prepare(Toy("other", facts=["a"]))
    assert folder.parent == root / "toy-other" and folder.name.startswith("1.2.3-")
    manifest = json.loads((folder / "info.json").read_text())
    assert manifest["counts"] == {"train": 40, "test": 7}
    assert manifest["metadata"] == {"facts": ["a"]} and manifest["license"] == "CC0 1.0"
    assert manifest["features"]["size"] == {"shape": [], "dtype": "float32", "doc": "size in pixels"}
    assert files(folder) == sorted([*manifest["files"], "info.json"])
    assert "train/text.jsonl" in manifest["files"] and "test/image.npy" in manifest["files"]
    assert cache.damaged_files(folder) == []


def test_any_number_of_workers_writes_the_same_files(root, monkeypatch):
    manifests = []
    for workers in (1, 2, 3):
        monkeypatch.setenv("KERASGAN_DATA", str(root / str(workers)))
        manifests.append(json.loads((cache.prepare(Toy(), workers) / "info.json").read_text()))
    assert manifests[0] == manifests[1] == manifests[2]


def test_other_data_have_another_folder():
    class Newer(Toy):
        version = "1.2.4"

    class Smaller(Toy):
        features = {name: Toy.features[name] for name in ("image", "label")}

    class OnAnotherMachine(Toy):
        def metadata(self):
            return {"facts": ["other fonts"]}

    datasets = [Toy(), Toy("other"), Toy(count=3), Newer(), Smaller(), OnAnotherMachine()]
    assert len({cache.folder(dataset) for dataset in datasets}) == len(datasets)
    assert cache.folder(Toy()) == cache.folder(Toy("plain"))


def test_what_is_there_is_not_made_again(monkeypatch):
    folder = cache.prepare(Toy())
    assert cache.is_prepared(Toy()) and not cache.is_prepared(Toy("other"))
    monkeypatch.setattr(Toy, "example", None)
    assert cache.prepare(Toy()) == folder


def test_prepared_data_are_not_listed_again(monkeypatch):
    cache.prepare(Toy())
    expected = Toy().arrays("test")
    monkeypatch.setattr(Toy, "splits", None)
    monkeypatch.setattr(Toy, "some", None)
    monkeypatch.setattr(Toy, "alone", True)  # as of data whose listing takes minutes
    assert cache.counts(Toy()) == {"train": 40, "test": 7}
    for arrays in (cache.arrays(Toy(), "test"), cache.some(Toy(), "test", 7)):
        np.testing.assert_array_equal(arrays["image"], expected["image"])
    with pytest.raises(ValueError, match="'valid'.*expected 'train' or 'test'"):
        cache.arrays(Toy(), "valid")


def test_digits_need_no_disk(root):
    assert cache.is_prepared(Digits())
    assert cache.arrays(Digits(), "train+test")["image"].shape == (1797, 8, 8, 1)
    assert not root.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "info.json").unlink(),
        lambda folder: (folder / "info.json").write_text('{"format": 1, "fil'),
        lambda folder: (folder / "info.json").write_text("[]"),
        lambda folder: (folder / "train" / "image.npy").unlink(),
        lambda folder: os.truncate(folder / "test" / "text.jsonl", 5),
    ],
)
def test_an_incomplete_folder_is_made_again(damage):
    folder = cache.prepare(Toy())
    damage(folder)
    assert not cache.is_prepared(Toy())
    assert cache.prepare(Toy()) == folder
    assert cache.damaged_files(folder) == []


def test_changed_bytes_are_found():
    folder = cache.prepare(Toy())
    with open(folder / "train" / "voxels.npy", "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x07")
    assert cache.damaged_files(folder) == ["train/voxels.npy"]


def test_an_error_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        cache.prepare(Toy(fail_at=3))
    folder = cache.folder(Toy(fail_at=3))
    assert files(folder.parent) == [".lock"]


def test_too_few_examples_are_refused():
    class Short(Toy):
        def blocks(self, split, workers=1):
            return super().blocks("test", workers)

    with pytest.raises(ValueError, match="generated 7 examples of 'train'; expected 40"):
        cache.prepare(Short())


def test_what_is_missing_is_said_before_anything_is_written(root):
    for use in (cache.prepare, cache.folder, lambda dataset: cache.arrays(dataset, "train")):
        with pytest.raises(FileNotFoundError, match="fonts-toy"):
            use(Toy(requires="Install fonts-toy."))
    assert not root.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_process_leaves_no_half_of_the_data(tmp_path, workers):
    marker = tmp_path / "stalled"
    options = f"marker={str(marker)!r}, stall_at=30"
    process = toy.start(f"cache.prepare(Toy({options}), workers={workers})")
    wait_for(lambda: marker.exists() and marker.read_text())
    folder = cache.folder(Toy(marker=str(marker), stall_at=30))
    assert list(folder.parent.glob(".*.partial")), "it was to be killed in the middle"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert cache.read_manifest(folder) is None
    wait_for(lambda: not alive(int(marker.read_text())))
    cache.prepare(Toy())
    assert not list(folder.parent.glob(".*.partial")), "the next one tidies up"
    assert cache.damaged_files(cache.folder(Toy())) == []


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(") ", 1)[1][0] != "Z"


def test_two_processes_at_once(tmp_path, root):
    processes = [toy.start("cache.prepare(Toy(count=40), workers=2)") for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    folder = cache.folder(Toy(count=40))
    assert cache.damaged_files(folder) == []
    assert [path.name for path in folder.parent.iterdir() if path.name != ".lock"] == [folder.name]


def test_without_locks_the_slower_of_two_processes_discards_its_own(monkeypatch):
    monkeypatch.setattr(cache, "fcntl", None)
    made = []

    class Overtaken(Toy):
        def blocks(self, split, workers=1):
            if not made:
                made.append(cache.prepare(Toy()))
            return super().blocks(split, workers)

    assert cache.prepare(Overtaken()) == made[0]
    assert cache.damaged_files(made[0]) == []
    assert not list(made[0].parent.glob(".*.partial"))
