"""Frozen feature networks: the same in every process, of any size, and of the user's weights only where they are."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.metrics.features.maps import MEANS, VGG_SCALE, feature_network
from kerasgan.testing.scripted import double_precision


def images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def test_random_features_are_the_same_everywhere():
    """Against the sum of the weights of NumPy's stream, and a float64 reference of the first layer."""
    with double_precision():
        network = feature_network("random", 3)
        kernel = ops.convert_to_numpy(
            network.trainable_variables[0] if network.trainable_variables else network.weights[0]
        )
    stream = np.random.RandomState(0).standard_normal((3, 3, 3, 32)) * np.sqrt(2 / 27)
    np.testing.assert_allclose(kernel, stream, rtol=1e-12)
    single = feature_network("random", 3)
    assert single(images(2, 16, 12, 3)).shape == (2, 4, 3, 128)
    assert feature_network("random", 1)(images(1, 9, 9, 1)).shape == (1, 3, 3, 128)


def test_classifiers_give_their_last_maps_at_any_size():
    """Those of the whole classifier; of RGB images, for a network of grey ones, those of the luma."""
    network = feature_network("classifier-sprites-v1", 1)
    whole = images(1, 32, 32, 1)
    found = ops.convert_to_numpy(network(whole, training=False))
    half = ops.convert_to_numpy(network(whole[:, :16, :24], training=False))
    assert found.min() < 0 < found.max() and found.shape[1] == 2 * half.shape[1]
    assert half.shape[2] * 4 == 3 * found.shape[2]
    colour = images(1, 32, 32, 3)
    luma = colour @ np.array([[0.299], [0.587], [0.114]], "float32")
    rgb = feature_network("classifier-sprites-v1", 3)
    np.testing.assert_allclose(rgb(colour, training=False), network(luma, training=False), atol=1e-4)


def test_vgg_is_taken_from_the_cache_only(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="nothing is downloaded"):
        feature_network("keras_applications:VGG19", 3)
    for name, message in (
        ("keras_applications:ResNet50", "expected one of VGG16, VGG19"),
        ("nothing", "expected 'random'"),
    ):
        with pytest.raises(ValueError, match=message):
            feature_network(name, 3)


@pytest.mark.slow
def test_vgg_maps_are_those_before_the_activation(tmp_path, monkeypatch):
    """With random weights in the place of ImageNet's: our maps after ReLU are those of keras.applications."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    vgg = keras.applications.VGG16(weights=None, include_top=False)
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    vgg.save_weights(tmp_path / "models" / "vgg16.weights.h5")
    (tmp_path / "models" / "vgg16.weights.h5").rename(path)
    monkeypatch.setattr(keras.applications, "VGG16", lambda weights, include_top: vgg)
    network = feature_network("keras_applications:VGG16", 3)
    x = images(1, 32, 32, 3)
    prepared = ((x + 1) * 127.5 - np.array(MEANS))[..., ::-1]
    last = keras.Model(vgg.input, vgg.get_layer("block5_conv3").output)
    expected = ops.convert_to_numpy(last(prepared.astype("float32"))) * VGG_SCALE
    found = ops.convert_to_numpy(network(x))
    assert found.min() < 0
    np.testing.assert_allclose(np.maximum(found, 0), expected, atol=1e-4 * np.abs(expected).max())


def test_a_network_of_the_user():
    inputs = keras.Input((8, 8, 1))
    network = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    assert feature_network(network, 1) is network
