"""Spectral normalization against singular values, and when `u` moves."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import LatentModel
from kerasgan.game.engines import gradients
from kerasgan.layers import (
    SpectralConv1D,
    SpectralConv1DTranspose,
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralConv3D,
    SpectralConv3DTranspose,
    SpectralDense,
    SpectralEmbedding,
)
from kerasgan.objectives.penalties import R1
from tests.toys import vectors

KINDS = [
    (SpectralConv1D, (6, 3), {"kernel_size": 3, "strides": 2}),
    (SpectralConv2D, (4, 4, 3), {"kernel_size": 3, "padding": "same", "activation": "relu"}),
    (SpectralConv3D, (4, 4, 4, 2), {"kernel_size": 2, "use_bias": False}),
    (SpectralConv1DTranspose, (6, 3), {"kernel_size": 4, "strides": 2, "padding": "same"}),
    (SpectralConv2DTranspose, (3, 3, 4), {"kernel_size": 4, "strides": 2, "padding": "same"}),
    (SpectralConv3DTranspose, (2, 2, 2, 2), {"kernel_size": 2, "strides": 2}),
    (SpectralDense, (7,), {"activation": "tanh"}),
    (SpectralEmbedding, (), {}),
]
IDS = [kind[0].__name__ for kind in KINDS]


def made(kind, shape, options, **policy):
    """A layer with large random weights, an input, and Keras' layer of the same arguments."""
    sizes = (6, 5) if kind is SpectralEmbedding else (5,)
    base = next(parent for parent in kind.__mro__ if parent.__module__.startswith("keras."))
    layer, plain = (each(*sizes, **options, **policy) for each in (kind, base))
    rng = np.random.default_rng(0)
    x = rng.integers(6, size=4) if kind is SpectralEmbedding else rng.normal(size=(2, *shape)).astype("float32")
    for each in (layer, plain):
        each.build(x.shape)
    for variable in layer.variables:
        variable.assign(3.0 * rng.normal(size=variable.shape))
    return layer, plain, ops.convert_to_tensor(x)


def matrix(layer, kernel):
    """The kernel with a row for each output channel, or each class."""
    return np.moveaxis(np.asarray(kernel, "float64"), layer.matrix_axis, 0).reshape(kernel.shape[layer.matrix_axis], -1)


@pytest.mark.parametrize(("kind", "shape", "options"), KINDS, ids=IDS)
def test_the_largest_singular_value_is_divided_by(kind, shape, options):
    layer, plain, x = made(kind, shape, options)
    start = ops.convert_to_numpy(layer.raw_kernel)
    for _ in range(15):
        layer(x, training=True)
    normalized = ops.convert_to_numpy(layer.normalized_kernel())
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.raw_kernel), start)
    assert 0.95 < np.linalg.norm(matrix(layer, normalized), 2) < 1.05
    assert np.linalg.norm(matrix(layer, start), 2) > 3.0
    biases = [ops.convert_to_numpy(variable) for variable in layer.variables if variable.name == "bias"]
    plain.set_weights([normalized, *biases])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(plain(x)), rtol=1e-4, atol=1e-5)


def gradient(layer, x, kernel, weights):
    """Gradient of a weighted sum of a layer's outputs with respect to its kernel."""

    def loss(tensors):
        with keras.StatelessScope([(kernel, tensors[0])]):
            return ops.sum(layer(x, training=True) * weights)

    return np.asarray(ops.convert_to_numpy(gradients(loss, [ops.convert_to_tensor(kernel.value)])[0]), "float64")


@pytest.mark.parametrize(("kind", "shape", "options"), KINDS, ids=IDS)
def test_the_gradient_does_not_see_the_scale(kind, shape, options):
    """<g, W> = 0, as W / sigma is the same for 2 W."""
    layer, _, x = made(kind, shape, {**options, "activation": None} if "activation" in options else options)
    weights = np.random.default_rng(1).normal(size=layer(x).shape).astype("float32")
    g, w = gradient(layer, x, layer.raw_kernel, weights), ops.convert_to_numpy(layer.raw_kernel)
    assert abs(np.sum(g * w)) < 1e-5 * np.linalg.norm(g) * np.linalg.norm(w)


