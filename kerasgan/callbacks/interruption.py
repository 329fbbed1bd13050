"""A training that is asked to stop saves first: signals, and losses that are not finite."""

import contextlib
import signal
import sys
import threading

import keras
import numpy as np

# Exit code of a training that was stopped by SIGTERM and can be resumed (EX_TEMPFAIL of sysexits.h).
PREEMPTED = 75


class Interrupted(Exception):
    """A training stopped between two steps, after a checkpoint.

    Args:
        number: the signal that asked for it.
    """

    def __init__(self, number):
        super().__init__(f"stopped by {signal.Signals(number).name} after a checkpoint")
        self.exit_code = PREEMPTED if number == signal.SIGTERM else 128 + number


class Interruption(keras.callbacks.Callback):
    """On SIGTERM (preemption) or SIGINT (Ctrl-C) saves a checkpoint after the step and raises `Interrupted`.

    SIGINT on a terminal asks once whether to stop; a second one while the step still runs stops at once. Several
    workers agree on the step: all stop when one was asked.

    Args:
        checkpoint: a `Checkpoint` callback of the same `fit`.
        agree_every: steps from one agreement of several workers to the next.
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
        """Gives the signals back; to be called where `fit` may fail."""
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
    """A loss became NaN or infinite."""


class StopAtNonFinite(keras.callbacks.Callback):
    """Raises `NonFiniteLoss` when a log is NaN or infinite, before anything after it in the list saves it.

    Logs are means over the epoch, which keep a NaN, so it is enough to look now and then.

    Args:
        every: batches from one look to the next. A look waits for the step.
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
