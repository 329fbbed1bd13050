"""Walks, edits and projections in the latents of tiny models with known answers."""

import keras
import numpy as np
import pytest
from keras import layers

from kerasgan import DCGAN, StyleGAN2
from kerasgan.latent_space import Directions, LatentSpace

MATRIX = np.random.default_rng(0).normal(size=(3, 64)).astype("float32") * [[3.0], [2.0], [1.0]]
STYLE = {"image_shape": (8, 8, 1), "latent_dim": 4, "style_dim": 4, "channel_base": 32, "channel_max": 4, "depth": 1}


@pytest.fixture(scope="module")
def linear():
    """Images that are linear functions of the latents."""
    latents = keras.Input((3,), name="latents")
    x = layers.Dense(64, use_bias=False, name="dense")(latents)
    generator = keras.Model(latents, layers.Reshape((8, 8, 1))(x))
    generator.get_layer("dense").kernel.assign(MATRIX)
    return DCGAN((8, 8, 1), latent_dim=3, width=4, generator=generator, seed=0)


@pytest.fixture(scope="module")
def styles():
    model = StyleGAN2(**STYLE, seed=0)
    for layer in model.ema_generator.layers:
        if layer.name.endswith("_noise"):
            layer.strength.assign(0.1)
    model.ema_mapping.get_layer("mean_style").mean.assign([0.1, 0.2, 0.3, 0.4])
    return model


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_codes_of_samples_give_the_samples(styles, space):
    space = LatentSpace(styles, space)
    for truncation in (None,) if space.space == "z" else (None, 0.5):
        images = space.images(space.draw(3, seed=5, truncation=truncation))
        latents = styles.sample_inputs(3, 5)
        expected = styles.generate(latents, seed=0, noise="fixed", truncation=truncation)
        np.testing.assert_allclose(images, expected, atol=1e-5)


