"""Convolutions in forms of our own are those of Keras, in value and in first and second gradients."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import DCGAN
from kerasgan import layers as ours
from kerasgan.game import engines
from kerasgan.layers.convolutions import conv, conv_transpose
from tests.toys import ON_TENSORFLOW

# (size, kernel, strides, padding): the fast form, that of small images, and what only the adjoint changes.
CASES = [
    ((8, 8), (4, 4), (2, 2), "same"),
    ((8, 6), (5, 5), (2, 2), "same"),
    ((3, 2), (5, 5), (2, 2), "same"),
    ((2, 3), (4, 6), (2, 2), "same"),
    ((3, 3), (4, 7), (1, 3), "same"),
    ((1, 2), (3, 2), (2, 3), "same"),
    ((3, 4), (4, 5), (2, 2), "valid"),
    ((7,), (25,), (4,), "same"),
    ((3, 2, 3), (4, 4, 4), (2, 2, 2), "same"),
]


def values(size, kernel, filters=3, channels=2):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, *size, channels))
    return ops.convert_to_tensor(x), ops.convert_to_tensor(random.normal(size=(*kernel, filters, channels)))


def numbers(tensors):
    return [np.asarray(ops.convert_to_numpy(tensor)) for tensor in tensors]


def differentiated(convolve, tensors):
    """The value of a convolution, and first and second gradients of a function of it."""

    def loss(tensors):
        y = convolve(*tensors)
        return ops.sum(ops.sin(y + 0.1 * y * y))

    def slopes(tensors):
        return sum(ops.sum(ops.square(slope)) for slope in engines.gradients(loss, tensors))

    tensors = list(tensors)
    return numbers([convolve(*tensors), *engines.gradients(loss, tensors), *engines.gradients(slopes, tensors)])


def assert_equal(found, expected):
    for value, theirs in zip(found, expected, strict=True):
        assert value.shape == theirs.shape
        np.testing.assert_allclose(value, theirs, rtol=1e-11, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("size", "kernel", "strides", "padding"),
    [
        pytest.param(*case, marks=[pytest.mark.slow] if place in (1, 3, 5, 7) else [])
        for place, case in enumerate(CASES)
    ],
)
def test_transposed(size, kernel, strides, padding):
    tensors = values(size, kernel)
    found = differentiated(lambda x, k: conv_transpose(x, k, strides, padding), tensors)
    assert_equal(found, differentiated(lambda x, k: ops.conv_transpose(x, k, list(strides), padding), tensors))
    overlap = padding == "same" and all(1 < stride <= taps for taps, stride in zip(kernel, strides, strict=True))
    assert (engines.transposed_convolution(*tensors, strides, padding) is not None) == (overlap or not ON_TENSORFLOW)


@pytest.mark.tensorflow
def test_transposed_convolutions_to_many_channels_are_tensorflows():
    assert engines.transposed_convolution(*values((8, 8), (4, 4), filters=4), (2, 2), "same") is not None
    assert engines.transposed_convolution(*values((8, 8), (4, 4), filters=5), (2, 2), "same") is None
    x, kernel = (ops.cast(each, "bfloat16") for each in values((8, 8), (4, 4)))
    assert engines.transposed_convolution(x, kernel, (2, 2), "same") is None


@pytest.mark.tensorflow
def test_graphs_for_other_runtimes_keep_transposed_convolutions():
    import tensorflow as tf

    from kerasgan.export.formats import _generator

    model = DCGAN((8, 8, 1), latent_dim=4, width=2, generator_width=2, kernel_size=4, seed=0)
    kind = "Conv2DBackpropInput"  # what TensorFlow calls it
    plain = tf.function(model.sampled).get_concrete_function(tf.TensorSpec((None, 4)))
    function, specs, _ = _generator(model)
    found = [graph.as_graph_def() for graph in (plain.graph, function.get_concrete_function(*specs).graph)]
    assert [sum(node.op == kind for node in graph.node) for graph in found] == [0, 2]


@pytest.mark.tensorflow
def test_transposed_convolutions_of_any_size_are_tensorflows():
    import tensorflow as tf

    _, kernel = values((8, 8), (4, 4))
    found = []

    @tf.function(input_signature=[tf.TensorSpec((None, None, 8, 2), "float64")])
    def trace(x):
        found.append(engines.transposed_convolution(x, kernel, (2, 2), "same"))
        return x

    trace.get_concrete_function()
    assert found == [None]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("size", "kernel", "strides", "padding"),
    [
        ((8, 8), (5, 5), 2, "same"),  # images smaller than the kernel
        pytest.param((4, 6), (4, 5), 2, "same", marks=pytest.mark.slow),
        ((64, 64), (3, 3), 2, "same"),  # gradients by phases
        ((12,), (5,), 3, "same"),
        ((5, 4), (3, 3), 1, "same"),  # kernels from matrix products
        pytest.param((5, 6), (2, 3), 1, "same", marks=pytest.mark.slow),
        ((5, 6), (2, 3), 1, "valid"),
        pytest.param((2, 2), (3, 3), 1, "same", marks=pytest.mark.slow),  # both
        pytest.param((5, 6), (1, 1), 1, "valid", marks=pytest.mark.slow),
        pytest.param((5, 6), (1, 1), 2, "same", marks=pytest.mark.slow),
        ((5, 6), (1, 1), (2, 3), "valid"),
    ],
)
def test_convolutions(size, kernel, strides, padding):
    (x, _), (_, k) = values(size, kernel), values(size, kernel, filters=2, channels=3)
    layer = getattr(ours, f"Conv{len(size)}D")(3, kernel, strides, padding=padding, use_bias=False)
    layer.build(x.shape)
    found = differentiated(layer.convolution_op, (x, k))
    assert_equal(found, differentiated(lambda x, k: ops.conv(x, k, layer.strides, padding), (x, k)))
    assert ON_TENSORFLOW or engines.convolution(x, k, layer.strides, padding) is not None


@pytest.mark.parametrize(
    ("size", "kernel", "strides", "padding"),
    [
        ((16, 16), (5, 5), (2, 2), "same"),
        ((13,), (5,), (3,), "same"),
        ((7, 7), (3, 3), (2, 2), "same"),
        ((64, 64), (4, 4), (2, 2), "valid"),
    ],
)
def test_convolutions_for_which_the_engine_is_fast_are_kerass(size, kernel, strides, padding):
    (x, _), (_, k) = values(size, kernel), values(size, kernel, filters=2, channels=3)
    assert engines.convolution(x, k, strides, padding) is None


def test_kernels_of_half_precision_are_summed_in_single_precision():
    """A sum of 4096 ones, which would end at 256 in bfloat16."""
    x, k = ops.ones((1, 64, 64, 1), "bfloat16"), ops.ones((1, 1, 1, 1), "bfloat16")
    (slope,) = engines.gradients(lambda tensors: ops.sum(conv(x, *tensors)), [k])
    assert slope.dtype == k.dtype and float(ops.squeeze(slope)) == 4096


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Conv1D", {"padding": "causal", "activation": "relu"}),
        ("Conv1D", {"strides": 2, "padding": "same"}),
        ("Conv2D", {"padding": "same", "dilation_rate": 2}),
        ("Conv2D", {"groups": 2, "use_bias": False}),
        ("Conv2D", {"padding": "valid"}),
    ],
    ids=str,
)
def test_layers_with_all_options_are_kerass(name, options):
    mine, theirs = (getattr(module, name)(4, 3, **options) for module in (ours, layers))
    x = np.random.default_rng(0).normal(size=(2, *[8] * len(theirs.kernel_size), 2)).astype("float32")
    mine.build(x.shape)
    theirs.build(x.shape)
    mine.set_weights(theirs.get_weights())
    np.testing.assert_allclose(*numbers([mine(x), theirs(x)]), atol=1e-5)
    assert type(keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mine))) is type(mine)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("more", [{}, {"use_bias": False, "activation": "relu"}, {"output_padding": 1}], ids=str)
def test_layers_are_kerass(rank, more):
    name = f"Conv{rank}DTranspose"
    arguments = {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same", **more}
    mine, theirs = getattr(ours, name)(**arguments), getattr(layers, name)(**arguments)
    x = np.random.default_rng(0).normal(size=(2, *[3] * rank, 2)).astype("float32")
    mine.build(x.shape)
    theirs.build(x.shape)
    weights = [np.random.default_rng(1).normal(size=w.shape) for w in theirs.get_weights()]
    mine.set_weights(weights)
    theirs.set_weights(weights)
    np.testing.assert_allclose(*numbers([mine(x), theirs(x)]), atol=1e-5)
    assert mine.name.startswith(f"conv{rank}d_transpose")  # paths of weights in files of earlier versions
    assert type(keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mine))) is type(mine)
