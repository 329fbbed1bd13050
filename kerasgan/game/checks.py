"""Checks of `compile()` for mistakes that do not raise but silently change what is trained.

What cannot be intended raises an error; what trains, but probably not as intended, gives a warning. The checks change
no variables and do not use the model's random generators. `compile(checks=False)` skips them.
"""

import dataclasses
import warnings

import keras
import numpy as np
from keras import ops

from kerasgan.data.kinds import Images
from kerasgan.game.engines import have_gradient
from kerasgan.game.phase import Batch
from kerasgan.game.signals import observed

# Activations by the names of Keras' functions, layers and operations, in lower case without underscores.
BOUNDED = {"sigmoid", "hardsigmoid", "tanh", "hardtanh", "softsign", "softmax", "logsoftmax", "logsigmoid"}
NEVER_NEGATIVE = {"sigmoid", "hardsigmoid", "softmax", "softplus", "relu", "relu6", "exponential", "exp", "sparsemax"}
# Layers that move values without changing them.
MOVES = {"reshape", "flatten", "permute", "transpose", "squeeze", "expanddims", "identity", "cast", "dropout"}
SAMPLES, ATTEMPTS = 2, 3


def check(model):
    """Checks a compiled game.

    Args:
        model: `AdversarialModel` whose `game` and `traces` are known.

    Raises:
        ValueError: If an average does not cover its network; a batch cannot be divided into the groups of a layer; a
            layer has an activity regularizer; a discriminator ends in an activation that bounds its logits; or a
            penalty does not reach layers that it depends on, such as those after a bilinear resizing on TensorFlow.

    Warns:
        UserWarning: If two players train one variable through different networks; a generator of images in [-1, 1] has
            no negative outputs; a network has `keras.layers.SpectralNormalization`; or a penalty on the gradient of
            each sample is used with batch normalization.
    """
    check_averages(model)
    check_players(model)
    check_groups(model)
    check_regularizers(model)
    check_activations(model)
    check_spectral_normalization(model)
    check_penalties(model)


def check_averages(model):
    """Rejects an average that is not a separate network with all variables of the averaged network."""
    for name, average in model.averages.items():
        network = model.networks[name]
        shapes, expected = ([tuple(v.shape) for v in n.variables] for n in (average, network))
        if shapes != expected or {id(v) for v in average.variables} & {id(v) for v in network.variables}:
            raise ValueError(
                f"The moving average of {name!r} has {len(shapes)} variables, but the network has {len(expected)}; it "
                "must be a separate copy with the same shapes. Pass add_networks() complete networks that "
                "keras.models.clone_model can copy."
            )


def check_players(model):
    """Warns of a variable shared by networks of different players, unless their phases declare it."""
    for phase in model.game:
        mine = {id(v): v for v in model.trained_by(phase)}
        for other in model.game:
            foreign = [name for name in other.trains if name not in phase.trains]
            shared = {v.path for n in foreign for v in model.networks[n].trainable_variables if id(v) in mine}
            if shared and phase.optimizer < other.optimizer:
                _warn(
                    f"The variables {_listed(sorted(shared))} belong to networks of phase {phase.name!r} and of phase "
                    f"{other.name!r}, so the optimizers {phase.optimizer!r} and {other.optimizer!r} both update them. "
                    "Give the networks separate layers, or make them one network with two outputs."
                )


def check_groups(model):
    """Rejects a batch that a layer with a `group_size`, such as minibatch deviation, cannot divide into groups."""
    strategy = getattr(model, "distribute_strategy", None)
    size = model.recipe.largest_batch // (strategy.num_replicas_in_sync if strategy else 1)
    for name, layer in _layers(model):
        group = getattr(layer, "group_size", None)
        if isinstance(group, int) and size % min(group, size):
            raise ValueError(
                f"The batch of {size} samples (on each replica) cannot be cut into the groups of {group} of the layer "
                f"{layer.name!r} in {name!r}. Choose a batch_size that is a multiple of {group} on each replica."
            )


def check_regularizers(model):
    """Rejects activity regularizers, whose terms no phase's loss would include."""
    for name, layer in _layers(model):
        if getattr(layer, "activity_regularizer", None) is not None:
            raise ValueError(
                f"The layer {layer.name!r} of {name!r} has an activity_regularizer, whose term would reach no player's "
                "loss. Leave it out, or add the term in a subclass's loss."
            )


