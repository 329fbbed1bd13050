"""Progress of a training run: position, speed and remaining time."""

import atexit
import time
from typing import Any

import keras
import rich.progress
from keras import ops
from rich.console import Console
from rich.table import Column

# Seconds between two updates of the bar: more frequent updates would cost time and be unreadable.
INTERVAL = 0.25
LINES = 10.0  # seconds between two lines in a file; the first and the last epoch always have one


class Progress(keras.callbacks.Callback):
    """Shows losses, images per second and the remaining time. Use it with `fit(verbose=0)`.

    It shows a bar on a terminal, and otherwise prints a line at the end of an epoch, at most every ten seconds. Speed
    and time are based on the last half minute, including sample grids and checkpoints.

    Args:
        console: `rich.console.Console` to draw on. Defaults to standard output.
    """

    # Keras then calls on_train_batch_end in its own threads, and the training does not wait for a step's logs. Code
    # that is called there must not touch the model.
    async_safe = True

    def __init__(self, console=None):
        super().__init__()
        self.console = console or Console()
        self.bar: Any = None

    def on_train_begin(self, logs=None):
        self.bar = rich.progress.Progress(
            _column("epoch"),
            rich.progress.BarColumn(bar_width=10, table_column=Column(min_width=10)),
            _column("speed", min_width=24),
            _column("losses"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task, self.images_per_step, self.updated = None, self.model.recipe.largest_batch, 0.0
        self.written = -LINES
        atexit.register(self.close)  # fit does not report failure to callbacks, and the bar hides the cursor
        self.bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.before = epoch, self._images_seen()
        if self.task is None:
            self.first, self.first_epoch = self.before, epoch
            self.task = self.bar.add_task("", total=None, epoch="", speed="", losses="")
        self._show(0, {})

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self.updated > INTERVAL:
            self._show((batch + 1) * self.images_per_step, logs)

    def on_epoch_end(self, epoch, logs=None):
        images = self._images_seen() - self.before
        self._show(images, logs)
        if self.params["steps"]:
            self.images_per_step = images / self.params["steps"]
        ends = epoch in (self.first_epoch, self.params["epochs"] - 1)
        if not self.console.is_terminal and (ends or time.monotonic() - self.written > LINES):
            self.written = time.monotonic()
            task = self.bar.tasks[0]
            line = (task.fields[name] for name in ("epoch", "speed", "losses"))
            self.console.print("  ".join(part for part in line if part), soft_wrap=True, highlight=False)

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Restores the terminal. Call it if `fit` fails or is interrupted."""
        atexit.unregister(self.close)
        if self.bar is not None:
            self.bar.stop()

    def _images_seen(self):
        return int(ops.convert_to_numpy(self.model.images_seen))

    def _show(self, images, logs):
        """Updates the bar to the number of images in this epoch."""
        self.updated = time.monotonic()
        epochs, steps = self.params["epochs"], self.params["steps"]
        task = self.bar.tasks[0]
        self.bar.update(
            self.task,
            completed=max(task.completed, self.before + images - self.first),
            total=steps and steps * self.images_per_step * (epochs - self.first_epoch),
        )
        speed = f"{task.speed:,.0f} images/s" if task.speed else ""
        left = f", {duration(task.time_remaining)} left" if speed and task.time_remaining else ""
        self.bar.update(self.task, epoch=f"epoch {self.epoch + 1}/{epochs}", speed=speed + left)
        losses = [f"{name.removesuffix('_loss')} {value:.2f}" for name, value in logs.items() if name.endswith("_loss")]
        if losses:
            self.bar.update(self.task, losses="  ".join(losses))


def _column(field, **options):
    return rich.progress.TextColumn(f"{{task.fields[{field}]}}", table_column=Column(no_wrap=True, **options))


def duration(seconds):
    """Formats a duration: "45 s", "12 min", "3 h 20 min"."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
