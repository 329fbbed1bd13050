"""What golden tests of two networks have in common: gradients of all variables, and state after a call."""

import numpy as np

from kerasgan.zoo.official import DERIVED
from tests.golden.reader import array, weight_gradients


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
    for (_, source), found in zip(known, weight_gradients(fn, [v for v, _ in known]), strict=True):
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
