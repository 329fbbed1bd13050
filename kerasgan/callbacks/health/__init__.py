"""Health of a training run: signals of steps and samples, findings in plain words, and a summary page."""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from rich.console import Console

from kerasgan.callbacks.health.evaluation import Examiner, Reals
from kerasgan.callbacks.health.plot import draw
from kerasgan.callbacks.health.rules import Finding, finding_of, holding
from kerasgan.pictures.files import write_json
from kerasgan.pictures.images import write_png

__all__ = ["Finding", "GANHealth"]

FEWEST = 64  # smallest number of samples for meaningful statistics
WRITE_EVERY = 10  # number of evaluations between two updates of the page


class GANHealth(keras.callbacks.Callback):
    """Measures the health of a training run, reports each problem once with advice, and draws `health.png`.

    Signals of each step come from values that the step computes anyway, averaged over about the last 100 steps: the
    discriminator's accuracies, margin and saturation, the gradient that reaches the samples, and the players' gradient
    norms and relative updates. Every `every_steps` steps an evaluation of samples of fixed latents adds: diversity,
    coverage and recall, class proportions, near-duplicates and the Fréchet distance, of the generator being trained and
    of its average (`ema_`); the change since the last evaluation; overfitting of the discriminator; copying; and the
    effects of labels and latents. A finding requires signals that persist for three consecutive evaluations after the
    first 500 steps (`kerasgan.callbacks.health.rules`).

    The callback does not affect the training: the weights are bit-identical to those without it. With several workers,
    only the chief evaluates. Games without `sample` and without a discriminator of samples only have the signals of the
    steps.

    Args:
        data: Training data: an array of samples, a tuple `(samples, labels)`, or an iterable of batches such as a
            dataset. Copies are detected among the first `count` samples only.
        validation_data: Real samples that the model is not trained on, in the same form. Needed to detect overfitting
            and copying.
        folder: Folder of `health.json` and `health.png`. None writes no files.
        every_steps: Number of steps between two evaluations.
        budget: Largest fraction of the training time for evaluations; an evaluation that exceeds it is postponed. None
            sets no limit, so that every run evaluates at the same steps. The first evaluation, which compiles, and
            writing the page do not count.
        count: Number of generated samples, at least 64, and largest number of real and of unseen real samples.
        features: Feature space of the comparisons: `"pixels"`, or a function from samples to (n, d) arrays.
        classifier: Function from samples to integer classes of shape (n,), for the class proportions.
        modes: Means of the modes of a mixture, of shape (modes, dimensions), instead of classes. Without `classifier`
            and `modes`, 10 clusters of the real samples are used.
        seed: Random seed of the choice of real samples and of the latents.
        tensorboard: Folder of TensorBoard event files for all signals, on TensorFlow only.
        console: `rich.console.Console` to print findings on. Defaults to standard output.

    Attributes:
        findings: List of `Finding`s so far.
        history: Signals of all evaluations, `[{"step": steps, signal: value, "flags": names of active rules}]`.

    Raises:
        ValueError: If `count` is below 64, if there are fewer than 12 real samples, if a conditional model has no
            labels, or if `tensorboard` is used on another engine.

    Examples:

    >>> health = GANHealth(images, validation_data=unseen_images, folder="run")
    >>> model.fit(images, epochs=100, callbacks=[health])
    >>> for finding in health.findings:
    ...     print(finding.step, finding.sentence, finding.advice)
    """

    def __init__(
        self,
        data,
        validation_data=None,
        folder=None,
        every_steps=100,
        budget=0.05,
        count=512,
        features="pixels",
        classifier=None,
        modes=None,
        seed=0,
        tensorboard=None,
        console=None,
    ):
        super().__init__()
        if count < FEWEST:
            raise ValueError(f"count is {count}, expected {FEWEST} samples or more.")
        if tensorboard is not None and keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"TensorBoard's files are written by TensorFlow, but the Keras backend is {keras.backend.backend()!r}. "
                "Leave tensorboard out: health.json has the same numbers."
            )
        self.folder = None if folder is None else Path(folder)
        self.every_steps, self.budget, self.seed = every_steps, budget, seed
        train, held_out = (None if each is None else choose(each, count, seed) for each in (data, validation_data))
        self.reals = Reals(train, held_out, features, classifier, modes, seed)
        self.examiner = Examiner(self.reals, count, seed)
        self.tensorboard, self.writer = tensorboard, None
        self.console = console or Console()
        self.findings: list[Finding] = []
        self.history: list[dict] = []
        self.watched: Any = None
        self.spent, self.began = 0.0, None

    def set_model(self, model):
        super().set_model(model)
        if model.conditions.classes and self.reals.train_y is None:
            raise ValueError(
                f"{type(model).__name__} is conditional, but the data have no labels. "
                "Pass GANHealth((samples, labels))."
            )
        model.watch()
        # Not `self.model` at each step: on JAX, it fetches the whole state.
        self.watched = model

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step, self.passed = self._step(), 0

    # At the beginning of a batch, because a request at its end waits for the logs of each step.
    def on_train_batch_begin(self, batch, logs=None):
        if self.watched.catching_up:
            self.passed = batch + self.watched.steps_per_execution
            return
        step, now = self.first_step + batch - self.passed, time.monotonic()
        if self.began is None:
            self.began = now
        last = self.history[-1]["step"] if self.history else 0
        affordable = self.budget is None or self.spent <= self.budget * (now - self.began)
        if step // self.every_steps > last // self.every_steps and affordable:
            self.evaluate()
            if self.history[1:]:
                self.spent += time.monotonic() - now
            else:
                self.began = time.monotonic()

    def on_train_end(self, logs=None):
        if not self.history or self.history[-1]["step"] < self._step():
            self.evaluate()
        self.write()
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def evaluate(self):
        """Evaluates the current state of the model. Call it between two steps."""
        model = self.model
        if not model.is_chief:
            return
        signals = {"step": self._step(), **step_signals(model)}
        peaks = [past["sample_gradient"] for past in [*self.history, signals] if "sample_gradient" in past]
        if peaks:
            signals["largest_sample_gradient"] = max(peaks)
        if hasattr(model, "adversarial_loss"):
            signals["saturates"] = int(model.adversarial_loss.saturates)
            signals |= self.examiner.examine(model)
        self.history.append(signals)
        known = {finding.name for finding in self.findings}
        rules = holding(self.history)
        signals["flags"] = [rule.name for rule in rules]
        new = [finding_of(rule, signals) for rule in rules if rule.name not in known]
        for finding in new:
            self.findings.append(finding)
            values = ", ".join(f"{name} {value:.3g}" for name, value in finding.values.items())
            self.console.print(f"[bold]Step {finding.step}: {finding.sentence}[/bold] ({values}) {finding.advice}")
        if self.tensorboard is not None:
            self._write_summaries(signals)
        if new or len(self.history) % WRITE_EVERY == 0:
            self.write()

    def write(self):
        """Writes `health.json` and `health.png` if there is a folder."""
        if self.folder is None or not self.watched.is_chief:
            return
        reals = self.reals
        about = {
            "features": reals.space,
            "classes": reals.classes_are,
            "reals": len(reals.train),
            "held_out": 0 if reals.held_out is None else len(reals.held_out),
            "real_control": {**reals.control._asdict(), "frechet_distance": reals.control_distance},
        }
        state = self.get_state()
        write_json(self.folder / "health.json", {**about, **state})
        write_png(self.folder / "health.png", draw(self.history, self.findings, about))

    def get_state(self):
        """Returns findings and signals for `Checkpoint(companions=...)`, with None for non-finite values."""
        return {
            "findings": [dataclasses.asdict(each) | {"values": _plain(each.values)} for each in self.findings],
            "evaluations": [_plain(signals) for signals in self.history],
        }

    def set_state(self, state):
        """Restores the state of an interrupted training. Changes are measured again from the second evaluation on."""
        self.findings = [Finding(**entry) for entry in state["findings"]]
        self.history = [
            {name: value for name, value in entry.items() if value is not None} for entry in state["evaluations"]
        ]

    def _step(self):
        return int(ops.convert_to_numpy(self.model.iterations))

    def _write_summaries(self, signals):
        import tensorflow as tf

        if self.writer is None:
            self.writer = tf.summary.create_file_writer(str(self.tensorboard))
        with self.writer.as_default():
            for name, value in signals.items():
                if isinstance(value, (int, float)) and name != "step":
                    # As `tf.summary.scalar` does, but that would require TensorBoard to be installed.
                    metadata = tf.compat.v1.SummaryMetadata()
                    metadata.plugin_data.plugin_name = "scalars"
                    tf.summary.write(f"health/{name}", tf.constant(value, tf.float32), signals["step"], metadata)
        self.writer.flush()


