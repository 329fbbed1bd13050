"""Regularizers of generators: path length (Karras et al. 2020, "Analyzing and Improving the Image Quality...")."""

import math

import keras
from keras import ops

from kerasgan.game.engines import input_gradient, mean_over_replicas
from kerasgan.objectives.losses import at_least_float32, mean


def path_lengths(synthesis, styles, noise):
    """Measures how much images change with their styles: |J^T y| for each sample (section 3.2).

    J is the derivative of the images with respect to the styles, and y are random images of variance 1 / (height *
    width), so that the length does not grow with the image size. The squared norm is taken over the style's entries and
    averaged over the generator's layers.

    Args:
        synthesis: Function of styles that returns images of shape (batch, height, width, channels).
        styles: Floats of shape (batch, layers, style length).
        noise: Standard normal floats of the images' shape.

    Returns:
        A tensor of shape (batch,), differentiable with respect to the styles and the synthesis network's weights.
    """
    slopes = style_slopes(synthesis, styles, noise)
    return ops.sqrt(ops.sum(ops.square(slopes), axis=(1, 2)) / slopes.shape[1])


def style_slopes(synthesis, styles, noise):
    """J^T y as in `path_lengths`, with the shape of the styles."""
    y = noise / math.sqrt(math.prod(noise.shape[1:3]))
    return at_least_float32(input_gradient(lambda each: synthesis(each) * y, ops.convert_to_tensor(styles)))


def path_length_penalty(lengths, moving_mean, decay=0.01):
    """Squared differences between path lengths and their moving mean (section 3.2, equation 4).

    The mean is updated first, with the lengths of all replicas, and the gradient flows through it as well. The authors'
    weight is 2.

    Args:
        lengths: Tensor of shape (batch,); see `path_lengths`.
        moving_mean: Scalar, 0 at the start.
        decay: Fraction by which the mean moves towards that of the batch.

    Returns:
        (penalties of shape (batch,), the new moving mean).
    """
    moved = moving_mean + decay * (mean_over_replicas(mean(lengths)) - moving_mean)
    return ops.square(lengths - moved), moved


def lazy_adam(optimizer, interval):
    """Adapts Adam to a player whose regularizer is a separate update in every `interval`-th step (appendix B).

    With c = interval / (interval + 1) the learning rate is multiplied by c and the decays are raised to the power c, so
    that the effective time scale is unchanged.

    Args:
        optimizer: A Keras optimizer. It is left unchanged unless it is an Adam without a schedule.
        interval: Number of steps between two runs of the regularizer: 4 for the path length, 16 for R1.

    Returns:
        A new Keras optimizer, or the given one if it is left unchanged.
    """
    config = optimizer.get_config() if isinstance(optimizer, keras.optimizers.Adam) else {}
    names = ("learning_rate", "beta_1", "beta_2")
    if any(not isinstance(config.get(name), (int, float)) for name in names):
        return optimizer
    share = interval / (interval + 1)
    changes = {"learning_rate": config["learning_rate"] * share}
    changes |= {name: config[name] ** share for name in names[1:]}
    return type(optimizer).from_config({**config, **changes})
