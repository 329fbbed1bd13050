"""Results of finished runs, so that an interrupted benchmark can be resumed."""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path

from kerasgan.pictures.files import replacing

RESULTS = Path(__file__).parent / "results"


@contextlib.contextmanager
def alone(folder):
    """Context manager that admits one process at a time."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


class Journal:
    """A JSON Lines file with a line for each finished run.

    Args:
        name: Name of the file `results/<name>.jsonl`.
        fresh: Whether to discard existing results.
    """

    def __init__(self, name, fresh=False):
        self.path = RESULTS / f"{name}.jsonl"
        if fresh:
            self.path.unlink(missing_ok=True)

    def rows(self, **where):
        """Returns finished runs with the given entries, oldest first."""
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        rows = [json.loads(line) for line in lines]
        return [row for row in rows if all(row.get(name) == value for name, value in where.items())]

    def add(self, row):
        """Appends a result, safely with concurrent writers."""
        with alone(self.path.parent):
            before = self.path.read_bytes() if self.path.exists() else b""
            with replacing(self.path) as file:
                file.write(before + json.dumps(row).encode() + b"\n")

    def once(self, run, **key):
        """Returns the result of a run, from the file or by running it.

        Args:
            run: Function that returns a dictionary of numbers.
            **key: Entries that identify the run.

        Returns:
            A dictionary of key, numbers and `cpu_seconds`.
        """
        if found := self.rows(**key):
            return found[0]
        start = time.process_time()
        self.add({**key, **run(), "cpu_seconds": round(time.process_time() - start, 1)})
        return self.rows(**key)[0]
