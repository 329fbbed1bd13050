"""Presets of finished runs, scored on unseen data."""

import csv
import hashlib
import warnings

import keras
import numpy as np

from kerasgan.data import load as load_data
from kerasgan.data.builders import DATASETS
from kerasgan.data.load import resolve
from kerasgan.export.single import in_single_precision
from kerasgan.run import load_run
from kerasgan.studies import evaluate
from kerasgan.studies.measure import as_split, continued, measure, panel
from kerasgan.zoo.saving import save


def save_run(folder, out, command):
    """Saves a finished run as a preset, scored on unseen data.

    Args:
        folder: Folder of the run.
        out: Folder of the preset.
        command: Command that created the run.
    """
    run = load_run(folder)
    model, trained = in_single_precision(run.model), run.entries["data"]
    split, options = as_split(trained["split"]), dict(trained.get("options", {}))
    options.pop("class_names", None)
    if "options" not in trained and "class_names" not in trained:  # written by an earlier version
        options = {"image_size": model.image_shape[0]}
    pairs, form = bool(getattr(model, "as_pairs", False)), getattr(model, "sample_form", None)
    data = load_data(trained["name"], split, labels=False, as_numpy=True, as_pairs=pairs, samples=form, **options)
    x, y = data if pairs else (data, None)
    drawn = panel(model, x, y) if hasattr(model, "panel") else None
    media = None
    if hasattr(model, "continue_video"):
        unseen = "test" if "test" in evaluate._splits(trained["name"]) else split
        media = continued(model, load_data(trained["name"], unseen, labels=False, as_numpy=True, **options))
    about = {**trained, **licence_of(trained["name"]), "sha256": fingerprint(x)}
    del data, x, y  # may be a gigabyte of films
    with open(run.folder / "history.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    minutes = {  # earlier versions did not record the CPU time
        name: round(sum(float(row[column]) for row in rows) / 60, 1)
        for name, column in (("minutes", "seconds"), ("cpu_minutes", "cpu_seconds"))
        if all(row.get(column) for row in rows)
    }
    save(
        model,
        out,
        samples=drawn,
        media=media,
        data=about,
        seed=run.entries["seed"],
        steps=int(keras.ops.convert_to_numpy(run.model.iterations)),
        kimg=round(int(keras.ops.convert_to_numpy(run.model.images_seen)) / 1000, 1),
        **minutes,
        engine=run.entries["engine"],
        precision=run.entries["precision"],
        device=", ".join(run.entries["devices"]),
        evaluation=_measured(model, trained),
        command=command,
    )


def licence_of(data):
    """The entry `{"license": ...}` for a data set of the package, `{}` for others."""
    kind, found = resolve(data)
    if kind != "own":
        return {}
    name, config = found
    return {"license": DATASETS[name](config).license}


def fingerprint(samples):
    """SHA-256 of samples; for a dictionary, in the order of its names."""
    content = hashlib.sha256()
    for part in [samples[name] for name in sorted(samples)] if isinstance(samples, dict) else [samples]:
        content.update(np.ascontiguousarray(part).data)
    return content.hexdigest()


def _measured(model, trained):
    """The scores, or None with a warning if there are too few images, so that a finished training is kept anyway."""
    try:
        return measure(model, trained["name"], trained=trained)
    except (ValueError, FileNotFoundError) as error:
        warnings.warn(f"The preset is written without scores: {error}", UserWarning, stacklevel=2)
        return None
