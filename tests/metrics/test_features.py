"""Feature nets: the numbers that they promise, on both engines, and refusal of what they cannot judge."""

import hashlib
import json
import random
import shutil

import keras
import numpy as np
import pytest

from kerasgan import data, metrics
from kerasgan.data.builders import DATASETS
from kerasgan.metrics import features as spaces
from kerasgan.metrics.features import CLASSIFIERS, NAMES, classifier, extract, get, name_of
from kerasgan.metrics.features.classifier import Classifier
from kerasgan.metrics.features.drawn import views
from kerasgan.metrics.features.inception import inception_2015
from kerasgan.metrics.features.random_conv import RandomConvolutions
from kerasgan.zoo import preset as presets

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def noise(*shape):
    return np.random.default_rng(1).uniform(-1, 1, shape).astype("float32")


def convolved(x, kernel):
    """ReLU of a 3x3 convolution of stride 2 with the padding that TensorFlow calls SAME, in float64."""
    pads = [max((-(-size // 2) - 1) * 2 + 3 - size, 0) for size in x.shape[1:3]]
    x = np.pad(x, [(0, 0), *((pad // 2, pad - pad // 2) for pad in pads), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))[:, ::2, ::2]
    return np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel.astype("float64")), 0)


@pytest.mark.parametrize("size", [(8, 8), (13, 10)])
def test_random_convolutions_are_those_of_a_float64_reference_on_both_engines(size):
    stream = np.random.RandomState(0)
    x, expected = images, [] = noise(3, *size, 3), []
    for inside, outside in ((3, 32), (32, 64), (64, 128)):
        kernel = (stream.standard_normal((3, 3, inside, outside)) * np.sqrt(2 / (9 * inside))).astype("float32")
        x = convolved(x, kernel)
        expected.append(x.mean(axis=(1, 2)))
    found = get("random-conv-seed0")(images)
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), atol=1e-5, rtol=1e-5)


def test_many_images_come_in_batches_and_grey_is_rgb():
    net, images = get("random-conv-seed0"), noise(130, 8, 8, 1)
    assert (net.name, net(images).shape) == ("random-conv-seed0", (130, 224))
    np.testing.assert_allclose(net(images)[-3:], net(images[-3:]), atol=1e-6)
    np.testing.assert_array_equal(net(images), net(np.repeat(images, 3, axis=-1)))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_networks_know_neither_the_dtype_policy_nor_random_numbers(policy):
    expected = get("random-conv-seed0")(noise(4, 8, 8, 1)), get(CLASSIFIERS[0])(noise(4, 8, 8, 1))
    keras.config.set_dtype_policy(policy)
    states = random.getstate(), np.random.get_state()[1].tolist()
    built = RandomConvolutions(), Classifier(CLASSIFIERS[0])
    for net, numbers in zip(built, expected, strict=True):
        np.testing.assert_array_equal(net(noise(4, 8, 8, 1)), numbers)
    assert states == (random.getstate(), np.random.get_state()[1].tolist())


def test_the_digits_classifier_is_as_good_as_its_card_says():
    x, y = data.load("digits", "test", as_numpy=True)
    net = get("classifier-digits-v1")
    probabilities = net.classify(x)
    assert probabilities.shape == (899, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    accuracy = (probabilities.argmax(axis=1) == y).mean()
    published = presets.read("classifier-digits-v1").metadata
    assert accuracy == pytest.approx(published["test_accuracy"]["label"], abs=0.0012)
    assert accuracy >= 0.985
    assert hashlib.sha256(x.tobytes()).hexdigest() == published["data"]["test_sha256"]
    # The same digits larger are read as well; upside down (the negative control) they are not.
    larger = data.prepare(x, 16, (-1, 1))
    assert net.resizing(larger.shape[1:]) == "16×16 resized to 8×8 by Lanczos-3"
    assert (net.classify(larger).argmax(axis=1) == y).mean() > 0.97
    assert (net.classify(x[:, ::-1]).argmax(axis=1) == y).mean() < 0.6


def test_the_sprites_classifier_reads_every_factor():
    from benchmarks.classifiers import sprite_targets

    arrays = DATASETS["sprites"]("grey").some("test", 200)
    net, images = get("classifier-sprites-v1"), data.prepare(arrays["image"])
    for head, target in sprite_targets(arrays).items():
        right = net.classify(images, head).argmax(axis=1) == target
        assert right.mean() > 0.9, head


def test_solids_are_classified_by_views_of_them(monkeypatch, tmp_path):
    arguments = {"image_shape": [8, 8, 3], "heads": {"label": 4}, "widths": [2], "features": 3}
    network = classifier.build(**arguments, initializer="he_normal")
    config = {"class": "Classifier", "arguments": {**arguments, "drawing": "views"}}
    presets.write(tmp_path / "classifier-solids", network, config, {}, "# classifier-solids\n")
    net, solids = Classifier("classifier-solids", tmp_path), noise(5, 8, 8, 8, 1) > 0
    found, probabilities = net(solids), net.classify(solids)
    assert net.resizing(solids.shape[1:]) == "views from three sides of 8×8×8×1"
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    monkeypatch.setattr(classifier, "AT_ONCE", 2)
    np.testing.assert_array_equal(net(solids), found)
    with pytest.raises(ValueError, match="expected solids"):
        net(noise(2, 8, 8, 1))
    net._draw = None
    np.testing.assert_array_equal(net(views(solids)[:, 0]), found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["glyphs", "sprites"])
def test_the_larger_classifiers_are_as_good_as_their_cards_say(name):
    from benchmarks.classifiers import images_of, targets

    if DATASETS[name]().requires():
        pytest.skip(DATASETS[name]().requires())
    published = presets.read(f"classifier-{name}-v1").metadata
    images = images_of(name, "test")
    outputs = get(f"classifier-{name}-v1").outputs(images)
    if hashlib.sha256(images.tobytes()).hexdigest() != published["data"]["test_sha256"]:
        pytest.skip("this machine has other fonts")
    for head, target in targets(name, "test").items():
        accuracy = (outputs[head].argmax(axis=1) == target).mean()
        assert accuracy == pytest.approx(published["test_accuracy"][head], abs=0.001)


def test_every_classifier_is_small_and_whole():
    assert set(CLASSIFIERS) <= set(presets.names())
    for name in CLASSIFIERS:
        preset = presets.read(name)
        assert preset.weights.stat().st_size < 2e6
        assert {"command", "data", "seed", "test_accuracy"} <= preset.metadata.keys()
        assert (preset.weights.parent / "README.md").read_text("utf-8").startswith(f"# {name}\n")


def damaged(tmp_path, file, change):
    shutil.copytree(presets.ROOT / "classifier-digits-v1", tmp_path / "classifier-digits-v1")
    path = tmp_path / "classifier-digits-v1" / file
    content = bytearray(path.read_bytes())
    path.write_bytes(change(content))
    return tmp_path


def flipped(content):
    content[len(content) // 2] ^= 1
    return content


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("model.weights.h5", flipped, "is not the file that was published"),
        ("model.weights.h5", lambda content: content[:-100], "is not the file that was published"),
        ("config.json", lambda content: content.replace(b"64", b"32"), "config.json is not the file"),
        ("metadata.json", lambda content: content[:-9], "is damaged"),
    ],
)
def test_a_damaged_preset_is_refused(tmp_path, file, change, message):
    with pytest.raises(ValueError, match=message):
        Classifier("classifier-digits-v1", damaged(tmp_path, file, change))


def test_presets_of_other_names_and_kinds_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no preset '\.\./presets'; expected one of .*classifier-digits-v1"):
        presets.read("../presets")
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    presets.write(tmp_path / "other", network, {"class": "Generator"}, {}, "")
    assert json.loads((tmp_path / "other" / "metadata.json").read_text())["parameters"] == 3
    with pytest.raises(ValueError, match="is a Generator; expected a Classifier"):
        Classifier("other", tmp_path)
    (tmp_path / "other" / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match="cannot be read"):
        presets.read("other", tmp_path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (noise(2, 64), r"shape \(2, 64\); expected \(n, height, width, 1\)"),
        (noise(2, 8, 8, 3), "random-conv-seed0' takes grey and RGB"),
        (noise(2, 8, 8, 1) * 255, r"expected values in \[-1, 1\]"),
        (noise(2, 8, 8, 1) * np.nan, "NaN or infinite"),
        (noise(0, 8, 8, 1), r"shape \(0, 8, 8, 1\)"),
    ],
)
def test_what_a_network_cannot_judge_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        get("classifier-digits-v1")(images)


def test_features_by_name_by_object_and_by_function():
    net, images = get("random-conv-seed0"), noise(3, 8, 8, 1)
    np.testing.assert_array_equal(extract("random-conv-seed0", images), extract(net, images))
    assert get("random-conv-seed0") is net
    assert [name_of(each) for each in ("pixels", net, spaces.pixels)] == ["pixels", net.name, "pixels"]
    assert metrics.frechet_distance(images, images, features=net) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="'inception' is unknown; expected one of 'pixels', 'random-conv-seed0'"):
        extract("inception", images)
    with pytest.raises(ValueError, match="has no head 'label'; expected one of: none"):
        net.classify(images)


# The Inception network of 2015, as a tiny graph with its names ------------------------------------------------------


def tiny_inception(path, align_corners=False):
    """A graph with the names and the preparation of classify_image_graph_def.pb, and four features.

    Like that one it is of a version whose batch normalisation TensorFlow has retired since.
    """
    import tensorflow as tf

    values = np.random.default_rng(0)
    weights = values.normal(size=(4, 5)).astype("float32")
    kernel = values.normal(size=(1, 1, 3, 4)).astype("float32")
    moments = [values.uniform(0.5, 1.5, 4).astype("float32") for _ in range(4)]
    with tf.Graph().as_default() as graph:
        one = tf.compat.v1
        contents = one.placeholder(tf.string, (), name="DecodeJpeg/contents")
        decoded = tf.raw_ops.DecodeJpeg(contents=contents, channels=3, name="DecodeJpeg")
        batch = one.expand_dims(tf.cast(decoded, tf.float32, name="Cast"), 0, name="ExpandDims")
        resized = one.image.resize_bilinear(batch, (299, 299), align_corners=align_corners, name="ResizeBilinear")
        scaled = tf.multiply(tf.subtract(resized, 128.0, name="Sub"), 1 / 128, name="Mul")
        convolved = tf.nn.conv2d(scaled, kernel, 1, "VALID", name="conv")
        for name, value in zip(("mean", "variance", "beta", "gamma"), moments, strict=True):
            tf.constant(value, name=name)
        normal = tf.identity(convolved, name="normal")
        pooled = tf.nn.avg_pool2d(tf.nn.relu(normal, name="relu"), 299, 1, "VALID", name="pool_3")
        flat = tf.reshape(pooled, (-1, 4), name="pool_3/_reshape")
        logits = tf.matmul(flat, tf.constant(weights, name="softmax/weights"), name="softmax/logits/MatMul")
        tf.nn.softmax(tf.add(logits, 3.0 * np.arange(5, dtype="float32"), name="softmax/logits"), name="softmax")
    definition = graph.as_graph_def()
    definition.versions.producer, definition.versions.min_consumer = 8, 0
    (node,) = (node for node in definition.node if node.name == "normal")
    node.op = "BatchNormWithGlobalNormalization"
    node.input[:] = ["conv", "mean", "variance", "beta", "gamma"]
    node.attr["variance_epsilon"].f, node.attr["scale_after_normalization"].b = 0.001, True
    path.write_bytes(definition.SerializeToString())
    return kernel, moments, weights, hashlib.sha256(path.read_bytes()).hexdigest()


def bilinear(images, size):
    """TensorFlow 1's: pixel i of the result is at i * old / new of the image, and nothing is averaged."""
    for axis in (1, 2):
        old = images.shape[axis]
        places = np.arange(size) * (old / size)
        low = places.astype(int)
        high, share = np.minimum(low + 1, old - 1), places - low
        share = np.expand_dims(share, tuple(k for k in range(4) if k != axis))
        images = images.take(low, axis) * (1 - share) + images.take(high, axis) * share
    return images


@pytest.mark.tensorflow
def test_inception_prepares_computes_and_scores_as_the_reference(tmp_path, monkeypatch):
    path = tmp_path / "graph.pb"
    kernel, (mean, variance, beta, gamma), weights, sha256 = tiny_inception(path)
    images = noise(3, 12, 9, 3)
    x = (bilinear(np.rint((images + 1.0) * 127.5).astype("float64"), 299) - 128) / 128
    x = (x @ kernel[0, 0] - mean) / np.sqrt(variance + 0.001) * gamma + beta
    expected = np.maximum(x, 0).mean(axis=(1, 2))
    net = inception_2015(path, sha256.upper())
    np.testing.assert_allclose(net(images), expected, rtol=1e-4)
    assert net.resizing((12, 9, 3)) == "12×9 in 8 bits, resized to 299×299: bilinear, not antialiased"
    exponentials = np.exp(expected @ weights)
    np.testing.assert_allclose(net.classify(images), exponentials / exponentials.sum(1, keepdims=True), rtol=1e-3)
    monkeypatch.setenv("KERASGAN_INCEPTION", str(path))
    monkeypatch.setenv("KERASGAN_INCEPTION_SHA256", sha256)
    assert get("inception-2015") is net
    report = metrics.evaluate(noise(40, 8, 8, 1), noise(20, 8, 8, 1), metrics=("fid",), features="inception-2015")
    assert str(report).startswith("FID (features inception-2015, real 20 of the given samples, fake 20, 8×8 in 8 bits")


@pytest.mark.tensorflow
def test_inception_is_refused_if_it_may_be_something_else(tmp_path, monkeypatch):
    monkeypatch.delenv("KERASGAN_INCEPTION", raising=False)
    monkeypatch.delenv("KERASGAN_INCEPTION_SHA256", raising=False)
    path = tmp_path / "graph.pb"
    *_, sha256 = tiny_inception(path)
    with pytest.raises(ValueError, match="set KERASGAN_INCEPTION to"):
        get("inception-2015")
    with pytest.raises(ValueError, match=f"The SHA-256 of .* is {sha256}.*set KERASGAN_INCEPTION_SHA256"):
        inception_2015(path)
    with pytest.raises(ValueError, match="is damaged or"):
        inception_2015(path, "0" * 64)
    with pytest.raises(ValueError, match="cannot be read"):
        inception_2015(tmp_path / "missing.pb", sha256)
    *_, other = tiny_inception(path, align_corners=True)
    with pytest.raises(ValueError, match="does not prepare images"):
        inception_2015(path, other)
    path.write_bytes(b"no graph")
    with pytest.raises(ValueError, match="is not the Inception graph of 2015"):
        inception_2015(path, hashlib.sha256(b"no graph").hexdigest())


@pytest.mark.skipif(ON_TENSORFLOW, reason="TensorFlow runs the graph")
def test_inception_needs_tensorflow(tmp_path):
    with pytest.raises(ValueError, match="set KERAS_BACKEND=tensorflow, or use other"):
        inception_2015(tmp_path, "0" * 64)


def test_names():
    assert len(set(NAMES)) == len(NAMES) == 12
