"""Cache for image folders that exceed the memory: a file of rows, from which each batch reads its rows.

    ~/.cache/kerasgan/data/folders/photos-4f0c2e11a9d3/info.json
                                                      /rows.bin

The name of the cache folder depends on the files (path, size and modification time of each) and the options. The total
size of all cache folders is limited to `KERASGAN_FOLDER_GB` (64 by default); the least recently used folders are
removed to make room.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from kerasgan.data import cache
from kerasgan.data.folder import fill, pictures_of, read
from kerasgan.pictures.files import write_json

IN_MEMORY = 2**29  # largest number of bytes of pixels in memory; more are stored on disk
ROWS = "rows.bin"
BOUND = "KERASGAN_FOLDER_GB"
GIGABYTE = 1e9

logger = logging.getLogger("kerasgan")


class Rows:
    """An array on disk whose rows are read into memory on access.

    A memory map would count every accessed page as resident memory.

    Args:
        path: Path of the file with all rows.
        shape: Shape of the array.
        dtype: Data type of the array.
        part: Index into the second axis to return. None returns all.
    """

    def __init__(self, path, shape, dtype, part=None):
        self.path, self.whole, self.dtype, self.part = Path(path), tuple(shape), np.dtype(dtype), part
        self.shape = self.whole if part is None else (self.whole[0], *self.whole[2:])
        self.row = int(np.prod(self.whole[1:], dtype=np.int64)) * self.dtype.itemsize
        self._file, self._process, self._lock = None, None, threading.Lock()

    @property
    def ndim(self):
        return len(self.shape)

    def __len__(self):
        return self.shape[0]

    def side(self, part):
        """Returns one index of the second axis of all rows."""
        return Rows(self.path, self.whole, self.dtype, part)

    def __getitem__(self, indices):
        if isinstance(indices, slice):
            start, stop, step = indices.indices(len(self))
            if step == 1:
                return self._chosen(self._read(start, max(0, stop - start)))
        chosen = np.arange(len(self))[indices]
        rows = np.empty((chosen.size, *self.whole[1:]), self.dtype)
        for place, index in enumerate(chosen.reshape(-1)):
            rows[place] = self._read(int(index), 1)[0]
        rows = self._chosen(rows)
        return rows[0] if chosen.ndim == 0 else rows.reshape(*chosen.shape, *rows.shape[1:])

    def __array__(self, dtype=None, copy=None):
        return self[:] if dtype is None else self[:].astype(dtype)

    def _chosen(self, rows):
        return rows if self.part is None else rows[:, self.part]

    def _read(self, start, count):
        rows = np.empty((count, *self.whole[1:]), self.dtype)
        memory, place = memoryview(rows.data).cast("B"), start * self.row
        done = 0
        while done < len(memory):
            part = os.preadv(self._descriptor(), [memory[done : done + 2**30]], place + done)
            if part == 0:
                raise OSError(f"{self.path} ends within row {start}, so it was changed. Remove {self.path.parent}.")
            done += part
        return rows

    def _descriptor(self):
        """Returns the descriptor of the open file. A forked process opens it again."""
        with self._lock:
            if self._file is None or self._process != os.getpid():
                self._file, self._process = open(self.path, "rb"), os.getpid()  # noqa: SIM115
            return self._file.fileno()

    def __getstate__(self):
        return {"arguments": (self.path, self.whole, self.dtype, self.part)}

    def __setstate__(self, state):
        self.__init__(*state["arguments"])  # type: ignore[misc]


def pictures(folder, use=None, workers=None):
    """Returns the images of a `Folder`, in memory or, if they exceed half a gigabyte, in a file of rows.

    Args:
        folder: A `kerasgan.data.folder.Folder`.
        use: Whether to use a file. None uses a file for more than half a gigabyte.
        workers: Number of threads that read images.

    Returns:
        A `Pictures` object whose images are an array or `Rows`.

    Raises:
        ValueError: If `from_folder` raises it, or if there are more pixels than `KERASGAN_FOLDER_GB` allows.
        OSError: If the disk is full.
    """
    if use is False:
        return read(folder, workers)
    path = _path(folder)
    manifest = cache.read_manifest(path)
    if manifest is None:
        headers, skipped = folder.surveyed(workers)
        reader, shape = folder.reader(headers)
        dtype = np.dtype("uint8" if reader.value_range is None else "float32")
        size = len(headers) * int(np.prod(shape)) * dtype.itemsize
        if use is None and size <= IN_MEMORY:
            return read(folder, workers, (headers, skipped))
        path.parent.mkdir(parents=True, exist_ok=True)
        with cache._alone(path.parent / ".lock", folder.path) as alone:
            if cache.read_manifest(path) is None:
                _make_room(path.parent, size, alone)
                _write(path, folder, reader, headers, (shape, dtype), skipped, workers)
        manifest = cache.read_manifest(path)
        if manifest is None:
            raise OSError(f"{path} was removed while it was written, because another process needed the room.")
    os.utime(path / cache.MANIFEST)  # marks the folder as used
    return _pictures(path, manifest, folder)


def _path(folder):
    """Returns the path of the rows of a folder."""
    import PIL

    digest = hashlib.sha256()
    options = {**folder.options.entries(), "labels": None}
    digest.update(json.dumps([cache.FORMAT, PIL.__version__, os.path.realpath(folder.path), options]).encode())
    for file in folder.files:
        try:
            about = os.stat(file)
            told = f"{about.st_size} {about.st_mtime_ns}"
        except OSError:
            told = "unreadable"
        digest.update(f"{file} {told}\n".encode("utf-8", "surrogateescape"))
    return cache.root() / "folders" / f"{folder.path.resolve().name}-{digest.hexdigest()[:12]}"


def _make_room(root, size, alone):
    """Removes the least recently used folders until there is room.

    Raises:
        ValueError: If the folder exceeds the limit.
        OSError: If the disk is full.
    """
    bound = float(os.environ.get(BOUND, 64)) * GIGABYTE
    needs = f"The images take {size / GIGABYTE:.1f} GB in {root}"
    if size > bound:
        raise ValueError(
            f"{needs}; expected at most {bound / GIGABYTE:g}. Increase the environment variable {BOUND}, or use a "
            "smaller image_size."
        )
    if alone:
        for leftover in root.glob(".*.partial"):
            shutil.rmtree(leftover, ignore_errors=True)
    there = [each for each in root.iterdir() if (each / cache.MANIFEST).exists()]
    there.sort(key=lambda each: (each / cache.MANIFEST).stat().st_mtime)
    sizes = {each: sum(file.stat().st_size for file in each.iterdir()) for each in there}
    while there and (sum(sizes[each] for each in there) + size > bound or shutil.disk_usage(root).free < size):
        oldest = there.pop(0)
        logger.warning("Removing %s, the least recently used images of a folder, to make room.", oldest)
        shutil.rmtree(oldest, ignore_errors=True)
    free = shutil.disk_usage(root).free
    if free < size:
        raise OSError(
            f"{needs}, where {free / GIGABYTE:.1f} GB are free. Make room, or set a folder on another disk in the "
            "environment variable KERASGAN_DATA."
        )


def _write(path, folder, reader, headers, kind, skipped, workers):
    shape, dtype = kind
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    began = time.monotonic()
    logger.warning("Reading %d images of %s once into %s; later runs use this cache.", len(headers), folder.path, path)
    try:
        with open(partial / ROWS, "wb") as file:
            rows = _Appended(file, shape, dtype)
            kept = fill(folder, reader, list(headers), rows, skipped, workers)
            file.flush()
            os.fsync(file.fileno())
        write_json(
            partial / cache.MANIFEST,
            {
                "format": cache.FORMAT,
                "folder": str(folder.path),
                "shape": [len(kept), *shape],
                "dtype": dtype.name,
                "value_range": reader.value_range,
                "kept": [file.relative_to(folder.path).as_posix() for file in kept],
                "skipped": [[file.relative_to(folder.path).as_posix(), reason] for file, reason in skipped],
                "files": {ROWS: {"bytes": rows.bytes, "sha256": rows.sha256.hexdigest()}},
            },
        )
        cache._put_in_place(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    logger.info("It took %.0f s.", time.monotonic() - began)


class _Appended:
    """Appends rows to a file."""

    def __init__(self, file, shape, dtype):
        self.file, self.shape, self.dtype = file, (0, *shape), dtype
        self.bytes, self.sha256 = 0, hashlib.sha256()

    def __setitem__(self, place, row):
        data = np.ascontiguousarray(row, self.dtype).tobytes()
        assert place * len(data) == self.bytes, "rows come in their order"
        self.file.write(data)
        self.sha256.update(data)
        self.bytes += len(data)


def _pictures(path, manifest, folder):
    rows = Rows(path / ROWS, manifest["shape"], manifest["dtype"])
    skipped = [(folder.path / name, reason) for name, reason in manifest["skipped"]]
    if skipped:
        logger.warning("Skipped %d of %d files, the first because: %s", len(skipped), len(folder.files), skipped[0][1])
    value_range = manifest["value_range"] and tuple(manifest["value_range"])
    return pictures_of(folder, value_range, rows, [folder.path / name for name in manifest["kept"]], skipped)
