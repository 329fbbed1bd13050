"""Arrays in batches, in an order that is a function of the seed and the epoch alone."""

import keras
import numpy as np

# Enough to hide the gather of one batch behind the training step of another. Fixed rather than
# tuned at run time, so that every run does the same.
PARALLEL_BATCHES = 2


def epoch_order(count, shuffle_seed, epoch):
    """The order of the examples in one epoch: an integer permutation of shape `(count,)`.

    Args:
        count: Number of examples.
        shuffle_seed: Non-negative seed; None keeps the order of the data.
        epoch: Number of the epoch, from 0.
    """
    if shuffle_seed is None:
        return np.arange(count)
    return np.random.default_rng([shuffle_seed, epoch]).permutation(count)


class ArrayBatches(keras.callbacks.Callback):
    """Shuffled batches of arrays in memory; the incomplete last batch of an epoch is dropped.

    As a callback of `fit` it follows the epoch that is trained, so that epoch `e` has the order
    `epoch_order(count, shuffle_seed, e)` wherever the training starts. Without `fit`, the epoch is
    the number of times that the data set has been iterated.

    Args:
        arrays: Array or tuple of arrays of equal length.
        batch_size: Examples in a batch; None gives single examples.
        shuffle_seed: Non-negative seed; None keeps the order of the data.

    Raises:
        ValueError: If `batch_size` is more than there are examples.
    """

    def __init__(self, arrays, batch_size=None, shuffle_seed=None):
        super().__init__()
        self.arrays = arrays
        self.count = len(arrays[0] if isinstance(arrays, tuple) else arrays)
        self.batch_size, self.shuffle_seed = batch_size, shuffle_seed
        self.epoch, self.followed = 0, False
        if batch_size is not None and not 0 < batch_size <= self.count:
            raise ValueError(f"batch_size is {batch_size}; expected 1 to {self.count}, the number of examples.")

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.followed = epoch, True

    def order(self):
        """Indices of the examples of the current epoch, shape (batches, batch_size) or (count,)."""
        order = epoch_order(self.count, self.shuffle_seed, self.epoch)
        if self.batch_size is None:
            return order
        return order[: self.count // self.batch_size * self.batch_size].reshape(-1, self.batch_size)

    def _next_order(self):
        order = self.order()
        if not self.followed:
            self.epoch += 1
        return order

    def dataset(self):
        """What `fit` is given on the active backend: a `tf.data.Dataset` or a `keras.utils.PyDataset`."""
        return self.tf_dataset() if keras.backend.backend() == "tensorflow" else _Batches(self)

    def tf_dataset(self):
        """A `tf.data.Dataset`; each iteration of it is the next epoch."""
        import tensorflow as tf

        def draw_order(_):
            order = tf.numpy_function(self._next_order, [], tf.int64)
            shape = (None,) if self.batch_size is None else (None, self.batch_size)
            return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, shape))

        with tf.device("CPU:0"):
            arrays = _each(tf.convert_to_tensor, self.arrays)
        dataset = (
            tf.data.Dataset.from_tensors(0)
            .flat_map(draw_order)
            .apply(tf.data.experimental.assert_cardinality(self.count // (self.batch_size or 1)))
            .map(
                lambda indices: _each(lambda array: tf.gather(array, indices), arrays),
                num_parallel_calls=PARALLEL_BATCHES,
                deterministic=True,
            )
        )
        options = tf.data.Options()
        options.autotune.enabled = False  # nothing is left to tune, and its thread holds up the end of each `fit`
        return dataset.prefetch(PARALLEL_BATCHES).with_options(options)


class _Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches
        self.drawn, self.order = -1, np.zeros((0, 0), int)

    def __len__(self):
        return self.batches.count // self.batches.batch_size

    def __getitem__(self, index):
        if self.drawn != self.batches.epoch:
            self.drawn, self.order = self.batches.epoch, self.batches.order()
        chosen = self.order[index]
        return _each(lambda array: array[chosen], self.batches.arrays)


def _each(fn, arrays):
    """`fn` of the array, or of each in a tuple, where None (no labels beside weights) stays None."""
    if isinstance(arrays, tuple):
        return tuple(None if array is None else fn(array) for array in arrays)
    return fn(arrays)