def check_activations(model):
    """Rejects discriminators with bounded logits; warns of generators without negative outputs."""
    images = {spec.shape for spec in model.data_specs() if isinstance(spec, Images)}
    for name, network in model.networks.items():
        outputs = network.outputs if _is_functional(network) else []
        for output in outputs:
            activation = final_activation(output)
            if tuple(output.shape[1:]) in images:
                if activation in NEVER_NEGATIVE:
                    _warn(
                        f"The network {name!r} ends in {activation}, which cannot return values below 0, but the "
                        "images are in [-1, 1]. End it in tanh, or in a sigmoid and Rescaling(2.0, -1.0)."
                    )
            elif _judges(name) and (len(outputs) == 1 or output.shape[-1] == 1) and activation in BOUNDED:
                raise ValueError(
                    f"The network {name!r} ends in {activation}, but the losses expect logits, which can be any real "
                    "number. Remove the activation; the loss applies the sigmoid it needs."
                )


def check_spectral_normalization(model):
    """Warns of `keras.layers.SpectralNormalization`, which does not implement the paper."""
    for name, layer in _layers(model):
        if isinstance(layer, keras.layers.SpectralNormalization):
            _warn(
                f"The layer {layer.name!r} in {name!r} is keras.layers.SpectralNormalization, which overwrites its "
                "kernel when it is called with training=True, and does nothing with training=False. fit() keeps the "
                "raw kernel, so the trained network differs from the one that is called without training, or saved. "
                "SNGAN (Miyato et al. 2018) divides by the norm in every call: use a layer that does."
            )


def check_penalties(model):
    """Warns of batch normalization under per-sample penalties; rejects penalties that do not reach all layers."""
    for phase in model.game:
        evaluated = model.traces[phase.name].penalties
        for penalty in evaluated:
            mixing = [layer for name, layer in _layers(model, phase.trains) if _mixes(layer)]
            if getattr(penalty, "of_one_sample", False) and mixing:
                _warn(
                    f"The penalty {_name(penalty)!r} is on the gradient of each sample, but the batch normalization "
                    f"{_listed([layer.name for layer in mixing])} makes it depend on the rest of the batch (Gulrajani "
                    "et al. 2017, section 4). Use layer normalization or none."
                )
        for penalty in evaluated:
            unreached = _unreached(model, phase, penalty)
            if unreached:
                raise ValueError(
                    f"The penalty {_name(penalty)!r} does not reach the layers {_listed(unreached)}: its gradient with "
                    f"respect to their weights is zero, and they would be trained without it. {_reason(model, phase)} "
                    "compile(checks=False) skips this check."
                )


# Penalties ------------------------------------------------------------------------------------------------------------


def _unreached(model, phase, penalty):
    """Names of layers between samples and logits whose kernels get no gradient of the penalty.

    Biases, and labels that are joined to samples before a piecewise linear layer, correctly get none. Layers that seem
    unreached are checked again with other weights and data, since all ReLUs of a small layer may be zero for one draw.
    """
    groups = {}
    for name in phase.trains:
        network = model.networks[name]
        for layer in _between(network):
            kernels = [id(v) for v in layer.trainable_variables if len(v.shape) > 1]
            if kernels:
                groups[layer.name] = kernels
    for attempt in range(ATTEMPTS):
        try:
            reached = _reached(model, phase, penalty, attempt)
        except LookupError as error:
            if type(error) is not LookupError:  # a KeyError raised by the family
                raise
            raise ValueError(
                f"The penalty {_name(penalty)!r} cannot be differentiated: {error}. {_reason(model, phase)}"
            ) from error
        groups = {name: kernels for name, kernels in groups.items() if reached.isdisjoint(kernels)}
        if not groups:
            break
    return list(groups)


def _reached(model, phase, penalty, attempt):
    """Identities of a phase's variables with respect to which a penalty has a gradient."""
    variables = list({id(v): v for v in model.trained_by(phase)}.values())
    rng = np.random.default_rng(attempt)
    values = [ops.convert_to_tensor(_lively(v, rng), v.dtype) for v in variables]
    count = model.recipe.largest_batch if phase.keeps else SAMPLES * getattr(model, "packing", 1)
    batch = Batch(*(_example(spec, min(count, model.recipe.largest_batch), attempt) for spec in model.data_specs()))

    def measure(values):
        found = []

        def observer(seen, *arguments):
            value = _two_sided(seen).measure(*arguments)
            found.extend([value] if seen == penalty else [])
            return value

        mapping = [*zip(variables, values, strict=True), *model.random_states((phase,), attempt, 0)]
        with observed(observer), keras.StatelessScope(mapping):
            model.evaluate_losses((phase,), batch)
        return sum(found[1:], found[0])

    return {id(v) for v, has in zip(variables, have_gradient(measure, values), strict=True) if has}


