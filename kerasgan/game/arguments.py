"""The constructor arguments of a model, read from its signatures."""

import inspect
from typing import Any

import keras

# What `constructor_arguments` gives for an argument that has no default.
REQUIRED = inspect.Parameter.empty


def constructor_arguments(family) -> dict[str, Any]:
    """The arguments that a family's constructor accepts, including those of its bases: `{name: default or REQUIRED}`.

    The arguments of a base are included if the family passes on `**kwargs`, except for those that the family sets
    itself (its attribute `fixed`) and for conditions if its attribute `conditional` is False.

    Args:
        family: Subclass of `kerasgan.AdversarialModel`.
    """
    found: dict[str, Any] = {}
    for cls in family.__mro__[: family.__mro__.index(keras.Model)]:
        if "__init__" not in vars(cls):
            continue
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        for parameter in parameters:
            if parameter.kind is not parameter.VAR_KEYWORD:
                found.setdefault(parameter.name, parameter.default)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return {name: default for name, default in found.items() if name not in unavailable(family)}


def unavailable(family):
    """The arguments of its bases that a family does not accept: `{name: sentence that says why}`.

    Args:
        family: Subclass of `kerasgan.AdversarialModel`.
    """
    reasons = dict.fromkeys(family.fixed, f"{family.__name__} sets it itself. Leave it out.")
    if not family.conditional:
        reason = f"{family.__name__} is unconditional. Use CGAN, or DCGAN with num_classes."
        reasons |= {"num_classes": reason, "condition": reason}
    return reasons
