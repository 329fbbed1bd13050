"""Checks of data that cannot be checked as a whole before `fit`: their type, the first batch, and later batches."""

import collections
from typing import Any

import keras
import numpy as np
from keras import ops

BEHIND = 2  # number of batches after which a batch's check is read, so that nothing waits for the device

NO_BATCH = (
    "x has no batch; expected a data set with at least one whole batch. It is empty, or all of it was filtered out, or "
    "it has fewer examples than a batch and drop_remainder=True drops them: choose a smaller batch size."
)


def refuse_arguments(model, x, y, class_weight=None, sample_weight=None):
    """Rejects tuples, which Keras would treat as several inputs, lists of different shapes, and invalid weights.

    Args:
        model: `AdversarialModel`.
        x: Argument of `fit`.
        y: Argument of `fit`.
        class_weight: Argument of `fit`.
        sample_weight: Argument of `fit`.

    Raises:
        ValueError: If an argument is rejected; the message contains a correct call.
    """
    if isinstance(x, tuple):
        kinds = ", ".join(type(part).__name__ for part in x)
        if len(x) == 2 and y is None:
            raise ValueError(
                f"x is a tuple of two ({kinds}); expected samples and labels separately: call fit(x, y), as in "
                "fit(*data) for what kerasgan.data.load(..., as_numpy=True) returns."
            )
        raise ValueError(f"x is a tuple ({kinds}); expected one array, or a data set of batches: call fit(x, y).")
    for name, given in (("x", x), ("y", y)):
        shapes = {np.shape(part) for part in given} if isinstance(given, list) else set()
        if len(shapes) > 1:
            raise ValueError(
                f"{name} is a list of arrays of different shapes ({', '.join(map(str, sorted(shapes)[:3]))}); expected "
                f"one shape, or one array: bring them to one size, and call np.stack({name})."
            )
    if sample_weight is not None and hasattr(x, "__array__"):
        weights = np.asarray(sample_weight)
        if weights.dtype.kind not in "buif" or not (weights >= 0).all() or not np.isfinite(weights).all():
            raise ValueError(
                f"sample_weight has dtype {weights.dtype} and values that are NaN, infinite or below 0; expected "
                "finite numbers of 0 or more, one for each sample."
            )
    if isinstance(x, keras.utils.PyDataset) and x.num_batches == 0:
        raise ValueError(NO_BATCH)
    if class_weight is not None and not hasattr(model.data_specs()[1], "num_classes"):
        raise ValueError("class_weight was given, but this model has no classes: leave it out, or set num_classes.")


def first_batch(iterator):
    """The first batch of Keras' iterator over the data.

    Raises:
        ValueError: If there is none.
    """
    for _, _, batches in iterator:
        # Not `next`: it would raise a different error at the end of the data.
        for batch in batches:
            return batch
        break
    raise ValueError(NO_BATCH)


def check_first_batch(model, batch):
    """Checks that the first element of a data set is a batch that passes `model.check_data`.

    Args:
        model: `AdversarialModel`.
        batch: `Batch` of NumPy arrays.

    Raises:
        ValueError: If it is not as expected.
    """
    spec = model.data_specs()[0]
    shape = getattr(spec, "shape", None) or ((spec.size,) if hasattr(spec, "size") else None)
    if shape is not None and hasattr(batch.x, "shape"):
        single = tuple(batch.x.shape) == tuple(shape) or (batch.y is not None and np.ndim(batch.y) == 0)
        if single and batch.x.ndim == len(shape):
            raise ValueError(
                f"x gives single examples of shape {tuple(batch.x.shape)}; expected batches of them: call x.batch(n, "
                "drop_remainder=True), or pass batch_size to kerasgan.data.load."
            )
    model.check_data(batch.x, batch.y)


class BatchWatch(keras.callbacks.Callback):
    """Checks the values of each batch of a data set that could not be checked as a whole.

    The batch's device computes whether the values are finite and in range. The result is read two batches later, so
    that nothing waits for it. The last batches of an epoch are checked before other callbacks, such as checkpoints.

    Args:
        model: `AdversarialModel`.
    """

    def __init__(self, model):
        super().__init__()
        x, y = model.data_specs()
        self.limits = {"x": _limits(x), "y": _limits(y), "sample_weight": (0.0, float(np.finfo("float32").max))}
        self.seen: collections.deque = collections.deque()
        self.game, self.epoch, self.batch = model, 0, 0
        self.look: Any = model.compiled_function(self._look)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.batch = epoch, self.game._steps_to_skip
        self.seen.clear()

    def on_epoch_end(self, epoch, logs=None):
        self.read(0)

    def __call__(self, batch, last=True):
        """Checks a batch before it is trained on.

        Args:
            batch: `Batch` of tensors: the batch, or one replica's part of it.
            last: Whether this is the last part of the batch.

        Raises:
            ValueError: If the batch two steps ago was not as expected.
        """
        parts = {"x": batch.x, "y": batch.y, "sample_weight": batch.sample_weight}
        watched = {name: part for name, part in parts.items() if self.limits[name] and hasattr(part, "shape")}
        if watched:
            self.seen.append((self.batch, tuple(sorted(watched)), self.look(watched)))
        self.batch += last
        self.read(BEHIND)

    def explain(self, error):
        """Raises the error of an invalid batch, if there is one, from the error that it caused in a step."""
        try:
            self.read(0)
        except ValueError as found:
            raise found from error

    def read(self, left):
        """Reads the checks of all batches except the last `left` ones."""
        while len(self.seen) > left:
            batch, names, found = self.seen.popleft()
            for name, (fine, low, high) in zip(names, np.asarray(ops.convert_to_numpy(found)), strict=True):
                if not fine:
                    self.refuse(name, batch, float(low), float(high))

    def refuse(self, name, batch, low, high):
        """Raises the error of a batch."""
        lowest, highest = self.limits[name]
        finite = np.isfinite(low) and np.isfinite(high)
        came = f"values from {low:g} to {high:g}" if finite else "NaN or infinite values"
        expected = "finite values" if highest > 1e30 else f"values from {round(lowest, 1):g} to {round(highest, 1):g}"
        if name == "sample_weight":
            expected = "finite values of 0 or more"
        raise ValueError(
            f"{name} has {came} in batch {batch + 1} of epoch {self.epoch + 1}, unlike in the first batch; expected "
            f"{expected} in all batches: check this batch of the data set. The model has already been trained on this "
            "batch: restore an earlier checkpoint."
        )

    def _look(self, watched):
        rows = []
        for name, part in sorted(watched.items()):
            low, high = self.limits[name]
            part = part if "int" in keras.backend.standardize_dtype(part.dtype) else ops.cast(part, "float32")
            smallest, largest = (ops.cast(reduce(part), "float32") for reduce in (ops.min, ops.max))
            fine = ops.all(ops.logical_and(part >= low, part <= high))  # NaN is neither
            rows.append(ops.stack([ops.cast(fine, "float32"), smallest, largest]))
        return ops.stack(rows)


def _limits(spec):
    """The lowest and the highest valid value of a kind of data; None if they are unknown."""
    return None if spec is None else getattr(spec, "limits", None)
