"""Layers on graphs with edge types: relational convolution and gated aggregation."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="kerasgan")
class RelationalGraphConvolution(layers.Layer):
    """One step of message passing between nodes, with weights for each edge type (Schlichtkrull et al. 2018).

    h'_i = activation(W_0 h_i + b_0 + sum over nodes j and types y of A_ijy (W_y h_j + b_y)), as in MolGAN (De Cao &
    Kipf 2018, equation 5). Type 0 is "none" and sends no message. The paper divides the sum by the number of
    neighbours. The authors' code does not, and neither does this layer: a soft graph has no such number.

    Args:
        units: Number of output features per node.
        activation: Activation, as for `keras.layers.Dense`.
        kernel_initializer: Initializer of all matrices.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List of the nodes' features, floats of shape (batch, nodes, features), and edges, floats of shape
            (batch, nodes, nodes, edge_types).

    Returns:
        A tensor of shape (batch, nodes, units).
    """

    def __init__(self, units, activation=None, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        features, types = input_shape[0][-1], input_shape[1][-1] - 1

        def matrix(index):  # initialized one by one, so that their scale does not depend on the number of types
            shape = (features, self.units)
            return self.add_weight(
                name=f"kernel_{index}",
                shape=shape,
                initializer=self.kernel_initializer if index == 0 else self.kernel_initializer.clone(),
            )

        self.kernels = [matrix(index) for index in range(types + 1)]
        self.biases = [
            self.add_weight(name=f"bias_{index}", shape=(self.units,), initializer="zeros")
            for index in range(types + 1)
        ]

    def call(self, inputs):
        features, edges = inputs
        own, *sent = [
            ops.matmul(features, kernel) + bias for kernel, bias in zip(self.kernels, self.biases, strict=True)
        ]
        for index, messages in enumerate(sent, start=1):
            own = own + ops.matmul(edges[..., index], messages)
        return self.activation(own)

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def gated_aggregation(features, units, name):
    """Aggregates a graph to a vector: tanh(sum over nodes of sigmoid(i(h)) tanh(j(h))) (Li et al. 2016; MolGAN, eq. 6).

    Args:
        features: Symbolic features h of the nodes, of shape (batch, nodes, features).
        units: Length of the vector.
        name: Prefix of the layers' names.
    """
    gates = layers.Dense(units, "sigmoid", name=f"{name}_gates")(features)
    values = layers.Dense(units, "tanh", name=f"{name}_values")(features)
    return ops.tanh(ops.sum(gates * values, axis=1))
