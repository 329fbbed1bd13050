"""Minibatch standard deviation (Karras et al. 2018, "Progressive Growing of GANs...", section 3)."""

import keras
from keras import ops

from kerasgan.objectives.losses import at_least_float32


@keras.saving.register_keras_serializable(package="kerasgan")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Appends to feature maps a constant channel that measures how much the samples of a group differ.

    The standard deviation of each feature at each position over the group's samples, sqrt(variance + epsilon), is
    averaged over features and positions. It lets a discriminator detect batches with too little variation. Groups lie
    within a replica: if it has N samples, those whose indices are equal modulo N / group_size form a group. If N is not
    a multiple of the group size, all N samples form one group.

    Args:
        group_size: Number of samples in a group, 4 in the paper; fewer if the batch is smaller.
        neighbours: Whether groups are `group_size` consecutive samples, as in Facebook's implementation and its
            published weights, instead of those of the paper's code.
        unbiased: Whether to divide by group_size - 1 instead of group_size, also as in Facebook's implementation; a
            single sample then has deviation 0.
        epsilon: Added to the variance.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Floats of shape (batch, height, width, channels).

    Returns:
        Shape (batch, height, width, channels + 1).
    """

    def __init__(self, group_size=4, neighbours=False, unbiased=False, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.group_size, self.neighbours, self.unbiased, self.epsilon = group_size, neighbours, unbiased, epsilon

    def call(self, inputs):
        x, count = at_least_float32(inputs), ops.shape(inputs)[0]
        size = ops.minimum(count, self.group_size) if not isinstance(count, int) else min(count, self.group_size)
        if isinstance(count, int):
            size = size if count % size == 0 else count
        else:
            size = ops.where(count % size == 0, size, count)
        features = x.shape[1] * x.shape[2] * x.shape[3]
        shape = (count // size, size, features) if self.neighbours else (size, count // size, features)
        axis = 1 if self.neighbours else 0
        x = ops.reshape(x, shape)
        samples = ops.cast(size, x.dtype)
        centred = x - ops.sum(x, axis=axis, keepdims=True) / samples
        divisor = ops.maximum(samples - 1, 1) if self.unbiased else samples
        variance = ops.sum(ops.square(centred), axis=axis) / divisor
        deviation = ops.sum(ops.sqrt(variance + self.epsilon), axis=-1) / features
        if self.unbiased:
            deviation = deviation * ops.cast(samples > 1, x.dtype)
        each = ops.broadcast_to(ops.expand_dims(deviation, axis), shape[:2])
        plane = ops.reshape(ops.cast(each, inputs.dtype), (-1, 1, 1, 1))
        plane = ops.broadcast_to(plane, (count, *inputs.shape[1:3], 1))
        return ops.concatenate([inputs, plane], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        own = ("group_size", "neighbours", "unbiased", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
