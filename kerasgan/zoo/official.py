"""Maps the entries of a PyTorch `state_dict` to our variables, for layers that match its modules."""

import functools

import numpy as np

from kerasgan.zoo.convert import Source, kernel

# Names of a module's parameters and buffers, and the attributes of our layers that hold them.
PARAMETERS = {
    **dict.fromkeys(("weight", "weight_orig"), ("raw_kernel", "kernel", "embeddings", "gamma")),
    "bias": ("bias", "beta"),
    **dict.fromkeys(("gain", "gamma"), ("gamma",)),
    **dict.fromkeys(("u0", "weight_u", "sn_u"), ("u",)),
    **dict.fromkeys(("running_mean", "stored_mean"), ("moving_mean",)),
    **dict.fromkeys(("running_var", "stored_var"), ("moving_variance",)),
}
# Suffixes of entries that are derived from others or count calls.
DERIVED = ("weight_v", "sv0", "sn_sigma", "num_batches_tracked", "accumulation_counter")


def pairs(owners, names, places=None):
    """Pairs the variables of layers with their sources in a `state_dict`, for `kerasgan.zoo.convert.assign`.

    Args:
        owners: `{module name: layer}`.
        names: Names of the entries. Those of other modules are ignored.
        places: `{module name: (height, width)}` of dense layers whose outputs become a map of that size, whose channels
            come first in PyTorch.

    Returns:
        List of (variable, `Source`).
    """
    found = []
    for name in names:
        module, _, parameter = name.rpartition(".")
        layer = owners.get(module)
        for attribute in PARAMETERS.get(parameter, ()):
            variable = getattr(layer, attribute, None)
            if variable is not None:
                found.append((variable, Source(name, _layout(layer, attribute, variable, (places or {}).get(module)))))
                break
    return found


def _layout(layer, attribute, variable, places):
    is_kernel = attribute in ("raw_kernel", "kernel") and not hasattr(layer, "embeddings")
    layout = kernel if is_kernel else functools.partial(np.reshape, shape=tuple(variable.shape))
    return functools.partial(_of_map, layout=layout, places=places) if places else layout


def _of_map(values, layout, places):
    """Reorders outputs from (channels, height, width) to (height, width, channels)."""
    values = np.moveaxis(layout(values), -1, 0)
    maps = values.reshape((-1, *places, *values.shape[1:]))
    return np.moveaxis(np.moveaxis(maps, 0, 2).reshape(values.shape), 0, -1)
