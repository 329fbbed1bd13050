"""Loads models from presets, and saves models as presets."""

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

PENDING = "uninitialized_variables"  # Keras' list of uninitialized variables
PICTURE = 64  # approximate number of samples in samples.png
RECORDED = 12  # maximum number of samples in samples.wav or samples.gif
PIXELS = 1 << 22  # maximum number of pixels in all samples: 4 of 1024x1024


def load(name, sha256=None):
    """Loads a trained model, ready to `sample` or `translate`. Call `compile()` to train it further.

    Args:
        name: Name of a preset that comes with the package (`kerasgan.zoo.names()`), path of a preset's folder, or its
            address: `https://`, `http://` or `file://`, or `hf://owner/name[@revision]` on the Hugging Face Hub.
        sha256: SHA-256 of the preset's `metadata.json`, for a preset from an address, which must match it.

    Returns:
        An `AdversarialModel` of the preset's family. Its networks have the averaged weights; networks that are not in
        the preset, such as most discriminators, are untrained.

    Raises:
        ValueError: If there is no such preset, or if it differs from the published one; nothing of it is kept.

    Example:
        >>> images = kerasgan.load("dcgan_digits").sample(16, seed=0, labels=[7] * 16)
    """
    return build(find(name, sha256))


def build(preset) -> Any:
    """Builds the model of a `kerasgan.zoo.preset.Preset`."""
    family = keras.saving.get_registered_object(preset.config["class"])
    if not _is_family(family):
        raise ValueError(
            f"{preset.folder} is a preset of {preset.config['class']}, which is not a known family of GANs. If it is "
            "your own, import its module first; if it is a classifier, use it for metrics (--features)."
        )
    with _outlining():
        outline = _made(family, preset)
        presets.check_size(preset, _held(outline, preset)[0], sum(math.prod(v.shape) for v in outline.variables))
    model = _made(family, preset)
    holder, kept, states = _held(model, preset)
    try:
        holder.load_weights(preset.weights)
    except Exception as error:  # Keras and h5py raise various errors for a file of another model
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
    """Context in which new variables have a shape but no values, and never get any."""
    pending = list(global_state.get_global_attribute(PENDING, []))
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:  # otherwise Keras would initialize them when the next scope ends
        global_state.set_global_attribute(PENDING, pending)


def _made(family, preset):
    """The model of a preset's configuration, untrained."""
    try:
        return family.from_config(json.loads(json.dumps(preset.config["arguments"])))  # Keras modifies its argument
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{preset.folder / presets.CONFIG} does not create a {family.__name__}: {error}") from error


def _held(model, preset):
    """The contents of a preset's weights: a Keras model that holds them, the names of the networks, and the states."""
    kept = preset.config.get("networks")
    if not isinstance(kept, list) or not kept or not set(kept) <= set(model.networks):
        raise ValueError(
            f"{preset.folder / presets.CONFIG} lists the networks {kept}; expected some of {list(model.networks)}."
        )
    states = {state: getattr(model, state) for state in preset.config.get("states", ()) if state in model.states}
    return _holder({network: model.networks[network] for network in kept}, states), kept, states


def _is_family(found: Any) -> bool:
    """Whether an object is a class of GANs, whose base class this module cannot import."""
    return isinstance(found, type) and issubclass(found, keras.Model) and hasattr(found, "add_networks")


def save(model, folder, networks=None, samples=None, media=None, **metadata):
    """Saves a model as a preset: configuration, averaged weights, card, picture, metadata.

    Args:
        model: An `AdversarialModel`.
        folder: Folder of the preset, whose name becomes that of the preset.
        networks: Names of the networks to save. Defaults to all networks with an average, which generate samples.
        samples: Picture for `samples.png`, an array. Defaults to samples with seed 0, for a model that can `sample`.
        media: `{"samples.wav": bytes}` or `{"samples.gif": bytes}`. Defaults to samples with seed 0, for a model of
            sounds or films.
        **metadata: Additional JSON-ready entries of `metadata.json`; `data`, `evaluation`, `command`, `seed`, `minutes`
            and `cpu_minutes` appear on the card.

    Raises:
        ValueError: For networks that the model does not have, or for an invalid name.
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
    """The picture for `samples.png`: samples with seed 0, one column per class; None for models that need pairs."""
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
    """Sounds or films, `{file: contents}`, of samples with seed 0, one of each class; `{}` for other kinds."""
    if not model.generates or not set(model.sample_kind.file_types) & {"wav", "gif"}:
        return {}
    count = min(RECORDED, model.conditions.classes or RECORDED)
    ending, content = model.sample_kind.recorded(model.sample(count, seed=0))
    return {f"samples.{ending}": content}


def plain(config):
    """A model's configuration for a preset: tuples as lists, without entries that Keras numbers or sets itself."""
    left_out = ("name", "trainable", "dtype")

    def listed(value):
        if isinstance(value, dict):
            return {key: listed(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [listed(each) for each in value]
        return value.item() if isinstance(value, np.generic) else value

    return {key: listed(value) for key, value in config.items() if key not in left_out}


class _States(keras.layers.Layer):
    """Copies of a model's states, for a weights file."""

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
    """A Keras model that holds networks and copies of states under their names, for a single weights file."""
    holder = keras.Model(name="preset")
    for name, network in networks.items():
        setattr(holder, name, network)
    if states:
        holder.states = _States(states)
    holder.built = True
    return holder
