"""A run: the folder in which a training keeps all of its files.

It contains `run.json` (model, recipe and environment), `history.csv` (one line per epoch), `samples/step-*.png`,
`checkpoints/step-*.npz`, and at the end `model.keras`.
"""

import contextlib
import dataclasses
import json
import os
import random
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan.callbacks import (
    Checkpoint,
    Interruption,
    RunLog,
    SampleGrid,
    SampleTexts,
    StopAtNonFinite,
    TranslationGrid,
    latest_checkpoint,
    restore_checkpoint,
)
from kerasgan.callbacks.checkpoint import refuse_others
from kerasgan.callbacks.run_log import describe, read_run
from kerasgan.data.pipeline import ArrayBatches
from kerasgan.game.policy import precision
from kerasgan.pictures.lock import locked

COLUMNS = 8  # number of images in a picture of translations
START: dict[str, Any] = {"epoch": 0, "step": 0, "states": {}}


@dataclasses.dataclass(frozen=True)
class Run:
    """A loaded run.

    Args:
        folder: Folder of the run.
        model: Built and compiled model with the state of the newest valid checkpoint.
        entries: Entries of `run.json`.
        epoch: Number of completed epochs.
    """

    folder: Path
    model: Any
    entries: dict
    epoch: int


def set_random_seed(seed):
    """Seeds the generators of Python and NumPy, which determine initial weights and model seeds, and of TensorFlow.

    Unlike `keras.utils.set_random_seed`, it does not import TensorFlow on other engines.
    """
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(seed)
    else:
        random.seed(seed)
        np.random.seed(seed)


def train(
    folder,
    model,
    x,
    y=None,
    epochs=1,
    position=START,
    sample_every=1,
    checkpoint_every=1,
    checkpoint_every_steps=None,
    keep=3,
    callbacks=(),
    steps_per_epoch=None,
    **facts,
):
    """Trains a compiled model and keeps everything in a run's folder. With several workers, only the chief writes.

    Args:
        folder: Folder of the run.
        model: A compiled `AdversarialModel`.
        x: Real samples, as for `fit`, or `ArrayBatches`.
        y: Labels or targets, as for `fit`.
        epochs: Number of the last epoch.
        position: Position to start from: `START`, or that of the checkpoint from which the model was restored.
        sample_every: Number of epochs between two pictures of samples.
        checkpoint_every: Number of epochs between two checkpoints.
        checkpoint_every_steps: Number of steps between two additional checkpoints within an epoch.
        keep: Number of checkpoints to keep.
        callbacks: Additional callbacks, whose logs are added to the history.
        steps_per_epoch: Number of steps of an epoch, if it is shorter than a pass over the data. It must not change
            when the run is resumed.
        **facts: Additional JSON-ready entries of `run.json`.

    Raises:
        FileExistsError: If another process trains in the folder, or if another training has left checkpoints there.
        Interrupted: After SIGTERM or SIGINT, when a checkpoint has been saved.
        NonFiniteLoss: If a loss becomes NaN or infinite, unless the recipe skips such updates.
        OSError: If the folder cannot be written.
    """
    folder = Path(folder)
    with locked(folder) if model.is_chief else contextlib.nullcontext():
        refuse_others(model, folder / "checkpoints")
        if (folder / "model.keras").exists() and not (folder / "run.json").exists():
            raise FileExistsError(
                f"{folder} contains a model.keras that does not belong to a run. Choose another folder for this run."
            )
        stateful = [each for each in callbacks if hasattr(each, "get_state")]
        for each in stateful:
            if type(each).__name__ in position["states"]:
                each.set_state(position["states"][type(each).__name__])
        checkpoint = Checkpoint(folder / "checkpoints", checkpoint_every, checkpoint_every_steps, keep, stateful)
        interruption = Interruption(checkpoint)
        kept = [] if model.guarded else [StopAtNonFinite()]
        if model.is_chief:
            # The log first, so that a run that is stopped while drawing can be recognised as one.
            kept += [RunLog(folder, **facts), *_pictures(model, x, y, folder / "samples", sample_every)]
        try:
            model.fit(
                x,
                y,
                epochs=epochs,
                initial_epoch=position["epoch"],
                initial_step=position["step"],
                callbacks=[*callbacks, *kept, checkpoint, interruption],
                steps_per_epoch=steps_per_epoch,
                verbose=0,
            )
        finally:
            interruption.release()
        if model.is_chief:
            partial = folder / ".partial.keras"
            model.save(partial)
            os.replace(partial, folder / "model.keras")


