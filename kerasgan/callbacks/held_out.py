"""Early stopping: judges a generator by held-out real samples, keeps its best weights, and ends the training."""

import json
import math
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasgan.metrics.features import extract, name_of
from kerasgan.metrics.frechet import frechet_distance
from kerasgan.pictures.files import replacing

BROKEN = ("collapse", "diverged")  # rules of `GANHealth`
RECOVERY = 5  # evaluations within which a confirmed collapse may still recover


class HeldOut(keras.callbacks.Callback):
    """Compares samples of fixed latents with held-out real samples every few epochs, and stops at the best weights.

    The distance is the Fréchet distance of the averaged generator's samples from the real ones. The averaged weights
    with the smallest distance so far are kept in a file. The training ends when its time is up, when the distance has
    not improved for some evaluations, or when a `GANHealth` has found a collapse that does not recover. The distance is
    logged as `held_out_distance`. The callback does not affect the random numbers of the training, and its state is
    part of checkpoints.

    Args:
        real: Held-out samples, or a tuple `(samples, labels)`, whose labels are used for the generated samples.
        path: Path of the file with the best weights.
        every_epochs: Number of epochs between two evaluations.
        count: Number of generated samples.
        features: One of `kerasgan.metrics.features.NAMES`, or a function from samples to an array of shape `(n, d)`.
        patience: Number of evaluations without improvement after which the training ends. `None` for no limit.
        minutes: Training time in minutes, including evaluations but not interruptions. `None` for no limit.
        health: `GANHealth` callback of the same training, or `None`.
        seed: Random seed of the latents.
        tell: Function that is called with a sentence after each evaluation.

    Attributes:
        evaluations: List of `{"epoch", "step", "distance", "seconds"}`.
        reason: Reason why the training ended: "time", "patience" or "collapse"; `None` if it has not.
    """

    def __init__(
        self,
        real,
        path,
        every_epochs=1,
        count=512,
        features="random-conv-seed0",
        patience=10,
        minutes=None,
        health=None,
        seed=0,
        tell=print,
    ):
        super().__init__()
        samples, self.labels = real if isinstance(real, tuple) else (real, None)
        self.features, self.real = features, extract(features, samples, "real")
        self.path, self.every_epochs, self.count = Path(path), every_epochs, count
        self.patience, self.minutes, self.health, self.seed, self.tell = patience, minutes, health, seed, tell
        self.evaluations: list[dict] = []
        self.seconds, self.reason = 0.0, None
        self.began: float | None = None

    def on_train_begin(self, logs=None):
        self.began, self.reason = time.monotonic(), None

    def on_epoch_end(self, epoch, logs=None):
        due = (epoch + 1) % self.every_epochs == 0
        late = self.minutes is not None and self.elapsed >= 60 * self.minutes
        if not (due or late):
            return
        distance = self.distance()
        if logs is not None:
            logs["held_out_distance"] = distance
        step = int(ops.convert_to_numpy(self.model.iterations))
        best = self.best
        entry = {"epoch": epoch + 1, "step": step, "distance": distance, "seconds": round(self.elapsed, 3)}
        self.evaluations.append(entry)
        if self.best is not best and self.best is not None:
            self._keep(entry)
        self.reason = self._reason(late)
        if self.reason:
            self.model.stop_training = True
        self.tell(self._sentence(entry))

    @property
    def elapsed(self):
        """Seconds of training so far, including those before an interruption."""
        return self.seconds + (0.0 if self.began is None else time.monotonic() - self.began)

    @property
    def best(self):
        """The evaluation with the smallest distance, or `None`."""
        known = [each for each in self.evaluations if math.isfinite(each["distance"])]
        return min(known, key=lambda each: each["distance"], default=None)

    def distance(self):
        """The distance of the averaged generator's samples from the held-out ones; infinite if they are not finite."""
        labels = None if self.labels is None else np.resize(self.labels, self.count)
        samples = self.model.sample(self.count, self.seed, **self.model.conditions.named(labels))
        if not np.isfinite(samples).all():
            return math.inf
        return float(frechet_distance(self.real, extract(self.features, np.clip(samples, -1, 1), None)))

    def _keep(self, entry):
        """Writes the averaged weights, unless a run that is resumed here had already got further."""
        kept = read_best(self.path)
        if kept is not None and kept[0]["distance"] <= entry["distance"]:
            return
        arrays = {
            f"{name}/{place}": weights
            for name, network in self.model.averages.items()
            for place, weights in enumerate(network.get_weights())
        }
        states = {f"states/{name}": ops.convert_to_numpy(getattr(self.model, name)) for name in self.model.states}
        about = {**entry, "features": name_of(self.features)}
        with replacing(self.path) as file:
            np.savez(file, about=json.dumps(about), **arrays, **states)

    def _reason(self, late):
        best = self.best
        if self.health is not None and self._collapsed():
            return "collapse"
        if late:
            return "time"
        if self.patience is not None and best is not None:
            behind = len(self.evaluations) - 1 - self.evaluations.index(best)
            if behind >= self.patience:
                return "patience"
        return None

    def _collapsed(self):
        last = self.health.history[-RECOVERY:]
        return len(last) == RECOVERY and all(set(BROKEN) & set(each.get("flags", ())) for each in last)

    def _sentence(self, entry):
        best = self.best
        where = "the best so far" if best is entry else "no better"
        if best is not None and best is not entry:
            where = f"best {best['distance']:.4g} at step {best['step']:,}"
        left = "" if self.minutes is None else f" of {self.minutes:g}"
        return (
            f"{entry['seconds'] / 60:.1f}{left} min, step {entry['step']:,}: distance {entry['distance']:.4g}, {where}"
        )

    def get_state(self):
        """Returns the evaluations and the time so far, for `Checkpoint(companions=...)`."""
        evaluations = [
            {**each, "distance": each["distance"] if math.isfinite(each["distance"]) else None}
            for each in self.evaluations
        ]
        return {"evaluations": evaluations, "seconds": self.elapsed}

    def set_state(self, state):
        """Restores the state of an interrupted training."""
        self.evaluations = [
            {**each, "distance": math.inf if each["distance"] is None else each["distance"]}
            for each in state["evaluations"]
        ]
        self.seconds = state["seconds"]


def read_best(path):
    """Reads the weights that a `HeldOut` has saved.

    Args:
        path: Path of the file.

    Returns:
        A tuple (entry of the evaluation, `{name: array}`), or `None` if there is no file.
    """
    if not Path(path).exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        return json.loads(str(file["about"])), {name: file[name] for name in file.files if name != "about"}


def load_best(model, path):
    """Loads the weights that a `HeldOut` has saved into a model's averaged networks.

    Args:
        model: The model.
        path: Path of the file.

    Returns:
        The entry of the evaluation, `{"epoch", "step", "distance", "seconds"}`, or `None` if there is no file.
    """
    kept = read_best(path)
    if kept is None:
        return None
    about, arrays = kept
    for name, network in model.averages.items():
        network.set_weights([arrays[f"{name}/{place}"] for place in range(len(network.weights))])
    for name in model.states:
        if f"states/{name}" in arrays:
            getattr(model, name).assign(arrays[f"states/{name}"])
    return about
