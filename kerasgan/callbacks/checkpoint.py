"""Checkpoints: the complete state of a training run in one file, verified by a checksum when it is read.

A checkpoint is an `.npz` file, followed by the SHA-256 of its bytes as 64 hexadecimal digits; `numpy.load` can read it.
It contains every variable of the model (weights, averages, counters, seed states), of the players' optimizers and of
the logs, and a JSON text `about`. Reading it executes no code.
"""

import errno
import hashlib
import io
import json
import re
import warnings
from collections import Counter
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
from keras import ops

from kerasgan.pictures.files import replacing

DIGEST_LENGTH = hashlib.sha256().digest_size * 2
NUMBERS = r"_[0-9]+(?=[_/]|$)"  # suffixes that Keras appends to names
LEARNING_RATE = "/learning_rate"
FULL = (errno.ENOSPC, errno.EDQUOT)  # error codes of a full disk or quota


class CorruptCheckpoint(ValueError):
    """Raised if a checkpoint file is damaged or incomplete."""


class NonFiniteState(ArithmeticError):
    """Raised if weights are NaN or infinite."""


class Checkpoint(keras.callbacks.Callback):
    """Saves the complete state of a training run every few epochs or steps, and at the end.

    On a full disk, the oldest checkpoints are deleted first, all except the newest. If a checkpoint still cannot be
    written, the callback warns and keeps the previous one; only at the end of the training does it raise an error.
    Non-finite weights are not saved. With several workers, only the chief writes.

    Args:
        folder: Folder of the checkpoints, which are named `step-00001234.npz`.
        every_epochs: Number of epochs between two checkpoints.
        every_steps: Number of steps between two additional checkpoints within an epoch. None saves only at the ends of
            epochs.
        keep: Number of most recent checkpoints to keep.
        companions: Callbacks whose JSON-serialisable `get_state()` is saved as well. Restore it with
            `set_state(restore_checkpoint(...)["states"][class name])`.

    Examples:

    >>> position = restore_checkpoint(model, "run/checkpoints")
    >>> model.fit(
    ...     images,
    ...     epochs=100,
    ...     initial_epoch=position["epoch"],
    ...     initial_step=position["step"],
    ...     callbacks=[Checkpoint("run/checkpoints")],
    ... )
    """

    def __init__(self, folder, every_epochs=1, every_steps=None, keep=3, companions=()):
        super().__init__()
        self.folder, self.keep = Path(folder), keep
        self.every_epochs, self.every_steps = every_epochs, every_steps
        self.unsaved, self.before = False, (0, 0)
        self.companions = tuple(companions)

    def on_train_begin(self, logs=None):
        refuse_others(self.model, self.folder)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.step = epoch, 0
        self.before = _number(self.model.iterations), _number(self.model.images_seen)

    def on_train_batch_end(self, batch, logs=None):
        before, self.step, self.unsaved = self.step, batch + 1, True
        due = self.every_steps and before // self.every_steps < self.step // self.every_steps
        if due and not self.model.catching_up:
            self._save_or_warn()

    def on_epoch_end(self, epoch, logs=None):
        self.epoch, self.step, self.unsaved = epoch + 1, 0, True
        if self.epoch % self.every_epochs == 0:
            self._save_or_warn()

    def on_train_end(self, logs=None):
        if self.unsaved:
            self.save()

    def save(self):
        """Saves a checkpoint immediately. Call it between two steps."""
        if self.model.is_chief:
            states = {type(each).__name__: each.get_state() for each in self.companions}
            save_checkpoint(self.model, self.folder, self.epoch, self.step, self.keep, states, self._batch_size())
        self.unsaved = False

    def _batch_size(self):
        """Returns the mean number of images per step of this epoch, or None without steps."""
        steps = _number(self.model.iterations) - self.before[0]
        return (_number(self.model.images_seen) - self.before[1]) / steps if steps else None

    def _save_or_warn(self):
        try:
            self.save()
        except OSError as error:
            warnings.warn(
                f"No checkpoint was written at epoch {self.epoch}, step {self.step}: {error}. Training continues; the "
                "last good checkpoint is kept.",
                RuntimeWarning,
                stacklevel=2,
            )


