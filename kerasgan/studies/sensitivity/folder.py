"""The folder of a study. Existing cells are not trained again."""

import importlib.util
import json
from pathlib import Path

from kerasgan.pictures.files import replacing, write_json
from kerasgan.studies.sensitivity.report import markdown, plot, summary


def measure(study, folder, progress=None):
    """Trains all missing cells in a folder and writes the report.

    `settings.json` contains the settings of the study, and `cells.jsonl` has one line per cell, where null means an
    infinite metric. Lines are written atomically. `report.md`, `report.json` and `sensitivity.png` summarise the cells.

    Args:
        study: A `Study`.
        folder: Folder of the study. An existing folder of the same study is resumed.
        progress: Function of (rows so far, total number of cells) that is called before the first cell and after each
            cell.

    Returns:
        The report as returned by `summary`.

    Raises:
        ValueError: If the folder contains another study. The message lists the differences.
        ModuleNotFoundError: If Matplotlib is not installed. This is checked before the training.
    """
    if importlib.util.find_spec("matplotlib") is None:  # fails now rather than after hours
        raise ModuleNotFoundError("The plot of the report needs Matplotlib: pip install 'kerasgan[tuning]'.")
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
    """Returns the rows of a `cells.jsonl`, or an empty list if it does not exist."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def take_up(folder, now):
    """Writes a study's settings into its folder, or raises an error if the folder has different settings.

    Raises:
        ValueError: If the settings differ. The message lists the differences.
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
            f"{folder} contains another study: {'; '.join(changes)}. Resume it with the same settings, or start a new "
            "study in another folder."
        )
