"""Log of a run: model, recipe, environment and history."""

import csv
import datetime
import io
import json
import time
import warnings
from pathlib import Path

import keras
from keras import ops

from kerasgan.pictures.files import replacing, write_json
from kerasgan.zoo.versions import versions


class RunLog(keras.callbacks.Callback):
    """Writes `run.json` (model, recipe, versions, devices, times) and `history.csv` (one line per epoch, from 1).

    A resumed run continues the same files and replaces the lines of repeated epochs. A log that first appears in a
    later epoch adds a column, with empty cells for missing values. List the callback after callbacks that add logs.

    Args:
        folder: Folder of the run.
        **facts: Additional JSON-serialisable entries of `run.json`, such as `data={"name": "digits"}`.
    """

    def __init__(self, folder, **facts):
        super().__init__()
        self.folder, self.facts = Path(folder), facts
        self.history = self.folder / "history.csv"
        self.columns: list[str] = []
        self.unwritten: list[dict] = []  # rows that a full disk did not accept
        self.taken_up = False

    def on_train_begin(self, logs=None):
        model, now = self.model, _now()
        resumed = int(ops.convert_to_numpy(model.iterations)) > 0 and (self.folder / "run.json").exists()
        earlier = read_run(self.folder) if resumed else {"started": now, "resumed": []}
        self.entries = {
            **describe(model),
            **self.facts,
            "versions": versions(),
            "engine": keras.backend.backend(),
            "devices": keras.distribution.list_devices(),
            "started": earlier["started"],
            "resumed": earlier["resumed"] + [now] * resumed,
            "finished": None,
        }
        write_json(self.folder / "run.json", self.entries)
        self.taken_up = False

    def on_epoch_begin(self, epoch, logs=None):
        if not self.taken_up:
            self.columns, rows = self._read_history()
            self.taken_up = True
            self._write_history([row for row in rows if int(row["epoch"]) <= epoch])
        self.began = time.monotonic(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        row = {
            "epoch": epoch + 1,
            "iterations": int(ops.convert_to_numpy(self.model.iterations)),
            "images_seen": int(ops.convert_to_numpy(self.model.images_seen)),
            "seconds": round(time.monotonic() - self.began[0], 3),
            "cpu_seconds": round(time.process_time() - self.began[1], 3),
            **(logs or {}),
        }
        new = [name for name in row if name not in self.columns]
        self.columns += new
        try:
            if new or self.unwritten:
                rows = [each for each in self._read_history()[1] if int(each["epoch"]) <= epoch - len(self.unwritten)]
                self._write_history([*rows, *self.unwritten, row])
            else:
                with open(self.history, "a", newline="", encoding="utf-8") as file:
                    csv.DictWriter(file, self.columns, lineterminator="\n").writerow(row)
            self.unwritten = []
        except OSError as error:
            self.unwritten.append(row)
            warnings.warn(
                f"The log line of epoch {epoch + 1} was not written: {error}. It will be written with the next one.",
                RuntimeWarning,
                stacklevel=2,
            )

    def on_train_end(self, logs=None):
        self.entries["finished"] = _now()
        write_json(self.folder / "run.json", self.entries)

    def _read_history(self):
        """Returns columns and rows, without an incomplete last line left by a killed process."""
        text = self.history.read_text("utf-8") if self.history.exists() else ""
        reader = csv.DictReader(line for line in text.splitlines(keepends=True) if line.endswith("\n"))
        return list(reader.fieldnames or []), list(reader)

    def _write_history(self, rows):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        if self.columns:
            writer.writeheader()
        writer.writerows(rows)
        with replacing(self.history) as file:
            file.write(text.getvalue().encode())


def describe(model):
    """Returns a JSON-serialisable description of a compiled model, from which `kerasgan.run.load_run` recreates it."""
    compiled = model.get_compile_config()
    return {
        "class": keras.saving.get_registered_name(type(model)),
        "model": model.get_config(),
        "recipe": compiled.pop("recipe"),
        "compile": compiled,
        "precision": model.dtype_policy.name,
    }


def read_run(folder):
    """Returns the entries of a run's `run.json`.

    Raises:
        FileNotFoundError: If the folder contains no run.
        ValueError: If the file is damaged.
    """
    path = Path(folder) / "run.json"
    if not path.exists():
        raise FileNotFoundError(f"{folder} is not the folder of a run: it contains no run.json.")
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}.") from error


def _now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
