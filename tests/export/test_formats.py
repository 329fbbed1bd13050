"""One file for other runtimes: each read back in a process that knows nothing of kerasgan."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerasgan import DCGAN, R3GAN, CycleGAN, Pix2Pix
from kerasgan.export import FORMATS, export_as
from kerasgan.export.single import in_single_precision
from kerasgan.export.warmup import requests, write_warmup

pytestmark = pytest.mark.tensorflow
READERS = """
import json
import sys
import numpy


def onnx(path, inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    assert [each.shape[0] for each in session.get_inputs()] == ["batch"] * len(inputs)
    return session.run(None, inputs)[0]


def litert(path, inputs):
    import tensorflow

    return tensorflow.lite.Interpreter(path).get_signature_runner("serving_default")(**inputs)["images"]


def keras(path, inputs):
    import keras

    values = list(inputs.values())
    return keras.saving.load_model(path).predict(values if len(values) > 1 else values[0], verbose=0)


worst = {}
for format, path in json.loads(sys.argv[1]).items():
    given = numpy.load(path + ".npz")
    images = globals()[format](path, {name: given[name] for name in given.files if name != "expected"})
    worst[format] = float(numpy.abs(images - given["expected"]).max())
assert not [name for name in sys.modules if name.startswith("kerasgan")]
print(json.dumps(worst))
"""


def read_back(paths, inputs, expected):
    """The largest differences of what another process makes of files, `{format: difference}`."""
    for path in paths.values():
        np.savez(f"{path}.npz", **inputs, expected=expected)
    paths = json.dumps({format: str(path) for format, path in paths.items()})
    result = subprocess.run([sys.executable, "-c", READERS, paths], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def conditional():
    """A model, its inputs and what comes of them: five samples, a batch that was never traced."""
    model = DCGAN((8, 8, 1), latent_dim=4, num_classes=3, width=4, kernel_size=4, seed=0)
    random = np.random.default_rng(0)
    model.ema_generator.set_weights([random.normal(0.2, 0.3, w.shape) ** 2 for w in model.ema_generator.get_weights()])
    inputs = {"latents": random.normal(size=(5, 4)).astype("float32"), "labels": np.arange(5, dtype="int32") % 3}
    return model, inputs, model.generate(list(inputs.values()))


@pytest.mark.slow
def test_a_conditional_generator_in_another_process(conditional, tmp_path):
    model, inputs, expected = conditional
    pytest.importorskip("tf2onnx")
    paths = {format: tmp_path / "out" / f"model.{format}" for format in ("onnx", "litert")}
    for format, path in paths.items():
        export_as(model, path, format)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.onnx", "model.litert"}
    assert max(read_back(paths, inputs, expected).values()) <= 1e-5


def test_a_keras_file(tmp_path):
    model = DCGAN((8, 8, 1), latent_dim=4, width=4, kernel_size=4, seed=0)
    latents = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    export_as(model, tmp_path / "generator.keras", "keras")
    images = keras.saving.load_model(tmp_path / "generator.keras").predict(latents, verbose=0)
    np.testing.assert_allclose(images, model.generate(latents), atol=1e-6)
    with pytest.raises(ValueError, match=r"ends in .keras"):
        export_as(model, tmp_path / "generator.h5", "keras")


@pytest.mark.slow
@pytest.mark.parametrize("family", [R3GAN, CycleGAN])
def test_further_families(family, tmp_path):
    pytest.importorskip("tf2onnx")
    random = np.random.default_rng(0)
    if family is CycleGAN:
        model = CycleGAN((16, 16, 3), width=4, blocks=1, discriminator_depth=1)
        inputs = {"images": random.uniform(-1, 1, (3, 16, 16, 3)).astype("float32")}
        expected = model.translate(inputs["images"])
    else:
        model = R3GAN((16, 16, 1), latent_dim=4, width=8, blocks=1, group_width=4)
        inputs = {"latents": random.normal(size=(3, 4)).astype("float32")}
        expected = model.generate(inputs["latents"])
    paths = {format: tmp_path / f"model.{format}" for format in ("onnx", "litert")}
    for format, path in paths.items():
        export_as(model, path, format)
    assert max(read_back(paths, inputs, expected).values()) <= 1e-5


@pytest.mark.slow
def test_a_keras_file_in_another_process(tmp_path):
    model = DCGAN((8, 8, 1), latent_dim=4, width=4, kernel_size=4, seed=0)
    latents = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    export_as(model, tmp_path / "model.keras", "keras")
    found = read_back({"keras": tmp_path / "model.keras"}, {"latents": latents}, model.generate(latents))
    assert found["keras"] <= 1e-5


def test_requests_to_warm_up_fit_the_signatures(conditional, tmp_path):
    pytest.importorskip("tensorflow_serving.apis")
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    model = conditional[0]
    model.export(tmp_path / "tiny" / "1")
    write_warmup(model, tmp_path / "tiny" / "1")
    path = str(tmp_path / "tiny" / "1" / "assets.extra" / "tf_serving_warmup_requests")
    logs = [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in tf.data.TFRecordDataset(path)]
    served = tf.saved_model.load(str(tmp_path / "tiny" / "1")).signatures
    asked = {log.predict_log.request.model_spec.signature_name: log.predict_log.request for log in logs}
    assert set(asked) == {"serving_default", "sample", "png"} == set(served)
    for name, request in asked.items():
        assert request.model_spec.name == "tiny"
        served[name](**{key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()})


def test_both_ways_of_a_translation_are_warmed_up():
    model = CycleGAN((8, 8, 3), width=2, blocks=1, discriminator_depth=1)
    assert set(requests(model, 2)) == {"serving_default", "to_y", "to_x"}


def test_unknown_formats_are_refused(conditional, tmp_path):
    with pytest.raises(ValueError, match="expected one of savedmodel, onnx, litert, keras"):
        export_as(conditional[0], tmp_path / "x", "pickle")
    from kerasgan.commands import main as cli

    assert tuple(FORMATS) == cli.FORMATS


@pytest.mark.tensorflow
def test_files_without_random_numbers_are_refused_where_noise_is_drawn(tmp_path):
    model = Pix2Pix((16, 16, 3), width=2, discriminator_depth=1)
    for format in ("onnx", "litert"):
        with pytest.raises(ValueError, match="draws noise .* Export it as 'savedmodel'"):
            export_as(model, tmp_path / "model", format)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_exported_in_float32(policy, tmp_path):
    model = DCGAN((8, 8, 1), latent_dim=4, width=2, seed=0, dtype=policy)
    latents = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    expected = model.generate(keras.ops.convert_to_tensor(latents))
    paths = {format: tmp_path / f"half.{ending}" for format, ending in (("onnx", "onnx"), ("litert", "tflite"))}
    for path in paths.values():
        export_as(model, path)
    differences = read_back(paths, {"latents": latents}, expected)
    assert max(differences.values()) < 0.01  # of the images in half precision
    single = in_single_precision(model)
    assert single.generator.layers[-1].compute_dtype == "float32" and in_single_precision(single) is single
    exact = read_back(paths, {"latents": latents}, single.generate(keras.ops.convert_to_tensor(latents)))
    assert max(exact.values()) < 1e-5


def test_what_cannot_be_loaded_again_is_not_written(tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = DCGAN((8, 8, 1), latent_dim=4, width=2, seed=0)

    def refused(*_, **__):
        raise RuntimeError("Type Error: bfloat16\nin line 2")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refused)
    with pytest.raises(ValueError, match="written as onnx, but cannot be loaded again: Type Error: bfloat16 Export it"):
        export_as(model, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []
