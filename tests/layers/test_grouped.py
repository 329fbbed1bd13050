"""Grouped convolutions against one convolution for each group: values, gradients and their gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import gradients
from kerasgan.layers import GroupedConv2D
from kerasgan.layers.grouped import grouped_convolution


def one_by_one(x, kernel, layer):
    options = {"strides": layer.strides, "padding": layer.padding, "dilation_rate": layer.dilation_rate}
    pairs = zip(ops.split(x, layer.groups, -1), ops.split(kernel, layer.groups, -1), strict=True)
    return ops.concatenate([ops.conv(part, weights, **options) for part, weights in pairs], -1)


def derivatives(convolve, x, kernel):
    """The outputs, the gradient of a function of them, and the gradient of a function of that."""

    def value(tensors):
        outputs = ops.cast(convolve(*tensors), "float32")
        return ops.sum(ops.sin(outputs) * outputs)

    def penalty(tensors):
        return sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in gradients(value, tensors))

    found = [convolve(x, kernel), *gradients(value, [x, kernel]), *gradients(penalty, [x, kernel])]
    return [ops.convert_to_numpy(ops.cast(each, "float32")) for each in found]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("options", [{}, {"strides": 2, "padding": "valid"}, {"dilation_rate": 2}], ids=str)
@pytest.mark.parametrize("groups", [4, 12])
def test_a_group_sees_its_own_channels_only(groups, options, dtype):
    """On TensorFlow by oneDNN's kernel, where there is one; on JAX, and in any case below, in parts."""
    rng = np.random.default_rng(0)
    x = ops.convert_to_tensor(rng.normal(size=(2, 6, 5, 2 * groups)), dtype)
    kernel = ops.convert_to_tensor(0.2 * rng.normal(size=(3, 3, 2, 4 * groups)), dtype)
    layer = GroupedConv2D(4 * groups, 3, groups=groups, **{"padding": "same", **options})
    expected = derivatives(lambda x, kernel: one_by_one(x, kernel, layer), x, kernel)
    found = derivatives(layer.convolution_op, x, kernel)
    for one, other in zip(found, expected, strict=True):
        tolerance = (1e-5 if dtype == "float32" else 3e-2) * np.abs(other).max()
        np.testing.assert_allclose(one, other, atol=tolerance)
    assert keras.layers.Conv2D.from_config(layer.get_config()).groups == groups


@pytest.mark.parametrize("groups", [1, 2, 12, 22])
def test_in_parts(groups):
    """With as many parts as groups, or with blocks of several groups."""
    rng = np.random.default_rng(0)
    x, kernel = (
        ops.convert_to_tensor(rng.normal(size=s), "float32") for s in ((2, 5, 5, 2 * groups), (3, 3, 2, 4 * groups))
    )
    layer = GroupedConv2D(4 * groups, 3, padding="same", groups=groups)
    np.testing.assert_allclose(layer._in_parts(x, kernel), one_by_one(x, kernel, layer), rtol=1e-4, atol=1e-5)


@pytest.mark.tensorflow
def test_the_kernel_is_used_where_it_has_gradients(float64):
    """TensorFlow's own kernel has none: in float64 oneDNN does not serve."""
    x = ops.convert_to_tensor(np.ones((1, 4, 4, 4)), "float64")
    kernel = ops.convert_to_tensor(np.ones((3, 3, 2, 4)), "float64")
    assert grouped_convolution(x, kernel, (1, 1), "same", (1, 1)) is None
    layer = GroupedConv2D(4, 3, padding="same", groups=2)
    expected = derivatives(lambda x, kernel: one_by_one(x, kernel, layer), x, kernel)
    for one, other in zip(derivatives(layer.convolution_op, x, kernel), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
