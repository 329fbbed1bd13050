"""The Laplacian pyramid: an image split into details at each scale."""

import itertools

import keras

from kerasgan.layers.resample import BILINEAR, Resample


@keras.saving.register_keras_serializable(package="kerasgan")
class LaplacianPyramid(keras.layers.Layer):
    """Splits images into details at each scale and a small residual image. `join` is the exact inverse.

        I_(k+1) = d(I_k),    h_k = I_k - u(I_(k+1)),    I_k = u(I_(k+1)) + h_k

    Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code"; Denton et al. 2015, section 2.2. d blurs and
    halves, u doubles and smooths. Both are `Resample` layers with mirrored boundaries, so that a constant image has no
    details. The identity holds for any filter, and both directions can be differentiated any number of times.

    Args:
        levels: Number of levels, 1 or more. Each level has half the size of the previous one.
        taps: Filter of d and u along each axis. An even number of taps keeps the scales aligned.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        images: Float tensor of shape (batch, height, width, channels), whose sides are multiples of 2 ** (levels - 1).

    Returns:
        A list [h_0, h_1, ..., I_(levels - 1)], from the largest to the smallest level.

    Raises:
        ValueError: If a level cannot be halved.
    """

    def __init__(self, levels, taps=BILINEAR, **kwargs):
        super().__init__(**kwargs)
        self.levels = levels
        self.down, self.up = (Resample(**{way: 2}, taps=taps, mirror=True, dtype=self.dtype) for way in ("down", "up"))
        self.built = True

    def reduce(self, images, times=1):
        """Returns the images d(...d(I)), halved `times` times."""
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
        """Returns the images of a pyramid, of shape (batch, height, width, channels): the inverse of `call`."""
        *details, images = pyramid
        for detail in reversed(details):
            images = self.up(images) + detail
        return images

    def get_config(self):
        return {**super().get_config(), "levels": self.levels, "taps": self.down.taps}
