"""Atomic file writes: a file is written to a temporary name, synced to disk and then renamed."""

import contextlib
import json
import os
from pathlib import Path


@contextlib.contextmanager
def replacing(path):
    """Context manager that opens a binary file and replaces `path` with it if the block succeeds.

    A missing folder is created. If the process is killed in the block, `path` is unchanged, and a hidden file whose
    name ends in `.partial` is left next to it.

    Args:
        path: Path of the complete file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_json(path, value):
    """Writes a JSON-serialisable value, indented, by `replacing`."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    with replacing(path) as file:
        file.write(f"{text}\n".encode())


def _sync_folder(folder):
    """Makes a rename durable across a power failure. No-op on Windows, which cannot fsync a directory."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
