"""The relational memory against a float64 reference, written from the equations."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.layers import RelationalMemoryCell, highway


def normalized(x, scale, offset):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + offset


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(cell, inputs, memory):
    """One step for one sample: `inputs` (features,), `memory` (slots, size)."""
    w = {v.path.split("/", 1)[1]: ops.convert_to_numpy(v).astype("float64") for v in cell.variables}
    scale, offset = "gamma", "beta"

    def dense(name, x):
        return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]

    def norm(name, x):
        return normalized(x, w[f"{name}/{scale}"], w[f"{name}/{offset}"])

    entry = dense("entry", inputs)
    rows = np.vstack([memory, entry])
    projected = norm("projection_norm", dense("projection", rows))
    attended = np.zeros_like(memory)
    for head in range(cell.heads):
        width = 3 * cell.head_size
        query, key, value = np.split(projected[:, head * width : (head + 1) * width], 3, axis=1)
        for slot in range(cell.slots):
            scores = np.array([query[slot] @ k / np.sqrt(cell.head_size) for k in key])
            weights = np.exp(scores) / np.exp(scores).sum()
            attended[slot, head * cell.head_size : (head + 1) * cell.head_size] = weights @ value
    candidate = norm("attention_norm", memory + attended)
    change = dense("mlp1", np.maximum(dense("mlp0", candidate), 0))
    candidate = norm("mlp_norm", candidate + change)
    gates = dense("entry_gates", entry) + dense("memory_gates", np.tanh(memory))
    take, keep = sigmoid(gates[:, : cell.size]), sigmoid(gates[:, cell.size :] + 1.0)
    return take * np.tanh(candidate) + keep * memory


@pytest.mark.parametrize("slots", [1, 3])
def test_steps(slots):
    cell, random = RelationalMemoryCell(slots=slots, heads=2, head_size=3, name="cell"), np.random.default_rng(0)
    cell.build((None, 4))
    for variable in cell.variables:
        variable.assign(random.normal(0.3 if "gamma" in variable.path else 0, 0.7, variable.shape))
    inputs, states = random.normal(size=(2, 3, 4)), cell.get_initial_state(batch_size=2)
    memories = [np.eye(slots, 6), np.eye(slots, 6)]
    for step in range(3):
        output, states = cell(ops.convert_to_tensor(inputs[:, step], "float32"), states)
        memories = [reference(cell, x, memory) for x, memory in zip(inputs[:, step], memories, strict=True)]
        np.testing.assert_allclose(output, np.reshape(memories, (2, -1)), atol=2e-5)
        np.testing.assert_array_equal(ops.convert_to_numpy(output), ops.convert_to_numpy(states[0]))


def test_in_a_keras_layer():
    layer = keras.layers.RNN(RelationalMemoryCell(heads=1, head_size=4), return_sequences=True)
    x = ops.ones((2, 5, 3))
    assert tuple(layer(x).shape) == (2, 5, 4)
    again = keras.layers.RNN.from_config(layer.get_config())
    assert again.cell.get_config() == layer.cell.get_config()


def test_highway():
    x = keras.Input((3,))
    network, values = keras.Model(x, highway(x, "highway")), np.random.default_rng(0).normal(size=(4, 3))
    (gate, bias), (value, shift) = (network.get_layer(f"highway_{name}").get_weights() for name in ("gates", "values"))
    np.testing.assert_array_equal(bias, -2.0)
    t = sigmoid(values @ gate + bias)
    expected = t * np.maximum(values @ value + shift, 0) + (1 - t) * values
    np.testing.assert_allclose(network(ops.convert_to_tensor(values, "float32")), expected, atol=1e-5)
