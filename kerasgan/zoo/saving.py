"""Models from presets, and presets of models."""

import contextlib
import json
import math
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

from kerasgan.pictures.images import columns_of
from kerasgan.zoo import preset as presets
from kerasgan.zoo.card import card_of
from kerasgan.zoo.fetch import find
from kerasgan.zoo.versions import versions

PENDING = "uninitialized_variables"  # Keras' list of them
PICTURE = 64  # samples in samples.png, about
RECORDED = 12  # samples in samples.wav or samples.gif, at most
PIXELS = 1 << 22  # in all of them, at most: 4 of 1024x1024


def load(name, sha256=None):
    """A trained model, ready to `sample` or `translate`; call `compile()` to train it further.

    Args:
        name: of a preset that comes with the package (`kerasgan.zoo.names()`), the path of a preset's folder, or its
            address: `https://`, `http://` or `file://`, or `hf://owner/name[@revision]` on the Hugging Face Hub.
        sha256: of the preset's `metadata.json`, for one from an address: nothing else is then accepted.

    Returns:
        An `AdversarialModel` of the preset's family. Its networks have the averaged weights; those that the preset does
        not hold, such as most discriminators, are untrained.

    Raises:
        ValueError: if there is no such preset, or anything in it is not as it was published; nothing is kept of it.

    Example:
        >>> images = kerasgan.load("dcgan_digits").sample(16, seed=0, labels=[7] * 16)
    """
    return build(find(name, sha256))


def build(preset) -> Any:
    """The model of a `kerasgan.zoo.preset.Preset`."""
    family = keras.saving.get_registered_object(preset.config["class"])
    if not _is_family(family):
        raise ValueError(
            f"{preset.folder} is a preset of {preset.config['class']}, which is no family of GANs that is known here. "
            "If it is your own, import its module first; if it is a classifier, it serves metrics (--features)."
        )
    with _outlining():
        outline = _made(family, preset)
        presets.check_size(preset, _held(outline, preset)[0], sum(math.prod(v.shape) for v in outline.variables))
    model = _made(family, preset)
    holder, kept, states = _held(model, preset)
    try:
        holder.load_weights(preset.weights)
    except Exception as error:  # whatever Keras and h5py raise for a file of another model
        raise ValueError(f"{preset.weights} does not fit its {presets.CONFIG}: {error}") from error
    for network in set(kept) & set(model.averages):
        model.averages[network].set_weights(model.networks[network].get_weights())
    for state, variable in states.items():
        variable.assign(holder.get_layer("states").values[state])
    model.untrained = tuple(name for name in model.networks if name not in kept)
    model.class_names = tuple((preset.metadata.get("data") or {}).get("class_names", ()))
    return model


@contextlib.contextmanager
def _outlining():
    """Variables that are made in the block have a shape and no numbers, and never get any."""
    pending = list(global_state.get_global_attribute(PENDING, []))
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:  # else Keras would fill them when the next scope ends
        global_state.set_global_attribute(PENDING, pending)


def _made(family, preset):
    """The model of a preset's configuration, untrained."""
    try:
        return family.from_config(json.loads(json.dumps(preset.config["arguments"])))  # Keras takes it apart
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{preset.folder / presets.CONFIG} makes no {family.__name__}: {error}") from error


def _held(model, preset):
    """What a preset's weights are of: a Keras model that holds it, the names of the networks, and the states."""
    kept = preset.config.get("networks")
    if not isinstance(kept, list) or not kept or not set(kept) <= set(model.networks):
        raise ValueError(f"{preset.folder / presets.CONFIG} holds {kept}; expected some of {list(model.networks)}.")
    states = {state: getattr(model, state) for state in preset.config.get("states", ()) if state in model.states}
    return _holder({network: model.networks[network] for network in kept}, states), kept, states


