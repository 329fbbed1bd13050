"""Dropout as a source of noise."""

import keras


@keras.saving.register_keras_serializable(package="kerasgan")
class NoiseDropout(keras.layers.Dropout):
    """Dropout that is also active in inference, as the noise of a generator without latents.

    See Isola et al. 2017, section 3.1.
    """

    def call(self, inputs, training=True):
        return super().call(inputs, training=True)
