"""Transfer learning: trained networks as the start of another run, with other classes or, if possible, another size."""

import re

from keras import ops

from kerasgan.game.arguments import constructor_arguments

# Arguments that belong to the data and the process, not to the networks.
OWN = ("name", "trainable", "dtype", "seed", "frozen_layers", "num_classes", "target_channels")
NUMBERS = r"_[0-9]+(?=[_/]|$)"  # suffixes that Keras appends to names


def like(family, origin, changes):
    """Creates a model with the settings of a trained one, with some changes.

    Args:
        family: Class of the new model.
        origin: Trained model.
        changes: Constructor arguments of the new model that differ, or that the trained model does not determine.
    """
    known = constructor_arguments(family)
    config = {name: value for name, value in origin.get_config().items() if name not in OWN and name in known}
    return family.from_config({**config, **changes})


def transfer(origin, model):
    """Copies the networks of a trained model into a new one: each variable with a counterpart of the same shape.

    The averages of the trained model become those of the new one. A network that was not trained in the trained model,
    such as the discriminator of most presets, keeps its new weights.

    Args:
        origin: Trained model.
        model: New model, not trained yet.

    Returns:
        A sentence that says what was copied.

    Raises:
        ValueError: If no network fits.
    """
    taken, news = [], []
    for name, network in model.networks.items():
        source = origin.networks.get(name)
        if source is None or name in getattr(origin, "untrained", ()):
            news.append(name)
            continue
        copied, count = _copy(source, network)
        if copied:
            taken.append(name if copied == count else f"{copied} of {count} variables of {name}")
        else:
            news.append(name)
        if name in model.averages and name in origin.averages:
            _copy(origin.averages[name], model.averages[name])
    if not taken:
        raise ValueError(
            f"No network of {type(origin).__name__} fits the new {type(model).__name__}: its layers have other shapes. "
            "Choose the family, image size and settings of the trained model, as far as the data allow."
        )
    return f"{', '.join(taken)}{f'; new: {chr(44).join(news)}' if news else ''}"


def _copy(source, target):
    """Copies variables; returns the number of copied variables and the number of all variables."""
    there, wanted = _named(source), _named(target)
    if not _same_depth(there, wanted):
        return 0, len(wanted)
    copied = 0
    for name, variable in wanted.items():
        if name in there and tuple(there[name].shape) == tuple(variable.shape):
            variable.assign(ops.cast(there[name], variable.dtype))
            copied += 1
    return copied, len(wanted)


def _same_depth(there, wanted):
    """Whether two networks have the same layers with a kernel, so that equal indices mean the same layer.

    Label embeddings are ignored. For networks of different depth, only the first half of the shallower one counts.
    """
    ours, theirs = ([(n, tuple(v.shape)) for n, v in each.items() if "kernel" in n] for each in (wanted, there))
    shorter = min(len(ours), len(theirs))
    half = max(2, shorter // 2)
    return [n for n, _ in ours] == [n for n, _ in theirs] or (shorter > 2 and ours[:half] == theirs[:half])


def _named(network):
    """The dictionary `{place: variable}` of a network, without random states."""
    found: dict = {}
    for variable in network.variables:
        if "seed_generator" in variable.path:
            continue
        name = re.sub(NUMBERS, "", "/".join(variable.path.split("/")[-2:]))
        twin = sum(each.partition("#")[0] == name for each in found)
        found[f"{name}#{twin}"] = variable
    return found