def test_a_picture_is_found_again(linear):
    """Of a linear generator exactly; its projection is the least-squares solution."""
    space = LatentSpace(linear)
    codes = space.draw(3, seed=1)
    found = space.project(space.images(codes), steps=200, learning_rate=0.1, candidates=32)
    np.testing.assert_allclose(found.codes, codes, atol=1e-3)
    assert found.losses.max() < 1e-5
    other = np.random.default_rng(1).uniform(-1, 1, (1, 8, 8, 1)).astype("float32")
    expected = np.linalg.lstsq(MATRIX.T, other.ravel(), rcond=None)[0]
    np.testing.assert_allclose(space.project(other, steps=300, candidates=8).codes[0], expected, atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("space", ["w", "w+"])
def test_a_style_is_found_again(styles, space):
    space = LatentSpace(styles, space)
    image = space.images(space.draw(1, seed=1))
    start = space.project(image, steps=1, learning_rate=0.0, candidates=16)
    found = space.project(image, steps=150, candidates=16)
    assert found.losses[0] < 0.05 * start.losses[0]
    np.testing.assert_allclose(space.images(found.codes), found.images, atol=1e-6)


def test_ways(linear):
    space = LatentSpace(linear)
    start, end = np.float32([1, 0, 0]), np.float32([0, 1, 0])
    arc = space.interpolate(start, end, 3, "spherical")
    np.testing.assert_allclose(arc, [[1, 0, 0], [0.5**0.5, 0.5**0.5, 0], [0, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(space.interpolate(start, end, 3)[1], [0.5, 0.5, 0])
    walk = space.walk(np.stack([start, end, -start]), 2, "linear")
    np.testing.assert_allclose(walk, [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [-0.5, 0.5, 0], [-1, 0, 0]])
    assert len(space.walk(np.stack([start, end, -end]), 2, "linear", closed=True)) == 6
    np.testing.assert_allclose(space.truncate([start, end], 0.5), [[0.5, 0, 0], [0, 0.5, 0]])


def test_mixing_truncation_and_edits_of_layers(styles):
    space = LatentSpace(styles, "w+")
    codes = space.draw(2, seed=0)
    mixed = space.mix(codes[:1], codes[1:], 2)
    np.testing.assert_array_equal(mixed[0], np.concatenate([codes[0, :2], codes[1, 2:]]))
    mean = np.float32([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(space.truncate(codes, 0.5, layers=1)[:, 0], mean + 0.5 * (codes[:, 0] - mean), atol=1e-6)
    np.testing.assert_array_equal(space.truncate(codes, 0.5, layers=1)[:, 1:], codes[:, 1:])
    moved = space.edit(codes, [1, 0, 0, 0], 2.0, layers=[3]) - codes
    expected = np.zeros_like(codes)
    expected[:, 3, 0] = 2.0
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    moved = LatentSpace(styles, "w").edit(codes[:, 0], [0, 1, 0, 0], [1.0, -1.0]) - codes[:, 0]
    np.testing.assert_allclose(moved, [[0, 1, 0, 0], [0, -1, 0, 0]], atol=1e-6)


def parallel(a, b, tolerance):
    return abs(abs(np.dot(a, b)) - 1) < tolerance


def test_directions_of_a_linear_generator(linear):
    """Both methods find the singular vectors of its matrix; the supervised one finds what the scores were made of."""
    space = LatentSpace(linear)
    vectors, values, _ = np.linalg.svd(MATRIX, full_matrices=False)
    sefa, ganspace = (space.directions(method, 3, samples=4000) for method in ("sefa", "ganspace"))
    np.testing.assert_allclose(sefa.weights, values**2, rtol=1e-4)
    np.testing.assert_allclose(ganspace.weights, values / np.sqrt(3), rtol=0.1)  # uniform latents
    for place in range(3):
        assert parallel(sefa.vectors[place], vectors[:, place], 1e-5)
        assert parallel(ganspace.vectors[place], vectors[:, place], 0.02)
    codes = space.draw(500, seed=2)
    found = space.directions("supervised", codes=codes, scores=codes @ np.float32([0.6, 0.0, 0.8]) + 3)
    np.testing.assert_allclose(found.vectors[0], [0.6, 0, 0.8], atol=1e-5)
    np.testing.assert_allclose(found.weights, 1.0)
    classes = np.where(codes[:, 1] > 0, 1.0, -1.0)
    assert parallel(space.directions("supervised", codes=codes, scores=classes).vectors[0], [0, 1, 0], 0.02)


def test_directions_of_styles(styles):
    space = LatentSpace(styles, "w")
    for method in ("sefa", "ganspace"):
        found = space.directions(method, 2, samples=100)
        assert isinstance(found, Directions) and found.vectors.shape == (2, 4)
        np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(2), atol=1e-5)
        assert found.weights[0] >= found.weights[1] > 0


def test_path_length_of_a_linear_generator(linear):
    """On a straight way the images change by |A^T (end - start)|."""
    space = LatentSpace(linear)
    found = space.perceptual_path_length(16, interpolation="linear", epsilon=0.1)
    codes = space.draw(32)
    lengths = np.sort(np.square((codes[16:] - codes[:16]) @ MATRIX).sum(axis=1))
    assert found == pytest.approx(lengths.mean(), rel=1e-3)


def test_refusals(linear, styles):
    with pytest.raises(ValueError, match="`space` is 'w'; DCGAN has 'z'"):
        LatentSpace(linear, "w")
    with pytest.raises(ValueError, match="mix needs styles"):
        LatentSpace(styles).mix(np.zeros((1, 4)), np.zeros((1, 4)), 1)
    with pytest.raises(ValueError, match="`method` is 'pca' and the space 'w'"):
        LatentSpace(styles, "w").directions("pca")
    with pytest.raises(ValueError, match="`labels` was given, but styles hold it"):
        LatentSpace(styles, "w").images(np.zeros((1, 4)), labels=[1])