def _is_family(found: Any) -> bool:
    """Whether something is a class of GANs; its base class is above this module."""
    return isinstance(found, type) and issubclass(found, keras.Model) and hasattr(found, "add_networks")


def save(model, folder, networks=None, samples=None, media=None, **metadata):
    """Writes a model as a preset: configuration, averaged weights, card, picture, metadata.

    Args:
        model: an `AdversarialModel`.
        folder: of the preset, whose name it is.
        networks: names of those to keep; by default all that have an average, which is what samples are made with.
        samples: picture for `samples.png`, an array; by default samples of seed 0, of a model that can `sample`.
        media: `{"samples.wav": bytes}` or `{"samples.gif": bytes}`; by default samples of seed 0 of a model of sounds
            or films.
        **metadata: further JSON-ready entries of `metadata.json`; `data`, `evaluation`, `command`, `seed`, `minutes`
            and `cpu_minutes` have their places on the card.

    Raises:
        ValueError: for networks that the model does not have, or a name that is no preset's.
    """
    networks = list(model.averages) if networks is None else list(networks)
    if not networks or not set(networks) <= set(model.networks):
        raise ValueError(f"networks is {networks}; expected some of {list(model.networks)}.")
    clones = {}
    for name in networks:
        network = model.averages.get(name, model.networks[name])
        clones[name] = keras.models.clone_model(network)
        clones[name].set_weights(network.get_weights())
    name = keras.saving.get_registered_name(type(model))
    config = {"format": presets.FORMAT, "class": name, "arguments": plain(model.get_config()), "networks": networks}
    states = {state: getattr(model, state) for state in model.lasting_states}
    if states:
        config["states"] = list(states)
    about = {"family": type(model).__name__, "versions": versions(), **metadata}
    samples = picture(model) if samples is None else samples
    media = recording(model) if media is None else media
    card = card_of(folder, model, about, samples is not None, tuple(media))
    presets.write(folder, _holder(clones, states), config, about, card, samples, media)


def picture(model):
    """What `samples.png` shows: samples of seed 0, a column for each class; None for what only a pair can show."""
    if not model.generates:
        return None
    classes = model.conditions.classes or 8
    columns = columns_of(classes)
    count = columns * -(-(PICTURE if columns == classes else classes) // columns)
    most = max(1, PIXELS // math.prod(model.image_shape[:2]))
    if count > most:
        count, columns = most, None
    return model.sample_kind.sheet(model.sample(count, seed=0), columns=columns)


def recording(model):
    """What can be heard or seen to move: `{file: content}` of samples of seed 0, one of each class; else `{}`."""
    if not model.generates or not set(model.sample_kind.file_types) & {"wav", "gif"}:
        return {}
    count = min(RECORDED, model.conditions.classes or RECORDED)
    ending, content = model.sample_kind.recorded(model.sample(count, seed=0))
    return {f"samples.{ending}": content}


def plain(config):
    """A model's configuration as a preset keeps it: tuples as lists, and nothing that Keras numbers or sets itself."""
    left_out = ("name", "trainable", "dtype")

    def listed(value):
        if isinstance(value, dict):
            return {key: listed(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [listed(each) for each in value]
        return value.item() if isinstance(value, np.generic) else value

    return {key: listed(value) for key, value in config.items() if key not in left_out}


class _States(keras.layers.Layer):
    """Copies of a model's states, for a file of weights."""

    def __init__(self, states):
        super().__init__(name="states")
        self.values = {
            name: self.add_weight(name=name, shape=variable.shape, dtype=variable.dtype, trainable=False)
            for name, variable in states.items()
        }
        for name, variable in states.items():
            self.values[name].assign(variable)
        self.built = True


def _holder(networks, states):
    """A Keras model that holds networks and copies of states under their names, for one file of weights."""
    holder = keras.Model(name="preset")
    for name, network in networks.items():
        setattr(holder, name, network)
    if states:
        holder.states = _States(states)
    holder.built = True
    return holder
