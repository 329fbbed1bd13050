"""Parts of files that are read by position, from any thread or process."""

import io
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST = 2**30  # largest number of bytes per read; the system's limit is 2 GB


class Opened:
    """A file that is opened when it is first read, and again in a forked process.

    Args:
        path: Path of the file.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._file: Any = None
        self._process, self._lock = None, threading.Lock()

    def read_into(self, memory, place):
        """Reads bytes from a position of the file into a memory view.

        Args:
            memory: Contiguous `memoryview` of bytes.
            place: Position of the first byte.

        Raises:
            EOFError: If the file ends within these bytes.
        """
        done = 0
        while done < len(memory):
            part = os.preadv(self._descriptor(), [memory[done : done + MOST]], place + done)
            if part == 0:
                raise EOFError(f"{self.path} ends before byte {place + len(memory)}.")
            done += part

    def read(self, place, size):
        """Returns `size` bytes from a position of the file."""
        data = bytearray(size)
        self.read_into(memoryview(data), place)
        return bytes(data)

    def _descriptor(self):
        with self._lock:
            if self._file is None or self._process != os.getpid():
                self._file, self._process = open(self.path, "rb"), os.getpid()  # noqa: SIM115
            return self._file.fileno()

    def __getstate__(self):
        return {"path": self.path}

    def __setstate__(self, state):
        self.__init__(state["path"])  # type: ignore[misc]


class Spool(Opened):
    """An unnamed file for data that cannot be read by position. It disappears with the process, however that ends.

    Args:
        path: Path of the original data, for messages.
        folder: Folder on a disk with enough space.
    """

    def __init__(self, path, folder):
        super().__init__(path)
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self.size = tempfile.TemporaryFile(dir=folder), 0  # noqa: SIM115
        self._unwritten = False

    def append(self, data):
        """Appends bytes and returns their position."""
        place = self.size
        self._file.write(data)
        self.size, self._unwritten = self.size + len(data), True
        return place

    def _descriptor(self):
        with self._lock:
            if self._unwritten:
                self._file.flush()
                self._unwritten = False
        return self._file.fileno()  # a forked process inherits it

    def __getstate__(self):
        raise TypeError(f"The pictures of {self.path} cannot be sent to another process; expected cache=True.")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """An encoded image within a file, used in place of a path.

    Args:
        file: The `Opened` file.
        place: Position of the image in bytes.
        size: Number of bytes.
        name: Name in messages, unique within the data, such as "shard-0001.tar/000012".
    """

    file: Opened
    place: int
    size: int
    name: str

    def opened(self):
        """Returns a file object of the bytes."""
        return io.BytesIO(self.file.read(self.place, self.size))

    @property
    def stem(self):
        """Name that partners in two sources of pairs share."""
        return self.name.rpartition("/")[2]

    def __str__(self):
        return self.name


def as_file(path):
    """Returns what Pillow opens for a path or a `Part`."""
    return path.opened() if isinstance(path, Part) else path
