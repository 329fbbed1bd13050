"""Human-readable summary of a training: networks, recipe, phases and estimated time."""

import dataclasses
import time

import keras
from rich.table import Table

from kerasgan.callbacks.progress import duration
from kerasgan.data.pipeline import ArrayBatches
from kerasgan.game.recipe import Optimizer, optimizer_config

# The estimate uses at least this many seconds, and this many calls, of compiled steps.
TIMED_SECONDS, TIMED_CALLS = 2.0, 3


def print_model(model, console):
    """Prints the networks of a compiled model with shapes and parameter counts, its recipe and its phases."""
    for network in model.networks.values():
        network.summary(print_fn=lambda text, **_: console.print(text, highlight=False, markup=False))
    recipe = Table("field", "value", title="recipe", title_justify="left")
    for field in dataclasses.fields(model.recipe):
        recipe.add_row(field.name, brief(getattr(model.recipe, field.name)))
    phases = Table("phase", "trains", "optimizer", "every", title="phases of a step", title_justify="left")
    for phase in model.game:
        phases.add_row(phase.name, ", ".join(phase.trains), phase.optimizer, str(phase.every))
    console.print(recipe, phases)


def print_estimate(model, x, y, steps, console):
    """Runs and times a few compiled steps on the data, and prints the estimated time of a number of steps."""
    seconds = step_seconds(model, x, y)
    batch_size = min(
        model.recipe.largest_batch, x.count if isinstance(x, ArrayBatches) else len(keras.tree.flatten(x)[0])
    )
    console.print(
        f"{batch_size / seconds:,.0f} images/s: {steps:,} steps of {batch_size} images ({steps * batch_size:,}) "
        f"would take about {duration(steps * seconds)}.",
        highlight=False,
    )


def step_seconds(model, x, y=None):
    """Mean time of a compiled step in seconds. It trains the model."""
    clock = _Clock(model)
    model.fit(x, y, epochs=10**9, verbose=0, callbacks=[clock])
    return clock.seconds / clock.steps


def brief(value):
    """Formats a recipe's value on one line: "Adam(learning_rate=0.0002, beta_1=0.5)"."""
    if isinstance(value, Optimizer):
        value = optimizer_config(value)
    if hasattr(value, "get_config"):
        value = keras.saving.serialize_keras_object(value)
    if isinstance(value, dict):
        arguments = ", ".join(f"{name}={brief(argument)}" for name, argument in value["config"].items())
        return f"{value['class_name'].split('>')[-1]}({arguments})"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(brief, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


class _Clock(keras.callbacks.Callback):
    """Times steps after every set of due phases has been compiled, then ends the training."""

    def __init__(self, watched):
        super().__init__()
        self.watched = watched  # not self.model: on JAX, it writes back the state at each step
        self.calls, self.began = 0, None

    def on_train_batch_end(self, batch, logs=None):
        now, self.calls = time.perf_counter(), self.calls + 1
        if self.began is None:
            if self.calls > self.watched.period:
                self.began, self.calls = now, 0
            return
        self.steps, self.seconds = self.calls * self.watched.steps_per_execution, now - self.began
        self.watched.stop_training = self.calls >= TIMED_CALLS and self.seconds >= TIMED_SECONDS