def save_checkpoint(model, folder, epoch=None, step=0, keep=None, states=None, batch_size=None):
    """Saves the state of a compiled model as `step-<iterations>.npz`.

    Older checkpoints are removed only after the new one is safely on disk, except that a full disk may require removing
    the oldest ones first. Checkpoints of later steps are removed as well, because the training has been reset to an
    earlier step.

    Args:
        model: Compiled `AdversarialModel`.
        folder: Folder of the checkpoints. It is created if missing.
        epoch: Number of completed epochs, for `fit(initial_epoch=...)`.
        step: Number of completed steps of the current epoch, for `fit(initial_step=...)`.
        keep: Number of checkpoints to keep, including the new one. None keeps all.
        states: JSON-serialisable state of the host, for example of callbacks.
        batch_size: Number of images of each of the `step` steps. Defaults to that of the recipe. A run resumed with
            another batch size continues at the same image of the epoch.

    Returns:
        The path of the new checkpoint.

    Raises:
        NonFiniteState: If a variable of a network is NaN or infinite. Nothing is written.
        OSError: If the file cannot be written. Existing checkpoints are kept.
    """
    state = {name: ops.convert_to_numpy(variable) for name, variable in named_variables(model).items()}
    spoiled = [name for name, array in state.items() if not name.startswith("logs/") and not _finite(array)]
    if spoiled:
        raise NonFiniteState(
            f"{spoiled[0]} and {len(spoiled) - 1} more variables hold NaN or infinity; they are not saved. "
            f"The last good checkpoint is {latest_checkpoint(folder)}."
        )
    position = {
        "epoch": epoch,
        "step": step,
        "iterations": _number(model.iterations),
        "images_seen": _number(model.images_seen),
    }
    about = {
        "position": position,
        "images": round(step * (batch_size or model.recipe.largest_batch)),
        "batch_size": model.recipe.rules()["batch_size"],
        "settings": model.optimizer.settings,
        "states": states or {},
        "seed": model.seed,
    }
    path = Path(folder) / f"step-{position['iterations']:08d}.npz"

    def write():
        write_checkpoint(path, about, state)

    _with_room(write, [other for other in checkpoints(folder) if other != path], sum(a.nbytes for a in state.values()))
    present = checkpoints(folder)
    end = present.index(path) + 1
    for other in present[end:] + (present[: max(0, end - keep)] if keep else []):
        other.unlink(missing_ok=True)
    for leftover in Path(folder).glob(".step-*.partial"):  # of a process that was killed while writing
        leftover.unlink(missing_ok=True)
    return path


def write_checkpoint(path, about, state):
    """Writes a file for `read_checkpoint`, by renaming a complete file.

    Args:
        path: Path of the file.
        about: JSON-ready entries about the checkpoint.
        state: `{name: array}`.
    """
    # Dtypes that NumPy's format does not support, such as bfloat16, are stored as integers with the same bits.
    dtypes = {name: array.dtype.name for name, array in state.items() if array.dtype.kind == "V"}
    plain = {name: state[name].view(f"uint{8 * state[name].dtype.itemsize}") for name in dtypes}
    with replacing(path) as file:
        np.savez(file, about=json.dumps({**about, "dtypes": dtypes}), **{**state, **plain})
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.write(digest.encode())


def _with_room(write, others, needed):
    """Writes a file; on a full disk, deletes the oldest other files one by one, except the newest of them."""
    while True:
        try:
            return write()
        except OSError as error:
            if error.errno not in FULL:
                raise
            if len(others) < 2:
                kept = f"The newest one, {others[0]}, stays" if others else "There is no older one to remove"
                raise OSError(
                    error.errno, f"{error.strerror}: a checkpoint needs about {needed / 1e6:,.0f} MB. {kept}"
                ) from error
            others.pop(0).unlink(missing_ok=True)