@pytest.mark.tensorflow
def test_the_gradient_of_the_layer_of_keras_does():
    """As Keras trains it, on a tape: it overwrites W and gives the gradient at what it wrote."""
    import tensorflow as tf

    layer, plain, x = made(*KINDS[-2])
    kernel, weights = values(layer.raw_kernel)[0], np.random.default_rng(1).normal(size=(2, 5)).astype("float32")
    projected = keras.layers.SpectralNormalization(plain)
    projected.build(x.shape)
    for each, variable in ((projected, plain.kernel), (layer, layer.raw_kernel)):
        variable.assign(kernel)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(each(x, training=True) * weights)
        g = np.asarray(tape.gradient(loss, variable.value), "float64")
        along = abs(np.sum(g * kernel)) / (np.linalg.norm(g) * np.linalg.norm(kernel))
        assert (along > 0.1) == (each is projected)
        assert (np.abs(values(variable)[0] - kernel).max() > 1.0) == (each is projected)


def iterated(layer, kernel, u):
    """One power iteration in NumPy."""
    rows = matrix(layer, kernel)
    v = u @ rows
    u = rows @ (v / np.linalg.norm(v))
    return u / np.linalg.norm(u)


def values(*variables):
    return [np.array(ops.convert_to_numpy(v), "float64") for v in variables]


def test_outside_of_a_game_each_call_in_training_moves_u():
    layer, _, x = made(*KINDS[1])
    kernel, before = values(layer.raw_kernel, layer.u)
    layer(x)
    layer(x, training=False)
    np.testing.assert_array_equal(values(layer.u)[0], before)
    for _ in range(2):
        layer(x, training=True)
    twice = iterated(layer, kernel, iterated(layer, kernel, before))
    np.testing.assert_allclose(values(layer.u)[0], twice, atol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"update": "simultaneous"}, {"microbatch": 2}], ids=str)
def test_in_a_game_u_moves_once_in_its_owners_update(changes):
    """Though its network is called on real samples, on generated ones and in a penalty, and by the other player."""
    latents, images = keras.Input((3,), name="latents"), keras.Input((4,), name="images")
    generator = keras.Model(latents, SpectralDense(4, name="made")(latents))
    discriminator = keras.Model(images, SpectralDense(1, name="out")(SpectralDense(6, "tanh", name="hidden")(images)))
    model = LatentModel((4,), 3, generator=generator, discriminator=discriminator, seed=0)
    model.compile(loss="hinge", penalties=R1(1.0), **changes)
    owned = [model.generator.get_layer("made"), model.discriminator.get_layer("hidden")]
    before = [values(layer.raw_kernel, layer.u) for layer in owned]
    model.fit(vectors(8), batch_size=8, verbose=0)
    for layer, (kernel, u) in zip(owned, before, strict=True):
        assert np.abs(values(layer.raw_kernel)[0] - kernel).max() > 0
        np.testing.assert_allclose(values(layer.u)[0], iterated(layer, kernel, u), atol=1e-6)


@pytest.mark.parametrize(("kind", "shape", "options"), KINDS[1:2] + KINDS[4:5] + KINDS[-2:], ids=str)
def test_copies_have_all_of_it(kind, shape, options, tmp_path):
    layer, _, x = made(kind, shape, options)
    dtype = "int32" if kind is SpectralEmbedding else "float32"
    inputs = keras.Input(shape, dtype=dtype)
    network = keras.Model(inputs, kind.from_config({**layer.get_config(), "power_iterations": 2})(inputs))
    network.set_weights(layer.get_weights())
    network.save(tmp_path / "network.keras")
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    for other in (keras.models.load_model(tmp_path / "network.keras"), copy):
        assert other.layers[-1].power_iterations == 2
        np.testing.assert_array_equal(ops.convert_to_numpy(other(x)), ops.convert_to_numpy(network(x)))


def test_half_precision_iterates_in_single():
    layer, _, x = made(*KINDS[1], dtype="mixed_bfloat16")
    kernel, u = values(layer.raw_kernel, layer.u)
    assert keras.backend.standardize_dtype(layer(x, training=True).dtype) == "bfloat16"
    assert layer.u.dtype == layer.raw_kernel.dtype == "float32"
    np.testing.assert_allclose(values(layer.u)[0], iterated(layer, kernel, u), atol=1e-6)


def test_what_is_refused():
    with pytest.raises(ValueError, match="`power_iterations` is 0; expected 1, 2, 3"):
        SpectralDense(3, power_iterations=0)
    with pytest.raises(ValueError, match="`data_format` is 'channels_first'; expected 'channels_last'"):
        SpectralConv2D(3, 3, data_format="channels_first")
