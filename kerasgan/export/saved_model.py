"""SavedModels for TensorFlow Serving: the averaged generators as graphs that need neither Keras nor kerasgan."""

import contextlib
import os
import tempfile
from pathlib import Path

import keras

from kerasgan.data.kinds import Audio
from kerasgan.game.randomness import TensorSeed, is_seed_state, noise_states
from kerasgan.game.sizes import any_size


def export_saved_model(model, folder):
    """Writes the averaged generator of a latent model as a SavedModel.

    It holds that generator's variables and these signatures, whose inputs and outputs have these names:

    * `serving_default(latents[, labels]) -> images`: latents float32 of shape (batch, latent_dim), with the noise of
      seed 0 where the generator adds noise.
    * `sample(num, seed[, truncation][, noise][, labels]) -> images`: the samples of `model.sample(num, seed, labels)`.
      `num` is an int32 scalar, `seed` an int64 scalar; neither may be negative. Models that can truncate take
      `truncation`, a float32 scalar (10 is none for normal latents, 1 for styles); generators that add noise take
      `noise`, the float32 scalar that it is multiplied by (1 for all of it, 0 for none).
    * `png(num, seed[, truncation][, noise][, labels]) -> png_bytes`: the same as PNG files, strings of shape (num,); -1
      is level 0, 1 is level 255. Only for images of 1 to 4 channels; the second or fourth is alpha.
    * `wav(num, seed[, truncation][, noise][, labels]) -> wav_bytes`: the same as WAV files of 16 bits, of a model of
      sounds.
    * Of a model of captions as characters `text(captions, seed) -> images`: strings of shape (batch,) and an int64
      scalar, as `model.sample(captions, seed)`. (The other signatures take the captions' ids.)
    * Of a model with an encoder `encode(images[, labels])`, `reconstruct(images[, labels])` and, where it has such a
      method, `features(images)`, as its methods.

    Images are float32 in [-1, 1] of shape (batch, *image_shape), or vectors where the model makes vectors; a model of
    graphs returns `nodes` and `edges`, int32, instead. A
    conditional model must be given all of its conditions, such as labels, int32 of shape (batch,) or (num,): a
    signature has no default values.

    Args:
        model: A `kerasgan.LatentModel`.
        folder: Path of a new or an empty folder. It is written under another name beside it and renamed when complete.

    Raises:
        RuntimeError: On another engine than TensorFlow.
        FileExistsError: If there is a file or a folder that is not empty.
    """
    served = model.served()
    networks = [*model.averages.values(), model.ema_generator, *(network for network, _ in served.values())]
    states = [getattr(model, name) for name in model.states]
    _write(folder, networks, states, lambda: _signatures(model) | _read_signatures(served, model.conditions.classes))


def export_translation(model, folder):
    """Writes the averaged generators of a translation model as a SavedModel.

    It holds these signatures, whose inputs and outputs have these names, one for each translator of the family:

    * `serving_default(images) -> images`: the translations of `model.translate(images, seed=0)`, to y. A family that
      goes both ways has the same as `to_y`, and `to_x` for the way back.
    * `translate(images, seed) -> images`: those of another seed, an int64 scalar of 0 or more, where the family has
      noise. It is that of the first batch of `model.translate`: give `batch_size` there for more images than that.

    Images are float32 in [-1, 1] of shape (batch, height, width, channels), of the training images' size or any other:
    what is no multiple of the model's `size_multiple` is mirrored at the bottom and at the right, and cut off again.
    (A generator with a layer that needs the size takes that of the training images only.)

    Args:
        model: a `kerasgan.TranslationModel`.
        folder: as for `export_saved_model`.

    Raises:
        RuntimeError: on another engine than TensorFlow.
        FileExistsError: if there is a file or a folder that is not empty.
    """
    _write(folder, [model.averages[name] for name in model.translators], [], lambda: _translations(model))


