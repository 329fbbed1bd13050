"""Logs of an epoch: means for the phases that have run, and nothing for the others."""

import keras
import numpy as np
from keras import ops


class EpochMean(keras.metrics.Metric):
    """Mean of values that are the same on all replicas.

    `keras.metrics.Mean` keeps a part of its sum on each replica. Reading it would need all workers, so that a chief
    could not save a checkpoint alone; assigning to it divides the value among them, so that checkpoints would not be
    restored exactly.

    Args:
        name: Name of the log.
    """

    def __init__(self, name):
        super().__init__(name=name)
        self.total, self.count = (
            keras.Variable(0.0, dtype="float32", trainable=False, aggregation="only_first_replica", name=part)
            for part in ("total", "count")
        )

    def update_state(self, value, weight=1.0):
        """Adds a scalar with a weight."""
        self.total.assign_add(ops.cast(value, "float32") * weight)
        self.count.assign_add(ops.ones(()) * weight)

    def result(self):
        return ops.divide_no_nan(self.total.value, self.count.value)


class OnlyWhatRan(keras.callbacks.Callback):
    """Removes the logs of phases that have not run in the epoch, whose means would be a misleading 0.

    It must come before the callbacks that read the logs.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.model.logged = set()

    def on_train_batch_end(self, batch, logs=None):
        self._clean(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._clean(logs)

    def _clean(self, logs):
        for name in [name for name in logs or () if name in self.model.trackers and name not in self.model.logged]:
            del logs[name]


class TerminateOnNaN(keras.callbacks.TerminateOnNaN):
    """Ends the training when any log is NaN or infinite; Keras' own callback only looks at the log "loss"."""

    def on_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not np.isfinite(float(value))]
        if bad:
            super().on_batch_end(batch, {"loss": float("nan")})


def looking_at_all_logs(callback):
    """Replaces Keras' `TerminateOnNaN`, which waits for a log that no game has; returns other callbacks unchanged.

    Raises:
        ValueError: For a Keras callback that would do nothing here, or something other than intended.
    """
    name = type(callback).__name__
    if isinstance(callback, keras.callbacks.SwapEMAWeights):
        raise ValueError(
            f"`callbacks` contains a {name}, which has no effect: the model averages its weights itself. Remove it; "
            "sample(ema=True) (the default) and saved files use the averages."
        )
    watches = isinstance(callback, (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau))
    watches |= isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_best_only
    if watches and callback.monitor == "val_loss":
        raise ValueError(
            f"`callbacks` contains a {name} that monitors 'val_loss', but games have no validation. Set monitor= and "
            "mode= to a log of the game, preferably a score logged by kerasgan.callbacks.Evaluation."
        )
    if type(callback) is not keras.callbacks.TerminateOnNaN:
        return callback
    options = {"raise_error": True} if getattr(callback, "raise_error", False) else {}
    return TerminateOnNaN(**options)
