"""Presets of finished runs, scored on unseen data."""

import csv
import hashlib

import keras

from kerasgan.data import load as load_data
from kerasgan.run import load_run
from kerasgan.studies.measure import measure, panel
from kerasgan.zoo.saving import plain, save


def save_run(folder, out, command):
    """Writes a finished run as a preset, scored on unseen data.

    Args:
        folder: Folder of the run.
        out: Folder of the preset.
        command: Command that created the run.
    """
    run = load_run(folder)
    model, trained = _as_loaded(run.model), run.entries["data"]
    pairs = getattr(model, "as_pairs", False)
    data = load_data(
        trained["name"], trained["split"], model.image_shape[0], labels=False, as_numpy=True, as_pairs=bool(pairs)
    )
    x, y = data if pairs else (data, None)
    with open(run.folder / "history.csv", encoding="utf-8") as file:
        seconds = sum(float(row["seconds"]) for row in csv.DictReader(file))
    save(
        model,
        out,
        samples=panel(model, x, y) if pairs else None,
        data={**trained, "sha256": hashlib.sha256(x.tobytes()).hexdigest()},
        seed=run.entries["seed"],
        steps=int(keras.ops.convert_to_numpy(run.model.iterations)),
        kimg=round(int(keras.ops.convert_to_numpy(run.model.images_seen)) / 1000, 1),
        minutes=round(seconds / 60, 1),
        engine=run.entries["engine"],
        precision=run.entries["precision"],
        device=", ".join(run.entries["devices"]),
        evaluation=measure(model, trained["name"]),
        command=command,
    )


def _as_loaded(model):
    """Returns a trained model in float32, as users will load it."""
    loaded = type(model).from_config(plain(model.get_config()))
    for mine, theirs in ((loaded.networks, model.networks), (loaded.averages, model.averages)):
        for name, network in mine.items():
            network.set_weights(theirs[name].get_weights())
    return loaded
