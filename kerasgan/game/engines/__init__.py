"""Differentiation and compilation of training steps: one module per Keras backend, with the same interface.

Losses and penalties use `input_gradient(fn, x)`, losses that look ahead `gradients(fn, tensors)`, readers of states
`known_value(variable)`, layers with a memory `replica()` and `gather(tensors)`, statistics over all replicas
`mean_over_replicas(x)`, rewards that NumPy computes `row_values(fn, *tensors)`, networks that run along a sequence
`scan(fn, carry, xs)`. `fused_normalization`, `grouped_convolution`, `strided_convolution`, `transposed_convolution` and
`leaky_relu` are faster forms of what Keras computes, for the layers of these names. `Engine` is the mixin of
`AdversarialModel`.
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
        grouped_convolution,
        have_gradient,
        input_gradient,
        known_value,
        leaky_relu,
        replica,
        row_values,
        scan,
        strided_convolution,
        transposed_convolution,
    )
elif keras.backend.backend() == "jax":
    from kerasgan.game.engines.jax import (
        Engine,
        compiled_call,
        compiled_inference,
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
        strided_convolution,
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
    "strided_convolution",
    "transposed_convolution",
]
