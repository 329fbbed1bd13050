"""Networks applied to images of other sizes than they were built for."""

import keras
import numpy as np


def any_size(network):
    """Returns a Keras model for images of any size with the layers and weights of a convolutional network.

    Args:
        network: Built functional Keras model with one input of shape (batch, height, width, channels).

    Returns:
        A Keras model that shares the network's layers; the network itself if its input has any size already.

    Raises:
        ValueError: If a layer of the network needs the size that it was built for.
    """
    shape = network.input.shape
    if shape[1] is None and shape[2] is None:
        return network
    images = keras.Input((None, None, shape[-1]), dtype=network.input.dtype, name=network.input.name)
    reason = "its outputs have one size."
    try:
        made = keras.models.clone_model(network, input_tensors=images, clone_function=lambda layer: layer)
        if made.output.shape[1] is None and made.output.shape[2] is None:
            return made
    except Exception as error:  # layers may raise anything
        reason = str(error).strip().splitlines()[0]
    raise ValueError(
        f"The network {network.name!r} takes images of {shape[1]}x{shape[2]} pixels only: {reason} Resize the images."
    )


def mirrored_to(images, multiple=1, smallest=1):
    """Pads images by reflection at the bottom and at the right to a size that a network accepts.

    Args:
        images: Array of shape (..., height, width, channels).
        multiple: Number that the padded height and width must be multiples of.
        smallest: Smallest height and width.
    """
    height, width = (max(-(-size // multiple) * multiple, smallest) for size in images.shape[-3:-1])
    added = [(0, 0)] * (images.ndim - 3) + [(0, height - images.shape[-3]), (0, width - images.shape[-2]), (0, 0)]
    return np.pad(images, added, mode="symmetric") if np.any(added) else images
