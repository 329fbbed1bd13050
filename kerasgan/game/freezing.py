"""Frozen layers, identified by their indices in a network, because layer names change when a family rebuilds it."""


def frozen_places(network):
    """Indices of a network's layers, starting with the network itself, whose `trainable` is False."""
    return [place for place, layer in enumerate(network._flatten_layers()) if not layer.trainable]


def freeze(network, places):
    """Sets `trainable` to False for the layers at given indices and to True for all others.

    Args:
        network: Built Keras model.
        places: Indices of the layers, as returned by `frozen_places`. `None` for no change.

    Raises:
        ValueError: If the network has too few layers.
    """
    if places is None:
        return
    layers = list(network._flatten_layers())
    if any(not 0 <= place < len(layers) for place in places):
        raise ValueError(f"`frozen_layers` has the indices {places}, but {network.name} has {len(layers)} layers.")
    for place, layer in enumerate(layers):  # outer layers first, since they also set their inner layers
        if layer.trainable != (place not in places):
            layer.trainable = place not in places


def freeze_first(network, count):
    """Freezes the first layers of a network, as FreezeD does (Mo et al. 2020, "Freeze the Discriminator").

    Args:
        network: Built Keras model.
        count: Number of layers with a kernel. Normalization before the last of them is frozen too; embeddings of labels
            are not.

    Raises:
        ValueError: If the network does not have more than `count` layers with a kernel.
    """
    kernels = [place for place, layer in enumerate(network.layers) if _has(layer, "kernel")]
    if not 0 < count < len(kernels):
        raise ValueError(
            f"`count` is {count} for {network.name!r}; expected 1 to {len(kernels) - 1} of its "
            f"{len(kernels)} layers with a kernel."
        )
    for layer in network.layers[: kernels[count - 1] + 1]:
        if layer.weights and not _has(layer, "embeddings"):
            layer.trainable = False


def _has(layer, name):
    """Whether a layer, or a layer nested in it, has a variable with the given name."""
    return any(name in variable.name for variable in layer.trainable_variables)
