"""Settings of the command line by name: `width=32`, `generator_optimizer.learning_rate=1e-4`."""

import ast
import dataclasses

import keras

from kerasgan.game import schedules
from kerasgan.game.arguments import constructor_arguments
from kerasgan.game.optimizers import ScheduledAdam
from kerasgan.game.recipe import optimizer_config, recipe_of
from kerasgan.objectives import losses, penalties
from kerasgan.zoo.nearest import nearest

# Constructor arguments that come from elsewhere: the data, --seed, Python code.
NOT_SETTABLE = ("image_shape", "seed", "frozen_layers", "generator", "discriminator", "encoder")
# Numbers of a recipe that may follow a schedule.
PLAIN = ("ema_half_life", "trade_off")
# Notation of a schedule: its name and its numbers, such as cosine:1e-3:1e-5:256.
SCHEDULES = {"cosine": schedules.Cosine, "exponential": schedules.Exponential}


def split(family, assignments, recipe=None, sized=True):
    """Sorts settings into constructor arguments and changes to the recipe.

    A value is a Python literal (number, tuple, None, True, ...), otherwise a string. A dot accesses an argument of a
    recipe field: of an optimizer (`generator_optimizer.learning_rate=1e-4`), of the loss, or of a penalty
    (`penalties.r1.gamma=1`), and another dot an argument of its schedule
    (`generator_optimizer.learning_rate.kimg=256`). Numbers that may follow a schedule accept `cosine:START:END:KIMG` or
    `exponential:START:END:KIMG:WAIT` (`kerasgan.game.schedules`); an Adam with a scheduled rate becomes a
    `kerasgan.game.optimizers.ScheduledAdam`.

    Args:
        family: Subclass of `AdversarialModel`.
        assignments: Strings `name=value`; later ones take precedence.
        recipe: Name of the chosen recipe, or `None`.
        sized: Whether to use the recipe's constructor arguments (`family.sizes`) unless they are assigned.

    Returns:
        `(arguments, changes)`: keyword arguments of the constructor and of `compile()`.

    Raises:
        ValueError: For an unknown setting; the message lists the available ones.
    """
    settable = {name: value for name, value in constructor_arguments(family).items() if name not in NOT_SETTABLE}
    start = recipe_of(family, recipe)
    fields = {field.name: getattr(start, field.name) for field in dataclasses.fields(start)}
    arguments: dict[str, object] = dict(getattr(family, "sizes", {}).get(recipe, {}) if sized else {})
    changes: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        field, *path = name.strip().split(".")
        if not equals or (field not in fields and (path or field not in settable)):
            raise ValueError(
                f"{assignment!r} is not a setting of {family.__name__}; expected "
                f"name=value.{nearest(field, [*settable, *fields]) if equals else ''} Names of the model: "
                f"{', '.join(settable)}. Names of the recipe: {', '.join(fields)}."
            )
        value = _literal(assignment, text.strip())
        if isinstance(value, schedules.Schedule) and not _may_follow({**fields, **changes}, field, path):
            plain = ", ".join(name for name in PLAIN if name in fields)
            raise ValueError(
                f"{assignment!r}: this setting cannot follow a schedule; only {plain}, penalty weights, and Adam's "
                "learning_rate and beta_2 can."
            )
        if field in fields:
            old = changes.get(field, fields[field])
            changes[field] = _reached(assignment, field, old, path, value) if path else _like(assignment, old, value)
        else:
            arguments[field] = _like(assignment, settable[field], value)
    return arguments, changes


def with_reward(arguments, data):
    """Replaces the name of a reward in constructor arguments by the reward, for the atoms of a data set.

    Args:
        arguments: Keyword arguments of the constructor.
        data: Name of the data set.

    Raises:
        ValueError: For an unknown name.
    """
    if not isinstance(arguments.get("reward"), str):
        return arguments
    from kerasgan.metrics.molecules import atoms_of, reward_of

    return {**arguments, "reward": reward_of(arguments["reward"], atoms_of(data))}


