"""Styles of a generator: their mean, truncation and mixing (Karras et al. 2019, "A Style-Based Generator...")."""

import keras
import numpy as np
from keras import ops

from kerasgan.game.engines import mean_over_replicas
from kerasgan.layers.instance_normalization import mean_over


@keras.saving.register_keras_serializable(package="kerasgan")
class MeanStyle(keras.layers.Layer):
    """Hands styles through and keeps their moving mean, the centre of `truncate`.

    The mean moves in training: mean <- decay * mean + (1 - decay) * that of the batch, over all replicas. It starts at
    0, is not trained and saved with the weights, as `mean`.

    Args:
        decay: Of the moving mean.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        styles: Floats of shape (batch, style length).
        training: Whether the mean moves.

    Returns:
        The styles as they are.
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
    """The learned image that a generator starts from, once for each sample.

    Args:
        shape: (height, width, channels).
        initializer: Of the image; "ones" in StyleGAN, standard normal in StyleGAN2.
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
    """Styles drawn towards their mean: mean + truncation * (styles - mean) (section 2 of the appendices, B).

    It trades variety for typical samples. It is not used in training.

    Args:
        styles: Floats of shape (batch, layers of the generator, style length).
        mean: Shape (style length,): a `MeanStyle`'s `mean`.
        truncation: 1 leaves the styles, 0 gives the mean. A number or a scalar tensor.
        layers: How many of the generator's layers, the coarsest ones, are truncated; all by default.

    Returns:
        The styles' shape.
    """
    count = styles.shape[1]
    mean = ops.cast(mean, styles.dtype)
    if not isinstance(truncation, (int, float)):  # whose cast would round it to single precision first
        truncation = ops.cast(truncation, styles.dtype)
    truncated = ops.convert_to_tensor(np.arange(count)[:, None] < (count if layers is None else layers))
    return ops.where(truncated, mean + truncation * (styles - mean), styles)


def mix_styles(first, second, crossover):
    """Styles of two latents: the first's below a layer, the second's from it on (section 3.1).

    Args:
        first: Floats of shape (batch, layers of the generator, style length).
        second: The same shape.
        crossover: Integers of shape (batch,), or one: the first layer that takes the second style.

    Returns:
        The same shape.
    """
    crossover = ops.reshape(ops.cast(crossover, "int32"), (-1, 1, 1))
    return ops.where(ops.arange(first.shape[1], dtype="int32")[:, None] < crossover, first, second)


def draw_crossovers(count, layers, probability=0.9, seed=None):
    """Layers from which on samples take a second style, for `mix_styles`.

    Each sample mixes with a probability, its crossover then uniform on 1, ..., layers - 1; else it is `layers`, and the
    sample keeps its first style. (The paper's code draws one crossover for the whole batch.)

    Args:
        count: Number of samples.
        layers: Layers of the generator that take a style.
        probability: Of mixing.
        seed: See `keras.random`.

    Returns:
        int32 tensor of shape (count,).
    """
    draws = keras.random.uniform((count, 2), seed=seed, dtype="float32")
    places = 1 + ops.cast(ops.floor(draws[:, 0] * (layers - 1)), "int32")
    return ops.where(draws[:, 1] < probability, ops.minimum(places, layers - 1), layers)
