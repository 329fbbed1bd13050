"""The constructor arguments of a model, read from its signatures."""

import inspect

from kerasgan.game.model import AdversarialModel

# What `constructor_arguments` gives for an argument that has no default.
REQUIRED = inspect.Parameter.empty


def constructor_arguments(family):
    """Arguments of a family's constructor and its bases', `{name: default or REQUIRED}`."""
    found: dict[str, object] = {}
    for cls in family.__mro__[: family.__mro__.index(AdversarialModel) + 1]:
        if "__init__" in vars(cls):
            for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
                if parameter.kind is not parameter.VAR_KEYWORD:
                    found.setdefault(parameter.name, parameter.default)
    return found
