"""Grouped convolutions that are fast on a CPU."""

import keras
import numpy as np
from keras import ops

PARTS = 8  # one part for each of 96 groups would take minutes to compile


@keras.saving.register_keras_serializable(package="kerasgan")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, computed on a CPU as a few block-diagonal dense convolutions.

    On CPUs both engines use a generic XLA loop for grouped convolutions, which takes ten to thirty times as long as a
    dense convolution of the full width. This layer splits the channels into up to 8 parts (one per group if there are
    at most 8 groups) and computes a dense convolution for each part. The result equals that of `keras.layers.Conv2D`,
    which is used on other devices.
    """

    def convolution_op(self, inputs, kernel):
        if self.groups == 1 or any("cpu" not in device for device in keras.distribution.list_devices()):
            return super().convolution_op(inputs, kernel)
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
