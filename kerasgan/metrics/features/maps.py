"""Frozen feature networks for perceptual losses (Johnson et al. 2016, Ledig et al. 2017): maps, not vectors.

| name | network | maps |
|---|---|---|
| `random` | four random 3x3 convolutions (He et al. 2015), the same in every process | of the last one |
| `classifier-glyphs-v1`, ... | a classifier of the package, or its folder | the last ones, before their ReLU |
| `keras_applications:VGG19` | VGG-19 with ImageNet weights of the user | `block5_conv4`, before its ReLU |

A distance between random features measures more than single pixels (edges and their contrast), but nothing that was
learned from photographs: report the name of the network with a result.
"""

import math
import os
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from kerasgan.game.sizes import any_size

__all__ = ["feature_network"]

APPLICATIONS = "keras_applications:"
# The last convolution, the layer before it and the file of the weights, by name in `keras.applications`.
KNOWN = {
    "VGG16": ("block5_conv3", "block5_conv2", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"),
    "VGG19": ("block5_conv4", "block5_conv3", "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"),
}
MEANS = (123.68, 116.779, 103.939)  # of ImageNet's red, green and blue, subtracted for Keras' VGG weights
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
VGG_SCALE = 1.0 / 12.75  # Ledig et al. 2017, section 3.2: scales features like pixels
WIDTHS, STRIDES = (32, 64, 64, 128), (1, 2, 1, 2)


def feature_network(features, channels):
    """Returns a frozen network from images in [-1, 1] to feature maps.

    Args:
        features: Name from the module's table, the folder of a classifier's preset, or a Keras model from images to
            maps, which is returned unchanged.
        channels: Number of channels of the images. Networks for RGB images receive grey images repeated three times,
            and networks for grey images the luma of RGB images.

    Returns:
        A Keras model from images of shape (batch, height, width, channels) to maps, of any size for named networks.

    Raises:
        ValueError: If the name is unknown, or if the weights are missing.
    """
    if isinstance(features, keras.Model):
        return features
    if features == "random":
        return _random(channels)
    if str(features).startswith(APPLICATIONS):
        return _application(str(features).removeprefix(APPLICATIONS), channels)
    return _classifier(str(features), channels)


def _random(channels):
    images = x = keras.Input((None, None, channels), name="images", dtype=keras.config.floatx())
    generator, kernels = np.random.RandomState(0), []  # NumPy promises never to change its streams
    inside = channels
    for level, (width, stride) in enumerate(zip(WIDTHS, STRIDES, strict=True)):
        options = {"use_bias": False, "kernel_initializer": "zeros", "dtype": keras.config.floatx()}
        x = layers.ReLU(dtype=keras.config.floatx())(x) if level else x
        x = layers.Conv2D(width, 3, stride, padding="same", **options)(x)
        kernels.append(generator.standard_normal((3, 3, inside, width)) * math.sqrt(2.0 / (9 * inside)))
        inside = width
    network = keras.Model(images, x, name="random_features")
    network.set_weights(kernels)
    return network


def _application(name, channels):
    if name not in KNOWN:
        raise ValueError(f"`features` is {APPLICATIONS + name!r}; expected one of {', '.join(KNOWN)} after the colon.")
    last, before, file = KNOWN[name]
    path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models" / file
    if not path.is_file():
        raise ValueError(
            f"`features` is {APPLICATIONS + name!r}, but its weights are not at {path}, and nothing is downloaded. "
            f"Call keras.applications.{name}(include_top=False) once, or choose other features."
        )
    network = getattr(keras.applications, name)(weights=str(path), include_top=False)
    images = keras.Input((None, None, channels), name="images", dtype=keras.config.floatx())
    x = _as_rgb(images, channels)
    x = ops.flip((x + 1.0) * 127.5 - ops.convert_to_tensor(np.array(MEANS), x.dtype), axis=-1)
    trunk = keras.Model(network.input, network.get_layer(before).output)
    config = {**network.get_layer(last).get_config(), "activation": "linear", "name": "maps"}
    linear = layers.Conv2D.from_config(config)
    x = linear(trunk(x))
    linear.set_weights(network.get_layer(last).get_weights())
    return keras.Model(images, x * VGG_SCALE, name=name.lower())


def _classifier(name, channels):
    from kerasgan.metrics.features.classifier import build
    from kerasgan.zoo import preset as presets

    try:
        preset = presets.read(name)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`features` is {name!r}; expected 'random', {APPLICATIONS}VGG19, or the name or folder of a classifier: "
            f"{error}"
        ) from error
    if preset.config.get("class") != "Classifier":
        raise ValueError(f"`features` is {name!r}, a {preset.config.get('class')}; expected a classifier.")
    network = build(**preset.config["arguments"])
    network.load_weights(preset.weights)
    maps = [layer for layer in network.layers if len(layer.output.shape) == 4 and not isinstance(layer, layers.ReLU)]
    last = maps[-1]
    trunk = any_size(keras.Model(network.input, last.output))
    wanted = preset.config["arguments"]["image_shape"][-1]
    images = keras.Input((None, None, channels), name="images", dtype=keras.config.floatx())
    x = images if wanted == channels else _as_rgb(images, channels)
    if wanted == 1 and channels == 3:
        x = ops.sum(images * ops.convert_to_tensor(np.array(LUMA), images.dtype), axis=-1, keepdims=True)
    return keras.Model(images, trunk(ops.cast(x, "float32")), name="classifier_features")


def _as_rgb(images, channels):
    if channels not in (1, 3):
        raise ValueError(f"The images have {channels} channels; expected 1 or 3 for a feature network of RGB images.")
    return images if channels == 3 else ops.repeat(images, 3, axis=-1)
