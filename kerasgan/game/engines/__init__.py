"""How a training step is differentiated and compiled: one module a Keras backend, the same small surface.

`input_gradient(fn, x)` is all that a loss or a penalty needs of it, `gradients(fn, tensors)` what a loss that looks
ahead does, `known_value(variable)` what reads a state on the host, `replica()` and `gather(tensors)` a layer with a
memory, `mean_over_replicas(x)` what replicas decide alike and `fused_normalization` a layer that is slow without it;
`Engine` is the mixin below `AdversarialModel`.
"""

import keras

if keras.backend.backend() == "tensorflow":
    from kerasgan.game.engines.tensorflow import (
        Engine,
        compiled_call,
        compiled_inference,
        fused_normalization,
        gather,
        gradients,
        have_gradient,
        input_gradient,
        known_value,
        replica,
    )
elif keras.backend.backend() == "jax":
    from kerasgan.game.engines.jax import (
        Engine,
        compiled_call,
        compiled_inference,
        fused_normalization,
        gather,
        gradients,
        have_gradient,
        input_gradient,
        known_value,
        replica,
    )
else:
    raise ImportError(
        f"kerasgan trains on the Keras backends 'tensorflow' and 'jax'; the active one is "
        f"{keras.backend.backend()!r}. Set the environment variable KERAS_BACKEND before Keras is imported."
    )


def mean_over_replicas(x):
    """Mean of a tensor over all replicas, differentiable; the same on each of them."""
    everyone = gather(x[None])
    return keras.ops.sum(everyone, axis=0) / keras.ops.cast(keras.ops.shape(everyone)[0], x.dtype)


__all__ = [
    "Engine",
    "compiled_call",
    "compiled_inference",
    "fused_normalization",
    "gather",
    "gradients",
    "have_gradient",
    "input_gradient",
    "known_value",
    "mean_over_replicas",
    "replica",
]
