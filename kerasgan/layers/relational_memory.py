"""A recurrent cell whose memory attends to itself (Santoro et al. 2018, "Relational recurrent neural networks")."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="kerasgan")
class RelationalMemoryCell(layers.Layer):
    """A cell of slots that attend to each other and to the input, for `keras.layers.RNN` or `TokenDecoder`.

    The input becomes a row e = W x, appended to the rows M of the memory. Queries, keys and values of all heads come
    from one layer-normalized linear map of a row. With the attention A of the rows of M to all rows, the candidate is
    M' = norm(M + A) and M'' = norm(M' + mlp(M')), and the memory becomes sigmoid(i) tanh(M'') + sigmoid(f) M, gated per
    unit by i = U e + V tanh(M) + `input_bias` and a similar f (section 3.4, equations 5 to 7, with the authors' tanh of
    the candidate). The initial memory is an identity matrix. The output is the flattened memory.

    Args:
        slots: Number of rows of the memory.
        heads: Number of heads.
        head_size: Number of units per head, for queries, keys and values. A row has `heads * head_size` units.
        mlp_layers: Number of dense layers of the MLP, all with the size of a row, with ReLUs in between.
        forget_bias: Constant added to f.
        input_bias: Constant added to i.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(
        self, slots=1, heads=2, head_size=256, mlp_layers=2, forget_bias=1.0, input_bias=0.0, name=None, **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.slots, self.heads, self.head_size, self.mlp_layers = slots, heads, head_size, mlp_layers
        self.forget_bias, self.input_bias = forget_bias, input_bias
        self.size = heads * head_size
        self.state_size = self.output_size = slots * self.size

        def dense(units, name, activation=None):
            return layers.Dense(units, activation, name=name, dtype=self.dtype_policy)

        def norm(name):
            return layers.LayerNormalization(epsilon=1e-5, name=name, dtype=self.dtype_policy)

        self.entry = dense(self.size, "entry")
        self.projection, self.projection_norm = dense(3 * self.size, "projection"), norm("projection_norm")
        self.attention_norm, self.mlp_norm = norm("attention_norm"), norm("mlp_norm")
        last = mlp_layers - 1
        self.mlp = [dense(self.size, f"mlp{i}", None if i == last else "relu") for i in range(mlp_layers)]
        self.entry_gates, self.memory_gates = dense(2 * self.size, "entry_gates"), dense(2 * self.size, "memory_gates")

    def build(self, input_shape):
        self.entry.build(input_shape)
        row = (None, self.size)
        for layer in (self.projection, self.attention_norm, self.mlp_norm, *self.mlp):
            layer.build((None, None, self.size))
        self.projection_norm.build((None, None, 3 * self.size))
        self.entry_gates.build(row)
        self.memory_gates.build((None, None, self.size))

    def get_initial_state(self, batch_size=None):
        first = ops.reshape(ops.eye(self.slots, self.size, dtype=self.compute_dtype), (1, self.state_size))
        return [ops.tile(first, (batch_size, 1))]

    def call(self, inputs, states, training=False):
        memory = ops.reshape(states[0], (-1, self.slots, self.size))
        entry = self.entry(inputs)
        attended = self.attention(ops.concatenate([memory, entry[:, None]], axis=1))
        candidate = self.attention_norm(memory + attended)
        change = candidate
        for layer in self.mlp:
            change = layer(change)
        candidate = self.mlp_norm(candidate + change)
        gates = self.entry_gates(entry)[:, None] + self.memory_gates(ops.tanh(memory))
        take, keep = ops.split(gates, 2, axis=-1)
        take, keep = ops.sigmoid(take + self.input_bias), ops.sigmoid(keep + self.forget_bias)
        memory = ops.reshape(take * ops.tanh(candidate) + keep * memory, (-1, self.state_size))
        return memory, [memory]

    def attention(self, rows):
        """The attention of all rows except the last one to all rows, shape (batch, slots, size)."""
        projected = self.projection_norm(self.projection(rows))
        projected = ops.reshape(projected, (-1, self.slots + 1, self.heads, 3 * self.head_size))
        queries, keys, values = ops.split(projected, 3, axis=-1)
        weights = ops.einsum("bihc,bjhc->bhij", queries[:, : self.slots], keys) * self.head_size**-0.5
        attended = ops.einsum("bhij,bjhc->bihc", ops.softmax(weights, axis=-1), values)
        return ops.reshape(attended, (-1, self.slots, self.size))

    def compute_output_shape(self, input_shape, state_shapes=None):
        shape = (input_shape[0], self.state_size)
        return shape, [shape]

    def get_config(self):
        names = ("slots", "heads", "head_size", "mlp_layers", "forget_bias", "input_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