def checkpoints(folder):
    """Returns the paths of the checkpoints in a folder, oldest first."""
    found = [path for path in Path(folder).glob("step-*.npz") if path.stem.removeprefix("step-").isdigit()]
    return sorted(found, key=lambda path: int(path.stem.removeprefix("step-")))


def refuse_others(model, folder):
    """Refuses to start a new run in a folder with another run's checkpoints, which the first new one would remove.

    Args:
        model: An `AdversarialModel`.
        folder: Folder of the checkpoints.

    Raises:
        FileExistsError: If there are checkpoints and the model has not been trained.
    """
    others = checkpoints(folder)
    if others and not _number(model.iterations):
        raise FileExistsError(
            f"{folder} contains {len(others)} checkpoints of another run (up to {others[-1].name}), but this run "
            "starts from scratch. Resume that run with restore_checkpoint, or choose another folder."
        )


def latest_checkpoint(folder):
    """Returns the path of the newest checkpoint in a folder, or None, without verifying it."""
    return next(reversed(checkpoints(folder)), None)


def restore_checkpoint(model, path):
    """Restores the state of a compiled model from a checkpoint.

    Args:
        model: `AdversarialModel` that is built and compiled like the saved one.
        path: Path of a checkpoint, or of a folder of checkpoints to restore the newest undamaged one.

    Returns:
        A dictionary with "epoch" (completed epochs or None), "step" (completed steps of the next epoch), "iterations",
        "images_seen", and "states" as passed to `save_checkpoint`.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        CorruptCheckpoint: If the checkpoint, or every checkpoint of the folder, is damaged.
        ValueError: If its variables or its seed do not match the model. The model is not changed.
    """
    path = Path(path)
    if not path.is_dir():
        return _restore(model, path)
    candidates = checkpoints(path)
    if not candidates:
        raise FileNotFoundError(f"There is no checkpoint (step-*.npz) in {path}.")
    for candidate in reversed(candidates):
        try:
            return _restore(model, candidate)
        except CorruptCheckpoint as error:
            warnings.warn(f"{error} Falling back to the one before it.", RuntimeWarning, stacklevel=2)
    raise CorruptCheckpoint(f"All {len(candidates)} checkpoints in {path} are damaged.")


def named_variables(model, whole_paths=False):
    """Returns the complete state of a compiled model, `{name: variable}`.

    Names are derived from positions in the model. They use neither Keras' numbering (`dense_7`), which depends on what
    else the process has built, nor the networks that contain a layer, whose names are not in the paths of a rebuilt
    network.

    Args:
        model: Compiled `AdversarialModel`.
        whole_paths: Whether to name variables as earlier versions did, including the networks that contain them.

    Raises:
        ValueError: If the model is not compiled.
    """
    if not model.compiled:
        raise ValueError("The model has no optimizers yet: call compile() before its state is saved or restored.")
    networks = {f"ema_{name}": network for name, network in model.averages.items()} | model.networks
    owners: dict[str, list] = {name: network.variables for name, network in networks.items()}
    owned = {id(variable) for variables in owners.values() for variable in variables}
    owners["model"] = [variable for variable in model.variables if id(variable) not in owned]
    places = {id(v): v.path for v in owners["model"]}
    for network in networks.values():
        inside = (
            () if whole_paths else {each.name for each in network._flatten_layers() if isinstance(each, keras.Model)}
        )
        places |= {id(v): _without(inside, v.path) for v in network.variables}
    for name, each in model.optimizer.players.items():
        owners[f"optimizers/{name}"] = each.variables
        trained = [v for phase in model.game if phase.optimizer == name for v in model.trained_by(phase)]
        places |= {id(v): _slot(v.name, trained, places) for v in each.variables}
    for name, tracker in model.trackers.items():
        owners[f"logs/{name}"] = tracker.variables
        places |= {id(v): v.name for v in tracker.variables}
    named: dict[str, keras.Variable] = {}
    twins: Counter[str] = Counter()
    for owner, variables in owners.items():
        for variable in variables:
            name = f"{owner}/{re.sub(NUMBERS, '', places[id(variable)])}"
            twins[name] += 1
            named[f"{name}#{twins[name]}" if twins[name] > 1 else name] = variable
    return named


