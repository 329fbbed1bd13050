"""PatchGAN (Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks", section 3.2.2)."""

import keras
from keras import layers

from kerasgan.layers.convolutions import Conv2D
from kerasgan.layers.initial import normal
from kerasgan.layers.instance_normalization import InstanceNormalization
from kerasgan.layers.leaky_relu import LeakyReLU


def patch_discriminator(image_shape, condition_shape=None, width=64, depth=3, affine=True, name="discriminator"):
    """Builds a convolutional discriminator with a logit for each patch of an image.

    It has `depth` convolutions of stride 2 and two of stride 1 with 4x4 kernels, instance normalization in all layers
    except the first and the last, LeakyReLU with slope 0.2 and weights from N(0, 0.02^2) (appendix 6.1.2:
    C64-C128-C256-C512 and the output map). The receptive fields are:

    | depth | 0 | 1 | 2 | 3 | 4 | 5 |
    |---|---|---|---|---|---|---|
    | pixels | 1 (1x1 kernels) | 16 | 34 | 70 | 142 | 286 |

    Args:
        image_shape: Shape (height, width, channels) of the images.
        condition_shape: Shape of condition images, which are concatenated as additional channels, or None.
        width: Number of filters of the first layer. It doubles with each layer, up to eight times `width`.
        depth: Number of strided convolutions.
        affine: Whether the normalization learns scales and offsets.
        name: Name of the model.

    Returns:
        A Keras model from `images`, or from [conditions, images], to logits of shape (batch, rows, columns, 1).

    Raises:
        ValueError: If the images are too small for `depth`.
    """
    if depth and min(image_shape[:2]) >> depth < 3:
        raise ValueError(
            f"Images of shape {tuple(image_shape)} are too small for a patch discriminator of depth {depth}; expected "
            f"sides of {3 << depth} or more. Use a smaller depth."
        )
    images = keras.Input(image_shape, name="images")
    inputs = [images] if condition_shape is None else [keras.Input(condition_shape, name="conditions"), images]
    kernel = 4 if depth else 1

    def convolution(x, filters, stride=1, use_bias=True):
        padded = layers.ZeroPadding2D(1)(x) if depth else x
        return Conv2D(filters, kernel, stride, use_bias=use_bias, kernel_initializer=normal(0.02))(padded)

    x = layers.Concatenate()(inputs) if condition_shape else images
    x = LeakyReLU(0.2)(convolution(x, width, 2 if depth else 1))
    for level in range(1, max(depth, 1) + 1):
        x = convolution(x, width << min(level, 3), 2 if level < depth else 1, use_bias=False)
        x = LeakyReLU(0.2)(InstanceNormalization(affine, scale_stddev=0.02)(x))
    return keras.Model(inputs if condition_shape else images, convolution(x, 1), name=name)
