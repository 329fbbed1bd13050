"""Styles of a generator: their mean, truncation and mixing (Karras et al. 2019, "A Style-Based Generator...")."""

import keras
import numpy as np
from keras import ops

from kerasgan.game.engines import mean_over_replicas
from kerasgan.layers.instance_normalization import mean_over


@keras.saving.register_keras_serializable(package="kerasgan")
class MeanStyle(keras.layers.Layer):
    """Passes styles through and tracks their moving mean, the centre of `truncate`.

    The mean is updated in training: mean <- decay * mean + (1 - decay) * mean of the batch, over all replicas. It
    starts at 0, is not trained, and is saved with the weights as `mean`.

    Args:
        decay: Decay of the moving mean.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        styles: Floats of shape (batch, style length). training: Whether to update the mean.

    Returns:
        The unchanged styles.
    """

    def __init__(self, decay=0.995, **kwargs):
        super().__init__(**kwargs)
        self.decay = decay

    def build(self, input_shape):
        self.mean = self.add_weight(shape=input_shape[-1:], initializer="zeros", trainable=False, name="mean")

    def call(self, styles, training=None):
        if training:
            batch = ops.cast(ops.stop_gradient(styles), self.mean.dtype)
            batch = mean_over_replicas(ops.squeeze(mean_over(batch, (0,)), axis=0))
            self.mean.assign(ops.convert_to_tensor(self.mean) * self.decay + batch * (1 - self.decay))
        return styles

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


@keras.saving.register_keras_serializable(package="kerasgan")
class LearnedConstant(keras.layers.Layer):
    """The learned image that a generator starts from, repeated for each sample.

    Args:
        shape: Shape (height, width, channels) of the image.
        initializer: Initializer of the image; "ones" in StyleGAN, standard normal in StyleGAN2.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Any tensor whose first axis is the batch.

    Returns:
        Shape (batch, height, width, channels).
    """

    def __init__(self, shape, initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.shape, self.initializer = tuple(shape), keras.initializers.get(initializer)

    def build(self, input_shape):
        self.image = self.add_weight(shape=self.shape, initializer=self.initializer, name="image")

    def call(self, inputs):
        return ops.broadcast_to(self.image, (ops.shape(inputs)[0], *self.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "shape": self.shape, "initializer": initializer}


def truncate(styles, mean, truncation=0.7, layers=None):
    """Pulls styles towards their mean: mean + truncation * (styles - mean) (section 2 of the appendices, B).

    This trades variety for typical samples. It is not used in training.

    Args:
        styles: Floats of shape (batch, layers of the generator, style length).
        mean: Shape (style length,): a `MeanStyle`'s `mean`.
        truncation: Number or scalar tensor: 1 leaves the styles unchanged, 0 gives the mean.
        layers: Number of the generator's layers to truncate, coarsest first. Defaults to all.

    Returns:
        The styles' shape.
    """
    count = styles.shape[1]
    mean = ops.cast(mean, styles.dtype)
    if not isinstance(truncation, (int, float)):  # a cast of a Python number would first round it to single precision
        truncation = ops.cast(truncation, styles.dtype)
    truncated = ops.convert_to_tensor(np.arange(count)[:, None] < (count if layers is None else layers))
    return ops.where(truncated, mean + truncation * (styles - mean), styles)


def mix_styles(first, second, crossover):
    """Mixes styles of two latents: the first style below a layer, the second from this layer on (section 3.1).

    Args:
        first: Floats of shape (batch, layers of the generator, style length).
        second: The same shape.
        crossover: Integers of shape (batch,), or a single integer: the first layer with the second style.

    Returns:
        The same shape.
    """
    crossover = ops.reshape(ops.cast(crossover, "int32"), (-1, 1, 1))
    return ops.where(ops.arange(first.shape[1], dtype="int32")[:, None] < crossover, first, second)


def draw_crossovers(count, layers, probability=0.9, seed=None):
    """Draws, for each sample, the layer at which its second style starts, for `mix_styles`.

    With the given probability a sample mixes styles, and its crossover is uniform on 1, ..., layers - 1; otherwise it
    is `layers`, and the sample keeps its first style. (The paper's code draws one crossover for the whole batch.)

    Args:
        count: Number of samples.
        layers: Number of the generator's layers that take a style.
        probability: Probability of mixing.
        seed: Random seed; see `keras.random`.

    Returns:
        int32 tensor of shape (count,).
    """
    draws = keras.random.uniform((count, 2), seed=seed, dtype="float32")
    places = 1 + ops.cast(ops.floor(draws[:, 0] * (layers - 1)), "int32")
    return ops.where(draws[:, 1] < probability, ops.minimum(places, layers - 1), layers)
