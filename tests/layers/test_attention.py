"""Self-attention, conditional batch normalization and residual blocks where the golden numbers do not look."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan.layers import ConditionalBatchNormalization, SelfAttention, batch_normalization, orthogonal


def random(*shape, seed=0):
    return ops.convert_to_tensor(np.random.default_rng(seed).normal(2.0, 3.0, shape).astype("float32"))


def test_attention_is_the_identity_at_first():
    layer, x = SelfAttention(), random(2, 4, 6, 16)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x, training=True)), ops.convert_to_numpy(x))
    layer.gamma.assign(1.0)
    assert np.abs(ops.convert_to_numpy(layer(x) - x)).max() > 0.1


def test_attention_reaches_far():
    """A corner sees what changes at the other one, and only there if gamma is 0."""
    layer, x = SelfAttention(spectral=False), 0.1 * np.array(random(1, 8, 8, 8))
    changed = x.copy()
    changed[0, 7, 7] += 5.0
    for gamma in (0.0, 1.0):
        layer(x)
        layer.gamma.assign(gamma)
        moved = ops.convert_to_numpy(layer(changed) - layer(x))[0, 0, 0]
        assert (np.abs(moved).max() > 1e-6) == bool(gamma)


@pytest.mark.parametrize("shape", [(1, 4, 4, 7), (1, 5, 4, 8)])
def test_maps_that_attention_cannot_take(shape):
    with pytest.raises(ValueError, match="expected 8 channels or more, and an even height"):
        SelfAttention().build(shape)


@pytest.mark.parametrize("classes", [3, None])
def test_gains_are_centred_at_one(classes):
    """With nothing told, it is batch normalization."""
    x, plain = random(5, 4, 4, 6), batch_normalization()
    condition = ops.convert_to_tensor([0, 1, 2, 1, 0]) if classes else random(5, 2)
    layer = ConditionalBatchNormalization(classes)
    layer.build([x.shape, condition.shape])
    assert bool(ops.all(layer.gain.weights[0] == 0)) == bool(classes)
    for variable in (*layer.gain.weights, *layer.offset.weights):
        variable.assign(ops.zeros(variable.shape))
    found, expected = layer([x, condition], training=True), plain(x, training=True)
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(expected), atol=1e-5)
    for name in ("moving_mean", "moving_variance"):
        ours, theirs = (ops.convert_to_numpy(getattr(each, name)) for each in (layer.normalization, plain))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    layer.offset.weights[0].assign(ops.ones(layer.offset.weights[0].shape))
    shift = ops.convert_to_numpy(layer([x, condition], training=True) - found)[:, 0, 0, 0]
    told = np.ones(5) if classes else ops.convert_to_numpy(ops.sum(condition, axis=1))
    np.testing.assert_allclose(shift, told, rtol=1e-4, atol=1e-5)


def test_copies(tmp_path):
    maps, labels = keras.Input((4, 4, 8)), keras.Input((), dtype="int32")
    x = ConditionalBatchNormalization(3, epsilon=1e-4)([maps, labels])
    x = ConditionalBatchNormalization(spectral=True, kernel_initializer=orthogonal())([x, layers.Flatten()(maps)])
    network = keras.Model([maps, labels], SelfAttention(kernel_initializer=orthogonal())(x))
    for variable in network.variables:
        variable.assign(ops.abs(random(*variable.shape)))
    network.save(tmp_path / "network.keras")
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    inputs = [random(2, 4, 4, 8), ops.convert_to_tensor([2, 0])]
    for other in (keras.models.load_model(tmp_path / "network.keras"), copy):
        np.testing.assert_array_equal(ops.convert_to_numpy(other(inputs)), ops.convert_to_numpy(network(inputs)))
