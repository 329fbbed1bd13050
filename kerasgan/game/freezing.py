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
    """Freezes the first layers of a network that have weights, as FreezeD does (Mo et al. 2020, "Freeze the
    Discriminator").

    Raises:
        ValueError: If fewer than `count` layers have weights.
    """
    found = [layer for layer in network.layers if layer.trainable_variables]
    if not 0 < count < len(found):
        raise ValueError(
            f"{count} layers of {network.name!r} were to be frozen; expected 1 to {len(found) - 1} of its "
            f"{len(found)} layers with weights."
        )
    for layer in found[:count]:
        layer.trainable = False
