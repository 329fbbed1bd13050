"""Each model has its own dtype policy, under which its networks are built, whatever the global policy is."""

import contextlib
import inspect

import keras


@contextlib.contextmanager
def precision(policy):
    """Sets the dtype policy, such as "mixed_bfloat16", for everything that is built in the block.

    Args:
        policy: Name, `keras.dtype_policies.DTypePolicy` or its configuration.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class UnderItsPolicy(type):
    """Metaclass that runs a model's whole constructor under the policy of its argument `dtype`, if given."""

    @property
    def __signature__(cls):  # for help() and editors: the constructor's
        signature = inspect.signature(type.__getattribute__(cls, "__init__"))
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(cls, *args, dtype=None, **kwargs):
        if dtype is None:
            return super().__call__(*args, **kwargs)
        with precision(dtype):
            return super().__call__(*args, dtype=dtype, **kwargs)


def needs_loss_scale(networks):
    """Whether gradients of networks may underflow, because one of their layers computes in float16."""
    return any(layer.compute_dtype == "float16" for network in networks for layer in network._flatten_layers())
