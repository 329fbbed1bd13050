"""What golden tests of two networks have in common: calls, gradients of all variables, and state after a call.

On JAX they are compiled: one operation after the other, each compiled by itself, would take minutes.
"""

import keras
import numpy as np
from keras import ops

from kerasgan.zoo.official import DERIVED
from tests.golden.reader import array, weight_gradients

ON_JAX = keras.backend.backend() == "jax"


def call(network, inputs, training):
    """A network's outputs; in training its state moves on."""
    if not ON_JAX:
        return network(inputs, training=training)
    import jax

    trainable, other = (
        [v.value for v in part] for part in (network.trainable_variables, network.non_trainable_variables)
    )
    run = jax.jit(lambda *values: network.stateless_call(*values, training=training))
    outputs, state = run(trainable, other, inputs)
    for variable, value in zip(network.non_trainable_variables, state, strict=True):
        variable.assign(value)
    return outputs


def evaluated(fn):
    """The value of `fn()`, and no state moved."""
    if not ON_JAX:
        return fn()
    import jax

    def value():
        with keras.StatelessScope():
            return fn()

    return jax.jit(value)()


def gradients_of(fn, variables):
    """Gradients of the scalar `fn()` with respect to variables."""
    if not ON_JAX:
        return weight_gradients(fn, variables)
    import jax

    def value(tensors):
        with keras.StatelessScope(list(zip(variables, tensors, strict=True))):
            return fn()

    return jax.jit(jax.grad(value))([ops.convert_to_tensor(v.value) for v in variables])


def check_gradients(golden, prefix, pairs, network, fn):
    """Compares the gradients of the scalar `fn()` with all that are stored below a prefix, in our layout.

    Args:
        golden: `Golden`.
        prefix: Beginning of the keys, such as "grads/D_step/D/".
        pairs: Function of a network and of names that returns (variable, `Source`) pairs.
        network: The network.
        fn: Function without arguments.
    """
    stored = golden.part(prefix)
    known = pairs(network, stored)
    assert {source.key for _, source in known} == set(stored), set(stored) - {source.key for _, source in known}
    for (_, source), found in zip(known, gradients_of(fn, [v for v, _ in known]), strict=True):
        expected = source.layout(stored[source.key].astype("float64"))
        key = prefix + source.key
        np.testing.assert_allclose(array(found), expected, rtol=0, atol=golden.tolerance(key), err_msg=key)


def check_state(golden, prefix, pairs, network, weights=None, counts=None):
    """Compares variables with all values that are stored below a prefix, in our layout.

    Args:
        golden: `Golden`.
        prefix: Beginning of the keys, such as "outputs/train/G_after/".
        pairs: Function of a network and of names that returns (variable, `Source`) pairs.
        network: The network.
        weights: Prefix of the values before the call in training, where PyTorch's moving variances are unbiased ones.
        counts: `{beginning of a key: number of values}` of which those variances are.
    """
    stored = golden.part(prefix)
    known = pairs(network, stored)
    assert {source.key for _, source in known} == {name for name in stored if not name.endswith(DERIVED)}
    for variable, source in known:
        expected = source(stored)
        if counts and source.key.endswith("_var"):
            before = 0.9 * source(golden.part(weights))
            (count,) = (number for start, number in counts.items() if source.key.startswith(start))
            expected = before + (expected - before) * (count - 1) / count
        limit = golden.tolerance(prefix + source.key)
        np.testing.assert_allclose(array(variable), expected, rtol=0, atol=limit, err_msg=source.key)


def in_their_layout(source, gradient, shape):
    """A gradient with respect to a variable of ours as that with respect to the array it came from.

    Args:
        source: The variable's `kerasgan.zoo.convert.Source`.
        gradient: The gradient.
        shape: Shape of their array.
    """
    places = source.layout(np.arange(np.prod(shape, dtype=int)).reshape(shape))
    result = np.zeros(np.prod(shape, dtype=int))
    np.add.at(result, places.ravel(), source.scale * array(gradient).ravel())
    return result.reshape(shape)


def compiled(fn):
    """`fn` as one compiled function of tensors on JAX, which is slow at networks taken step by step; else as it is."""
    if keras.backend.backend() != "jax":
        return fn
    import jax

    return jax.jit(fn)
