"""Exports the averaged generator as a single file: ONNX, LiteRT, or a Keras model."""

import os
import tempfile
from pathlib import Path

import keras

from kerasgan.export.saved_model import needs_tensorflow
from kerasgan.game.randomness import is_seed_state, noise_states
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.pictures.files import replacing

OPSET = 18


def export_as(model, path, format="savedmodel"):
    """Writes a trained model in one of `FORMATS`.

    Args:
        model: A `kerasgan.LatentModel` or `TranslationModel`.
        path: Path of a new folder for "savedmodel", otherwise of a file.
        format: Format "savedmodel", "onnx", "litert" or "keras".

    Raises:
        ValueError: If the format is unknown.
    """
    if format not in FORMATS:
        raise ValueError(f"format={format!r}; expected one of {', '.join(FORMATS)}.")
    FORMATS[format](model, path)


def export_onnx(model, path):
    """Writes the averaged generator as ONNX (operator set 18), for onnxruntime on servers, phones and in browsers.

    The inputs are `latents` (batch, latent_dim) float32 and, for a conditional model, `labels` (batch,) int32; for a
    translation model `images`. The output is `images`, or `translations` for a translation model, float32 in [-1, 1].
    The noise of a translation is that of seed 0.

    Args:
        model: Model, as for `export_as`.
        path: Path of the file.

    Raises:
        ModuleNotFoundError: If tf2onnx is not installed: `pip install kerasgan[export]`.
        RuntimeError: If the engine is not TensorFlow.
    """
    needs_tensorflow("onnx")
    try:
        import tf2onnx
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}. ONNX files need it: pip install 'kerasgan[export]'") from error
    function, specs, _ = _generator(model)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=OPSET)
    graph, name = proto.graph, "translations" if hasattr(model, "translators") else "images"
    for node in graph.node:  # tf2onnx names the output Identity:0
        node.output[:] = [name if output == graph.output[0].name else output for output in node.output]
    graph.output[0].name = name
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    with replacing(path) as file:
        file.write(proto.SerializeToString())


def export_litert(model, path):
    """Writes the averaged generator for LiteRT (TensorFlow Lite), with the signature `serving_default`.

    Args:
        model: Model, as for `export_as`. The inputs are those of `export_onnx`, the output is `images`.
        path: Path of the file.

    Raises:
        ValueError: If a translator draws noise, such as `Pix2Pix` with dropout, because LiteRT has no random numbers.
        RuntimeError: If the engine is not TensorFlow.
    """
    needs_tensorflow("litert")
    if draws_noise(model):
        raise ValueError(
            f"This {type(model).__name__} draws noise for its translations, but LiteRT has no random "
            "numbers. Export it as savedmodel, onnx or keras."
        )
    import tensorflow as tf

    function, specs, networks = _generator(model)
    module = tf.Module()
    module.weights = [v.value for network in networks for v in network.variables if not is_seed_state(v)]
    signature = tf.function(lambda *inputs: {"images": function(*inputs)}, autograph=False, input_signature=specs)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, {"serving_default": signature})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        content = converter.convert()
    with replacing(path) as file:
        file.write(content)


def export_keras(model, path):
    """Writes the averaged generator as a `.keras` file.

    `keras.saving.load_model` reads it on every engine. If it contains layers that are not part of Keras, import
    kerasgan first. Use `model.save` to write the complete model with its optimizers.

    Args:
        model: Model, as for `export_as`.
        path: Path of the file, which ends in `.keras`.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"`path` is {path}; expected a name that ends in .keras.")
    network = model.averages[model.translators[0]] if hasattr(model, "translators") else model.ema_generator
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    _with_keras_own_layers(network).save(partial)
    os.replace(partial, path)


def _with_keras_own_layers(network):
    """Returns a copy with Keras' batch normalization, which is equal at inference."""
    if not any(isinstance(layer, BatchNormalization) for layer in network._flatten_layers()):
        return network

    def plain(layer):
        if isinstance(layer, BatchNormalization):
            return keras.layers.BatchNormalization.from_config({**layer.get_config(), "synchronized": False})
        return type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=plain, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


def draws_noise(model):
    """Returns whether a translator needs random numbers in addition to its input."""
    return hasattr(model, "translators") and bool(noise_states(model.averages[model.translators[0]], 0))


def _generator(model):
    """Returns a function from the generator's inputs to images, the specs of the inputs, and the networks."""
    import tensorflow as tf

    if hasattr(model, "translators"):
        network = model.averages[model.translators[0]]

        def translate(images):
            with keras.StatelessScope(noise_states(network, 0)):
                return tf.cast(network(images, training=False), "float32")

        specs = [tf.TensorSpec(network.input.shape, "float32", "images")]
        return tf.function(translate, autograph=False, input_signature=specs), specs, [network]
    specs = [tf.TensorSpec((None, model.latent_dim), "float32", "latents")]
    for name, each in zip(model.conditions.kinds, model.conditions.inputs(), strict=True):
        specs.append(tf.TensorSpec((None, *each.shape[1:]), each.dtype, name))

    def generate(latents, *conditions):
        return tf.cast(model.sampled(latents, *conditions, fixed=True), "float32")

    return tf.function(generate, autograph=False, input_signature=specs), specs, [model.ema_generator]


FORMATS = {
    "savedmodel": lambda model, path: model.export(path),
    "onnx": export_onnx,
    "litert": export_litert,
    "keras": export_keras,
}
