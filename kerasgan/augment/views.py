"""The views by their names."""

import difflib

import keras

from kerasgan.augment.adaptive import Adaptive, Augment
from kerasgan.augment.diffaugment import DiffAugment
from kerasgan.augment.packed import Packed
from kerasgan.augment.view import View

__all__ = ["VIEWS", "get"]

VIEWS: dict[str, type[View]] = {"ada": Adaptive, "augment": Augment, "diffaugment": DiffAugment, "packed": Packed}


def get(identifier):
    """The view that `identifier` stands for.

    Args:
        identifier: A `View`; one of the names `"ada"`, `"augment"`, `"diffaugment"` and `"packed"` for that view with
            its default arguments; a name with arguments behind a colon, as `"ada:blit,geometry"`, `"augment:0.2"`,
            `"diffaugment:color,translation"` or `"packed:4"`; or a config, as
            `keras.saving.serialize_keras_object(view)` returns.

    Returns:
        A `View`.

    Raises:
        ValueError: If there is no such view; the message lists the names.
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
        f"{identifier!r} is no view. Expected a View, the config of one, or one of the names "
        f"{', '.join(map(repr, VIEWS))}." + (f" Did you mean {near[0]!r}?" if near else "")
    )
