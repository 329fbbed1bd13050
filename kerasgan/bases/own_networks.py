"""Checks of networks that a user gives to a model instead of the family's."""

import keras


def require_network(name, given):
    """Raises an error unless `given` is a built Keras model.

    Raises:
        ValueError: If it is a class, a function or anything else.
    """
    if not isinstance(given, keras.Model):
        kind = "a class" if isinstance(given, type) else type(given).__name__
        raise ValueError(f"`{name}` is {kind}; expected a built keras.Model. Call it first, or pass its result.")


def check_network(name, network, first, conditions, output=None):
    """Compares the inputs and the output of a network with those of its model.

    Args:
        name: Name of the network, for the message.
        network: A Keras model; only functional ones, whose shapes are known, are compared.
        first: Expected shape of its first input, without the batch axis.
        conditions: Names of the conditions, each of which needs an input.
        output: Expected shape of its output, without the batch axis. `None` for any shape.

    Raises:
        ValueError: If a shape differs or an input is missing.
    """
    inputs, outputs = getattr(network, "inputs", None), getattr(network, "outputs", None)
    if not inputs or not outputs:
        return
    if not _fits(inputs[0].shape[1:], first):
        raise ValueError(
            f"`{name}` takes inputs of shape {tuple(inputs[0].shape[1:])}; expected {tuple(first)}. Change the "
            "network, or the model's image_shape or latent_dim."
        )
    if len(inputs) < 1 + len(conditions):
        raise ValueError(
            f"`{name}` has {len(inputs)} input(s), but the model's conditions are {', '.join(conditions)}. Give it an "
            "input for each, or build an unconditional model."
        )
    if output is not None and len(outputs) == 1 and not _fits(outputs[0].shape[1:], output):
        raise ValueError(
            f"`{name}` makes samples of shape {tuple(outputs[0].shape[1:])}; expected image_shape {tuple(output)}. "
            "Change the network or image_shape."
        )


def _fits(found, expected):
    """Whether two shapes agree where both are known."""
    found, expected = tuple(found), tuple(expected)
    if len(found) != len(expected):
        return False
    return all(None in sizes or sizes[0] == sizes[1] for sizes in zip(found, expected, strict=True))
