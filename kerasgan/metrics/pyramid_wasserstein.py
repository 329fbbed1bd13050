"""Sliced Wasserstein distance of image patches at each scale, which separates errors in texture and in layout."""

import numpy as np

from kerasgan.metrics.features import check_samples, pixels
from kerasgan.metrics.sliced_wasserstein import sliced_wasserstein

KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0


def pyramid_sliced_wasserstein(real, fake, smallest=16, patches_per_image=64, patch_size=7, directions=512, seed=0):
    """Sliced Wasserstein distance between the patches of real and generated images at each scale.

    As in Karras et al. 2018, section 5 (with 128 patches of each of 16,384 images; TF-GAN uses 64), random patches are
    drawn from each level of the images' Laplacian pyramids and standardised to mean 0 and standard deviation 1 per
    channel over each set (as in the paper; TF-GAN standardises each patch). The distance is the mean over random
    directions of the distances of the sorted projections. Published values are multiplied by 1000. The values depend on
    the number of images: report the distance of two real sets as well.

    Args:
        real: Images of shape `(n, height, width, channels)`.
        fake: Generated images of the same size; the number may differ.
        smallest: Smallest side of a level. The image is halved until the next level would be smaller.
        patches_per_image: Number of patches of each image and level.
        patch_size: Side of the patches, odd or even, at most the side of the smallest level.
        directions: Number of random directions.
        seed: Random seed of the patches and the directions.

    Returns:
        A dictionary `{(height, width): distance}` from the largest level to the smallest.

    Raises:
        ValueError: If shapes differ or have another rank, if values are not finite, or if patches are larger than a
            level.
    """
    real, fake = np.asarray(real), np.asarray(fake)
    if real.ndim != 4 or real.shape[1:] != fake.shape[1:]:
        raise ValueError(
            f"`real` has shape {real.shape} and `fake` has shape {fake.shape}; expected (n, height, width, channels) "
            "of one size."
        )
    check_samples(real, "real"), check_samples(fake, "fake")
    real, fake = pixels(real).reshape(real.shape), pixels(fake).reshape(fake.shape)
    levels = 1 + max(0, int(np.log2(min(real.shape[1:3]) / smallest)))
    random = np.random.default_rng(seed)
    distances = {}
    for real_level, fake_level in zip(laplacian_pyramid(real, levels), laplacian_pyramid(fake, levels), strict=True):
        real_patches, fake_patches = (
            _patches(level, patches_per_image, patch_size, random) for level in (real_level, fake_level)
        )
        distances[real_level.shape[1:3]] = sliced_wasserstein(real_patches, fake_patches, directions, seed=seed)
    return distances


def laplacian_pyramid(images, levels):
    """Laplacian pyramid of images (Burt & Adelson 1983) with 5x5 binomial filters.

    Args:
        images: Array of shape `(n, height, width, channels)`. The sides of all levels except the last must be even and
            at least 6.
        levels: Number of levels, 1 or more.

    Returns:
        A list of float64 arrays, from the largest to the smallest level. All levels except the last are the difference
        between the image and the upsampled next level.

    Raises:
        ValueError: If a level cannot be halved.
    """
    pyramid = [np.asarray(images, "float64")]
    for _ in range(1, levels):
        large = pyramid[-1]
        height, width = large.shape[1:3]
        if height % 2 or width % 2 or min(height, width) < 6:
            raise ValueError(f"A level has {height}x{width} pixels; expected even sides of at least 6 to halve it.")
        small = _blur(large)[:, ::2, ::2]
        enlarged = np.zeros_like(large)
        enlarged[:, ::2, ::2] = 4.0 * small
        pyramid[-1] = large - _blur(enlarged)
        pyramid.append(small)
    return pyramid


def _blur(images):
    images = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    for axis in (1, 2):
        images = np.lib.stride_tricks.sliding_window_view(images, len(KERNEL), axis=axis) @ KERNEL
    return images


def _patches(images, count, size, random):
    """Random patches of shape `(n * count, size * size * channels)`, standardised per channel."""
    height, width = images.shape[1:3]
    if size > min(height, width):
        raise ValueError(f"A level has {height}x{width} pixels; expected at least patch_size={size}.")
    places = len(images) * count
    image = np.repeat(np.arange(len(images)), count)[:, None, None]
    rows = random.integers(height - size + 1, size=places)[:, None, None] + np.arange(size)[:, None]
    columns = random.integers(width - size + 1, size=places)[:, None, None] + np.arange(size)
    patches = images[image, rows, columns]
    patches = patches - patches.mean(axis=(0, 1, 2))
    deviations = patches.std(axis=(0, 1, 2))
    return (patches / np.where(deviations > 0, deviations, 1.0)).reshape(places, -1)
