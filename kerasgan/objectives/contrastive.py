"""Contrastive losses between patches of images."""

from keras import ops

from kerasgan.objectives.losses import at_least_float32, mean

__all__ = ["patch_nce"]


def patch_nce(queries, keys, temperature=0.07):
    """PatchNCE: each query must match the key at its own position, among all positions of its image.

    The mean of `-log(exp(q_i k_i / t) / sum_j exp(q_i k_j / t))` with vectors of length 1 (Park et al. 2020, eqs. 3
    and 4; "internal negatives"). Keys get no gradient, as in the authors' code.

    Args:
        queries: Vectors of translated patches, of shape (batch, patches, units), of any length.
        keys: Vectors of the same patches of the originals, of the same shape.
        temperature: Temperature t.

    Returns:
        A scalar tensor, float32 (float64 for float64 vectors): about `log(patches)` for unrelated vectors.
    """
    queries, keys = _unit(queries), _unit(ops.stop_gradient(keys))
    logits = ops.einsum("bnd,bmd->bnm", queries, keys) / temperature
    own = ops.sum(queries * keys, axis=-1) / temperature
    return mean(ops.logsumexp(logits, axis=-1) - own)


def _unit(x):
    x = at_least_float32(x)
    return x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-12)
