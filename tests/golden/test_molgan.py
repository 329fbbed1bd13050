"""MolGAN's generator and layers against a PyTorch port (github.com/yongqyu/MolGAN-pytorch at 8a22b86).

Its generator is ours, but for the order of the edge logits. Its discriminator is built here of our layers: all types of
edges and the node itself share one matrix, whose gradient is the sum of ours; the convolutions and the dense layers
have no activation; and only the aggregation sees the types of the nodes again.
"""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import MolGAN
from kerasgan.data.kinds import Graphs
from kerasgan.layers import RelationalGraphConvolution, gated_aggregation
from tests.golden.reader import SLOW_ON_JAX, Golden, array, kernel, official, weight_gradients

pytestmark = SLOW_ON_JAX
KIND = Graphs(5, 6, 4)
# Our layer by theirs, and what it has one copy of for each type of edge.
GENERATOR = {"layers.0": "hidden0", "layers.3": "hidden1", "edges_layer": "edge_logits", "nodes_layer": "node_logits"}
CONVOLUTIONS = {"gcn_layer.linear1": "convolution0", "gcn_layer.linear2": "convolution1"}
DENSE = {
    "agg_layer.sigmoid_linear.0": "aggregation_gates",
    "agg_layer.tanh_linear.0": "aggregation_values",
    "linear_layer.0": "hidden0",
    "linear_layer.2": "hidden1",
    "output_layer": "output",
}


def discriminator_network():
    nodes, edges = keras.Input((5, 6), name="nodes"), keras.Input((5, 5, 4), name="edges")
    x = RelationalGraphConvolution(12, name="convolution0")([nodes, edges])
    x = RelationalGraphConvolution(8, name="convolution1")([x, edges])
    x = gated_aggregation(layers.Concatenate()([x, nodes]), 10, "aggregation")
    x = layers.Dense(6, name="hidden1")(layers.Dense(12, name="hidden0")(x))
    return keras.Model([nodes, edges], layers.Dense(1, name="output")(x), name="discriminator")


def theirs_first(values):
    """Rows for (node, node, type) in the port's order (type, node, node)."""
    return np.moveaxis(values.reshape(5, 5, 4, *values.shape[1:]), 2, 0).reshape(values.shape)


def ours_first(values):
    """The inverse of `theirs_first`."""
    return np.moveaxis(values.reshape(4, 5, 5, *values.shape[1:]), 0, 2).reshape(values.shape)


class Theirs:
    """Our model with the weights of the file."""

    def __init__(self):
        self.golden = golden = Golden("molgan")
        sizes = {"latent_dim": 8, "generator_widths": (12, 16), "discriminator": discriminator_network()}
        self.model = MolGAN(KIND, **sizes)
        self.latents = ops.convert_to_tensor(golden["inputs/z"], keras.config.floatx())
        for network in ("G", "D"):
            weights = golden.part(f"weights/{network}/")
            copies = self.copies(network)
            assert set(copies) == set(weights)
            for name, variables in copies.items():
                value = ours_first(weights[name]) if name.startswith("edges_layer") else weights[name]
                for variable in variables:
                    variable.assign(kernel(value) if value.ndim == 2 else value)

    def copies(self, network):
        """{their name: our variables}."""
        owner = self.model.generator if network == "G" else self.model.discriminator
        found = {}
        for theirs, ours in (GENERATOR if network == "G" else DENSE).items():
            layer = owner.get_layer(ours)
            found |= {f"{theirs}.weight": [layer.kernel], f"{theirs}.bias": [layer.bias]}
        for theirs, ours in CONVOLUTIONS.items() if network == "D" else ():
            layer = owner.get_layer(ours)
            found |= {f"{theirs}.weight": layer.kernels, f"{theirs}.bias": layer.biases}
        return found

    def logits(self):
        return self.model.discriminate(self.model.relaxed(self.model.generator(self.latents)))

    def check_gradients(self, network):
        copies = self.copies(network)
        names = [name for name, variables in copies.items() for _ in variables]
        variables = [variable for several in copies.values() for variable in several]
        found = dict.fromkeys(copies, 0.0)
        for name, gradient in zip(names, weight_gradients(lambda: ops.sum(self.logits()), variables), strict=True):
            gradient = official(gradient) if len(gradient.shape) == 2 else array(gradient)
            found[name] = found[name] + (theirs_first(gradient) if name.startswith("edges_layer") else gradient)
        self.golden.check_all(f"grads/D_logits.sum/{network}/", found)


@pytest.fixture
def theirs(precision):
    return Theirs()


def test_outputs(theirs):
    raw = theirs.model.generator(theirs.latents)
    nodes, edges = theirs.model.parted(theirs.model.relaxed(raw))
    logits = theirs.logits()
    found = {"G_edges_logits": raw["edges"], "G_nodes_logits": raw["nodes"]}
    found |= {"softmax_edges": edges, "softmax_nodes": nodes}
    network = theirs.model.discriminator
    features = keras.Model(network.inputs, network.get_layer("hidden1").output)([nodes, edges])
    found |= {"D_logits": logits, "D_sigmoid": ops.sigmoid(logits), "D_features": features}
    theirs.golden.check({f"outputs/{name}": value for name, value in found.items()})


def test_gradients(theirs):
    theirs.check_gradients("G")
    theirs.check_gradients("D")
