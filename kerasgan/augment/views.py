"""Views by name."""

import difflib

import keras

from kerasgan.augment.adaptive import Adaptive, Augment
from kerasgan.augment.diffaugment import DiffAugment
from kerasgan.augment.packed import Packed
from kerasgan.augment.view import View

__all__ = ["VIEWS", "get"]

VIEWS: dict[str, type[View]] = {"ada": Adaptive, "augment": Augment, "diffaugment": DiffAugment, "packed": Packed}


def get(identifier):
    """Returns the view for an identifier.

    Args:
        identifier: A `View`; a name (`"ada"`, `"augment"`, `"diffaugment"` or `"packed"`) for a view with its default
            arguments; a name with arguments after a colon, such as `"ada:blit,geometry"`, `"augment:0.2"`,
            `"diffaugment:color,translation"` or `"packed:4"`; or the config that
            `keras.saving.serialize_keras_object(view)` returns.

    Returns:
        A `View`.

    Raises:
        ValueError: If there is no such view. The message lists the names.
    """
    if isinstance(identifier, View):
        return identifier
    if isinstance(identifier, dict):
        custom_objects = {kind.__name__: kind for kind in VIEWS.values()}
        found = keras.saving.deserialize_keras_object(identifier, custom_objects=custom_objects)
        if isinstance(found, View):
            return found
    near = []
    if isinstance(identifier, str):
        name, colon, text = identifier.replace(" ", "").partition(":")
        if name in VIEWS:
            return VIEWS[name].from_text(text) if colon else VIEWS[name]()
        near = difflib.get_close_matches(name, VIEWS, 1)
    raise ValueError(
        f"`identifier` is {identifier!r}; expected a View, the config of a View, or one of the names "
        f"{', '.join(map(repr, VIEWS))}." + (f" Did you mean {near[0]!r}?" if near else "")
    )
