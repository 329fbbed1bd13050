"""Blocks of translation networks: normalization by instance, padding by reflection, noise by dropout, patches."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan.game.engines import input_gradient
from kerasgan.layers import InstanceNormalization, NoiseDropout, ReflectionPadding2D, normal, patch_discriminator


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(3.0, 2.0, shape).astype("float32")


def test_instance_normalization_is_batch_normalization_of_a_batch_of_one():
    x = noise(3, 5, 4, 2)
    layer, batch = InstanceNormalization(scale_stddev=0.5), layers.BatchNormalization(epsilon=1e-5)
    layer.build(x.shape)
    batch.build(x.shape)
    layer.offset.assign([0.5, -1.0])
    batch.gamma.assign(layer.scale)
    batch.beta.assign(layer.offset)
    found = ops.convert_to_numpy(layer(x))
    expected = [ops.convert_to_numpy(batch(x[i : i + 1], training=True)) for i in range(3)]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-5)
    together = ops.convert_to_numpy(batch(x, training=True))
    assert np.abs(found - together).max() > 0.05  # negative control: of the whole batch it is another thing


def test_instance_normalization_in_half_precision_takes_statistics_in_full():
    # In bfloat16 numbers about 300 are 2 apart, and their squares 512.
    x = (300.0 + noise(2, 16, 16, 3)).astype("float32")
    layer = InstanceNormalization(affine=False, dtype="mixed_bfloat16")
    found = layer(ops.cast(x, "bfloat16"))
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16" and layer.trainable_variables == []
    found = ops.convert_to_numpy(ops.cast(found, "float32")).astype("float64")
    np.testing.assert_allclose(found.mean(axis=(1, 2)), 0.0, atol=0.01)
    np.testing.assert_allclose(found.std(axis=(1, 2)), 1.0, atol=0.01)


@pytest.mark.parametrize("padding", [1, 3])
def test_reflection_padding(padding):
    x = noise(2, 4, 5, 3)
    sides = (padding, padding)
    expected = np.pad(x, [(0, 0), sides, sides, (0, 0)], mode="reflect")
    layer = ReflectionPadding2D(padding)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), expected)
    assert layer.compute_output_shape((None, 4, 5, 3)) == (None, *expected.shape[1:])
    with pytest.raises(ValueError, match="sides of 5 or more"):
        ReflectionPadding2D(4)(x)


def test_noise_dropout_is_on_at_test():
    images = keras.Input((1000,))
    network = keras.Model(images, NoiseDropout(0.5)(images))
    found = ops.convert_to_numpy(network(np.ones((1, 1000), "float32"), training=False))
    assert set(np.unique(found)) == {0.0, 2.0} and abs((found == 0).mean() - 0.5) < 0.1
    stock = keras.Model(images, layers.Dropout(0.5)(images, training=True))
    assert (ops.convert_to_numpy(stock(np.ones((1, 1000), "float32"), training=False)) == 1).all()  # why it exists


@pytest.mark.tensorflow  # of the architecture, which no engine changes
@pytest.mark.parametrize(("depth", "pixels"), [(0, 1), (1, 16), (2, 34), (3, 70)])
def test_receptive_field_of_patches(depth, pixels, monkeypatch):
    # Statistics of the whole image would see all of it, wherever a patch ends.
    monkeypatch.setattr(InstanceNormalization, "call", lambda self, inputs: ops.convert_to_tensor(inputs))
    network = patch_discriminator((128, 128, 1), width=2, depth=depth)
    for variable in network.trainable_variables:
        variable.assign(np.abs(ops.convert_to_numpy(variable)) + 0.1)  # nothing cancels
    middle = network.output.shape[1] // 2
    gradient = ops.convert_to_numpy(input_gradient(lambda x: network(x)[:, middle, middle], noise(1, 128, 128, 1)))
    rows, columns = np.nonzero(gradient[0, :, :, 0])
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (pixels, pixels)


@pytest.mark.tensorflow
def test_the_papers_patch_discriminator():
    network = patch_discriminator((256, 256, 3), (256, 256, 1))
    kernels = [v for v in network.trainable_variables if v.name == "kernel"]
    widths = [4, 64, 128, 256, 512, 1]
    assert [tuple(v.shape) for v in kernels] == [(4, 4, a, b) for a, b in itertools.pairwise(widths)]
    assert network.output.shape == (None, 30, 30, 1)
    assert all(np.std(ops.convert_to_numpy(kernel)) == pytest.approx(0.02, rel=0.1) for kernel in kernels)
    deep = [v.shape for v in patch_discriminator((256, 256, 3), depth=5).trainable_variables if v.name == "kernel"]
    assert [shape[-1] for shape in deep] == [64, 128, 256, 512, 512, 512, 1]  # appendix 6.1.2, 286x286
    with pytest.raises(ValueError, match="sides of 24 or more"):
        patch_discriminator((16, 16, 3))


def test_layers_come_back_from_their_configuration():
    for layer in (InstanceNormalization(False, 1e-3, 0.5), ReflectionPadding2D(2), NoiseDropout(0.3)):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert again.get_config() == layer.get_config()
    assert normal(0.02)["config"]["stddev"] == 0.02
