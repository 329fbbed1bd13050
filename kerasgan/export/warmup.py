"""Warm-up requests, which TensorFlow Serving runs when it loads a model, so that the first request is fast."""

import os
from pathlib import Path

import numpy as np


def write_warmup(model, folder, count=4):
    """Writes `assets.extra/tf_serving_warmup_requests` into a SavedModel, with one request per signature.

    Args:
        model: The exported model.
        folder: Folder of the SavedModel.
        count: Number of samples or images per request.

    Raises:
        ModuleNotFoundError: If tensorflow-serving-api is not installed: `pip install kerasgan[serve]`.
    """
    import tensorflow as tf

    try:
        from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}. Warm-up requests need it: pip install 'kerasgan[serve]'") from error
    path = Path(folder) / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with tf.io.TFRecordWriter(str(partial)) as writer:
        for signature, inputs in requests(model, count).items():
            request = predict_pb2.PredictRequest(
                model_spec=model_pb2.ModelSpec(name=Path(folder).parent.name, signature_name=signature),
                inputs={name: tf.make_tensor_proto(value) for name, value in inputs.items()},
            )
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
    os.replace(partial, path)


def requests(model, count):
    """Returns example inputs of each signature, `{signature: {input: array}}`."""
    if not model.generates and not hasattr(model, "translators"):
        frames, *frame = model.image_shape
        return {"serving_default": {"films": np.zeros((count, frames - 1, *frame), "float32")}}
    if not model.generates:
        shapes = [model.averages[name].input.shape[1:] for name in model.translators]
        images = [{"images": np.zeros((count, *shape), "float32")} for shape in shapes]
        both = dict(zip(model.translators, images, strict=True)) if len(images) > 1 else {}
        return {"serving_default": images[0], **both}
    conditions = {name: kind.examples(count) for name, kind in model.conditions.kinds.items()}
    options = {"truncation": np.float32(1.0)} if model.truncates else {}
    if model.inference(model.ema_generator).adds_noise:
        options["noise"] = np.float32(1.0)
    draw = {"num": np.int32(count), "seed": np.int64(0), **options, **conditions}
    latents = np.zeros((count, model.latent_dim), "float32")
    found = {"serving_default": {"latents": latents, **conditions}, "sample": draw}
    if model.sample_kind.writes_png:
        found["png"] = draw
    return found
