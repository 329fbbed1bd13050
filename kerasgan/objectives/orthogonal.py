"""Orthogonal regularization of a network's kernels (Brock et al. 2017, 2019)."""

from keras import layers, ops

from kerasgan.objectives.losses import at_least_float32

# The axis of a kernel that becomes the rows of its matrix: one row per output channel, or per class.
AXES = {
    (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose): -2,
    (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Dense): -1,
    (layers.Embedding,): 0,
}


def orthogonal_regularization(network, strength=1e-4, excluded=("label_embedding",)):
    """Penalises non-orthogonal rows of each kernel's matrix W, of any norms: strength / 2 * |W W^T o (1 - I)|^2.

    BigGAN's paper states it without the half (section 3.1, equation 3), but the gradient of its code is that of this
    term, 2 * strength * (W W^T o (1 - I)) W. The norm is the Frobenius norm, o the elementwise product, and W the
    trained kernel, before spectral normalization.

    Args:
        network: Keras model; the sum is over the kernels of its dense, convolutional and embedding layers.
        strength: Factor of the term.
        excluded: Names of layers to exclude.

    Returns:
        A scalar tensor, float32 or float64.
    """
    terms = []
    for layer in network._flatten_layers(include_self=False):
        axis = next((axis for kinds, axis in AXES.items() if isinstance(layer, kinds)), None)
        if axis is None or layer.name in excluded:
            continue
        kernel = at_least_float32(layer.embeddings if isinstance(layer, layers.Embedding) else layer.kernel)
        rows = ops.reshape(ops.moveaxis(kernel, axis, 0), (kernel.shape[axis], -1))
        products = ops.matmul(rows, ops.transpose(rows))
        between = products * (1.0 - ops.eye(kernel.shape[axis], dtype=kernel.dtype))
        terms.append(ops.sum(ops.square(between)))
    return 0.5 * strength * sum(terms)
