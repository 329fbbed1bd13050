"""Fading from one signal to another."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class Fade(keras.layers.Layer):
    """A layer's place taken smoothly by another: (1 - share) * old + share * new.

    Karras et al. 2018, "Progressive Growing of GANs...", section 2 and figure 2, where the share is called alpha.

    Call arguments:
        inputs: [old, new, share]; the first two of one shape (batch, ...), the share of shape (batch, 1), in [0, 1].

    Returns:
        The shape of old and new.
    """

    def call(self, inputs):
        old, new, share = inputs
        share = ops.reshape(share, (-1, *[1] * (len(old.shape) - 1)))
        return (1 - share) * old + share * new

    def compute_output_shape(self, input_shape):
        return input_shape[0]
