"""Differentiation and compilation of training steps: one module per Keras backend, with the same interface.

Each function has a typical use: `input_gradient(fn, x)` in losses and penalties, `gradients(fn, tensors)` in losses
that look ahead, `known_value(variable)` to read states, `replica()` and `gather(tensors)` in layers with a memory,
`mean_over_replicas(x)` for statistics over all replicas, `row_values(fn, *tensors)` for rewards computed by NumPy, and
`scan(fn, carry, xs)` for networks that run along a sequence. `fused_normalization`, `grouped_convolution`,
`convolution`, `transposed_convolution` and `leaky_relu` are faster versions of Keras operations, for the layers
of these names. `Engine` is the mixin of `AdversarialModel`.
"""

import keras

if keras.backend.backend() == "tensorflow":
    from kerasgan.game.engines.tensorflow import (
        Engine,
        compiled_call,
        compiled_inference,
        convolution,
        fused_normalization,
        gather,
        gradients,
        grouped_convolution,
        have_gradient,
        input_gradient,
        known_value,
        leaky_relu,
        replica,
        row_values,
        scan,
        transposed_convolution,
    )
elif keras.backend.backend() == "jax":
    from kerasgan.game.engines.jax import (
        Engine,
        compiled_call,
        compiled_inference,
        convolution,
        fused_normalization,
        gather,
        gradients,
        grouped_convolution,
        have_gradient,
        input_gradient,
        known_value,
        leaky_relu,
        replica,
        row_values,
        scan,
        transposed_convolution,
    )
else:
    raise ImportError(
        f"kerasgan trains on the Keras backends 'tensorflow' and 'jax'; the active one is "
        f"{keras.backend.backend()!r}. Set the environment variable KERAS_BACKEND before Keras is imported."
    )


def mean_over_replicas(x):
    """Differentiable mean of a tensor over all replicas, identical on each replica."""
    everyone = gather(x[None])
    return keras.ops.sum(everyone, axis=0) / keras.ops.cast(keras.ops.shape(everyone)[0], x.dtype)


__all__ = [
    "Engine",
    "compiled_call",
    "compiled_inference",
    "convolution",
    "fused_normalization",
    "gather",
    "gradients",
    "grouped_convolution",
    "have_gradient",
    "input_gradient",
    "known_value",
    "leaky_relu",
    "mean_over_replicas",
    "replica",
    "row_values",
    "scan",
    "transposed_convolution",
]