def _without(names, path):
    """A path without given leading names."""
    parts = path.split("/")
    while len(parts) > 1 and parts[0] in names:
        del parts[0]
    return "/".join(parts)


def _slot(name, trained, places):
    """The name of an optimizer's variable, with Keras' prefix replaced by the position of the trained variable."""
    prefixes = {v.path.replace("/", "_"): places[id(v)].replace("/", "_") for v in trained}
    found = max((prefix for prefix in prefixes if name.startswith(f"{prefix}_")), key=len, default=None)
    return name if found is None else prefixes[found] + name[len(found) :]


def _restore(model, path):
    """Restores one checkpoint, or leaves the model unchanged if anything does not match."""
    about, state = read_checkpoint(path)
    variables = named_variables(model)
    if state.keys() != variables.keys():
        earlier = named_variables(model, whole_paths=True)
        variables = earlier if state.keys() == earlier.keys() else variables
    settings, saved = model.optimizer.settings, about["settings"]
    # A learning rate may be a variable, or a schedule, which is not a variable: it is a setting and not compared.
    state = {name: array for name, array in state.items() if name in variables or not name.endswith(LEARNING_RATE)}
    differences = [f"the model has no {name}" for name in state if name not in variables]
    differences += [
        f"the checkpoint has no {name}"
        for name in variables
        if name not in state and not (name in settings and name.endswith(LEARNING_RATE))
    ]
    differences += [
        f"{name} has the shape {state[name].shape} in the checkpoint and {tuple(variable.shape)} in the model"
        for name, variable in variables.items()
        if name in state and state[name].shape != tuple(variable.shape)
    ]
    if differences:
        more = f", and {len(differences) - 3} more differences" if len(differences) > 3 else ""
        raise ValueError(
            f"{path} belongs to another model or recipe: {'; '.join(differences[:3])}{more}. Build and compile the "
            "model as it was when the checkpoint was saved."
        )
    size = model.recipe.rules()["batch_size"]
    moved = about["position"]["step"] > 0 and about["batch_size"] not in (None, size)
    if moved and not (isinstance(size, int) and isinstance(about["batch_size"], int)):
        raise ValueError(
            f"{path} was saved within an epoch with batch size {about['batch_size']}; the batch size is now {size}, "
            f"so its position cannot be matched. Resume with batch size {about['batch_size']}."
        )
    seed = about["seed"]
    if seed not in (None, model.seed):
        raise ValueError(
            f"{path} belongs to a run with seed {seed}, but the model has seed {model.seed} and would continue with "
            f"different batches and noise. Build the model with seed={seed}."
        )
    for name, variable in variables.items():
        # A value set by the recipe is only restored if a callback may have changed it from the same setting.
        kept = name in state and (name not in settings or saved.get(name) == settings[name])
        variable.assign(state[name] if kept else settings[name])
    position = {**about["position"], "states": about["states"]}
    if moved:
        whole = about["images"] // size
        position["step"] = whole - whole % model.steps_per_execution
    return position


def read_checkpoint(path):
    """Reads a checkpoint: its description and its state, `{name: array}`.

    Raises:
        CorruptCheckpoint: If any bit differs from what was written.
    """
    content = memoryview(path.read_bytes())
    body, digest = content[:-DIGEST_LENGTH], content[-DIGEST_LENGTH:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise CorruptCheckpoint(f"{path} is damaged: its SHA-256 is not the one that was saved with it.")
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        state = {name: arrays[name] for name in arrays.files if name != "about"}
    for name, dtype in about["dtypes"].items():
        state[name] = state[name].view(getattr(ml_dtypes, dtype))
    # Checkpoints of earlier versions lack some of these entries.
    return {"seed": None, "images": None, "batch_size": None, "settings": {}, **about}, state


def _number(variable):
    return int(ops.convert_to_numpy(variable))


def _finite(array):
    """Returns whether an array (which may be bfloat16) has no NaN and no infinity."""
    return array.dtype.kind not in "fV" or bool(np.isfinite(array.astype("float32", copy=False)).all())
