"""The distance of images in a random network, against NumPy."""

import numpy as np
from keras import ops
from scipy.signal import correlate

from kerasgan.metrics.features import get
from kerasgan.objectives.perceptual import perceptual_distance, perceptual_features, random_kernels, random_maps
from kerasgan.testing.scripted import double_precision


def reference(first, second):
    """The distance of one pair of RGB images in double precision."""
    total, pair = np.square(first - second).mean(), [first, second]
    for kernel in random_kernels():
        # "same" padding of a stride of 2 leaves the first row out where the size is even.
        pair = [np.maximum(sum_of_channels(np.pad(x, ((0, 1), (0, 1), (0, 0))), kernel)[::2, ::2], 0.0) for x in pair]
        a, b = (x / np.sqrt(np.square(x).sum(axis=-1, keepdims=True) + 1e-10) for x in pair)
        total += np.square(a - b).sum(axis=-1).mean()
    return total


def sum_of_channels(x, kernel):
    return np.stack([correlate(x, kernel[..., n], "valid")[..., 0] for n in range(kernel.shape[-1])], axis=-1)


def images(seed, shape=(2, 16, 8, 3)):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def test_against_numpy():
    with double_precision():
        found = perceptual_distance(ops.convert_to_tensor(images(0)), ops.convert_to_tensor(images(1)))
        expected = [reference(a, b) for a, b in zip(images(0), images(1), strict=True)]
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-10)


def test_other_channels_are_grey_images():
    x, y = (ops.convert_to_tensor(images(seed, (2, 8, 8, 2)).astype("float32")) for seed in (0, 1))
    each = [perceptual_distance(*(ops.repeat(z[..., n : n + 1], 3, axis=-1) for z in (x, y))) for n in range(2)]
    np.testing.assert_allclose(perceptual_distance(x, y), (each[0] + each[1]) / 2, rtol=1e-5)
    np.testing.assert_array_equal(perceptual_distance(x, x), 0.0)
    vectors = [ops.convert_to_numpy(perceptual_features(z)) for z in (x, y)]
    np.testing.assert_allclose(np.square(vectors[0] - vectors[1]).mean(axis=1), perceptual_distance(x, y), rtol=1e-5)


def test_maps_are_those_of_the_features():
    x = images(0).astype("float32")
    means = np.concatenate([ops.convert_to_numpy(ops.mean(m, axis=(1, 2))) for m in random_maps(x)], axis=-1)
    np.testing.assert_allclose(get("random-conv-seed0")(x), means, rtol=1e-4, atol=1e-5)


def test_texture_counts_more_than_brightness():
    """Noise is further away than a brighter image of the same mean squared difference."""
    x = np.tile(np.linspace(-0.5, 0.5, 32), (1, 32, 1))[..., None].repeat(3, axis=-1).astype("float32")
    noisy = x + np.random.default_rng(0).choice([-0.1, 0.1], x.shape).astype("float32")
    far, near = (float(perceptual_distance(x, other)[0]) for other in (noisy, x + np.float32(0.1)))
    assert far > 1.2 * near
