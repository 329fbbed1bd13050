"""Batches of arrays, in an order that depends only on seed and epoch."""

import contextlib
import dataclasses
import functools
import warnings
from typing import Any

import keras
import numpy as np

# Sufficient to hide the gather of one batch behind the training step of another. Fixed rather than
# tuned at run time, so that every run is the same.
PARALLEL_BATCHES = 2


def epoch_order(count, shuffle_seed, epoch, domain=0):
    """Returns the order of the examples in an epoch, an integer permutation of shape `(count,)`.

    Args:
        count: Number of examples.
        shuffle_seed: Non-negative random seed. None keeps the order of the data.
        epoch: Number of the epoch, from 0.
        domain: 1 for the second of two domains, which has an independent order.
    """
    if shuffle_seed is None:
        return np.arange(count)
    return np.random.default_rng([shuffle_seed, epoch, domain][: 3 if domain else 2]).permutation(count)


@dataclasses.dataclass(frozen=True)
class Share:
    """The part of each batch that one process trains on: replicas `first` to `first + here - 1` of `replicas`."""

    replicas: int = 1
    first: int = 0
    here: int = 1

    def size(self, batches):
        """Returns the number of examples of one replica in a step."""
        return batches.batch_size // self.replicas


WHOLE = Share()


class ArrayBatches(keras.callbacks.Callback):
    """Shuffled batches of arrays in memory. The incomplete last batch of an epoch is dropped.

    As a callback of `fit` it tracks the current epoch, so that epoch `e` has the order
    `epoch_order(count, shuffle_seed, e)` regardless of where the training starts. Without `fit`, the epoch is the
    number of completed iterations over the dataset.

    Args:
        arrays: Array, or tuple of arrays and dictionaries of arrays, all of equal length.
        batch_size: Batch size. None returns single examples.
        shuffle_seed: Non-negative random seed. None keeps the order of the data.
        prepare: Function from the selected rows, in the structure of `arrays`, to a batch. None returns the rows
            unchanged.
        unpaired: Whether the two arrays are two domains with independent orders. The domains can differ in length; each
            epoch then omits other examples of the longer one.
        initial_epoch: Number of the first epoch.
        stairs: A tuple (`Stairs`, number of images seen before the first epoch) for batches whose size changes up to
            `batch_size`, or `None` for a constant batch size.

    Raises:
        ValueError: If `batch_size` is not an integer or exceeds the number of examples, or if the lengths differ.

    Attributes:
        description: The `kerasgan.data.Description` of the loaded data, or None.
    """

    description: Any = None

    def __init__(
        self,
        arrays,
        batch_size=None,
        shuffle_seed=None,
        prepare=None,
        unpaired=False,
        initial_epoch=0,
        stairs=None,
    ):
        super().__init__()
        self.stairs, self.seen, self.seen_in = stairs and stairs[0], stairs and stairs[1], None
        self.arrays, self.prepare, self.unpaired = arrays, prepare, unpaired
        lengths = [len(array) for array in _leaves(arrays)]
        self.counts = lengths if unpaired else lengths[:1]
        self.count = min(lengths)
        self.batch_size, self.shuffle_seed = batch_size, shuffle_seed
        self.epoch, self.followed, self.limit = initial_epoch, False, None
        if not unpaired and self.count < max(lengths):
            raise ValueError(f"The arrays have {lengths} examples; expected equal lengths.")
        if batch_size is None:
            return
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
            raise ValueError(f"batch_size is {batch_size!r}; expected an integer from 1 to {self.count}.")
        if not 0 < batch_size <= self.count:
            raise ValueError(f"batch_size is {batch_size}; expected 1 to {self.count}, the number of examples.")

    @property
    def steps(self):
        """Number of batches in an epoch, or of examples without a batch size."""
        whole = self.count // (self.batch_size or 1)
        return whole if self.limit is None else self.limit

    def shorten(self, arguments):
        """Shortens epochs to `steps_per_epoch` of `fit`, so that each epoch still has its own order.

        Args:
            arguments: Arguments of `fit` by name. `steps_per_epoch` is removed if there are enough batches, because
                Keras would continue with the remaining batches in the next epoch.
        """
        self.limit = None  # resets the limit of an earlier `fit`
        if arguments.get("steps_per_epoch") and arguments["steps_per_epoch"] <= self.steps:
            self.limit = int(arguments.pop("steps_per_epoch"))

    def forget(self, arrays):
        """Releases the model and, if `arrays`, the data at the end of a training run.

        TensorFlow keeps each Python function of a dataset, and with it these batches, until the process ends.
        """
        self.set_model(None)
        if arrays:
            self.arrays = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.followed = epoch, True

    def order(self, share=WHOLE):
        """Returns the indices of the current epoch, of shape (batches, examples), or (count,) without a batch size.

        With `unpaired` there is an additional last axis of size 2 with the indices of the domains.

        Args:
            share: Part of each batch to return, as one row per replica.
        """
        orders = [epoch_order(n, self.shuffle_seed, self.epoch, i)[: self.count] for i, n in enumerate(self.counts)]
        order = np.stack(orders, axis=-1) if self.unpaired else orders[0]
        if self.batch_size is None:
            return order[: self.steps]
        domains, size = order.shape[1:], share.size(self)
        whole = order[: self.steps * self.batch_size].reshape(-1, share.replicas, size, *domains)
        return whole[:, share.first : share.first + share.here].reshape(-1, size, *domains)

    def rows(self):
        """The same as `order` for a changing batch size: a list of the indices of each batch of the current epoch."""
        order = epoch_order(self.count, self.shuffle_seed, self.epoch)
        if self.seen_in is None:
            self.seen_in = self.epoch
        while self.seen_in < self.epoch:
            self.seen += sum(self.stairs.sizes(self.seen, self.steps))
            self.seen_in += 1
        ends = np.cumsum(self.stairs.sizes(self.seen, self.steps))
        return [order[end - size : end] for end, size in zip(ends, np.diff(ends, prepend=0), strict=True)]

    def batched(self, batch_size, stairs=None):
        """Returns the same data in the same order with another batch size and newly tracked epochs.

        Args:
            batch_size: Batch size.
            stairs: See `ArrayBatches`.
        """
        made = ArrayBatches(
            self.arrays, batch_size, self.shuffle_seed, self.prepare, self.unpaired, self.epoch, stairs=stairs
        )
        made.description = self.description
        return made

    def first(self, count):
        """Returns the first examples in the order of the data, as a batch."""
        return self.rows_at(np.arange(count))

    def rows_at(self, indices):
        """Returns the examples at given positions, the same in both of two domains, as a batch."""
        return self.take(np.stack([indices, indices], axis=-1) if self.unpaired else indices)

    def take(self, indices):
        """Returns the batch for a row of `order`."""
        if self.unpaired:
            rows = tuple(array[indices[:, domain]] for domain, array in enumerate(self.arrays))
        else:
            rows = _each(lambda array: array[indices], self.arrays)
        return rows if self.prepare is None else self.prepare(rows)

    def _next_order(self, share):
        order = self.order(share)
        if not self.followed:
            self.epoch += 1
        return order

    def py_dataset(self):
        """Returns a `keras.utils.PyDataset`, for engines without `tf.data`. Each iteration is the next epoch."""
        return _Batches(self)

    def tf_dataset(self, share=WHOLE):
        """Returns a `tf.data.Dataset`. Each iteration is the next epoch.

        Args:
            share: Part of each batch that this process trains on, with its replicas in sequence.
        """
        import tensorflow as tf

        if self.stairs is not None:
            return self._uneven(tf)

        def draw_order(_):
            order = tf.numpy_function(functools.partial(self._next_order, share), [], tf.int64)
            rows = () if self.batch_size is None else (share.size(self),)
            return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, (None, *rows, *[2] * self.unpaired)))

        order = tf.data.Dataset.from_tensors(0).flat_map(draw_order)
        if share.here == 1:  # otherwise TensorFlow would count the part of each replica as a step
            order = order.apply(tf.data.experimental.assert_cardinality(self.steps))
        dataset = order.map(
            self._gather(tf) if self.prepare is None and not self.unpaired else self._call_take(tf),
            num_parallel_calls=PARALLEL_BATCHES,
            deterministic=True,
        )
        options = tf.data.Options()
        options.autotune.enabled = False  # there is nothing to tune, and its thread delays the end of each `fit`
        return dataset.prefetch(PARALLEL_BATCHES).with_options(options)

    def _uneven(self, tf):
        """Returns `tf_dataset` for a changing batch size."""

        def padded():
            rows = self.rows()
            if not self.followed:
                self.epoch += 1
            return np.stack([np.pad(row, (0, self.batch_size - len(row)), constant_values=-1) for row in rows])

        def draw_order(_):
            order = tf.ensure_shape(tf.numpy_function(padded, [], tf.int64), (None, self.batch_size))
            return tf.data.Dataset.from_tensor_slices(order)

        order = tf.data.Dataset.from_tensors(0).flat_map(draw_order)
        order = order.apply(tf.data.experimental.assert_cardinality(self.steps))
        order = order.map(lambda row: tf.boolean_mask(row, row >= 0))  # one after the other
        return order.map(self._taken(tf), num_parallel_calls=PARALLEL_BATCHES, deterministic=True)

    def _taken(self, tf):
        """Returns `take` for the graph of a dataset."""
        return self._gather(tf) if self.prepare is None and not self.unpaired else self._call_take(tf)

    def _gather(self, tf):
        """Returns `take` on tensors."""
        with tf.device("CPU:0"):
            arrays = _each(tf.convert_to_tensor, self.arrays)
        return lambda indices: _each(lambda array: tf.gather(array, indices), arrays)

    def _call_take(self, tf):
        """Returns `take` in NumPy: memory maps stay on disk, and only the examples of a batch are prepared."""
        example = self.take(np.zeros((1, *[2] * self.unpaired), int))
        types = [tf.as_dtype(array.dtype.type) for array in _leaves(example)]

        def rows(indices):
            single = self.batch_size is None
            batch = self.take(indices[None] if single else indices)
            # TensorFlow would turn text into ASCII.
            arrays = [np.char.encode(a, "utf-8").astype(object) if a.dtype.kind == "U" else a for a in _leaves(batch)]
            return [array[0] for array in arrays] if single else arrays

        def call(indices):
            lead = indices.shape[:1] if self.batch_size is not None else ()
            arrays = tf.numpy_function(rows, [indices], types)
            shaped = [tf.ensure_shape(a, (*lead, *b.shape[1:])) for a, b in zip(arrays, _leaves(example), strict=True)]
            parts = iter(shaped)
            return _each(lambda _: next(parts), example)

        return call


