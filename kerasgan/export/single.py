"""Converts half-precision models to float32, because export formats and their runtimes lack many half-precision
operations."""

import numpy as np

SINGLE = "float32"


def in_single_precision(model):
    """Returns a copy of a model that computes in float32, or the model itself if it already does."""
    networks = [*model.networks.values(), *model.averages.values()]
    if all(layer.compute_dtype == SINGLE for network in networks for layer in network._flatten_layers()):
        return model
    copy = type(model).from_config({**_single(model.get_config()), "dtype": SINGLE})
    for ours, theirs in ((copy.networks, model.networks), (copy.averages, model.averages)):
        for name, network in ours.items():
            network.set_weights([np.asarray(weight, "float32") for weight in theirs[name].get_weights()])
    for name in model.states:
        getattr(copy, name).assign(getattr(model, name))
    return copy


def _single(value):
    """A configuration whose dtype policies are all float32."""
    if isinstance(value, dict):
        if value.get("class_name") in ("DTypePolicy", "FloatDTypePolicy"):
            return {**value, "config": {"name": SINGLE}}
        if value.get("class_name") == "DTypePolicyMap":
            return SINGLE
        return {key: SINGLE if key == "dtype" and _is_half(each) else _single(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_single(each) for each in value)
    return value


def _is_half(name):
    return isinstance(name, str) and name.endswith("float16")
