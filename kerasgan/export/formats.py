"""Export of the averaged generator as a single file: ONNX, LiteRT, or a Keras model."""

import contextlib
import os
import tempfile
from pathlib import Path

import keras

from kerasgan.data.kinds import Graphs, Tokens
from kerasgan.export.saved_model import needs_tensorflow
from kerasgan.export.single import in_single_precision
from kerasgan.game.randomness import is_seed_state, noise_states
from kerasgan.layers.convolutions import Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3DTranspose
from kerasgan.layers.leaky_relu import LeakyReLU
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.pictures.files import replacing

OPSET = 18
CONVOLUTIONS = (Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3DTranspose)
SYNONYMS = {"tflite": "litert", "saved_model": "savedmodel"}
ENDINGS = {".onnx": "onnx", ".tflite": "litert", ".litert": "litert", ".keras": "keras"}


def format_of(path, format=None):
    """Returns the export format: the given one, or that of the path's suffix; a folder is a SavedModel.

    Args:
        path: Path of the exported file or folder.
        format: One of `FORMATS` or `SYNONYMS`, or None.

    Raises:
        ValueError: If the format is unknown, or cannot be inferred from the suffix.
    """
    known = ", ".join(FORMATS)
    if format is None:
        ending = Path(path).suffix.lower()
        if ending and ending not in ENDINGS:
            raise ValueError(
                f"{path} ends in {ending}, which does not identify a format. Pass --format (format=), one of {known}, "
                f"or use a path that ends in {', '.join(ENDINGS)}, or has no suffix, for the folder of a SavedModel."
            )
        return ENDINGS.get(ending, "savedmodel")
    found = SYNONYMS.get(format, format)
    if found not in FORMATS:
        raise ValueError(f"format is {format!r}, expected one of {known}.")
    return found


def export_as(model, path, format=None):
    """Writes a trained model in one of `FORMATS` and loads it once as a check.

    Args:
        model: A `kerasgan.LatentModel` or `TranslationModel`. A half-precision model is exported in float32.
        path: Path of a new folder for "savedmodel", otherwise of a file.
        format: "savedmodel", "onnx", "litert" or "keras". None for the format of the path's suffix.

    Raises:
        ValueError: If the format is unknown, if the written model cannot be loaded, or for a model that continues
            films, unless the format is "savedmodel".
    """
    chosen = format_of(path, format)
    if chosen != "savedmodel" and not model.generates and not hasattr(model, "translators"):
        raise ValueError(f"`format` is {chosen!r}, but a {type(model).__name__} is exported as 'savedmodel' only.")
    FORMATS[chosen](in_single_precision(model), path)


def export_onnx(model, path):
    """Writes the averaged generator as ONNX (operator set 18), for onnxruntime on servers, phones and in browsers.

    The inputs are `latents` (batch, latent_dim) float32 and, for a conditional model, `labels` (batch,) int32; for a
    translation model `images`. The output is `images`, or `translations` for a translation model, float32 in [-1, 1].

    Args:
        model: Model, as for `export_as`.
        path: Path of the file.

    Raises:
        ModuleNotFoundError: If tf2onnx is not installed: `pip install kerasgan[export]`.
        RuntimeError: If the engine is not TensorFlow.
        ValueError: For a model of tokens or graphs, a model that continues films, or a translator that draws noise,
            such as `Pix2Pix` with dropout.
    """
    needs_tensorflow("onnx")
    _check_fits(model, "onnx")
    try:
        import tf2onnx
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}. ONNX files need it: pip install 'kerasgan[export]'") from error
    function, specs, _ = _generator(model)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=OPSET)
    graph, name = proto.graph, "translations" if not model.generates else "images"
    for node in graph.node:  # tf2onnx names the output Identity:0
        node.output[:] = [name if output == graph.output[0].name else output for output in node.output]
    graph.output[0].name = name
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    content = proto.SerializeToString()
    _check_onnx(content)
    with replacing(path) as file:
        file.write(content)


def export_litert(model, path):
    """Writes the averaged generator for LiteRT (TensorFlow Lite), with the signature `serving_default`.

    Args:
        model: Model, as for `export_as`. The inputs are those of `export_onnx`, the output is `images`.
        path: Path of the file.

    Raises:
        ValueError: For a model of tokens or graphs, a model that continues films, or a translator that draws noise,
            such as `Pix2Pix` with dropout.
        RuntimeError: If the engine is not TensorFlow.
    """
    needs_tensorflow("litert")
    _check_fits(model, "litert")
    import tensorflow as tf

    function, specs, networks = _generator(model)
    module = tf.Module()
    module.weights = [v.value for network in networks for v in network.variables if not is_seed_state(v)]
    signature = tf.function(lambda *inputs: {"images": function(*inputs)}, autograph=False, input_signature=specs)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, {"serving_default": signature})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        with _refusing("litert"):
            content = converter.convert()
    _check_litert(content)
    with replacing(path) as file:
        file.write(content)


