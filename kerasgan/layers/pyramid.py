"""The Laplacian pyramid: an image as the details of each of its scales."""

import itertools

import keras

from kerasgan.layers.resample import BILINEAR, Resample


@keras.saving.register_keras_serializable(package="kerasgan")
class LaplacianPyramid(keras.layers.Layer):
    """Splits images into the details of each scale and a small rest, from which `join` gives them back exactly.

        I_(k+1) = d(I_k),    h_k = I_k - u(I_(k+1)),    I_k = u(I_(k+1)) + h_k

    Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code"; Denton et al. 2015, section 2.2. d blurs and
    halves, u doubles and smooths: `Resample` with the image continued by its mirror image, so that a constant image has
    no details. The identity holds for any filter; both directions can be differentiated as often as wanted.

    Args:
        levels: number of sizes, 1 or more, each half of the one before.
        taps: the filter of d and u along each axis; an even number of them keeps the scales aligned.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        images: floats of shape (batch, height, width, channels), the sides multiples of 2 ** (levels - 1).

    Returns:
        [h_0, h_1, ..., I_(levels - 1)], from the largest to the smallest.

    Raises:
        ValueError: if a size cannot be halved.
    """

    def __init__(self, levels, taps=BILINEAR, **kwargs):
        super().__init__(**kwargs)
        self.levels = levels
        self.down, self.up = (Resample(**{way: 2}, taps=taps, mirror=True, dtype=self.dtype) for way in ("down", "up"))
        self.built = True

    def reduce(self, images, times=1):
        """The images d(...d(I)), halved so many times."""
        for _ in range(times):
            images = self.down(images)
        return images

    def call(self, images):
        scales = [images]
        for _ in range(1, self.levels):
            scales.append(self.down(scales[-1]))
        details = [scale - self.up(smaller) for scale, smaller in itertools.pairwise(scales)]
        return [*details, scales[-1]]

    def join(self, pyramid):
        """The images of what a call gives: shape (batch, height, width, channels)."""
        *details, images = pyramid
        for detail in reversed(details):
            images = self.up(images) + detail
        return images

    def get_config(self):
        return {**super().get_config(), "levels": self.levels, "taps": self.down.taps}
