"""Maximum mean discrepancy as a loss: how far the samples of two sets are apart in the eyes of a kernel."""

from keras import ops

from kerasgan.objectives.losses import at_least_float32, mean


def squared_distances(x, y):
    """Squared Euclidean distances between all pairs, |x|^2 + |y|^2 - 2 x.y, never negative.

    Take the samples near the origin: what the three terms have in common cancels only up to rounding.

    Args:
        x: tensor of shape (n, d).
        y: tensor of shape (m, d).

    Returns:
        Tensor of shape (n, m).
    """
    norms = ops.sum(ops.square(x), axis=1)[:, None] + ops.sum(ops.square(y), axis=1)
    return ops.maximum(norms - 2.0 * ops.matmul(x, ops.transpose(y)), 0.0)


def gaussian_kernels(x, y, bandwidths):
    """Sum of Gaussian kernels, sum_s exp(-|x - y|^2 / (2 s)), of all pairs (Li et al. 2015, section 4.3).

    A bandwidth s is the square of what is called a Gaussian's width, as in the paper's published code.

    Args:
        x: tensor of shape (n, d).
        y: tensor of shape (m, d).
        bandwidths: positive numbers, in units of the data squared.

    Returns:
        Tensor of shape (n, m).
    """
    distances = squared_distances(x, y)
    return sum(ops.exp(distances / (-2.0 * bandwidth)) for bandwidth in bandwidths)


def squared_mmd(real, fake, bandwidths, weight=None):
    """The biased estimate of the squared maximum mean discrepancy of two sets of samples.

        mean_ij k(x_i, x_j) + mean_ij k(y_i, y_j) - 2 mean_ij k(x_i, y_j)

    with the pairs i = j (Gretton et al. 2012, equation 5; Li et al. 2015, equation 3). As a squared distance between
    means it is not negative but for rounding, so that a root may be taken of it. On average over samples of equal
    distributions it is not 0, but falls with their number.

    Args:
        real: tensor of shape (n, d).
        fake: tensor of shape (m, d).
        bandwidths: of the kernel, see `gaussian_kernels`.
        weight: weights of the real samples, shape (n,), not negative; None weighs them alike.

    Returns:
        Scalar tensor, float32 (float64 for float64 samples), differentiable with respect to both sets.
    """
    real, fake = at_least_float32(real), at_least_float32(fake)
    weight = ops.ones_like(real[:, 0]) if weight is None else ops.cast(weight, real.dtype)
    shares = ops.divide_no_nan(weight, ops.sum(weight))
    center = ops.stop_gradient(ops.matmul(shares, real))
    real, fake = real - center, fake - center
    within_real = ops.sum(shares * ops.matmul(gaussian_kernels(real, real, bandwidths), shares))
    between = ops.matmul(shares, gaussian_kernels(real, fake, bandwidths))
    return within_real + mean(gaussian_kernels(fake, fake, bandwidths)) - 2.0 * mean(between)
