"""Cache for image folders that do not fit into memory: a file of rows, from which each batch reads its rows.

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
import re
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kerasgan.data import cache
from kerasgan.data.builders.features import ClassLabel, Tensor, Text
from kerasgan.data.folder import fill, pictures_of, read
from kerasgan.data.packed import Texts
from kerasgan.data.parts import Opened
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
        self._file = Opened(path)

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
        try:
            self._file.read_into(memory, place)
        except EOFError as error:
            raise OSError(
                f"{self.path} ends within row {start}, so it was changed. Remove {self.path.parent}."
            ) from error
        return rows

    def __getstate__(self):
        return {"arguments": (self.path, self.whole, self.dtype, self.part)}

    def __setstate__(self, state):
        self.__init__(*state["arguments"])  # type: ignore[misc]


def pictures(folder, use=None, workers=None):
    """Returns the images of a `Collection`, in memory or, if they exceed half a gigabyte, in a file of rows.

    Args:
        folder: A `kerasgan.data.folder.Collection`.
        use: Whether to use a file. None uses a file for more than half a gigabyte; "decode" reads the image files of
            each batch on demand.
        workers: Number of threads that read images.

    Returns:
        A `Pictures` object whose images are an array or `Rows`.

    Raises:
        ValueError: If `from_folder` raises it, or if there are more pixels than `KERASGAN_FOLDER_GB` allows.
        OSError: If the disk is full.
    """
    if use not in (None, False, True, "decode"):
        raise ValueError(f"`cache` is {use!r}; expected None, True, False or 'decode'.")
    if use is False:
        return read(folder, workers)
    if use == "decode":
        return _decoded(folder, workers)
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
    digest.update(json.dumps([cache.FORMAT, PIL.__version__, options]).encode())
    for told in folder.identity():
        digest.update(f"{told}\n".encode("utf-8", "surrogateescape"))
    name = re.sub(r"[^\w.+-]+", "-", Path(folder.path).absolute().name)[-80:]
    return cache.root() / "folders" / f"{name}-{digest.hexdigest()[:12]}"


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
        columns, written = _write_columns(partial, folder.columns(kept))
        write_json(
            partial / cache.MANIFEST,
            {
                "format": cache.FORMAT,
                "folder": str(folder.path),
                "shape": [len(kept), *shape],
                "dtype": dtype.name,
                "value_range": reader.value_range,
                "kept": [folder.name_of(file) for file in kept],
                "skipped": [[folder.name_of(file), reason] for file, reason in skipped],
                "columns": columns,
                "files": {ROWS: {"bytes": rows.bytes, "sha256": rows.sha256.hexdigest()}, **written},
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


def _write_columns(path, columns):
    """Writes the additional columns; returns their description and the entries of the files."""
    described: dict[str, dict] = {}
    files: dict[str, dict] = {}
    for name, (values, feature) in columns.items():
        about: dict[str, Any] = {"kind": type(feature).__name__, "files": []}
        if isinstance(feature, ClassLabel):
            about["names"] = list(feature.names)
        parts = (values.letters, values.ends) if isinstance(values, Texts) else (values,)
        for part in parts:
            file = f"column-{len(files)}.npy"
            np.save(path / file, part)
            about["files"].append(file)
            files[file] = {"bytes": (path / file).stat().st_size, "sha256": cache._sha256(path / file)}
        described[name] = about
    return described, files


def _read_columns(path, described):
    columns: dict[str, tuple] = {}
    for name, about in described.items():
        parts = [np.load(path / file, mmap_mode="r") for file in about["files"]]
        values = Texts(*parts) if about["kind"] == "Text" else parts[0]
        if about["kind"] == "ClassLabel":
            columns[name] = values, ClassLabel(tuple(about["names"]))
        else:
            columns[name] = values, Text() if about["kind"] == "Text" else Tensor((), values.dtype.name)
    return columns


def _pictures(path, manifest, folder):
    rows = Rows(path / ROWS, manifest["shape"], manifest["dtype"])
    skipped = [(folder.named(name), reason) for name, reason in manifest["skipped"]]
    if skipped:
        count = len(skipped) + len(rows)
        logger.warning("Skipped %d of %d files, the first because: %s", len(skipped), count, skipped[0][1])
    value_range = manifest["value_range"] and tuple(manifest["value_range"])
    kept, columns = list(map(folder.named, manifest["kept"])), _read_columns(path, manifest.get("columns", {}))
    return pictures_of(folder, value_range, rows, kept, skipped, columns)


class Decoded:
    """An array whose rows are read from their image files on access, by several threads.

    Args:
        reader: The `Reader` of the files.
        files: Paths, or `Part`s of files.
        shape: Shape of the array.
        dtype: Data type of the array.
        workers: Number of threads. None uses one per core.
        part: Index into the second axis to return. None returns all.
    """

    def __init__(self, reader, files, shape, dtype, workers=None, part=None):
        self.reader, self.files, self.whole, self.dtype = reader, files, tuple(shape), np.dtype(dtype)
        self.workers, self.part = workers or os.cpu_count() or 1, part
        self.shape = self.whole if part is None else (self.whole[0], *self.whole[2:])
        self._pool = None

    @property
    def ndim(self):
        return len(self.shape)

    def __len__(self):
        return self.shape[0]

    def side(self, part):
        """Returns one index of the second axis of all rows."""
        return Decoded(self.reader, self.files, self.whole, self.dtype, self.workers, part)

    def __getitem__(self, indices):
        chosen = np.arange(len(self))[indices]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers)
        rows = np.empty((chosen.size, *self.shape[1:]), self.dtype)
        for place, row in enumerate(self._pool.map(self._read, chosen.reshape(-1).tolist())):
            rows[place] = row
        return rows[0] if chosen.ndim == 0 else rows.reshape(*chosen.shape, *self.shape[1:])

    def __array__(self, dtype=None, copy=None):
        return self[:] if dtype is None else self[:].astype(dtype)

    def _read(self, index):
        image, reason = self.reader(self.files[index])
        if reason is None and image.shape != self.whole[1:]:
            reason = f"{self.files[index]} has the shape {image.shape}; expected {self.whole[1:]}: pass image_size."
        if reason is not None:
            raise ValueError(f"{reason} Repair or remove it, or use a cache, which leaves such files out.")
        return image if self.part is None else image[self.part]


def _decoded(folder, workers):
    headers, skipped = folder.surveyed(workers)
    reader, shape = folder.reader(headers)
    dtype, files = "uint8" if reader.value_range is None else "float32", list(headers)
    images = Decoded(reader, files, (len(files), *shape), dtype, workers)
    return pictures_of(folder, reader.value_range, images, files, skipped)
