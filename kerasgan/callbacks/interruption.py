"""Stops a training run with a checkpoint after a signal, or when a loss is not finite."""

import contextlib
import signal
import sys
import threading

import keras
import numpy as np

# Exit code of a run that was stopped by SIGTERM and can be resumed (EX_TEMPFAIL of sysexits.h).
PREEMPTED = 75


class Interrupted(Exception):
    """Raised if a training run was stopped between two steps, after a checkpoint.

    Args:
        number: Number of the signal.
    """

    def __init__(self, number):
        super().__init__(f"stopped by {signal.Signals(number).name} after a checkpoint")
        self.exit_code = PREEMPTED if number == signal.SIGTERM else 128 + number


class Interruption(keras.callbacks.Callback):
    """Saves a checkpoint and raises `Interrupted` on SIGTERM (preemption) or SIGINT (Ctrl-C), after the current step.

    On a terminal, SIGINT asks for confirmation; a second SIGINT during the step stops immediately. Several workers
    agree on the step: all of them stop if one receives a signal.

    Args:
        checkpoint: `Checkpoint` callback of the same `fit`.
        agree_every: Number of steps between two agreements of several workers.
    """

    def __init__(self, checkpoint, agree_every=8):
        super().__init__()
        self.checkpoint, self.agree_every = checkpoint, agree_every
        self.asked_by = None
        self.before: dict = {}
        self.batches = 0

    def on_train_begin(self, logs=None):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self.before[number] = signal.signal(number, self._ask)

    def on_train_end(self, logs=None):
        self.release()

    def release(self):
        """Restores the signal handlers. Call it if `fit` fails."""
        for number, handler in self.before.items():
            with contextlib.suppress(ValueError):
                signal.signal(number, handler)
        self.before = {}

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        model = self.model
        if model.catching_up:
            return
        may_stop = not model.has_peers or self.batches % self.agree_every == 0
        if may_stop and model.anywhere(self.asked_by is not None):
            self._stop()

    def _ask(self, number, frame):
        if number == signal.SIGINT:
            if self.asked_by is not None:
                raise KeyboardInterrupt("interrupted within a step")
            print("\nSIGINT: stopping after this step. Once more stops at once.", file=sys.stderr, flush=True)
        self.asked_by = number

    def _stop(self):
        number = self.asked_by or signal.SIGTERM
        ask = number == signal.SIGINT and sys.stdin and sys.stdin.isatty() and not self.model.has_peers
        if ask and input("Save a checkpoint and stop? [Y/n] ").strip().lower().startswith("n"):
            self.asked_by = None
            return
        self.checkpoint.save()
        raise Interrupted(number)


class NonFiniteLoss(ArithmeticError):
    """Raised if a loss becomes NaN or infinite."""


class StopAtNonFinite(keras.callbacks.Callback):
    """Raises `NonFiniteLoss` if a log is NaN or infinite, before later callbacks in the list save the state.

    Logs are means over the epoch, in which a NaN persists, so an occasional check is sufficient.

    Args:
        every: Number of batches between two checks. A check waits for the step to finish.
    """

    def __init__(self, every=50):
        super().__init__()
        self.every = every

    def on_train_batch_end(self, batch, logs=None):
        if (batch + 1) % self.every == 0:
            self._look(logs, f"step {batch + 1}")

    def on_epoch_end(self, epoch, logs=None):
        self._look(logs, f"the end of epoch {epoch + 1}")

    def _look(self, logs, when):
        bad = {name: float(value) for name, value in (logs or {}).items() if not np.isfinite(float(value))}
        if bad:
            name, value = next(iter(bad.items()))
            raise NonFiniteLoss(
                f"{name} is {value} at {when} ({len(bad)} of {len(logs)} logs are not finite). The last good "
                "checkpoint is kept. Lower the learning rates, add a gradient penalty (R1), use bfloat16 instead of "
                "float16, or leave such updates out: skip_nonfinite=True in compile(), --set skip_nonfinite=true."
            )
