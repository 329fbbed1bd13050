"""PatchGAN (Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks", section 3.2.2)."""

import keras
from keras import layers

from kerasgan.layers.initial import normal
from kerasgan.layers.instance_normalization import InstanceNormalization


def patch_discriminator(image_shape, condition_shape=None, width=64, depth=3, affine=True, name="discriminator"):
    """A convolutional discriminator that judges every patch of an image by itself.

    `depth` convolutions of stride 2 and two of stride 1, 4x4 kernels, instance normalization on all but the first and
    the last, LeakyReLU .2, weights from N(0, .02^2) (appendix 6.1.2: C64-C128-C256-C512 and the map). The patches:

    | depth | 0 | 1 | 2 | 3 | 4 | 5 |
    |---|---|---|---|---|---|---|
    | pixels | 1 (1x1 kernels) | 16 | 34 | 70 | 142 | 286 |

    Args:
        image_shape: (height, width, channels) of the images that are judged.
        condition_shape: shape of images that they are judged by, joined as further channels; None for none.
        width: channels of the first layer; they double up to eight times as many.
        depth: number of strided convolutions.
        affine: whether the normalization learns scales and offsets.
        name: of the network.

    Returns:
        A Keras model of `images`, or of [conditions, images], that gives logits of shape (batch, rows, columns, 1).

    Raises:
        ValueError: if the images are too small for that depth.
    """
    if depth and min(image_shape[:2]) >> depth < 3:
        raise ValueError(
            f"Images of shape {tuple(image_shape)} are too small for a patch discriminator of depth {depth}, expected "
            f"sides of {3 << depth} or more. Choose a smaller depth."
        )
    images = keras.Input(image_shape, name="images")
    inputs = [images] if condition_shape is None else [keras.Input(condition_shape, name="conditions"), images]
    kernel = 4 if depth else 1

    def convolution(x, filters, stride=1, use_bias=True):
        padded = layers.ZeroPadding2D(1)(x) if depth else x
        return layers.Conv2D(filters, kernel, stride, use_bias=use_bias, kernel_initializer=normal(0.02))(padded)

    x = layers.Concatenate()(inputs) if condition_shape else images
    x = layers.LeakyReLU(0.2)(convolution(x, width, 2 if depth else 1))
    for level in range(1, max(depth, 1) + 1):
        x = convolution(x, width << min(level, 3), 2 if level < depth else 1, use_bias=False)
        x = layers.LeakyReLU(0.2)(InstanceNormalization(affine, scale_stddev=0.02)(x))
    return keras.Model(inputs if condition_shape else images, convolution(x, 1), name=name)
