"""Colour changes of images with any number of channels: Karras et al. 2020 (ADA), appendix B, first algorithm."""

import math

from keras import ops

from kerasgan.augment.geometry import cosine_and_sine
from kerasgan.augment.view import per_sample

__all__ = ["recolor"]


def recolor(images, brightness=None, contrast=None, luma_flip=None, hue=None, saturation=None):
    """Brightness, contrast, luma flip, hue and saturation, one after the other, as one affine map of a pixel's colour.

    The paper's matrices leave the axis on which all channels are equal (luma) to itself and what is perpendicular to it
    (chroma) too. So the map is stated for any number of channels: luma l becomes f c (l + b), with f = -1 for a flip,
    and chroma is rotated about the axis by the hue's angle and multiplied by c s. Only three channels have a hue. Grey
    images come out as in the authors' code.

    Args:
        images: Floats of shape (batch, height, width, channels); 0 is mid-grey.
        brightness: b, added to all channels; like all that follow, of shape (batch,), or None for no change.
        contrast: c, a factor.
        luma_flip: True, or 1, where luma changes its sign.
        hue: Angle in radians from -pi to pi.
        saturation: s, a factor of chroma.

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
        # The cross product with (1, 1, 1) / sqrt(3).
        turned = chroma * sine / math.sqrt(3) * (ops.roll(images, 1, axis=-1) - ops.roll(images, -1, axis=-1))
        chroma = chroma * cosine
    changed = chroma * images
    if luma is not chroma:
        # Not ops.mean, which averages float64 in float32 on JAX.
        changed = changed + (luma - chroma) * (ops.sum(images, axis=-1, keepdims=True) / channels)
    if turned is not None:
        changed = changed + turned
    return changed if brightness is None else changed + luma * per_sample(brightness, images)
