"""Phase shuffle (Donahue et al. 2019, "Adversarial Audio Synthesis", section 3.3)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class PhaseShuffle(keras.layers.Layer):
    """Shifts each sequence by a random number of samples in training, and does nothing in inference.

    Transposed convolutions leave artifacts that always have the same phase, by which a discriminator could easily
    recognise generated sounds. This layer, placed between its convolutions, hides that phase. Each example is shifted
    separately, by an integer from -radius to radius, all equally likely; its channels are shifted together. The gap at
    one end is filled by reflection, without repeating the last value.

    Args:
        radius: Largest shift. 0 for no shift.
        seed: Seed of the random numbers.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Floats of shape (batch, length, channels), length known and above `radius`. training: Whether to shift
        the sequences.

    Returns:
        The same shape.

    Raises:
        ValueError: For a negative radius, or for sequences that are too short to be reflected.
    """

    def __init__(self, radius=2, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(radius, int) or radius < 0:
            raise ValueError(f"`radius` is {radius!r}; expected an integer of 0 or more.")
        self.radius, self.seed = radius, seed
        self.random = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        if input_shape[1] <= self.radius:
            raise ValueError(
                f"`inputs` has length {input_shape[1]}, too short to shift by {self.radius} with reflection; expected "
                f"{self.radius + 1} or more. Use longer sequences or a smaller radius."
            )

    def call(self, inputs, training=False):
        if not training or self.radius == 0:
            return inputs
        radius, length = self.radius, inputs.shape[1]
        moves = keras.random.randint((ops.shape(inputs)[0],), -radius, radius + 1, dtype="int32", seed=self.random)
        padded = ops.pad(inputs, [[0, 0], [radius, radius], [0, 0]], mode="reflect")
        # A sum of a few products has fast first- and second-order gradients, which gradient penalties need.
        chosen = ops.one_hot(radius - moves, 2 * radius + 1, dtype=inputs.dtype)[:, :, None, None]
        return sum(chosen[:, first] * padded[:, first : first + length] for first in range(2 * radius + 1))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "radius": self.radius, "seed": self.seed}
