"""Exported SavedModels, judged by a process that can import neither Keras nor kerasgan."""

import io
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan import CGAN, DCGAN, GAN

SMALL = {"latent_dim": 8, "units": 16, "maxout_units": 4}
MODELS = {
    "gan": lambda: GAN((8, 8, 1), **SMALL),
    "cgan": lambda: CGAN((8, 8, 1), 10, latent_dim=8, units=(8, 8, 16), maxout_units=(4, 4, 4)),
    "dcgan": lambda: DCGAN((8, 8, 3), latent_dim=8, latent_range=None, width=4),
    "labelled_dcgan": lambda: DCGAN((8, 12, 1), latent_dim=8, num_classes=3, width=4),
    "two_channels": lambda: GAN((4, 4, 2), **SMALL),
    "vectors": lambda: GAN((2,), **SMALL),
    "bfloat16": lambda: DCGAN((8, 8, 1), latent_dim=8, width=4),
}
CONDITIONAL = {"cgan": 10, "labelled_dcgan": 3}
DRAWS = [(1, 0), (17, 7), (3, 7), (3, 8), (3, 2**31 - 3), (3, 2**31 - 1), (3, 2**32 + 5), (100, 2**63 - 1)]
BATCHES = (1, 3, 17)

SERVE = """
import json, sys
sys.modules["keras"] = sys.modules["kerasgan"] = None  # `import tensorflow` looks for Keras by itself
import numpy as np
import tensorflow as tf

root, draws, batches = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])

def shapes(specs):
    return {name: [spec.dtype.name, spec.shape.as_list()] for name, spec in specs.items()}

def refused(signature, **inputs):
    try:
        signature(**inputs)
    except tf.errors.InvalidArgumentError as error:
        return error.message
    return "accepted"

for name in sys.argv[4:]:
    given = np.load(f"{root}/{name}.npz")
    serve = tf.saved_model.load(f"{root}/{name}/1").signatures
    sample, results = serve["sample"], {}

    def labels(count, place=None, value=0):
        if "labels" not in given:
            return {}
        chosen = given["labels"][:count].copy()
        if place is not None:
            chosen[place] = value
        return {"labels": tf.constant(chosen)}

    def draw(num, seed, **labels):
        free = {"truncation": tf.constant(10.0)} if "truncation" in sample.structured_input_signature[1] else {}
        return {"num": tf.constant(num), "seed": tf.constant(seed, tf.int64), **free, **labels}

    for num, seed in draws:
        results[f"sample {num} {seed}"] = sample(**draw(num, seed, **labels(num)))["images"]
    results["again"] = sample(**draw(3, 7, **labels(3)))["images"]
    for batch in batches:
        results[f"served {batch}"] = serve["serving_default"](
            latents=tf.constant(given["latents"][:batch]), **labels(batch)
        )["images"]
    if "png" in serve:
        results["png"] = serve["png"](**draw(3, 7, **labels(3)))["png_bytes"]
    np.savez(f"{root}/{name}-served.npz", **{
        key: np.array(list(value.numpy())) for key, value in results.items()
    })
    answers = {
        "seed": refused(sample, **draw(3, -1, **labels(3))),
        "num": refused(sample, **draw(-1, 3, **labels(0))),
    }
    if "labels" in given:
        answers["too few"] = refused(sample, **draw(3, 0, **labels(2)))
        answers["negative"] = refused(sample, **draw(3, 0, **labels(3, 1, -1)))
        answers["too large"] = refused(
            serve["serving_default"],
            latents=tf.constant(given["latents"][:3]),
            **labels(3, 2, int(given["num_classes"])),
        )
    variables = tf.train.list_variables(f"{root}/{name}/1/variables/variables")
    facts = {
        "signatures": {
            key: [shapes(value.structured_input_signature[1]), shapes(value.structured_outputs)]
            for key, value in serve.items()
        },
        "variables": sorted(shape for key, shape in variables if key.endswith("VARIABLE_VALUE")),
        "refused": answers,
    }
    with open(f"{root}/{name}.json", "w") as file:
        json.dump(facts, file)

assert not any(name.split(".")[0] in ("keras", "kerasgan") and sys.modules[name] for name in sys.modules)
"""


