"""Baseline samplers without training, as a reference for the scores of a GAN.

From worst to best: one mean image per class with a little noise (a generator that collapsed within each class), a
Gaussian with independent pixels per class, and a Gaussian with correlated pixels per class.
"""

import numpy as np

MEAN_NOISE = 0.01  # standard deviation, in pixels in [0, 1]
SHRINKAGE = 0.1  # towards the diagonal: a hundred images do not determine a 64x64 covariance


def class_mean(images, count, random):
    """Samples of a conditional generator that has collapsed within each class."""
    return random.normal(images.mean(axis=0), MEAN_NOISE, (count, images.shape[1]))


def diagonal_gaussian(images, count, random):
    """Samples of a Gaussian with independent pixels."""
    return random.normal(images.mean(axis=0), images.std(axis=0), (count, images.shape[1]))


def full_gaussian(images, count, random):
    """Samples of a Gaussian with all pixel covariances, shrunk towards the diagonal."""
    deviations = images - images.mean(axis=0)
    # Random combinations of the deviations have the correct covariance, without its matrix (1 GB for 64x64x3 pixels).
    deviations /= np.sqrt(max(len(images) - 1, 1))
    together = random.normal(size=(count, len(images))) @ deviations
    apart = random.normal(0.0, np.linalg.norm(deviations, axis=0), (count, images.shape[1]))
    return images.mean(axis=0) + np.sqrt(1 - SHRINKAGE) * together + np.sqrt(SHRINKAGE) * apart


BASELINES = {
    "class mean": class_mean,
    "diagonal Gaussian": diagonal_gaussian,
    "full Gaussian": full_gaussian,
}


def baseline_samples(images, labels, per_class=90, seed=0):
    """Labelled samples of each baseline, fitted class by class.

    Args:
        images: Real images in [0, 1], of shape (count, pixels).
        labels: Labels of the images, integers of shape (count,).
        per_class: Number of samples of each class.
        seed: Random seed.

    Returns:
        `{name: (samples in [0, 1] of shape (classes * per_class, pixels), labels)}` with the names "class mean",
        "diagonal Gaussian" and "full Gaussian".

    Raises:
        ValueError: If `images` has another shape or values outside [0, 1].
    """
    images = np.asarray(images)
    if images.ndim != 2 or images.size == 0 or not (images.min() >= 0 and images.max() <= 1):  # also rejects NaN
        raise ValueError(
            f"images has shape {images.shape}, dtype {images.dtype} and perhaps values beyond [0, 1]; expected finite "
            "values in [0, 1] of shape (count, pixels): call (images.reshape(len(images), -1) + 1) / 2 for images in "
            "[-1, 1]."
        )
    random = np.random.default_rng(seed)
    classes = np.unique(labels)
    samples = {}
    for name, baseline in BASELINES.items():
        fakes = np.concatenate([baseline(images[labels == label], per_class, random) for label in classes])
        samples[name] = np.clip(fakes, 0.0, 1.0), np.repeat(classes, per_class)
    return samples
