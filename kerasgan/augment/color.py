"""Colour changes of images with any number of channels: Karras et al. 2020 (ADA), appendix B, first algorithm."""

import math

from keras import ops

from kerasgan.augment.geometry import cosine_and_sine
from kerasgan.augment.view import per_sample

__all__ = ["recolor"]


def recolor(images, brightness=None, contrast=None, luma_flip=None, hue=None, saturation=None):
    """Changes brightness, contrast, luma, hue and saturation, in this order.

    The changes together are an affine map of a pixel's colour. The paper states it as a 4 x 4 matrix for RGB. Each of
    its factors keeps luma (the mean of the channels) and chroma (the differences from the mean) apart, so the map is
    defined for any number of channels: luma l becomes f c (l + b), where f is -1 for a luma flip; chroma is rotated
    about the grey axis by the hue's angle and multiplied by c s. Only images of three channels have a hue. The results
    for RGB and grey images are those of the authors' code.

    All arguments except `images` have the shape (batch,), or are `None` for no change.

    Args:
        images: Floats of shape (batch, height, width, channels); 0 is mid-grey.
        brightness: Offset b of all channels.
        contrast: Factor c of all channels.
        luma_flip: 1 to change the sign of luma, otherwise 0.
        hue: Angle of the rotation of chroma, in radians from -pi to pi.
        saturation: Factor s of chroma.

    Returns:
        Tensor of the shape and dtype of `images`; exactly `images` where nothing is changed.
    """
    channels = images.shape[-1]
    gain = 1 if contrast is None else per_sample(contrast, images)
    luma = gain if luma_flip is None else gain * (1 - 2 * per_sample(luma_flip, images))
    chroma = gain if saturation is None else gain * per_sample(saturation, images)
    turned = None
    if hue is not None and channels == 3:
        cosine, sine = (per_sample(part, images) for part in cosine_and_sine(hue))
        # Cross product of the grey axis (1, 1, 1) / sqrt(3) and the colour.
        turned = chroma * sine / math.sqrt(3) * (ops.roll(images, 1, axis=-1) - ops.roll(images, -1, axis=-1))
        chroma = chroma * cosine
    changed = chroma * images
    if luma is not chroma:
        # Not ops.mean, which averages float64 in float32 on JAX.
        changed = changed + (luma - chroma) * (ops.sum(images, axis=-1, keepdims=True) / channels)
    if turned is not None:
        changed = changed + turned
    return changed if brightness is None else changed + luma * per_sample(brightness, images)
