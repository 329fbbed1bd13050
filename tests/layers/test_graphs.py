"""Relational graph convolutions against sums over nodes and types in float64."""

import keras
import numpy as np
from keras import ops

from kerasgan.layers import RelationalGraphConvolution, gated_aggregation


def test_convolution():
    rng = np.random.default_rng(0)
    features, edges = rng.normal(size=(2, 4, 3)), rng.uniform(size=(2, 4, 4, 3))
    layer = RelationalGraphConvolution(5, "tanh")
    inputs = [ops.convert_to_tensor(x, "float32") for x in (features, edges)]
    layer.build([x.shape for x in inputs])
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    kernels = [np.asarray(ops.convert_to_numpy(v), "float64") for v in layer.kernels]
    biases = [np.asarray(ops.convert_to_numpy(v), "float64") for v in layer.biases]
    expected = np.zeros((2, 4, 5))
    for sample in range(2):
        for node in range(4):
            total = features[sample, node] @ kernels[0] + biases[0]
            for other in range(4):
                for kind in (1, 2):  # 0 is no edge
                    message = features[sample, other] @ kernels[kind] + biases[kind]
                    total = total + edges[sample, node, other, kind] * message
            expected[sample, node] = np.tanh(total)
    np.testing.assert_allclose(layer(inputs), expected, atol=1e-5)
    again = RelationalGraphConvolution.from_config(layer.get_config())
    assert again.units == 5 and again.activation is keras.activations.tanh


def test_types_have_different_matrices():
    layer = RelationalGraphConvolution(4)
    layer.build([(None, 2, 3), (None, 2, 2, 3)])
    first, *others = (ops.convert_to_numpy(v) for v in layer.kernels)
    assert len(others) == 2 and not any(np.allclose(first, other) for other in others)
    assert not np.allclose(*others)


def test_aggregation():
    nodes = keras.Input((3, 2))
    network = keras.Model(nodes, gated_aggregation(nodes, 4, "aggregation"))
    x = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")
    gates, values = (
        x @ ops.convert_to_numpy(network.get_layer(f"aggregation_{n}").kernel) for n in ("gates", "values")
    )
    expected = np.tanh((np.tanh(values) / (1 + np.exp(-gates))).sum(axis=1))
    np.testing.assert_allclose(network(ops.convert_to_tensor(x)), expected, atol=1e-5)