def scatter(network):
    """Moves every weight, so that batch statistics and biases matter and the average is not the generator."""
    generator = np.random.default_rng(0)
    for variable in network.variables:
        if "float" in variable.dtype:
            value = keras.ops.convert_to_numpy(variable)
            variable.assign(value + generator.uniform(-0.3, 0.3, value.shape))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """{name: (model, what was given, what the other process served, what it said)}; all in one process, for time."""
    root, models = tmp_path_factory.mktemp("exports"), {}
    for name, make in MODELS.items():
        keras.config.set_dtype_policy("mixed_bfloat16" if name == "bfloat16" else "float32")
        model = models[name] = make()
        scatter(model.ema_generator)
        model.export(root / name / "1")
        given = {"latents": np.random.default_rng(1).uniform(-1, 1, (17, 8)).astype("float32")}
        if name in CONDITIONAL:
            given["num_classes"] = CONDITIONAL[name]
            given["labels"] = np.random.default_rng(2).integers(0, CONDITIONAL[name], 100, "int32")
        np.savez(root / f"{name}.npz", **given)
    keras.config.set_dtype_policy("float32")
    quiet = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    arguments = [str(root), json.dumps(DRAWS), json.dumps(BATCHES), *MODELS]
    subprocess.run([sys.executable, "-c", SERVE, *arguments], check=True, cwd=root, env=quiet, timeout=300)
    return {
        name: (
            model,
            dict(np.load(root / f"{name}.npz")),
            dict(np.load(root / f"{name}-served.npz")),
            json.loads((root / f"{name}.json").read_text()),
        )
        for name, model in models.items()
    }


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MODELS)
def test_serves_what_the_model_draws_and_predicts(served, name):
    model, given, results, _ = served[name]
    # In bfloat16 the two processes, with and without oneDNN, may round to neighbouring numbers.
    tolerance = 0.02 if name == "bfloat16" else 1e-6
    labels = given.get("labels")
    for num, seed in DRAWS:
        drawn = results[f"sample {num} {seed}"]
        assert drawn.dtype == "float32"
        expected = model.sample(num, seed, None if labels is None else labels[:num])
        np.testing.assert_allclose(drawn, expected, rtol=0, atol=tolerance)
        raw = model.sample(num, seed, None if labels is None else labels[:num], ema=False)
        assert np.abs(drawn - raw).max() > 0.05  # the control: the generator in training would not pass
    for batch in BATCHES:
        latents = given["latents"][:batch]
        expected = model.predict(latents if labels is None else [latents, labels[:batch]], verbose=0)
        np.testing.assert_allclose(results[f"served {batch}"], expected, rtol=0, atol=tolerance)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MODELS)
def test_seed_decides(served, name):
    _, _, results, _ = served[name]
    np.testing.assert_array_equal(results["again"], results["sample 3 7"])
    assert np.abs(results["sample 3 8"] - results["sample 3 7"]).max() > 0.01


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MODELS)
def test_signatures(served, name):
    model, _, _, facts = served[name]
    labels = {"labels": ["int32", [None]]} if name in CONDITIONAL else {}
    free = {"truncation": ["float32", []]} if name == "dcgan" else {}  # the others have uniform latents
    draw = {"num": ["int32", []], "seed": ["int64", []], **free, **labels}
    images = {"images": ["float32", [None, *model.image_shape]]}
    expected = {
        "serving_default": [{"latents": ["float32", [None, 8]], **labels}, images],
        "sample": [draw, images],
    }
    if name != "vectors":
        expected["png"] = [draw, {"png_bytes": ["string", [None]]}]
    assert facts["signatures"] == expected


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MODELS)
def test_holds_the_averaged_generator_and_nothing_else(served, name):
    model, _, _, facts = served[name]
    weights = [list(variable.shape) for variable in model.ema_generator.variables if "float" in variable.dtype]
    assert facts["variables"] == sorted(weights)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("two_channels", "vectors")])
def test_png_holds_the_pixels(served, name):
    model, _, results, _ = served[name]
    pixels = np.clip(np.round((results["sample 3 7"].astype("float64") + 1) * 127.5), 0, 255)
    pictures = [Image.open(io.BytesIO(encoded)) for encoded in results["png"]]
    assert [picture.mode for picture in pictures] == ["RGB" if model.image_shape[-1] == 3 else "L"] * 3
    np.testing.assert_array_equal([np.array(p).reshape(model.image_shape) for p in pictures], pixels)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MODELS)
def test_refuses_requests(served, name):
    _, _, _, facts = served[name]
    expected = {"seed": "seed must not be negative.", "num": "num must not be negative."}
    if name in CONDITIONAL:
        known = f"labels must be from 0 to {CONDITIONAL[name] - 1}."
        expected.update({"too few": "Give one label for each sample.", "negative": known, "too large": known})
    assert facts["refused"].keys() == expected.keys()
    for case, sentence in expected.items():
        assert sentence in facts["refused"][case], case


@pytest.fixture
def model():
    return GAN((2,), latent_dim=2, units=2, maxout_units=2)


@pytest.mark.tensorflow
def test_refuses_what_exists(model, tmp_path):
    (tmp_path / "full").mkdir()
    for path in (tmp_path / "full" / "mine", tmp_path / "file"):
        path.write_text("precious")
    for name in ("full", "file"):
        with pytest.raises(FileExistsError, match=f"{name} exists and is not an empty folder"):
            model.export(tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "mine"]
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.tensorflow
def test_writes_the_folder_and_nothing_beside(model, tmp_path):
    (tmp_path / "empty").mkdir()
    model.export(tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert (tmp_path / "empty" / "saved_model.pb").exists()
    (tmp_path / "other").mkdir()  # a server of another user must be able to read it
    assert (tmp_path / "empty").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.tensorflow
def test_failure_leaves_nothing(model, tmp_path, monkeypatch):
    import tensorflow as tf

    def fill_the_disk(module, folder, *signatures_and_options):
        os.makedirs(f"{folder}/variables")
        with open(f"{folder}/saved_model.pb", "w") as file:
            file.write("half")
        raise OSError("no space left")

    monkeypatch.setattr(tf.saved_model, "save", fill_the_disk)
    with pytest.raises(OSError, match="no space left"):
        model.export(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow can")
def test_another_engine_says_where_to_export(model, tmp_path):
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=tensorflow kerasgan export RUN OUT"):
        model.export(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
