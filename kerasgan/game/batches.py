"""The data of `fit`, as far as they cannot be checked whole: what x is, the first batch, and every later one."""

import collections
from typing import Any

import keras
import numpy as np
from keras import ops

BEHIND = 2  # batches: so far behind the training a batch is looked at, so that nothing waits for the device

NO_BATCH = (
    "x has no batch; expected a data set with at least one whole batch. It is empty, or all of it was filtered out, or "
    "it has fewer examples than a batch and drop_remainder=True drops them: choose a smaller batch size."
)


def refuse_arguments(model, x, y, class_weight=None, sample_weight=None):
    """Refuses tuples, which Keras would take for several inputs, lists of different shapes, and weights that are none.

    Args:
        model: An `AdversarialModel`.
        x: What `fit` was given.
        y: Likewise.
        class_weight: Likewise.
        sample_weight: Likewise.

    Raises:
        ValueError: In a sentence that has the call to make.
    """
    if isinstance(x, tuple):
        kinds = ", ".join(type(part).__name__ for part in x)
        if len(x) == 2 and y is None:
            raise ValueError(
                f"x is a tuple of two ({kinds}); expected samples and labels apart: call fit(x, y), as in "
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
    """The first batch of what Keras iterates over.

    Raises:
        ValueError: There is none.
    """
    for _, _, batches in iterator:
        # Not `next` in a generator, where the end of the data would be an error of its own.
        for batch in batches:
            return batch
        break
    raise ValueError(NO_BATCH)


def check_first_batch(model, batch):
    """Checks the first batch of a data set: what `model.check_data` does, and whether it is a batch.

    Args:
        model: An `AdversarialModel`.
        batch: A `Batch` of NumPy arrays.

    Raises:
        ValueError: In a sentence that says what came, what was expected and what to do.
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
    """Looks at the values of each batch of a data set that could not be checked whole.

    What is to be seen (finite, within the range) is computed where the batch is, and read when the training is two
    batches further: nothing waits for it. Each epoch ends with a look at its last batches, before other callbacks such
    as checkpoints.

    Args:
        model: An `AdversarialModel`.
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
        """Sees a batch that is about to be trained on.

        Args:
            batch: A `Batch` of tensors: the batch, or one replica's part of it.
            last: Whether no other part of the batch follows.

        Raises:
            ValueError: A batch two steps ago was not as it must be.
        """
        parts = {"x": batch.x, "y": batch.y, "sample_weight": batch.sample_weight}
        watched = {name: part for name, part in parts.items() if self.limits[name] and hasattr(part, "shape")}
        if watched:
            self.seen.append((self.batch, tuple(sorted(watched)), self.look(watched)))
        self.batch += last
        self.read(BEHIND)

    def explain(self, error):
        """Raises what was wrong with a batch in the place of the error that a step made of it, where there is one."""
        try:
            self.read(0)
        except ValueError as found:
            raise found from error

    def read(self, left):
        """Reads what was seen of all batches but the latest ones."""
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
            f"{expected} in all: look at this batch of the data set. The model has been trained on it: go back to a "
            "checkpoint from before."
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
    """Lowest and highest value that a kind of data may have; None where that is not known."""
    return None if spec is None else getattr(spec, "limits", None)
