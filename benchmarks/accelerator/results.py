"""The budget of time, and the rows that have been measured, in a file that is whole after each of them."""

import json
import time
from pathlib import Path

from kerasgan.pictures.files import replacing, write_json

DONE = "ok"


class Budget:
    """Time that may be spent.

    Args:
        seconds: Number of seconds from now on.
        clock: Function that returns the seconds; `time.monotonic` by default.
        reserve: Number of seconds at the end in which nothing runs, for the last file.
    """

    def __init__(self, seconds, clock=time.monotonic, reserve=5.0):
        self.seconds, self.clock, self.reserve = float(seconds), clock, float(reserve)
        self.start = clock()

    @property
    def left(self):
        """Number of seconds that are left, 0 or more."""
        return max(0.0, self.start + self.seconds - self.reserve - self.clock())

    def refusal(self, needed):
        """Why something that takes so many seconds is not begun; `None` if there is time for it."""
        if self.left >= needed:
            return None
        return f"{self.left:.0f} s of the budget of {self.seconds:.0f} s were left, and it takes about {needed:.0f} s"


class Results:
    """The rows of a file, by name. A row is a dictionary with a "status": "ok", "skipped" or "failed".

    Args:
        path: Path of the JSON file. Rows of an earlier run are read from it if it exists.
        about: JSON-ready entries about the machine and the run, which replace earlier ones.
    """

    def __init__(self, path, **about):
        self.path = Path(path)
        content = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        self.about = {**content.get("about", {}), **about}
        self.rows = content.get("rows", {})

    def is_done(self, name):
        """Whether a row was measured, in this run or an earlier one."""
        return self.rows.get(name, {}).get("status") == DONE

    def add(self, name, row):
        """Adds a row, and writes the JSON file and the Markdown table beside it, each by renaming a complete file."""
        if not self.is_done(name) or row["status"] == DONE:
            self.rows[name] = row
        self.write()

    def write(self):
        """Writes both files."""
        write_json(self.path, {"about": self.about, "rows": self.rows})
        from benchmarks.accelerator.table import table

        with replacing(self.path.with_suffix(".md")) as file:
            file.write(table(self.about, self.rows).encode())