def choose(data, count, seed):
    """Returns a random choice of samples, with their labels if there are any.

    Args:
        data: Array, tuple `(samples, labels)`, or iterable of batches, of which the first are used.
        count: Largest number of samples.
        seed: Random seed of the choice.

    Returns:
        Arrays (samples, labels or None).

    Raises:
        ValueError: If there are fewer than 12 samples.
    """
    if not hasattr(data, "__array__") and not isinstance(data, tuple):
        batches: list[tuple] = []
        for batch in data:
            batches.append(batch[:2] if isinstance(batch, tuple) else (batch,))
            if sum(len(part[0]) for part in batches) >= count:
                break
        data = tuple(np.concatenate([ops.convert_to_numpy(p) for p in parts]) for parts in zip(*batches, strict=True))
    parts = data if isinstance(data, tuple) else (data,)
    samples = np.asarray(parts[0])
    labels = np.asarray(parts[1]) if len(parts) > 1 and parts[1] is not None else None
    if len(samples) < 12:
        raise ValueError(f"got {len(samples)} real samples; expected at least 12 to compare with, preferably {count}.")
    chosen = np.random.default_rng(seed).permutation(len(samples))[:count]
    return samples[chosen], None if labels is None else labels[chosen]


def step_signals(model):
    """Returns the signals of the last steps by name. Signals of an update are prefixed with the phase's name."""
    signals = {}
    for place, means in model.signals.items():
        phase = place.split("/")[1]
        for name, value in means.values().items():
            own = name in ("gradient_norm", "update_ratio")
            signals[f"{phase}_{name}" if own else name] = value
    return signals


def _plain(values):
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
