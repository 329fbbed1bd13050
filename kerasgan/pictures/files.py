"""Files that are either complete or not there: written beside their place, synced to the disk, then renamed."""

import contextlib
import json
import os
from pathlib import Path


@contextlib.contextmanager
def replacing(path):
    """Opens a binary file that takes the place of `path` when the block ends, and never if it fails.

    The folder is made where it is missing. A process that is killed in the block leaves `path` as it was, and beside it
    a hidden file whose name ends in `.partial`.

    Args:
        path: where the complete file goes.
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
    """Writes a JSON-ready value, indented, by `replacing`."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    with replacing(path) as file:
        file.write(f"{text}\n".encode())


def _sync_folder(folder):
    """Makes a renaming last through a power cut; where folders cannot be opened (Windows) it has to do without."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
