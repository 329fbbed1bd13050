"""Prepared data on disk: made once, either complete or absent, and memory-mapped without TensorFlow.

    ~/.cache/kerasgan/data/sprites-colour/1.0.0-4f0c2e11a9d3/info.json
                                                            /train/image.npy
                                                            /train/caption.jsonl
                                                            /test/...

The environment variable `KERASGAN_DATA` selects another root. The folder's name is derived from version, options,
metadata and features, so that different data never share a folder.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from kerasgan.data.builders.base import spread
from kerasgan.data.progress import progress
from kerasgan.pictures.files import write_json

try:
    import fcntl
except ImportError:  # Windows: two processes may then both make the data, and one of them discards its own
    fcntl = None  # type: ignore[assignment]

FORMAT = 1  # version of the files and of info.json
MANIFEST = "info.json"
FEW = 2000  # number of examples that one process makes before others have started

logger = logging.getLogger("kerasgan")


def root():
    """The root folder of all prepared data."""
    return Path(os.environ.get("KERASGAN_DATA") or Path.home() / ".cache" / "kerasgan" / "data")


def folder(dataset):
    """The folder of the prepared data of a `LocalDataset`, which may not exist yet.

    Raises:
        FileNotFoundError: If something that the data set needs is missing on this machine.
    """
    dataset.check_requirements()
    content = {
        "format": FORMAT,
        "options": dataset.options,
        "metadata": dataset.metadata(),
        "features": {name: repr(feature) for name, feature in dataset.features.items()},
    }
    text = json.dumps(content, sort_keys=True, default=str)
    version = f"{dataset.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return _folder_of_all(dataset) / version


def _folder_of_all(dataset):
    """The folder of all versions of a data set."""
    return root() / dataset.full_name.replace("/", "-")


def read_manifest(path):
    """The contents of a prepared folder's `info.json`, or None if the folder is not complete.

    A folder is complete if the manifest can be read and every listed file has the listed size.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        sizes = {name: (path / name).stat().st_size for name in manifest["files"]}
        whole = manifest["format"] == FORMAT and all(sizes[n] == f["bytes"] for n, f in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if whole else None


def damaged_files(path):
    """Names of the files of a prepared folder whose SHA-256 differs from the manifest."""
    manifest = read_manifest(path)
    if manifest is None:
        raise FileNotFoundError(f"{path} holds no complete data; run `kerasgan data prepare` for it.")
    return [name for name, file in manifest["files"].items() if _sha256(path / name) != file["sha256"]]


def is_prepared(dataset):
    """Whether the data of a `LocalDataset` can be loaded immediately."""
    if not dataset.cached:
        return True
    # If no version exists, the metadata are not needed, which may take half a minute.
    return _folder_of_all(dataset).exists() and read_manifest(folder(dataset)) is not None


def prepare(dataset, workers=None):
    """Makes the data of a `LocalDataset`, unless they exist already.

    The function waits for other processes that do the same, and removes files left behind by killed processes.

    Args:
        dataset: A `LocalDataset`.
        workers: Number of processes. None uses one per core, and a single one for few examples.

    Returns:
        Path of the folder.

    Raises:
        FileNotFoundError: If something that the data set needs is missing on this machine.
    """
    path = folder(dataset)
    if read_manifest(path) is not None:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.parent / ".lock", dataset.full_name) as alone:
        if read_manifest(path) is not None:  # completed by another process in the meantime
            return path
        if alone:
            for leftover in path.parent.glob(".*.partial"):
                shutil.rmtree(leftover, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
        try:
            _write(dataset, partial, workers)
            _put_in_place(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return path


def arrays(dataset, split):
    """Returns the prepared data of a split, which are made first if necessary.

    Args:
        dataset: A `LocalDataset`.
        split: Name of a split, or several joined by `+`.

    Returns:
        `{feature name: array}`. The arrays of a single split are read-only memory maps, except for texts, which are
        arrays of str.

    Raises:
        ValueError: If there is no such split.
        FileNotFoundError: If something that the data set needs is missing on this machine.
    """
    dataset.check_requirements()
    if not dataset.cached:
        return dataset.arrays(split)
    parts = dataset.parts(split, counts(dataset))
    path = prepare(dataset)
    loaded = [{name: _read(path / part, name, feature) for name, feature in dataset.features.items()} for part in parts]
    if len(loaded) == 1:
        return loaded[0]
    return {name: np.concatenate([part[name] for part in loaded]) for name in dataset.features}


def counts(dataset):
    """Returns the number of examples of each split of a `LocalDataset`.

    It is read from the prepared data if there are any, because some data sets would first list their items for minutes.
    """
    if not dataset.cached or dataset.requires() is not None or not is_prepared(dataset):
        return dataset.splits()
    return read_manifest(folder(dataset))["counts"]


def some(dataset, split, count):
    """Returns a few examples, evenly spread over a split and stacked.

    They are those of `dataset.some`, unless listing the examples takes longest (`alone`): then they are read from the
    prepared data, which are made first if necessary.

    Args:
        dataset: A `LocalDataset`.
        split: Name of a split.
        count: Largest number of examples.
    """
    if not dataset.alone:
        return dataset.some(split, count)
    columns = arrays(dataset, split)
    return {name: column[spread(len(column), count)] for name, column in columns.items()}


@contextlib.contextmanager
def _alone(path, what):
    """Waits for the lock `path`, which the system releases when a process ends; yields whether locks are available."""
    if fcntl is None:
        yield False
        return
    with open(path, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("Another process is preparing %s; waiting for it.", what)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a network file system without locks
            yield False
            return
        yield True


def _put_in_place(partial, path):
    if path.exists() and read_manifest(path) is None:
        shutil.rmtree(path)
    try:
        partial.rename(path)
    except OSError:
        if read_manifest(path) is None:
            raise
        # Without locks, another process may have been faster: its data are identical.


def _write(dataset, path, workers):
    counts = dataset.splits()
    if workers is None:
        workers = 1 if sum(counts.values()) <= FEW else os.cpu_count() or 1
    files = {}
    with progress(f"Preparing {dataset.full_name}", sum(counts.values())) as advance:
        for split, count in counts.items():
            (path / split).mkdir()
            with contextlib.ExitStack() as stack:
                writers = {
                    name: stack.enter_context(_Writer(path / split, name, feature, count))
                    for name, feature in dataset.features.items()
                }
                for block in dataset.blocks(split, workers):
                    for name, writer in writers.items():
                        writer.append(block[name])
                    advance(len(block[name]))
            for writer in writers.values():
                if writer.written != count:
                    raise ValueError(
                        f"{dataset.full_name!r} generated {writer.written} examples of {split!r}; expected {count}, "
                        "the number that its splits() declares."
                    )
                files[f"{split}/{writer.path.name}"] = writer.entry()
    write_json(path / MANIFEST, _manifest(dataset, counts, files))


def _manifest(dataset, counts, files):
    return {
        "format": FORMAT,
        "name": dataset.full_name,
        "version": dataset.version,
        "license": dataset.license,
        "options": {name: str(value) for name, value in dataset.options.items()},
        "features": {
            name: {"shape": list(feature.shape), "dtype": feature.dtype, "doc": feature.doc}
            for name, feature in dataset.features.items()
        },
        "counts": counts,
        "metadata": dataset.metadata(),
        "files": files,
    }


def _path(folder, name, feature):
    return folder / f"{name}.{'jsonl' if feature.dtype == 'str' else 'npy'}"


class _Writer:
    """Writer of one feature of one split: an .npy file, or one JSON string per line. Open as a context manager."""

    def __init__(self, folder, name, feature, count):
        self.path, self.feature, self.count = _path(folder, name, feature), feature, count
        self.sha256, self.bytes, self.written = hashlib.sha256(), 0, 0

    def __enter__(self):
        self.file = open(self.path, "wb")
        if self.feature.dtype != "str":
            descr = np.lib.format.dtype_to_descr(np.dtype(self.feature.dtype))
            shape = (self.count, *self.feature.shape)
            np.lib.format.write_array_header_1_0(self, {"descr": descr, "fortran_order": False, "shape": shape})
        return self

    def __exit__(self, *_):
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def append(self, block):
        if self.feature.dtype == "str":
            self.write("".join(json.dumps(text, ensure_ascii=False) + "\n" for text in block.tolist()).encode())
        else:
            self.write(block.tobytes())
        self.written += len(block)

    def write(self, data):
        self.file.write(data)
        self.sha256.update(data)
        self.bytes += len(data)

    def entry(self):
        return {"bytes": self.bytes, "sha256": self.sha256.hexdigest()}


def _read(folder, name, feature):
    path = _path(folder, name, feature)
    if feature.dtype != "str":
        return np.load(path, mmap_mode="r")
    with open(path, encoding="utf-8") as file:
        return np.array([json.loads(line) for line in file], str)


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
