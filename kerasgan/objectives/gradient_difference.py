"""The gradient difference loss (Mathieu et al. 2016, "Deep multi-scale video prediction beyond mean square error")."""

from kerasgan.objectives.losses import at_least_float32, weighted_mean


def gradient_difference(images, targets, alpha=1.0, weight=None):
    """Mean difference between the gradients of images and of their targets, which penalises blur (equation 6).

    With the differences of neighbours |Y[i, j] - Y[i - 1, j]| and |Y[i, j - 1] - Y[i, j]| of an image Y, it is the mean
    over all pairs of vertical neighbours, plus that over all pairs of horizontal ones, of

        | |difference of the target| - |difference of the image| | ^ alpha

    We take means where the paper takes sums, so that the value does not depend on the number of pixels.

    Args:
        images: Tensor of shape (batch, height, width, channels), at least 2 pixels high and wide.
        targets: Tensor of the same shape.
        alpha: Exponent, 1 or more.
        weight: Weights of the images, shape (batch,), or `None`.

    Returns:
        A scalar tensor, float32 (float64 for float64 images).

    Raises:
        ValueError: If `alpha` is less than 1, where the gradient would be infinite.
    """
    if alpha < 1:
        raise ValueError(f"`alpha` is {alpha}; expected 1 or more.")
    images, targets = at_least_float32(images), at_least_float32(targets)
    total = 0.0
    for steepness in (_vertical, _horizontal):
        difference = abs(steepness(targets) - steepness(images))
        total = total + weighted_mean(difference if alpha == 1 else difference**alpha, weight)
    return total


def _vertical(images):
    return abs(images[:, 1:] - images[:, :-1])


def _horizontal(images):
    return abs(images[:, :, 1:] - images[:, :, :-1])
