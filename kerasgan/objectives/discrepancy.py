"""Maximum mean discrepancy as a loss: the kernel distance between two sets of samples."""

from keras import ops

from kerasgan.objectives.losses import at_least_float32, mean


def squared_distances(x, y):
    """Squared Euclidean distances between all pairs, |x|^2 + |y|^2 - 2 x.y, never negative.

    Centre the samples first: the common part of the three terms cancels only up to rounding.

    Args:
        x: Tensor of shape (n, d).
        y: Tensor of shape (m, d).

    Returns:
        A tensor of shape (n, m).
    """
    norms = ops.sum(ops.square(x), axis=1)[:, None] + ops.sum(ops.square(y), axis=1)
    return ops.maximum(norms - 2.0 * ops.matmul(x, ops.transpose(y)), 0.0)


def gaussian_kernels(x, y, bandwidths):
    """Sum of Gaussian kernels, sum_s exp(-|x - y|^2 / (2 s)), of all pairs (Li et al. 2015, section 4.3).

    A bandwidth s is the square of a Gaussian's width, as in the official implementation.

    Args:
        x: Tensor of shape (n, d).
        y: Tensor of shape (m, d).
        bandwidths: Positive numbers, in squared units of the data.

    Returns:
        A tensor of shape (n, m).
    """
    distances = squared_distances(x, y)
    return sum(ops.exp(distances / (-2.0 * bandwidth)) for bandwidth in bandwidths)


def squared_mmd(real, fake, bandwidths, weight=None):
    """Biased estimate of the squared maximum mean discrepancy of two sets of samples.

        mean_ij k(x_i, x_j) + mean_ij k(y_i, y_j) - 2 mean_ij k(x_i, y_j)

    including the pairs i = j (Gretton et al. 2012, equation 5; Li et al. 2015, equation 3). As a squared distance
    between means it is non-negative up to rounding, so that its square root is defined. For equal distributions its
    expected value is not 0, but decreases with the number of samples.

    Args:
        real: Tensor of shape (n, d).
        fake: Tensor of shape (m, d).
        bandwidths: Bandwidths of the kernel; see `gaussian_kernels`.
        weight: Non-negative weights of the real samples, of shape (n,). None weights them equally.

    Returns:
        A scalar tensor, float32 (float64 for float64 samples), differentiable with respect to both sets.
    """
    real, fake = at_least_float32(real), at_least_float32(fake)
    weight = ops.ones_like(real[:, 0]) if weight is None else ops.cast(weight, real.dtype)
    shares = ops.divide_no_nan(weight, ops.sum(weight))
    center = ops.stop_gradient(ops.matmul(shares, real))
    real, fake = real - center, fake - center
    within_real = ops.sum(shares * ops.matmul(gaussian_kernels(real, real, bandwidths), shares))
    between = ops.matmul(shares, gaussian_kernels(real, fake, bandwidths))
    return within_real + mean(gaussian_kernels(fake, fake, bandwidths)) - 2.0 * mean(between)