def export_prediction(model, folder):
    """Writes the averaged generator of a `kerasgan.FramePredictor` as a SavedModel.

    Its signature is `serving_default(films) -> images`: the next frames of `model.continue_video(films)`. Films are
    float32 in [-1, 1] of shape (batch, frames, height, width, channels), of at least `context` frames of any size.

    Args:
        model: A `kerasgan.FramePredictor`.
        folder: See `export_saved_model`.

    Raises:
        RuntimeError: On another engine than TensorFlow.
        FileExistsError: If there is a file or a folder that is not empty.
    """
    _write(folder, [model.ema_generator], [], lambda: {"serving_default": _prediction(model)})


def _prediction(model):
    import tensorflow as tf

    def predict(films):
        height, width = tf.shape(films)[2], tf.shape(films)[3]
        added = [-side % model.multiple for side in (height, width)]
        padded = tf.pad(films, [[0, 0], [0, 0], [0, added[0]], [0, added[1]], [0, 0]], "SYMMETRIC")
        return {"images": tf.cast(model.call(padded), "float32")[:, :height, :width]}

    films = tf.TensorSpec((None, None, None, None, model.channels), "float32", "films")
    return tf.function(predict, autograph=False, input_signature=[films])


def _write(folder, networks, states, signatures):
    """Writes a SavedModel of networks' variables and of the functions that `signatures()` makes of them."""
    needs_tensorflow("SavedModel")
    import tensorflow as tf

    folder = Path(folder).absolute()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not an empty folder. Export to a new one, or remove it first.")
    module = tf.Module()
    variables = [*(v for network in networks for v in network.variables if not is_seed_state(v)), *states]
    module.weights = [v.value for v in {id(v): v for v in variables}.values()]
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        complete = os.path.join(beside, "model")  # the temporary folder itself is closed to other users
        tf.saved_model.save(module, complete, signatures(), options)
        os.replace(complete, folder)


