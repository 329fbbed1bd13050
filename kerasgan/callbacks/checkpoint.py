"""Checkpoints: the complete state of a training in one file, verified by a checksum when it is read.

A checkpoint is an `.npz` file, followed by the SHA-256 of its bytes as 64 hexadecimal digits; `numpy.load` can read it.
It contains every variable of the model (weights, averages, counters, seed states), of the players' optimizers and of
the logs, and a JSON text `about`. Reading it executes no code.
"""

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


class CorruptCheckpoint(ValueError):
    """Raised if a checkpoint file is damaged or incomplete."""


class NonFiniteState(ArithmeticError):
    """Raised if weights are NaN or infinite."""


class Checkpoint(keras.callbacks.Callback):
    """Saves the complete state of a training every few epochs or steps, and at the end of the training.

    If a checkpoint cannot be written (for example to a full disk), the callback warns and keeps the previous one; only
    at the end of the training it raises the error. Weights that are not finite are not saved. With several workers only
    the chief writes.

    Args:
        folder: Folder of the checkpoints, which are named `step-00001234.npz`.
        every_epochs: Number of epochs between two checkpoints.
        every_steps: Number of steps between two additional checkpoints within an epoch. None saves at the ends of
            epochs only.
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
        self.unsaved = False
        self.companions = tuple(companions)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.step = epoch, 0

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
            save_checkpoint(self.model, self.folder, self.epoch, self.step, self.keep, states)
        self.unsaved = False

    def _save_or_warn(self):
        try:
            self.save()
        except OSError as error:
            warnings.warn(
                f"No checkpoint was written at epoch {self.epoch}, step {self.step}: {error}. Training goes on; "
                "the last good checkpoint stays.",
                RuntimeWarning,
                stacklevel=2,
            )


def save_checkpoint(model, folder, epoch=None, step=0, keep=None, states=None):
    """Saves the state of a compiled model as `step-<iterations>.npz`.

    Older checkpoints are removed only after the new one is safely on disk. Checkpoints of later steps are removed as
    well, because the training was reset to an earlier step.

    Args:
        model: Compiled `AdversarialModel`.
        folder: Folder of the checkpoints. It is created if missing.
        epoch: Number of completed epochs, for `fit(initial_epoch=...)`.
        step: Number of completed steps of the current epoch, for `fit(initial_step=...)`.
        keep: Number of checkpoints to keep, including the new one. None keeps all.
        states: JSON-serialisable state of the host, for example of callbacks.

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
        "iterations": int(ops.convert_to_numpy(model.iterations)),
        "images_seen": int(ops.convert_to_numpy(model.images_seen)),
    }
    # What NumPy's format does not know, such as bfloat16, is stored as integers of the same bits.
    dtypes = {name: array.dtype.name for name, array in state.items() if array.dtype.kind == "V"}
    plain = {name: state[name].view(f"uint{8 * state[name].dtype.itemsize}") for name in dtypes}
    path = Path(folder) / f"step-{position['iterations']:08d}.npz"
    with replacing(path) as file:
        np.savez(
            file,
            about=json.dumps({"position": position, "dtypes": dtypes, "states": states or {}, "seed": model.seed}),
            **{**state, **plain},
        )
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.write(digest.encode())
    present = checkpoints(folder)
    end = present.index(path) + 1
    for other in present[end:] + (present[: max(0, end - keep)] if keep else []):
        other.unlink(missing_ok=True)
    for leftover in Path(folder).glob(".step-*.partial"):  # of a process that was killed while it wrote
        leftover.unlink(missing_ok=True)
    return path


def checkpoints(folder):
    """Returns the paths of the checkpoints in a folder, the oldest first."""
    found = [path for path in Path(folder).glob("step-*.npz") if path.stem.removeprefix("step-").isdigit()]
    return sorted(found, key=lambda path: int(path.stem.removeprefix("step-")))


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
        CorruptCheckpoint: If the checkpoint is damaged, or all checkpoints of the folder.
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


def named_variables(model):
    """Returns all state of a compiled model, `{name: variable}`.

    The names depend on the position in the model and not on Keras' numbering (`dense_7`), which depends on other models
    in the process.

    Raises:
        ValueError: If the model is not compiled.
    """
    if not model.compiled:
        raise ValueError("The model has no optimizers yet: call compile() before its state is saved or restored.")
    owners = {f"ema_{name}": network.variables for name, network in model.averages.items()}
    owners |= {name: network.variables for name, network in model.networks.items()}
    owned = {id(variable) for variables in owners.values() for variable in variables}
    owners["model"] = [variable for variable in model.variables if id(variable) not in owned]
    owners |= {f"optimizers/{name}": each.variables for name, each in model.optimizer.players.items()}
    owners |= {f"logs/{name}": tracker.variables for name, tracker in model.trackers.items()}
    named: dict[str, keras.Variable] = {}
    twins: Counter[str] = Counter()
    for owner, variables in owners.items():
        for variable in variables:
            place = variable.name if owner.startswith(("optimizers/", "logs/")) else variable.path
            name = f"{owner}/{re.sub(r'_[0-9]+(?=[_/]|$)', '', place)}"
            twins[name] += 1
            named[f"{name}#{twins[name]}" if twins[name] > 1 else name] = variable
    return named


def _restore(model, path):
    """Restores one checkpoint, or leaves the model unchanged if anything does not match."""
    position, state = read_checkpoint(path)
    seed = position.pop("seed")
    variables = named_variables(model)
    differences = [f"the model has no {name}" for name in state if name not in variables]
    differences += [f"the checkpoint has no {name}" for name in variables if name not in state]
    differences += [
        f"{name} has the shape {state[name].shape} in the checkpoint and {tuple(variable.shape)} in the model"
        for name, variable in variables.items()
        if name in state and state[name].shape != tuple(variable.shape)
    ]
    if differences:
        more = f", and {len(differences) - 3} more differences" if len(differences) > 3 else ""
        raise ValueError(
            f"{path} is of another model or recipe: {'; '.join(differences[:3])}{more}. "
            "Build and compile the model as it was when the checkpoint was saved."
        )
    if seed not in (None, model.seed):
        raise ValueError(
            f"{path} is of a training with seed {seed}, and the model has {model.seed}: it would go on with other "
            f"batches and other noise. Make the model with seed={seed}."
        )
    for name, variable in variables.items():
        variable.assign(state[name])
    return position


def read_checkpoint(path):
    """Returns position and state, `{name: array}`, of a checkpoint.

    Raises:
        CorruptCheckpoint: If any bit differs from what was written.
    """
    content = memoryview(path.read_bytes())
    body, digest = content[:-DIGEST_LENGTH], content[-DIGEST_LENGTH:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise CorruptCheckpoint(f"{path} is damaged: its bytes do not have the SHA-256 that was saved with them.")
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        state = {name: arrays[name] for name in arrays.files if name != "about"}
    for name, dtype in about["dtypes"].items():
        state[name] = state[name].view(getattr(ml_dtypes, dtype))
    # Checkpoints of earlier versions do not say their seed.
    return {**about["position"], "states": about["states"], "seed": about.get("seed")}, state


def _finite(array):
    """Returns whether an array, including bfloat16, has no NaN and no infinity."""
    return array.dtype.kind not in "fV" or bool(np.isfinite(array.astype("float32", copy=False)).all())