def _lively(variable, rng):
    """The value of a variable, with noise if constant: zeros in a residual branch would block earlier gradients."""
    value = np.array(ops.convert_to_numpy(variable.value), "float32")
    if value.ndim > 1 and value.std() > 0:
        return value
    spread = 0.1 / np.sqrt(np.prod(value.shape[:-1])) if value.ndim > 1 else 0.1
    return value + np.float32(spread) * rng.standard_normal(value.shape, "float32")


def _two_sided(penalty):
    """The two-sided form of a penalty, which is not zero for a flat critic."""
    return dataclasses.replace(penalty, one_sided=False) if getattr(penalty, "one_sided", False) else penalty


def _example(spec, count, seed):
    if spec is None:
        return None

    def tensor(value):
        value = ops.convert_to_tensor(value)
        floats = "float" in keras.backend.standardize_dtype(value.dtype)
        return ops.cast(value, keras.config.floatx()) if floats else value

    return keras.tree.map_structure(tensor, spec.example(count, seed))


def _reason(model, phase):
    resizing = [
        layer.name
        for _, layer in _layers(model, phase.trains)
        if isinstance(layer, keras.layers.Resizing) or getattr(layer, "interpolation", "nearest") != "nearest"
    ]
    cause = f": {_listed(resizing)}" if resizing else ""
    return (
        "Something stops the gradient. TensorFlow has second-order gradients only for UpSampling2D's nearest resizing"
        f"{cause}. Use AveragePooling2D, strided convolutions, or repetition and blur."
    )


def _mixes(layer):
    return isinstance(layer, keras.layers.BatchNormalization) and layer.trainable


def _name(penalty):
    return getattr(penalty, "name", type(penalty).__name__)


# Networks -------------------------------------------------------------------------------------------------------------


def _layers(model, names=None):
    """Pairs (name of the network, layer) of all layers in networks, including nested ones."""
    for name in names or model.networks:
        for layer in model.networks[name]._flatten_layers(include_self=False):
            yield name, layer


def _judges(name):
    return "discriminator" in name or "critic" in name


def _is_functional(network):
    return isinstance(network, (keras.Sequential, keras.src.models.Functional))


def _between(network):
    """Layers between a functional network's first input and its logits or first output, nested networks as one."""
    if not _is_functional(network):
        return [network]
    graph = network._functional if isinstance(network, keras.Sequential) else network
    nodes = [node for depth in sorted(graph._nodes_by_depth, reverse=True) for node in graph._nodes_by_depth[depth]]
    structure = graph.output
    judged = structure["logits"] if isinstance(structure, dict) and "logits" in structure else graph.outputs[0]
    ahead, back = {id(network.inputs[0])}, {id(judged)}
    forward: set[int] = set()
    found: list[keras.layers.Layer] = []
    for node in nodes:
        if not ahead.isdisjoint(map(id, node.input_tensors)):
            ahead.update(map(id, node.output_tensors))
            forward.add(id(node))
    for node in reversed(nodes):
        if not back.isdisjoint(map(id, node.output_tensors)):
            back.update(map(id, node.input_tensors))
            if id(node) in forward and isinstance(node.operation, keras.layers.Layer):
                inner = _between(node.operation) if _is_functional(node.operation) else [node.operation]
                found += inner[::-1]
    return found[::-1]


def final_activation(output):
    """The final activation of a functional network's symbolic output: "tanh", "sigmoid", ...; None if unknown."""
    while hasattr(output, "_keras_history"):
        operation, node, place = output._keras_history
        if _is_functional(operation):
            output = operation.outputs[place]
            continue
        kind = type(operation).__name__.lower()
        activation = getattr(getattr(operation, "activation", None), "__name__", kind).replace("_", "")
        inputs = operation._inbound_nodes[node].input_tensors
        if kind not in MOVES and (kind != "activation" or activation != "linear"):
            return activation if activation in BOUNDED | NEVER_NEGATIVE else None
        output = inputs[0]
    return None


def _listed(names):
    """The first few names in quotes, and the number of the others."""
    shown = ", ".join(map(repr, names[:6]))
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"


def _warn(sentence):
    warnings.warn(sentence, UserWarning, stacklevel=4)