def _may_follow(fields, field, path):
    """Whether a value of the recipe is read through `kerasgan.game.schedules.value_at`."""
    if field.endswith("_optimizer"):
        kind = optimizer_config(fields.get(field))["class_name"]
        return path in (["learning_rate"], ["beta_2"]) and kind.split(">")[-1].lower() in ("adam", "scheduledadam")
    return (field == "penalties" and path[-1:] in (["gamma"], ["weight"])) or (field in PLAIN and not path)


def _literal(assignment, text):
    name, *numbers = text.split(":")
    if numbers and name in SCHEDULES:
        try:
            return SCHEDULES[name](*map(float, numbers))
        except (TypeError, ValueError) as error:
            expected = ":".join(["START", "END", "KIMG"] + ["WAIT"] * (name == "exponential"))
            raise ValueError(f"{assignment!r} is not a valid schedule; expected {name}:{expected}: {error}") from error
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _like(assignment, default, value):
    """Converts a value to the type of a default: a tuple if that is a tuple, and no string if that is a number."""
    if isinstance(default, tuple):
        value = tuple(value.split(",")) if isinstance(value, str) else value
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if isinstance(default, bool) and not isinstance(value, bool):
        raise ValueError(f"{assignment!r}: the value is not a boolean; expected True or False.")
    if isinstance(default, (int, float)) and isinstance(value, str):
        raise ValueError(f"{assignment!r}: the value is not a number; expected one such as {default}.")
    return value


def _reached(assignment, field, old, path, value):
    """The configuration of a recipe field with one of its values changed."""
    if field == "penalties":
        chosen = [penalties.get(penalty) for penalty in old]
        names = [penalty.name for penalty in chosen]
        if len(path) < 2 or path[0] not in names:
            raise ValueError(
                f"{assignment!r} must name a penalty of the recipe and its argument, as in penalties.r1.gamma=1. "
                f"The recipe has: {', '.join(names) or 'none; set one first with penalties=r1'}."
            )
        place = names.index(path[0])
        chosen[place] = penalties.get(_changed(assignment, chosen[place], path[1:], value))
        return tuple(chosen)
    if field.endswith("_optimizer"):
        config = optimizer_config(old)
        if isinstance(value, schedules.Schedule) and config["class_name"].lower() == "adam":
            config = {**keras.saving.serialize_keras_object(ScheduledAdam()), "config": config["config"]}
        changed = _changed(assignment, keras.optimizers.get(optimizer_config(config)), path, value)["config"]
        return {**config, "config": {**config["config"], path[0]: changed[path[0]]}}
    if field == "loss":
        return losses.get(_changed(assignment, losses.get(old), path, value))
    raise ValueError(f"{assignment!r}: {field} is a plain value and has no parts; set {field}=... itself.")


def _changed(assignment, thing, path, value):
    """The configuration of a Keras object with one entry changed."""
    config = keras.saving.serialize_keras_object(thing)
    *outer, last = path
    holder, what = config, type(thing).__name__
    for name in outer:
        inner = holder["config"].get(name)
        if not isinstance(inner, dict) or "class_name" not in inner:
            raise ValueError(f"{assignment!r}: {name} is a plain value and has no parts; set {name} itself.")
        holder, what = inner, inner["class_name"]
    if last not in holder["config"]:
        known = ", ".join(name for name in holder["config"] if name != "name")
        like = nearest(last, [name for name in holder["config"] if name != "name"])
        raise ValueError(f"{assignment!r}: {what} has no {last!r}.{like} It has: {known}.")
    default = holder["config"][last]
    if default is None and holder is config:  # values that a recipe leaves to its family, such as gamma
        default = getattr(type(thing), last, None)
    value = _like(assignment, default, value)
    is_object = isinstance(value, schedules.Schedule)
    holder["config"][last] = keras.saving.serialize_keras_object(value) if is_object else value
    return config