def needs_tensorflow(what):
    """Refuses to write what only TensorFlow can write."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"Only TensorFlow writes a {what}; the active Keras backend is {keras.backend.backend()!r}. "
            "Export the saved run in a process of its own: KERAS_BACKEND=tensorflow kerasgan export RUN OUT"
        )


def _checked(value, valid, message):
    """The value, once the condition holds; else an InvalidArgumentError."""
    import tensorflow as tf

    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(valid), [message])]):
        return tf.identity(value)


def _translations(model):
    """The functions to serve of a translation model by the name of their signature."""
    import tensorflow as tf

    def served(network, *seed_spec):
        with contextlib.suppress(ValueError):
            network = any_size(network)

        def translate(images, seed=0):
            if seed_spec:
                seed = _checked(seed, seed >= 0, "seed must not be negative.")
            height, width = tf.shape(images)[1], tf.shape(images)[2]
            padded = images
            if model.size_multiple > 1:
                multiple, smallest = model.size_multiple, model.smallest_size
                added = [tf.maximum(-side % multiple, smallest - side) for side in (height, width)]
                padded = tf.pad(images, [[0, 0], [0, added[0]], [0, added[1]], [0, 0]], "SYMMETRIC")
                padded.set_shape((None, *network.input.shape[1:]))
            with keras.StatelessScope(noise_states(network, seed)):
                made = tf.cast(network(padded, training=False), "float32")
            return {"images": made[:, : height * model.enlargement, : width * model.enlargement]}

        images = tf.TensorSpec(network.input.shape, "float32", "images")
        return tf.function(translate, autograph=False, input_signature=[images, *seed_spec])

    networks = {name: model.averages[name] for name in model.translators}
    first = networks[model.translators[0]]
    signatures = {"serving_default": served(first)}
    if len(networks) > 1:
        signatures |= {name: served(network) for name, network in networks.items()}
    if noise_states(first, 0):
        signatures["translate"] = served(first, tf.TensorSpec((), "int64", "seed"))
    return signatures


def _read_signatures(served, num_classes):
    """The functions of images [and labels] to serve, by the name of their signature."""
    import tensorflow as tf

    def signature(network, output):
        def read(images, labels=None):
            if labels is None:
                return {output: tf.cast(network(images, training=False), "float32")}
            labels = _checked_labels(labels, images, num_classes)
            return {output: tf.cast(network([images, labels], training=False), "float32")}

        specs = [tf.TensorSpec(network.inputs[0].shape, "float32", "images")]
        specs += [tf.TensorSpec((None,), "int32", "labels") for _ in network.inputs[1:]]
        return tf.function(read, autograph=False, input_signature=specs)

    return {name: signature(*what) for name, what in served.items()}


def _checked_labels(labels, samples, num_classes):
    """Labels, once there is one for each sample and they are classes."""
    import tensorflow as tf

    labels = _checked(labels, tf.shape(labels) == tf.shape(samples)[:1], "Give one label for each sample.")
    known = (labels >= 0) & (labels < num_classes)
    return _checked(labels, known, f"labels must be from 0 to {num_classes - 1}.")


def _signatures(model):
    """The functions to serve by the name of their signature."""
    import tensorflow as tf

    latents = [tf.TensorSpec((None, model.latent_dim), "float32", "latents")]
    draw = [tf.TensorSpec((), "int32", "num"), tf.TensorSpec((), "int64", "seed")]
    conditions = [
        tf.TensorSpec((None, *each.shape[1:]), each.dtype, name)
        for name, each in zip(model.conditions.kinds, model.conditions.inputs(), strict=True)
    ]
    inference, names = model.inference(model.ema_generator), list(model.conditions.kinds)
    truncation = [tf.TensorSpec((), "float32", "truncation")] if model.truncates else []
    noise = [tf.TensorSpec((), "float32", "noise")] if inference.adds_noise else []

    def checked(given, samples):
        values = dict(zip(names, given, strict=True))
        if "labels" in values:
            values["labels"] = _checked_labels(values["labels"], samples, model.conditions.kinds["labels"].num_classes)
        return list(values.values())

    def as_outputs(samples):
        named = samples if isinstance(samples, dict) else {"images": samples}
        return {name: part if part.dtype.is_integer else tf.cast(part, "float32") for name, part in named.items()}

    def generate(latents, *given):
        return as_outputs(model.sampled(latents, *checked(given, latents)))

    def sample(num, seed, *rest):
        num = _checked(num, num >= 0, "num must not be negative.")
        seed = _checked(seed, seed >= 0, "seed must not be negative.")
        given = list(rest)
        cut = given.pop(0) if truncation else None
        strength = given.pop(0) if noise else 1.0
        psi = cut if model.truncation_of != "latents" else None
        latents = model.draw_latents(num, TensorSeed(seed), cut if psi is None else None)
        samples = model.sampled(latents, *checked(given, latents), seed=seed, strength=strength, truncation=psi)
        return as_outputs(samples)

    def png(num, seed, *rest):
        levels = tf.round((sample(num, seed, *rest)["images"] + 1.0) * 127.5)
        # TensorFlow Serving's REST interface puts out a string as base64 only where its name ends in _bytes.
        return {"png_bytes": tf.io.encode_png(tf.saturate_cast(levels, "uint8"))}

    def wav(num, seed, *rest):
        sounds, rate = sample(num, seed, *rest)["images"], model.sample_kind.rate
        encoded = tf.map_fn(lambda one: tf.audio.encode_wav(one, rate), sounds, fn_output_signature=tf.string)
        return {"wav_bytes": encoded}

    def signature(function, *specs):
        return tf.function(function, autograph=False, input_signature=specs)

    def text(captions, seed):
        seed = _checked(seed, seed >= 0, "seed must not be negative.")
        latents = model.draw_latents(tf.shape(captions)[0], TensorSeed(seed))
        ids = model.conditions.spec.tensorflow_encode(captions)
        return as_outputs(model.sampled(latents, ids, seed=seed))

    drawn = [*draw, *truncation, *noise, *conditions]
    signatures = {"serving_default": signature(generate, *latents, *conditions), "sample": signature(sample, *drawn)}
    if model.sample_kind.writes_png:
        signatures["png"] = signature(png, *drawn)
    if isinstance(model.sample_kind, Audio):
        signatures["wav"] = signature(wav, *drawn)
    if hasattr(model.conditions.spec, "tensorflow_encode"):
        signatures["text"] = signature(text, tf.TensorSpec((None,), "string", "captions"), draw[1])
    return signatures
