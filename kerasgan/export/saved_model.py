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

    It contains the generator's variables and the following signatures, with these names of inputs and outputs:

    * `serving_default(latents[, labels]) -> images`: latents float32 of shape (batch, latent_dim), with the noise of
      seed 0 if the generator adds noise.
    * `sample(num, seed[, truncation][, noise][, labels]) -> images`: the samples of `model.sample(num, seed, labels)`.
      `num` is an int32 scalar, `seed` an int64 scalar; neither may be negative. Models with truncation take
      `truncation`, a float32 scalar (no truncation is 10 for normal latents, 1 for styles); generators that add noise
      take `noise`, a float32 scalar factor of the noise (1 for full noise, 0 for none).
    * `png(num, seed[, truncation][, noise][, labels]) -> png_bytes`: the same as PNG files, strings of shape (num,); -1
      is level 0, 1 is level 255. Only for images of 1 to 4 channels; the second or fourth is alpha.
    * `wav(num, seed[, truncation][, noise][, labels]) -> wav_bytes`: the same as 16-bit WAV files, for a model of
      sounds.
    * `text(captions, seed) -> images`, for a model with captions as characters: the images of
      `model.sample(captions, seed)`, for strings of shape (batch,) and an int64 scalar. (The other signatures take the
      captions' ids.)
    * `encode(images[, labels])`, `reconstruct(images[, labels])` and, if the model has this method, `features(images)`,
      for a model with an encoder: the same as its methods.

    Images are float32 in [-1, 1] of shape (batch, *image_shape), or vectors if the model generates vectors; a model of
    graphs returns `nodes` and `edges`, int32, instead. A conditional model requires all of its conditions, such as
    labels, int32 of shape (batch,) or (num,): a signature has no default values.

    Args:
        model: A `kerasgan.LatentModel`.
        folder: Path of a new or an empty folder. It is first written next to it under another name and renamed when
            complete.

    Raises:
        RuntimeError: If the engine is not TensorFlow.
        FileExistsError: If the path is a file or a non-empty folder.
    """
    served = model.served()
    networks = [*model.averages.values(), model.ema_generator, *(network for network, _ in served.values())]
    states = [getattr(model, name) for name in model.states]
    _write(folder, networks, states, lambda: _signatures(model) | _read_signatures(served, model.conditions.classes))


def export_translation(model, folder):
    """Writes the averaged generators of a translation model as a SavedModel.

    It contains the following signatures, with these names of inputs and outputs, one for each translator of the family:

    * `serving_default(images) -> images`: the translations of `model.translate(images, seed=0)`, to y. A family with
      both directions has the same as `to_y`, and `to_x` for the opposite direction.
    * `translate(images, seed) -> images`: those of another seed, a non-negative int64 scalar, if the family has noise.
      The noise is that of the first batch of `model.translate`: to compare more images, increase `batch_size` there.

    Images are float32 in [-1, 1] of shape (batch, height, width, channels), of the training images' size or any other:
    sides that are not multiples of the model's `size_multiple` are padded by reflection at the bottom and at the right,
    and cropped again. (A generator with a layer that needs a fixed size only takes images of the training size.)

    Args:
        model: A `kerasgan.TranslationModel`.
        folder: See `export_saved_model`.

    Raises:
        RuntimeError: If the engine is not TensorFlow.
        FileExistsError: If the path is a file or a non-empty folder.
    """
    _write(folder, [model.averages[name] for name in model.translators], [], lambda: _translations(model))


def export_prediction(model, folder):
    """Writes the averaged generator of a `kerasgan.FramePredictor` as a SavedModel.

    It has the signature `serving_default(films) -> images`: the next frames of `model.continue_video(films)`. Films are
    float32 in [-1, 1] of shape (batch, frames, height, width, channels), of at least `context` frames of any size.

    Args:
        model: A `kerasgan.FramePredictor`.
        folder: See `export_saved_model`.

    Raises:
        RuntimeError: If the engine is not TensorFlow.
        FileExistsError: If the path is a file or a non-empty folder.
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
    """Writes a SavedModel with the networks' variables and the functions returned by `signatures()`."""
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
        complete = os.path.join(beside, "model")  # the temporary folder itself is not accessible to other users
        tf.saved_model.save(module, complete, signatures(), options)
        os.replace(complete, folder)


def needs_tensorflow(what):
    """Raises an error unless the engine is TensorFlow, which is needed to write `what`."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"Only TensorFlow can write a {what}; the active Keras backend is {keras.backend.backend()!r}. Export the "
            "saved run in a separate process: KERAS_BACKEND=tensorflow kerasgan export RUN OUT"
        )


def _checked(value, valid, message):
    """The value if the condition holds; otherwise an InvalidArgumentError."""
    import tensorflow as tf

    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(valid), [message])]):
        return tf.identity(value)


def _translations(model):
    """The functions of a translation model to serve, by the name of their signature."""
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
    """Labels, after checking that there is one for each sample and that they are classes."""
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
        # TensorFlow Serving's REST interface encodes a string as base64 only if its name ends in _bytes.
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
