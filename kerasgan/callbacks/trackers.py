"""Logging to experiment trackers: Weights & Biases and MLflow."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.callbacks.run_log import describe


class Tracker(keras.callbacks.Callback):
    """Base class of the loggers: settings, scalars, sample pictures and health findings.

    A tracker receives, with the steps of the training: all logs of each epoch; from `health`, the signals of each
    evaluation as `health/...`, and each finding once; from `grid`, each picture. With several workers, only the chief
    logs. List the callback after `grid`, `health` and callbacks that add logs.

    Args:
        grid: `SampleGrid` or `TranslationGrid` callback of the same `fit`. `None` for no pictures.
        health: `GANHealth` callback of the same `fit`. `None` for no findings.
    """

    def __init__(self, grid=None, health=None):
        super().__init__()
        self.grid, self.health = grid, health
        self.pictured, self.evaluated, self.found = None, 0, 0

    def on_train_begin(self, logs=None):
        if self.model.is_chief:
            self.evaluated, self.found = (
                (0, 0) if self.health is None else (len(self.health.history), len(self.health.findings))
            )
            self.begin(settings(self.model))

    def on_epoch_end(self, epoch, logs=None):
        if self.model.is_chief:
            scalars = {name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0}
            step = int(ops.convert_to_numpy(self.model.iterations))
            scalars["images_seen"] = float(ops.convert_to_numpy(self.model.images_seen))
            self._log_companions()
            self.log(scalars, step)

    def on_train_end(self, logs=None):
        if self.model.is_chief:
            self._log_companions()
            self.end()

    def _log_companions(self):
        """Logs the new pictures and health entries since the last call."""
        if self.health is not None:
            for signals in self.health.history[self.evaluated :]:
                numbers = {f"health/{k}": float(v) for k, v in signals.items() if isinstance(v, (int, float))}
                numbers.pop("health/step")
                self.log(numbers, signals["step"])
            for finding in self.health.findings[self.found :]:
                self.log_finding(finding)
            self.evaluated, self.found = len(self.health.history), len(self.health.findings)
        drawn = getattr(self.grid, "drawn", None)
        if drawn is not None and drawn != self.pictured:
            path = Path(self.grid.folder) / f"step-{drawn:08d}.png"
            if path.exists():  # a full disk must not stop the training
                self.log_picture(path, drawn)
            self.pictured = drawn

    def begin(self, config):
        """Starts a run with settings, a flat dictionary."""
        raise NotImplementedError

    def log(self, scalars, step):
        """Logs the numbers of a step, a dictionary."""
        raise NotImplementedError

    def log_picture(self, path, step):
        """Logs the PNG file of a step."""
        raise NotImplementedError

    def log_finding(self, finding):
        """Logs a `Finding` of the health."""
        raise NotImplementedError

    def end(self):
        """Ends the run."""
        raise NotImplementedError


class WandbLog(Tracker):
    """Logs a training run to Weights & Biases: settings, scalars, sample pictures, and health findings as alerts.

    W&B sends data to its servers unless `mode="offline"` is given or the environment has `WANDB_MODE=offline`; the
    files are then in the folder `wandb`.

    Args:
        project: Name of the project.
        grid: See `Tracker`.
        health: See `Tracker`.
        run: Run of `wandb.init` to log to, which is left open. Defaults to a new run, which ends with the training.
        **options: Other arguments of `wandb.init`, such as `name`, `mode`, `dir` or `tags`.

    Raises:
        ModuleNotFoundError: If wandb is not installed: `pip install 'kerasgan[wandb]'`.

    Example:
        >>> grid = kerasgan.callbacks.SampleGrid("samples")
        >>> model.fit(images, callbacks=[grid, kerasgan.callbacks.WandbLog("my-gan", grid=grid, mode="offline")])
    """

    def __init__(self, project="kerasgan", grid=None, health=None, run=None, **options):
        super().__init__(grid, health)
        self.wandb = _imported("wandb")
        self.project, self.given, self.options = project, run, options
        self.run: Any = None

    def begin(self, config):
        self.run = self.given or self.wandb.init(project=self.project, **self.options)
        self.run.config.update(config, allow_val_change=True)
        # Health evaluations are logged with their own steps, which W&B's counter would not allow.
        self.run.define_metric("step")
        self.run.define_metric("*", step_metric="step")

    def log(self, scalars, step):
        self.run.log({**scalars, "step": step})

    def log_picture(self, path, step):
        self.run.log({"samples": self.wandb.Image(str(path), caption=f"step {step}"), "step": step})

    def log_finding(self, finding):
        self.run.alert(title=finding.sentence, text=f"Step {finding.step}: {finding.advice}")

    def end(self):
        if self.given is None:
            self.run.finish()


class MLflowLog(Tracker):
    """Logs a training run to MLflow: settings, scalars, sample pictures as artifacts, and findings as `health.json`.

    Args:
        experiment: Name of the experiment.
        grid: See `Tracker`.
        health: See `Tracker`.
        tracking_uri: Address of a server, or of a database such as "sqlite:///mlflow.db". `None` for MLflow's own
            setting.
        **options: Arguments of `mlflow.start_run`, such as `run_name`; with `run_id`, an existing run is continued.

    Raises:
        ModuleNotFoundError: If MLflow is not installed: `pip install 'kerasgan[mlflow]'`.
    """

    def __init__(self, experiment="kerasgan", grid=None, health=None, tracking_uri=None, **options):
        super().__init__(grid, health)
        self.mlflow = _imported("mlflow")
        self.experiment, self.tracking_uri, self.options = experiment, tracking_uri, options
        self.findings: list[dict] = []

    def begin(self, config):
        if self.tracking_uri is not None:
            self.mlflow.set_tracking_uri(self.tracking_uri)
        self.mlflow.set_experiment(self.experiment)
        self.mlflow.start_run(**self.options)
        self.mlflow.log_params(config)

    def log(self, scalars, step):
        self.mlflow.log_metrics(scalars, step=step)

    def log_picture(self, path, step):
        self.mlflow.log_artifact(str(path), "samples")

    def log_finding(self, finding):
        self.findings.append({"step": finding.step, "finding": finding.sentence, "advice": finding.advice})
        self.mlflow.log_dict({"findings": self.findings}, "health.json")

    def end(self):
        self.mlflow.end_run()


def settings(model):
    """A model's description as a flat dictionary of strings and numbers: {"recipe.batch_size": 64, ...}."""
    flat = {}

    def add(name, value):
        if isinstance(value, dict) and value:
            for key, each in value.items():
                add(f"{name}.{key}" if name else str(key), each)
        else:
            simple = value is None or isinstance(value, (bool, int, float, str))
            flat[name] = value if simple else json.dumps(value, default=str)

    add("", {**describe(model), "engine": keras.backend.backend()})
    return flat


def _imported(name):
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"The log needs the package {name}: pip install 'kerasgan[{name}]'.", name=error.name
        ) from error
