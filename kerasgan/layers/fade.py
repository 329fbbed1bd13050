"""Fading from one signal to another."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class Fade(keras.layers.Layer):
    """Smooth transition from one layer's output to another's: (1 - share) * old + share * new.

    Karras et al. 2018, "Progressive Growing of GANs...", section 2 and figure 2, where the share is called alpha.

    Call arguments:
        inputs: List [old, new, share]; old and new have the same shape (batch, ...), the share is in [0, 1] and has
        shape (batch, 1).

    Returns:
        A tensor of the shape of old and new.
    """

    def call(self, inputs):
        old, new, share = inputs
        share = ops.reshape(share, (-1, *[1] * (len(old.shape) - 1)))
        return (1 - share) * old + share * new

    def compute_output_shape(self, input_shape):
        return input_shape[0]