def export_keras(model, path):
    """Writes the averaged generator as a `.keras` file.

    `keras.saving.load_model` can read it on every engine. If it contains layers that are not part of Keras, import
    kerasgan first. To write the complete model with its optimizers, use `model.save`.

    Args:
        model: Model, as for `export_as`.
        path: Path of the file, which ends in `.keras`.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"`path` is {path}; expected a name that ends in .keras.")
    network = model.averages[model.translators[0]] if not model.generates else model.ema_generator
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    try:
        _with_keras_own_layers(network).save(partial)
        with _refusing("keras"):
            keras.saving.load_model(partial, compile=False)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _with_keras_own_layers(network):
    """Returns a copy with Keras' own convolutions, batch normalization and leaky ReLU, which are equal in inference."""
    replaced = (BatchNormalization, LeakyReLU, *CONVOLUTIONS)
    if not any(isinstance(layer, replaced) for layer in network._flatten_layers()):
        return network

    def plain(layer):
        if isinstance(layer, BatchNormalization):
            return keras.layers.BatchNormalization.from_config({**layer.get_config(), "synchronized": False})
        if isinstance(layer, LeakyReLU):
            return keras.layers.LeakyReLU.from_config(layer.get_config())
        if isinstance(layer, CONVOLUTIONS):
            return getattr(keras.layers, type(layer).__name__).from_config(layer.get_config())
        return type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=plain, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


def draws_noise(model):
    """Returns whether a translator needs random numbers in addition to its input."""
    return not model.generates and bool(noise_states(model.averages[model.translators[0]], 0))


def _check_fits(model, format):
    """Rejects models that a single file cannot hold, before the converter fails with an unclear error."""
    kind = getattr(model, "sample_kind", None)
    reason = None
    if not model.generates and not hasattr(model, "translators"):
        reason = "continues films of any length"
    elif isinstance(kind, Tokens):
        reason = "draws one token after the other in a loop, which the converter cannot translate"
    elif isinstance(kind, Graphs):
        reason = "has two outputs, nodes and edges"
    elif draws_noise(model):
        reason = "draws noise for its translations, which such a file cannot"
    if reason:
        raise ValueError(f"`format` is {format!r}, but a {type(model).__name__} {reason}. Export it as 'savedmodel'.")


def _generator(model):
    """Returns a function from the generator's inputs to images, the specs of the inputs, and the networks."""
    import tensorflow as tf

    from kerasgan.game.engines.tensorflow import portable

    if not model.generates:
        network = model.averages[model.translators[0]]

        def translate(images):
            with portable():
                return tf.cast(network(images, training=False), "float32")

        specs = [tf.TensorSpec(network.input.shape, "float32", "images")]
        return tf.function(translate, autograph=False, input_signature=specs), specs, [network]
    specs = [tf.TensorSpec((None, model.latent_dim), "float32", "latents")]
    for name, each in zip(model.conditions.kinds, model.conditions.inputs(), strict=True):
        specs.append(tf.TensorSpec((None, *each.shape[1:]), each.dtype, name))

    def generate(latents, *conditions):
        with portable():
            return tf.cast(model.sampled(latents, *conditions, fixed=True), "float32")

    networks = [model.ema_generator, *(each for each in model.averages.values() if each is not model.ema_generator)]
    return tf.function(generate, autograph=False, input_signature=specs), specs, networks


def _check_onnx(content):
    """Loads an ONNX model as users will, if onnxruntime is installed."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return
    with _refusing("onnx"):
        onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def _check_litert(content):
    import tensorflow as tf

    with _refusing("litert"):
        tf.lite.Interpreter(model_content=content).allocate_tensors()


@contextlib.contextmanager
def _refusing(format):
    """Raises a clear error if the written model cannot be loaded, and deletes it."""
    try:
        yield
    except Exception as error:  # runtimes may raise anything
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"The model was written as {format}, but cannot be loaded again: {lines[0][:300]} Export it in another "
            f"format: {', '.join(FORMATS)}."
        ) from error


FORMATS = {
    "savedmodel": lambda model, path: model.export(path),
    "onnx": export_onnx,
    "litert": export_litert,
    "keras": export_keras,
}
