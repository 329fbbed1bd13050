"""Layers that are not trained, by their places in a network: a family builds its networks anew, under other names."""


def frozen_places(network):
    """Places of the layers of a network, itself the first one, whose `trainable` is off."""
    return [place for place, layer in enumerate(network._flatten_layers()) if not layer.trainable]


def freeze(network, places):
    """Switches off `trainable` of the layers at these places, and on elsewhere; None leaves all as they are.

    Raises:
        ValueError: If the network has fewer layers.
    """
    if places is None:
        return
    layers = list(network._flatten_layers())
    if any(not 0 <= place < len(layers) for place in places):
        raise ValueError(f"frozen_layers has the places {places}, and {network.name} has {len(layers)} layers.")
    for place, layer in enumerate(layers):  # outer ones first, which set their inner ones too
        if layer.trainable != (place not in places):
            layer.trainable = place not in places


def freeze_first(network, count):
    """Freezes the first layers of a network, as FreezeD does (Mo et al. 2020, "Freeze the Discriminator").

    Args:
        network: A built Keras model.
        count: Number of layers with a kernel; normalization before the last of them is frozen with them, embeddings of
            labels are not.

    Raises:
        ValueError: If the network has not more than `count` layers with a kernel.
    """
    kernels = [place for place, layer in enumerate(network.layers) if _has(layer, "kernel")]
    if not 0 < count < len(kernels):
        raise ValueError(
            f"{count} layers of {network.name!r} were to be frozen; expected 1 to {len(kernels) - 1} of its "
            f"{len(kernels)} layers with a kernel."
        )
    for layer in network.layers[: kernels[count - 1] + 1]:
        if layer.weights and not _has(layer, "embeddings"):
            layer.trainable = False


def _has(layer, name):
    """Whether a layer, or one in it, has a variable of a name."""
    return any(name in variable.name for variable in layer.trainable_variables)
