"""The folder of a study: cells that are there are not trained again."""

import importlib.util
import json
from pathlib import Path

from kerasgan.pictures.files import replacing, write_json
from kerasgan.studies.sensitivity.report import markdown, plot, summary


def measure(study, folder, progress=None):
    """Trains all cells that a folder does not have yet, and writes its report.

    `settings.json` says what was trained, `cells.jsonl` has a line for each cell (a metric of null is an infinite one),
    and a line is there whole or not at all; `report.md`, `report.json` and `sensitivity.png` sum them up.

    Args:
        study: a `Study`.
        folder: where a study that was interrupted goes on, if it is the same.
        progress: called with the rows so far and the number of all cells before the first cell and after each.

    Returns:
        The report, as `summary` gives it.

    Raises:
        ValueError: if the folder holds another study; the message says what differs.
        ModuleNotFoundError: if Matplotlib is not installed, before anything is trained.
    """
    if importlib.util.find_spec("matplotlib") is None:  # rather now than after hours
        raise ModuleNotFoundError("The report's picture needs Matplotlib: pip install 'kerasgan[tuning]'.")
    folder, about = Path(folder), study.settings()
    take_up(folder, about)
    path, cells = folder / "cells.jsonl", study.cells()
    rows = read(path)
    known = [{name: row[name] for name in cells[0]} for row in rows]
    if progress:
        progress(rows, len(cells))
    for cell in cells:
        if cell in known:
            continue
        rows.append(study.row(cell))
        with replacing(path) as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows).encode())
        if progress:
            progress(rows, len(cells))
    report = summary(rows, study.threshold, study.is_mixture)
    write_json(folder / "report.json", {"settings": about, **report})
    with replacing(folder / "report.md") as file:
        file.write(markdown(study, report).encode())
    plot(folder / "sensitivity.png", study, rows, report)
    return report


def read(path):
    """The rows of a `cells.jsonl`; none where there is none."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def take_up(folder, now):
    """Writes a study's settings into its folder, or refuses a folder that has others.

    Raises:
        ValueError: that names what differs.
    """
    path = folder / "settings.json"
    if not path.exists():
        write_json(path, now)
        return
    before = json.loads(path.read_text("utf-8"))
    names = dict.fromkeys([*before, *now])
    changes = [f"{n} was {before.get(n)!r} and is {now.get(n)!r} now" for n in names if before.get(n) != now.get(n)]
    if changes:
        raise ValueError(
            f"{folder} holds another study: {'; '.join(changes)}. Go on with the same settings, or begin a new one in "
            "another folder."
        )
