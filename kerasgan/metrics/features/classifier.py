"""Small classifiers of the package's own datasets, which provide features and class probabilities."""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from kerasgan.metrics.features.drawn import AT_ONCE, DRAWINGS
from kerasgan.metrics.features.network import FeatureNetwork
from kerasgan.zoo import preset as presets


def build(image_shape, heads, widths, features, initializer="zeros", dropout=0.0, architecture="plain"):
    """Builds the network.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of
            `2**len(widths)`.
        heads: Dictionary from the name of an output to its number of classes.
        widths: Number of filters at each size.
        features: Number of units of the hidden layer, whose activations are the features.
        initializer: Initializer of all kernels. Zeros, for weights that are loaded afterwards, draw no random numbers.
        dropout: Dropout rate after the features.
        architecture: "plain": two 3x3 convolutions at each size, the second with stride 2, and all pixels of the last
            into the hidden layer. "residual": a 5x5 convolution with stride 2, two residual blocks at each size with
            average pooling between the sizes, and the mean over the pixels into the hidden layer.

    Returns:
        A Keras model from images to `{"features": (n, features), head: logits of shape (n, classes), ...}`.
    """
    options = {"kernel_initializer": initializer, "use_bias": False, "dtype": "float32"}
    inputs = keras.Input(image_shape, name="images", dtype="float32")
    x = ARCHITECTURES[architecture](inputs, widths, options)
    x = layers.Dense(features, name="hidden", **options)(x)
    x = layers.BatchNormalization(name="normalization", dtype="float32")(x)
    outputs = {"features": layers.ReLU(name="features", dtype="float32")(x)}
    x = outputs["features"]
    if dropout:
        x = layers.Dropout(dropout, name="dropout", dtype="float32")(x)
    for head, classes in heads.items():
        dense = layers.Dense(classes, kernel_initializer=initializer, name=head, dtype="float32")
        outputs[head] = dense(x)
    return keras.Model(inputs, outputs, name="classifier")


def _plain(x, widths, options):
    for level, width in enumerate(widths):
        for strides in (1, 2):
            x = _convolution(x, width, f"{level}_{strides}", options, strides=strides)
            x = layers.ReLU(name=f"relu_{level}_{strides}", dtype="float32")(x)
    return layers.Flatten(name="flat", dtype="float32")(x)


def _residual(x, widths, options):
    x = _convolution(x, widths[0], "first", options, kernel_size=5, strides=2)
    for level, width in enumerate(widths):
        if level:
            x = layers.AveragePooling2D(2, name=f"pool_{level}", dtype="float32")(x)
            x = _convolution(x, width, f"wider_{level}", options, kernel_size=1)
        for block in (1, 2):
            name = f"{level}_{block}"
            y = layers.ReLU(name=f"relu_{name}_1", dtype="float32")(x)
            y = _convolution(y, width, f"{name}_1", options)
            y = layers.ReLU(name=f"relu_{name}_2", dtype="float32")(y)
            x = layers.Add(name=f"sum_{name}", dtype="float32")([x, _convolution(y, width, f"{name}_2", options)])
    x = layers.ReLU(name="relu_last", dtype="float32")(x)
    return layers.GlobalAveragePooling2D(name="mean", dtype="float32")(x)


def _convolution(x, width, name, options, kernel_size=3, strides=1):
    x = layers.Conv2D(width, kernel_size, strides, "same", name=f"convolution_{name}", **options)(x)
    return layers.BatchNormalization(name=f"normalization_{name}", dtype="float32")(x)


ARCHITECTURES = {"plain": _plain, "residual": _residual}


class Classifier(FeatureNetwork):
    """A trained classifier that comes with the package as a preset.

    Classifiers of sounds and solids see pictures of them: spectrograms, or views from three sides.

    Args:
        name: Name of the preset.
        root: Folder of the presets.

    Attributes:
        heads: Dictionary from the names that `classify` takes to their numbers of classes. `"label"` is the class of
            the dataset.

    Raises:
        ValueError: If the preset does not exist, or if its files are damaged.
    """

    def __init__(self, name, root=presets.ROOT):
        preset = presets.read(name, root)
        if preset.config.get("class") != "Classifier":
            raise ValueError(f"The preset {name!r} is a {preset.config.get('class')}; expected a Classifier.")
        arguments = dict(preset.config["arguments"])
        drawing = arguments.pop("drawing", None)
        self._draw: Callable | None = None
        self._words = ""
        if drawing:
            self._draw, self._words = DRAWINGS[f"{drawing}-conv-seed0"]
        network = build(**arguments)
        network.load_weights(preset.weights)
        super().__init__(name, network, arguments["image_shape"])
        self.heads = arguments["heads"]

    def resizing(self, shape):
        """Describes what the network sees of samples of a shape."""
        return f"{self._words} of {'×'.join(map(str, shape))}" if self._draw else super().resizing(shape)

    def _checked(self, samples):
        return super()._checked(drawn(self._draw, samples) if self._draw else samples)


def drawn(draw, samples):
    """Pictures of sounds or solids, one of each: an array of shape (n, height, width, channels) in [-1, 1]."""
    samples = np.asarray(samples)
    return np.concatenate([draw(samples[start : start + AT_ONCE])[:, 0] for start in range(0, len(samples), AT_ONCE)])
