"""Generation of sequences, token by token, with a recurrent cell."""

import keras
from keras import layers, ops

from kerasgan.game.engines import scan
from kerasgan.objectives.losses import at_least_float32

COLDEST = 1e-4  # temperature that stands for 0


def chosen_tokens(logits, noise):
    """Samples a token for each row from the softmax of its logits.

    Args:
        logits: Float tensor of shape (batch, tokens).
        noise: Uniform numbers in [0, 1) of shape (batch,), at which the cumulative distribution function is inverted;
            or Gumbel noise of shape (batch, tokens), which is added to the logits before the argmax.

    Returns:
        An int32 tensor of shape (batch,).
    """
    if len(noise.shape) == 2:
        return ops.cast(ops.argmax(logits + ops.cast(noise, logits.dtype), axis=-1), "int32")
    below = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1) <= ops.cast(noise, logits.dtype)[:, None]
    places = ops.sum(ops.cast(below, "int32"), axis=-1)
    return ops.cast(ops.minimum(places, logits.shape[-1] - 1), "int32")


@keras.saving.register_keras_serializable(package="kerasgan")
class TokenDecoder(layers.Layer):
    """Generates sequences from noise: each token is drawn from a softmax that depends on the previous tokens.

    Before the first token, the cell reads a special start token, number `vocabulary_size`.

    Args:
        length: Number of tokens of a sequence.
        vocabulary_size: Number of different tokens.
        cell: Recurrent cell, such as `keras.layers.LSTMCell` or `RelationalMemoryCell`.
        embedding_dim: Length of a token's vector.
        initializer: Initializer of embeddings and of the kernel of the logits. `None` for Keras' defaults.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List of uniform numbers in [0, 1) of shape (batch, length), and temperatures of shape (batch, 1) that
            divide the logits; 0 chooses the likeliest token.

    Returns:
        Tokens, int32 of shape (batch, length).
    """

    def __init__(self, length, vocabulary_size, cell, embedding_dim, initializer=None, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})  # noise in bfloat16 would have only 256 different values
        self.length, self.vocabulary_size, self.embedding_dim = length, vocabulary_size, embedding_dim
        self.initializer = keras.initializers.get(initializer)
        self.cell = keras.saving.deserialize_keras_object(cell) if isinstance(cell, dict) else cell

        def initial(default):
            return default if self.initializer is None else self.initializer.clone()

        self.embedding = layers.Embedding(
            vocabulary_size + 1,
            embedding_dim,
            embeddings_initializer=initial("uniform"),
            dtype=self.dtype_policy,
            name="embedding",
        )
        self.head = layers.Dense(
            vocabulary_size, kernel_initializer=initial("glorot_uniform"), dtype=self.dtype_policy, name="logits"
        )

    def build(self, input_shape):
        self.embedding.build((None,))
        if not self.cell.built:  # a cell loaded from a configuration is already built
            self.cell.build((None, self.embedding_dim))
        self.head.build((None, self.cell.output_size))

    def call(self, inputs):
        noise, temperature = inputs
        return self.play(noise, temperature)["tokens"]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((inputs[0].shape[0], self.length), dtype="int32")

    def play(self, noise=None, temperature=None, given=None, known=None, logits=False):
        """Generates sequences with their likelihoods, differentiable with respect to the weights.

        Args:
            noise: Noise as for `chosen_tokens`, of shape (batch, length) or (batch, length, vocabulary_size). `None` if
                all tokens are known.
            temperature: Temperatures of shape (batch, 1). `None` for 1.
            given: Tokens, int32 of shape (batch, length), whose first `known` ones are used as they are.
            known: Number of known tokens, an integer or a scalar tensor. `None` for all, if any are given.
            logits: Whether to return the logits.

        Returns:
            A dictionary of `tokens`, int32 of shape (batch, length); `log_likelihoods`, the natural logarithm of the
            probability, at temperature 1, of each token given the previous ones, float32 of the same shape; and
            `logits`, of shape (batch, length, vocabulary_size).
        """
        first = given if noise is None else noise
        batch = ops.shape(first)[0]
        steps = {"place": ops.arange(self.length, dtype="int32")}
        for name, value in (("noise", noise), ("given", given)):
            if value is not None:
                steps[name] = ops.moveaxis(value, 1, 0)
        known = self.length if known is None and given is not None else known

        def step(carry, x):
            before, states = carry
            output, states = self.cell(self.embedding(before), states)
            found = at_least_float32(self.head(output))
            if noise is None:
                token = ops.cast(x["given"], "int32")
            else:
                warm = 1.0 if temperature is None else ops.maximum(ops.cast(temperature, found.dtype), COLDEST)
                token = chosen_tokens(found / warm, x["noise"])
                if given is not None:
                    token = ops.where(x["place"] < known, ops.cast(x["given"], "int32"), token)
            likelihoods = ops.take_along_axis(ops.log_softmax(found, axis=-1), token[:, None], axis=-1)[:, 0]
            return (token, states), {"tokens": token, "log_likelihoods": likelihoods} | (
                {"logits": found} if logits else {}
            )

        start = ops.full((batch,), self.vocabulary_size, dtype="int32")
        states = list(self.cell.get_initial_state(batch_size=batch))
        _, found = scan(step, (start, states), steps)
        return {name: ops.moveaxis(value, 0, 1) for name, value in found.items()}

    def get_config(self):
        return {
            **super().get_config(),
            "length": self.length,
            "vocabulary_size": self.vocabulary_size,
            "cell": keras.saving.serialize_keras_object(self.cell),
            "embedding_dim": self.embedding_dim,
            "initializer": keras.initializers.serialize(self.initializer) if self.initializer else None,
        }


class TokenLikelihoods(layers.Layer):
    """Log-likelihoods of tokens under a decoder; see `TokenDecoder.play`.

    Args:
        decoder: `TokenDecoder`.
    """

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def call(self, tokens):
        return self.decoder.play(given=tokens)["log_likelihoods"]

    def compute_output_spec(self, tokens):
        return keras.KerasTensor(tokens.shape, dtype="float32")