class _Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches
        self.drawn: int = -1
        self.order: Any = None

    def __len__(self):
        return self.batches.steps

    def __iter__(self):
        yield from super().__iter__()
        self.on_epoch_end()

    def on_epoch_end(self):
        if not self.batches.followed:
            self.batches.epoch += 1

    def __getitem__(self, index):
        if self.drawn != self.batches.epoch:
            whole = self.batches.stairs is None
            self.drawn, self.order = self.batches.epoch, self.batches.order() if whole else self.batches.rows()
        return self.batches.take(self.order[index])


def _each(fn, arrays):
    """Maps `fn` over an array, or over a tuple or dictionary of arrays. None (weights without labels) stays None."""
    if isinstance(arrays, tuple):
        return tuple(_each(fn, array) for array in arrays)
    if isinstance(arrays, dict):
        return {name: _each(fn, array) for name, array in arrays.items()}
    return None if arrays is None else fn(arrays)


def _leaves(arrays):
    """Returns the arrays in a tuple or dictionary, in order."""
    leaves: list = []
    _each(leaves.append, arrays)
    return leaves


def are_arrays(x):
    """Returns whether samples are in memory: an array, a list, or a dictionary of arrays."""
    if isinstance(x, dict):
        return bool(x) and all(map(are_arrays, x.values()))
    return hasattr(x, "__array__") or isinstance(x, list)


