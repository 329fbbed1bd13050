"""Is a training healthy? Signals at each step and of samples, verdicts in plain words, one page to look at."""

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

FEWEST = 64  # samples from which the statistics mean something
WRITE_EVERY = 10  # evaluations: the page of a training that still runs


class GANHealth(keras.callbacks.Callback):
    """Measures a training's health, says once what is wrong and what to try, and draws `health.png`.

    At each step, from what the step has computed anyway (means over about the last 100 steps): the discriminator's
    accuracies, margin and saturation, the gradient that reaches the samples, the players' gradient norms and relative
    updates. Every `every_steps` steps, from samples of fixed latents: diversity, coverage and recall, class shares,
    near-duplicates, Fréchet distance, of the generator in training and of its average (`ema_`); change since the
    evaluation before; overfitting of the discriminator; copying; the effects of labels and latents. A verdict needs
    signals that hold at three evaluations in a row after the first 500 steps (`kerasgan.callbacks.health.rules`).

    The training is not touched: its weights are bit for bit those without the callback. Several workers: the chief
    alone evaluates. Games without `sample` and a discriminator of samples get the signals of the steps alone.

    Args:
        data: what the model is trained on: an array of samples, `(samples, labels)`, or an iterable of batches of
            them such as a data set. Copying is only found among as many of them as are looked at, see `count`.
        validation_data: the same, of reals that the model is not trained on; without them nothing is said of
            overfitting and copying.
        folder: for `health.json` and `health.png`; None writes nothing.
        every_steps: steps from one evaluation to the next.
        budget: share of the training's time that evaluations may take; one that would take more is put off. None: no
            limit, so that evaluations are at the same steps in every run. The first evaluation, which compiles, and
            writing the page do not count.
        count: number of samples, of reals and of unseen reals, at most; at least 64 samples.
        features: the space in which samples are compared: `"pixels"`, or a function from samples to (n, d) arrays.
        classifier: function from samples to integers from 0 of shape (n,), for the class shares.
        modes: means of a mixture's modes, shape (modes, dimensions), in the place of classes. Without classifier and
            modes, 10 clusters of the reals stand for them.
        seed: of the choice of reals and of the latents.
        tensorboard: folder of TensorBoard event files for all signals, on TensorFlow only.
        console: `rich.console.Console` that findings are printed on; by default standard output.

    Attributes:
        findings: the `Finding`s so far.
        history: the signals of all evaluations, `[{"step": steps, signal: value, "flags": names of rules that hold}]`.

    Raises:
        ValueError: a `count` below 64, fewer than 12 reals, no labels for a conditional model, or `tensorboard` on
            another engine.

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
        if getattr(model, "num_classes", None) and self.reals.train_y is None:
            raise ValueError(
                f"{type(model).__name__} is conditional, but the data have no labels. "
                "Pass GANHealth((samples, labels))."
            )
        model.watch()
        # Not `self.model` at each step: on JAX that fetches all state.
        self.watched = model

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step, self.passed = self._step(), 0

    # At the beginning, because what is asked for at a batch's end waits for the logs of each step.
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
        """Measures the model's present state and judges it, between two steps."""
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
        """Writes `health.json` and `health.png`, where there is a folder."""
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
        """Findings and signals, JSON-ready, for `Checkpoint(companions=...)`; what is not finite is None."""
        return {
            "findings": [dataclasses.asdict(each) | {"values": _plain(each.values)} for each in self.findings],
            "evaluations": [_plain(signals) for signals in self.history],
        }

    def set_state(self, state):
        """Goes on where a training was interrupted; changes are measured again from its second evaluation on."""
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
                    # As `tf.summary.scalar` does, which would want TensorBoard itself to be installed.
                    metadata = tf.compat.v1.SummaryMetadata()
                    metadata.plugin_data.plugin_name = "scalars"
                    tf.summary.write(f"health/{name}", tf.constant(value, tf.float32), signals["step"], metadata)
        self.writer.flush()


def choose(data, count, seed):
    """A random choice of samples, and of their labels where there are any.

    Args:
        data: an array, `(samples, labels)`, or an iterable of batches of which the first are taken.
        count: how many, at most.
        seed: of the choice.

    Returns:
        Arrays (samples, labels or None).

    Raises:
        ValueError: fewer than 12 samples.
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
        raise ValueError(f"got {len(samples)} real samples; expected at least 12, better {count}, to compare with.")
    chosen = np.random.default_rng(seed).permutation(len(samples))[:count]
    return samples[chosen], None if labels is None else labels[chosen]


def step_signals(model):
    """The signals of the last steps by name: those of an update begin with the phase's."""
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
