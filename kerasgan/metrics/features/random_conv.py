"""Features of a random convolutional network, which needs no training data and sees more than single pixels."""

import keras
from keras import layers

from kerasgan.metrics.features.network import FeatureNetwork
from kerasgan.objectives.perceptual import WIDTHS, random_kernels


class RandomConvolutions(FeatureNetwork):
    """`random-conv-seed0`: three random 3x3 convolutions of stride 2 and the spatial mean of each.

    The kernels are drawn from a normal distribution with variance 2 / fan-in (He et al. 2015, section 2.2), without
    biases, with "same" padding and followed by ReLU. The features are the spatial means of all three layers, 32 + 64 +
    128 numbers. Images have any size, at least 8 pixels so that the last layer sees more than one pixel; grey images
    become RGB. Distances between such features reveal coarse failures but do not measure perceptual quality.
    """

    def __init__(self):
        inputs = x = keras.Input((None, None, 3), name="images", dtype="float32")
        means = []
        for level, width in enumerate(WIDTHS):
            options = {"kernel_initializer": "zeros", "use_bias": False, "dtype": "float32"}
            x = layers.Conv2D(width, 3, 2, "same", activation="relu", name=f"convolution_{level}", **options)(x)
            means.append(layers.GlobalAveragePooling2D(name=f"mean_{level}", dtype="float32")(x))
        outputs = {"features": layers.Concatenate(name="features", dtype="float32")(means)}
        network = keras.Model(inputs, outputs, name="random_conv")
        network.set_weights(random_kernels())
        super().__init__("random-conv-seed0", network, (None, None, 3))