def as_arrays(value):
    """Converts arrays, lists or dictionaries of them to NumPy arrays. `None` stays `None`."""
    if isinstance(value, dict):
        return {name: as_arrays(part) for name, part in value.items()}
    return None if value is None else np.asarray(value)


def encoded(dataset, x_kind, y_kind):
    """Returns a `tf.data.Dataset` in which texts are encoded by their kinds, on the host.

    Args:
        dataset: Dataset of x, (x, y) or (x, y, weights), in batches.
        x_kind: Kind of x.
        y_kind: Kind of y, or `None`.
    """
    import tensorflow as tf

    spec = dataset.element_spec
    texts = [getattr(part, "dtype", None) == tf.string for part in tf.nest.flatten(spec)]
    if not any(texts):
        return dataset

    def encode(kind, value):
        if kind is None or not any(part.dtype == tf.string for part in tf.nest.flatten(value)):
            return value
        flat, expected = tf.nest.flatten(value), tf.nest.flatten(kind.symbolic())

        def on_host(*parts):
            arrays = tf.nest.pack_sequence_as(value, list(parts))
            return [np.asarray(part) for part in tf.nest.flatten(kind.encode(arrays))]

        made = tf.numpy_function(on_host, flat, [tf.as_dtype(part.dtype) for part in expected])
        made = [tf.ensure_shape(part, (flat[0].shape[0], *e.shape[1:])) for part, e in zip(made, expected, strict=True)]
        return tf.nest.pack_sequence_as(kind.symbolic(), made)

    def encode_batch(x, y=None, *weights):
        return (encode(x_kind, x), *([] if y is None else [encode(y_kind, y)]), *weights)

    batches = dataset.map(encode_batch)
    return batches if isinstance(spec, tuple) else batches.map(lambda x: x)


@contextlib.contextmanager
def epochs_may_end(as_they_like):
    """Context manager in which Keras does not warn about an incomplete last `steps_per_execution` of an epoch.

    Args:
        as_they_like: Whether to suppress the warning. False if the requested number of steps may exceed the data.
    """
    with warnings.catch_warnings():
        if as_they_like:
            warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
        yield
