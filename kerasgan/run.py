"""A run: the folder in which a training keeps all that belongs to it.

`run.json` (what is trained, and with what), `history.csv` (one line an epoch), `samples/step-*.png`,
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

COLUMNS = 8  # images in a picture of translations
START: dict[str, Any] = {"epoch": 0, "step": 0, "states": {}}


@dataclasses.dataclass(frozen=True)
class Run:
    """A run that was loaded.

    Args:
        folder: of the run.
        model: built, compiled, and as the newest good checkpoint has it.
        entries: of `run.json`.
        epoch: number of completed epochs.
    """

    folder: Path
    model: Any
    entries: dict
    epoch: int


def set_random_seed(seed):
    """Seeds Python's and NumPy's generators, which initial weights and models' seeds come from, and TensorFlow's on it.

    Unlike `keras.utils.set_random_seed` it does not import TensorFlow on another engine.
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
    """Trains a compiled model and keeps everything in a run's folder; under several workers the chief's process does.

    Args:
        folder: of the run.
        model: a compiled `AdversarialModel`.
        x: real samples, as for `fit`, also `ArrayBatches`.
        y: labels or targets, as for `fit`.
        epochs: number of the last epoch.
        position: where to begin: `START`, or that of the checkpoint that the model was taken back to.
        sample_every: epochs from one picture of samples to the next.
        checkpoint_every: epochs from one checkpoint to the next.
        checkpoint_every_steps: steps of an epoch from one checkpoint to the next, besides.
        keep: number of checkpoints that are kept.
        callbacks: further callbacks; their logs go into the history.
        steps_per_epoch: number of steps of an epoch that is shorter than a pass over the data; the same on each resume.
        **facts: further JSON-ready entries of `run.json`.

    Raises:
        FileExistsError: if another process trains in the folder, or another training has left checkpoints there.
        Interrupted: after SIGTERM or SIGINT, when a checkpoint has been saved.
        NonFiniteLoss: if a loss became NaN or infinite, unless the recipe leaves such updates out.
        OSError: if the folder cannot be written.
    """
    folder = Path(folder)
    with locked(folder) if model.is_chief else contextlib.nullcontext():
        refuse_others(model, folder / "checkpoints")
        if (folder / "model.keras").exists() and not (folder / "run.json").exists():
            raise FileExistsError(
                f"{folder} holds a model.keras of another origin. Choose another folder for this run."
            )
        stateful = [each for each in callbacks if hasattr(each, "get_state")]
        for each in stateful:
            if type(each).__name__ in position["states"]:
                each.set_state(position["states"][type(each).__name__])
        checkpoint = Checkpoint(folder / "checkpoints", checkpoint_every, checkpoint_every_steps, keep, stateful)
        interruption = Interruption(checkpoint)
        kept = [] if model.guarded else [StopAtNonFinite()]
        if model.is_chief:
            # The log first: a run that is stopped while it draws can be told from a folder of other things.
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
    """The callbacks that draw what the model makes."""
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
    """Builds and compiles a run's model and takes it to its newest good checkpoint.

    Args:
        folder: of the run.

    Returns:
        A `Run`.

    Raises:
        FileNotFoundError: if the folder holds no run, or the run no checkpoint yet.
        ValueError: if the run's class is not known here: import the module that defines it first.
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
    """Takes a model to the newest good checkpoint of a run, if the run was of the same model, recipe and facts.

    Args:
        folder: of the run.
        model: compiled as for the run.
        allow: names of what may differ, as the error names them, e.g. `"recipe.ema_half_life"`, or a whole part:
            `"recipe.generator_optimizer"`.
        **facts: as for `train`.

    Returns:
        The position, as of `restore_checkpoint`: `START`, and the model as it is, where the run was stopped before its
        first checkpoint.

    Raises:
        ValueError: that names what differs, and for what `restore_checkpoint` refuses.
    """
    entries = read_run(folder)
    now = _without_names(json.loads(json.dumps({**describe(model), **facts})))
    before = _without_names(entries)
    compared = [name for name in now if name != "compile"]
    found = [difference for name in compared for difference in _differences(name, before.get(name), now[name])]
    # Runs of earlier versions say less of their data.
    data = entries.get("data", {})
    earlier = isinstance(data, dict) and "class_names" not in data
    own = ("data.name", "data.split", "data.images")
    known = [name for name, _ in found if not (earlier and name.startswith("data.") and name not in own)]
    known = [name for name in known if name != "data.options.class_names"]  # which data.class_names says as well
    differences = [
        f"{name} {change}" for name, change in found if name in known and not any(_within(name, each) for each in allow)
    ]
    if differences:
        raise ValueError(
            f"{folder} was trained with other settings: {'; '.join(differences)}. Resume with the same ones, say which "
            "change is meant (--allow-change NAME), or begin a new run in another folder."
        )
    checkpoints = Path(folder) / "checkpoints"
    return restore_checkpoint(model, checkpoints) if latest_checkpoint(checkpoints) else START


def _within(name, part):
    return name == part or name.startswith(f"{part}.")


def _without_names(value):
    """A JSON value in which layers are called by their places in it, not by names such as `dense_7`.

    Keras numbers layers by what else the process has built, and writes these names wherever layers are connected.
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
    """[(name, what changed)] between two JSON values, but for the names that Keras numbers."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = dict.fromkeys([*before, *now])
        return [
            difference
            for key in keys
            if key != "name" or not name.startswith(("model", "recipe"))
            for difference in _differences(f"{name}.{key}", before.get(key), now.get(key))
        ]
    return [] if before == now else [(name, f"was {before!r} and is {now!r} now")]
