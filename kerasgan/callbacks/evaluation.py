"""Evaluation of a generator during training."""

import json
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasgan.metrics.evaluation import DEFAULT_METRICS, Evaluator
from kerasgan.pictures.files import write_json

WEIGHTS = ("ema", "raw")


class Evaluation(keras.callbacks.Callback):
    """Scores samples of fixed latents every few epochs and at the end, and logs them as `ema_frechet_distance` etc.

    The callback does not affect the random numbers of the training. A conditional model generates samples for the
    labels of the real samples, if there are any. Non-finite samples have NaN scores. List the callback before a
    `RunLog`, whose `history.csv` then has a column for each score.

    Args:
        real: Real samples that the model is not trained on, a tuple `(samples, labels)`, or an argument of
            `kerasgan.data.load`.
        metrics: Names from `kerasgan.metrics.evaluation.METRICS`.
        every_epochs: Number of epochs between two evaluations.
        count: Number of samples of each set. Defaults to all samples, at most 5000.
        features: One of `kerasgan.metrics.features.NAMES`, or a function from samples to an array of shape `(n, d)`.
        weights: Generators to evaluate: "ema", the averaged one, and "raw", the one being trained.
        other: Other real samples, such as the training data, to compute the scores of real samples. None splits `real`
            into two halves.
        seed: Random seed of the latents and of the evaluation.
        folder: Folder of `evaluation.json` with the protocol, the floor and all scores. None writes no file.

    Raises:
        ValueError: If `kerasgan.metrics.Evaluator` raises it, if `weights` is invalid, or if the model cannot generate
            samples.
    """

    def __init__(
        self,
        real,
        metrics=DEFAULT_METRICS,
        every_epochs=1,
        count=None,
        features="pixels",
        weights=WEIGHTS,
        other=None,
        seed=0,
        folder=None,
    ):
        super().__init__()
        unknown = [name for name in weights if name not in WEIGHTS]
        if unknown or not weights:
            raise ValueError(f"weights={weights!r}; expected 'ema', 'raw' or both.")
        self.every_epochs, self.weights, self.seed = every_epochs, tuple(weights), seed
        self.evaluator = Evaluator(real, other, metrics, features, count, seed)
        self.path = None if folder is None else Path(folder) / "evaluation.json"
        self.epochs: list[dict] = []

    def set_model(self, model):
        if not getattr(model, "generates", False):
            raise ValueError(
                f"{type(model).__name__} does not generate samples from latents; expected a model with sample()."
            )
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self.epochs = []
        if self._number(self.model.iterations) and self.path is not None and self.path.exists():
            self.epochs = json.loads(self.path.read_text("utf-8"))["epochs"]

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every_epochs and epoch + 1 != self.params.get("epochs"):
            return
        scores = {name: self.scores(ema=name == "ema") for name in self.weights}
        if logs is not None:
            logs.update({f"{name}_{score}": value for name in scores for score, value in scores[name].items()})
        if self.path is not None:
            place = {"epoch": epoch + 1, "images_seen": self._number(self.model.images_seen)}
            # A resumed run repeats the epochs after its checkpoint.
            self.epochs = [entry for entry in self.epochs if entry["epoch"] <= epoch]
            self.epochs.append({**place, **{name: _finite(values) for name, values in scores.items()}})
            self._write()

    def scores(self, ema=True):
        """Returns the scores of the current generator, `{score: float}`."""
        model, evaluator = self.model, self.evaluator
        labels = evaluator.labels if model.conditions.classes else None
        samples = model.sample(evaluator.count, self.seed, ema=ema, **model.conditions.named(labels))
        if not np.isfinite(samples).all():
            return dict.fromkeys(evaluator.scores, float("nan"))
        return evaluator(np.clip(samples, -1, 1) if samples.ndim == 4 else samples, labels)

    def _write(self):
        evaluator = self.evaluator
        write_json(
            self.path,
            {
                "protocol": asdict(evaluator.protocol),
                "control": _finite(evaluator.control),
                "floor": _finite(evaluator.floor),
                "epochs": self.epochs,
            },
        )

    @staticmethod
    def _number(variable):
        return int(ops.convert_to_numpy(variable))


def _finite(scores):
    """Returns scores with None instead of NaN, which JSON does not support."""
    return {score: value if np.isfinite(value) else None for score, value in scores.items()}
