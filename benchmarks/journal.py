"""Results of finished runs, kept so that a benchmark that was cut off goes on where it was."""

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
    """One process at a time within the block."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


class Journal:
    """A file of JSON lines, one for each finished run.

    Args:
        name: of the file `results/<name>.jsonl`.
        fresh: begin anew.
    """

    def __init__(self, name, fresh=False):
        self.path = RESULTS / f"{name}.jsonl"
        if fresh:
            self.path.unlink(missing_ok=True)

    def rows(self, **where):
        """Finished runs with these entries, oldest first."""
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        rows = [json.loads(line) for line in lines]
        return [row for row in rows if all(row.get(name) == value for name, value in where.items())]

    def add(self, row):
        """Keeps a result; whatever happens meanwhile, and whoever else adds one, those before it stay."""
        with alone(self.path.parent):
            before = self.path.read_bytes() if self.path.exists() else b""
            with replacing(self.path) as file:
                file.write(before + json.dumps(row).encode() + b"\n")

    def once(self, run, **key):
        """The result of a run, from the file or now.

        Args:
            run: function that returns the numbers, a dictionary.
            **key: what names the run.

        Returns:
            Key, numbers and `cpu_seconds`, a dictionary.
        """
        if found := self.rows(**key):
            return found[0]
        start = time.process_time()
        self.add({**key, **run(), "cpu_seconds": round(time.process_time() - start, 1)})
        return self.rows(**key)[0]