def _pictures(model, x, y, folder, every_epochs):
    """The callbacks that draw the model's samples."""
    if model.generates:
        kind = model.sample_kind
        if kind.sheet(kind.example(1, 0)) is not None:
            return [SampleGrid(folder, every_epochs)]
        return [SampleTexts(folder, every_epochs)] if hasattr(kind, "decode") else []
    if isinstance(x, ArrayBatches):
        some = x.first(min(COLUMNS, x.count))
        x, y = some if isinstance(some, tuple) else (some, None)
    count = min(COLUMNS, len(x), len(x if y is None else y))
    return [TranslationGrid(folder, x[:count], None if y is None else y[:count], every_epochs)]


def load_run(folder):
    """Builds and compiles a run's model and restores its newest valid checkpoint.

    Args:
        folder: Folder of the run.

    Returns:
        A `Run`.

    Raises:
        FileNotFoundError: If the folder contains no run, or if the run has no checkpoint yet.
        ValueError: If the run's class is unknown; import the module that defines it first.
    """
    folder = Path(folder)
    entries = read_run(folder)
    family = keras.saving.get_registered_object(entries["class"])
    if family is None:
        raise ValueError(f"{folder} is a run of {entries['class']}, which is not known. Import its module first.")
    with precision(entries["precision"]):
        model = family.from_config(entries["model"])
        model.compile_from_config({"recipe": entries["recipe"], **entries["compile"]})
    position = restore_checkpoint(model, folder / "checkpoints")
    model.class_names = tuple(entries.get("data", {}).get("class_names", ()))
    return Run(folder, model, entries, position["epoch"] or 0)


def resume(folder, model, allow=(), **facts):
    """Restores a model from the newest valid checkpoint of a run with the same model, recipe and facts.

    Args:
        folder: Folder of the run.
        model: Model that is compiled as for the run.
        allow: Names of the entries that may differ, as in the error, e.g. `"recipe.ema_half_life"`, or of a whole part:
            `"recipe.generator_optimizer"`.
        **facts: See `train`.

    Returns:
        The position, as returned by `restore_checkpoint`; or `START`, with an unchanged model, if the run was stopped
        before its first checkpoint.

    Raises:
        ValueError: If entries differ (the message names them), or if `restore_checkpoint` raises it.
    """
    entries = read_run(folder)
    now = _without_names(json.loads(json.dumps({**describe(model), **facts})))
    before = _without_names(entries)
    compared = [name for name in now if name != "compile"]
    found = [difference for name in compared for difference in _differences(name, before.get(name), now[name])]
    # Runs of earlier versions record less about their data.
    data = entries.get("data", {})
    earlier = isinstance(data, dict) and "class_names" not in data
    own = ("data.name", "data.split", "data.images")
    known = [name for name, _ in found if not (earlier and name.startswith("data.") and name not in own)]
    known = [name for name in known if name != "data.options.class_names"]  # duplicated by data.class_names
    differences = [
        f"{name} {change}" for name, change in found if name in known and not any(_within(name, each) for each in allow)
    ]
    if differences:
        raise ValueError(
            f"{folder} was trained with other settings: {'; '.join(differences)}. Resume with the same settings, "
            "allow a change with --allow-change NAME, or start a new run in another folder."
        )
    checkpoints = Path(folder) / "checkpoints"
    return restore_checkpoint(model, checkpoints) if latest_checkpoint(checkpoints) else START


def _within(name, part):
    return name == part or name.startswith(f"{part}.")


def _without_names(value):
    """A JSON value in which layers are named by their positions instead of names such as `dense_7`.

    Keras' numbers depend on what else the process has built, and occur wherever layers are connected.
    """
    names: dict[str, str] = {}

    def collect(value):
        if isinstance(value, dict):
            config = value.get("config")
            if "class_name" in value and isinstance(config, dict) and isinstance(config.get("name"), str):
                names.setdefault(config["name"], f"layer {len(names)}")
            for each in value.values():
                collect(each)
        elif isinstance(value, list):
            for each in value:
                collect(each)

    def renamed(value):
        if isinstance(value, dict):
            return {key: each if key == "class_name" else renamed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [renamed(each) for each in value]
        return names.get(value, value) if isinstance(value, str) else value

    if not isinstance(value, dict) or not isinstance(value.get("model"), dict):
        return value
    collect(value["model"])
    return {**value, "model": renamed(value["model"])}


def _differences(name, before, now):
    """The list [(name, change)] of differences between two JSON values, except for names numbered by Keras."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = dict.fromkeys([*before, *now])
        return [
            difference
            for key in keys
            if key != "name" or not name.startswith(("model", "recipe"))
            for difference in _differences(f"{name}.{key}", before.get(key), now.get(key))
        ]
    return [] if before == now else [(name, f"was {before!r} and is {now!r} now")]
