"""Grouped convolutions that are fast on a CPU."""

import keras
import numpy as np
from keras import ops

from kerasgan.game.engines import grouped_convolution
from kerasgan.layers.convolutions import Conv2D

PARTS = 8  # one part for each of 96 groups would take minutes to compile


@keras.saving.register_keras_serializable(package="kerasgan")
class GroupedConv2D(Conv2D):
    """`keras.layers.Conv2D` with `groups`, for channels-last features, in a form that is fast on a CPU.

    Keras computes grouped convolutions on CPUs in a generic XLA loop, which takes ten to thirty times as long as a
    dense convolution of the full width. On TensorFlow this layer uses oneDNN's kernel instead, in float32 and bfloat16.
    Otherwise it splits the channels into up to 8 parts (one per group if there are at most 8 groups) and computes a
    block-diagonal dense convolution for each part. The result equals that of `keras.layers.Conv2D`, which is used on
    other devices.
    """

    def convolution_op(self, inputs, kernel):
        if self.groups == 1 or any("cpu" not in device for device in keras.distribution.list_devices()):
            return super().convolution_op(inputs, kernel)
        outputs = grouped_convolution(inputs, kernel, self.strides, self.padding, self.dilation_rate)
        return self._in_parts(inputs, kernel) if outputs is None else outputs

    def _in_parts(self, inputs, kernel):
        """The convolution, computed as a few dense convolutions."""
        parts = max(n for n in range(1, PARTS + 1) if self.groups % n == 0)
        convolve, groups = super().convolution_op, np.arange(self.groups // parts)
        outputs = []
        for x, weights in zip(ops.split(inputs, parts, -1), ops.split(kernel, parts, -1), strict=True):
            if len(groups) > 1:
                _, _, size, filters = weights.shape
                same = np.repeat(groups, size)[:, None] == np.repeat(groups, filters // len(groups))
                weights = ops.where(same, ops.tile(weights, (1, 1, len(groups), 1)), 0.0)
            outputs.append(convolve(x, weights))
        return ops.concatenate(outputs, -1)
