"""The dtype policy of a model is its own: networks are built under it, whatever the policy of the process is."""

import contextlib
import inspect

import keras


@contextlib.contextmanager
def precision(policy):
    """Builds what is built in the block under a dtype policy, such as "mixed_bfloat16".

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
    """Runs the whole constructor of a model under the policy of its argument `dtype`, where it is given."""

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
    """Whether gradients of networks may underflow: a layer of theirs computes in float16."""
    return any(layer.compute_dtype == "float16" for network in networks for layer in network._flatten_layers())
