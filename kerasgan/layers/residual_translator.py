"""The residual translator of Johnson et al. 2016, as used by CycleGAN and CUT."""

import keras
from keras import layers

from kerasgan.layers.convolutions import Conv2D, Conv2DTranspose
from kerasgan.layers.initial import normal
from kerasgan.layers.instance_normalization import InstanceNormalization
from kerasgan.layers.reflection_padding import ReflectionPadding2D


def residual_translator(image_shape, channels, width=64, blocks=9, name="generator", initializer=None):
    """Builds a translator c7s1-w, d2w, d4w, R4w times `blocks`, u2w, uw, c7s1 (Zhu et al. 2017, appendix 7.2).

    Each convolution except the last is followed by instance normalization without scale and offset, and by ReLU;
    padding is by reflection. The layers whose outputs the contrastive loss of CUT compares are named `level_1`,
    `level_2`, ...: both strided convolutions, the first residual block and, if there are more than four, the fifth.

    Args:
        image_shape: Shape (height, width, channels) of the inputs.
        channels: Number of channels of the outputs.
        width: Channels of the first layer.
        blocks: Number of residual blocks.
        name: Name of the model.
        initializer: Initializer of all kernels. `None` for N(0, 0.02^2).

    Returns:
        A Keras model from `images` to `translations` in [-1, 1].
    """
    initializer = initializer or normal(0.02)

    def convolution(x, filters, size=3, strides=1, padding="valid", kind=Conv2D, **options):
        options = {"use_bias": False, "kernel_initializer": initializer, **options}
        return kind(filters, size, strides=strides, padding=padding, **options)(x)

    def normalized(x):
        return InstanceNormalization(affine=False)(x)

    images = keras.Input(image_shape, name="images")
    x = layers.ReLU()(normalized(convolution(ReflectionPadding2D(3)(images), width, 7)))
    for level, filters in enumerate((2 * width, 4 * width), start=1):
        x = convolution(x, filters, strides=2, padding="same", name=f"level_{level}")
        x = layers.ReLU()(normalized(x))
    for block in range(blocks):
        y = layers.ReLU()(normalized(convolution(ReflectionPadding2D(1)(x), 4 * width)))
        compared = {0: "level_3", 4: "level_4"}.get(block)
        x = layers.Add(name=compared)([x, normalized(convolution(ReflectionPadding2D(1)(y), 4 * width))])
    for filters in (2 * width, width):
        x = convolution(x, filters, strides=2, padding="same", kind=Conv2DTranspose)
        x = layers.ReLU()(normalized(x))
    x = convolution(ReflectionPadding2D(3)(x), channels, 7, use_bias=True)
    x = layers.Activation("tanh", dtype=keras.config.floatx(), name="translations")(x)
    return keras.Model(images, x, name=name)
