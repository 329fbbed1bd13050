"""The Laplacian pyramid against SciPy's filters, and its way back."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.ndimage import correlate1d

from kerasgan.game.engines import gradients, input_gradient
from kerasgan.layers import LaplacianPyramid, Resample


def images(size=16, count=2, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, size, size, 3)).astype("float32")


def halved(x):
    """By SciPy, whose "reflect" repeats the last pixel; the filter stands between the two pixels that become one."""
    for axis in (1, 2):
        x = correlate1d(x.astype("float64"), np.float64([1, 3, 3, 1]) / 8, axis, mode="reflect", origin=-1)
    return x[:, ::2, ::2]


def doubled(x):
    """Each pixel becomes two, each three parts its own and one part its neighbour, or itself at the edge."""
    for axis in (1, 2):
        x = np.moveaxis(x.astype("float64"), axis, 0)
        before, after = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
        x = np.moveaxis(
            np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], 1).reshape(-1, *x.shape[1:]), 0, axis
        )
    return x


def test_the_scales_are_scipys():
    x, pyramid = images(), LaplacianPyramid(3)
    np.testing.assert_allclose(pyramid.down(x), halved(x), atol=1e-6)
    np.testing.assert_allclose(pyramid.up(x), doubled(x), atol=1e-6)
    one = halved(x)
    expected = [x - doubled(one), one - doubled(halved(one)), halved(one)]
    for found, right in zip(pyramid(x), expected, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-6)
    np.testing.assert_allclose(pyramid.reduce(x, 2), halved(one), atol=1e-6)
    assert pyramid.reduce(x, 0) is x


@pytest.mark.parametrize("levels", [1, 2, 4])
@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 1), (1, 5, 2, 7, 3, 1)], ids=str)
def test_it_can_be_undone(levels, taps):
    x, pyramid = images(), LaplacianPyramid(levels, taps)
    parts = pyramid(x)
    assert [part.shape[1] for part in parts] == [16 >> level for level in range(levels)]
    assert np.abs(ops.convert_to_numpy(pyramid.join(parts)) - x).max() < 1e-6
    if levels > 1:  # what the details hold is missed
        assert np.abs(ops.convert_to_numpy(pyramid.join([0 * parts[0], *parts[1:]])) - x).max() > 0.1


def test_a_constant_image_has_no_details():
    *details, rest = LaplacianPyramid(3)(np.full((1, 8, 12, 1), 0.7, "float32"))
    assert max(float(ops.max(ops.abs(detail))) for detail in details) < 1e-6
    np.testing.assert_allclose(rest, 0.7, rtol=1e-6)
    zeros_outside = Resample(down=2)(np.full((1, 8, 8, 1), 0.7, "float32"))
    assert float(ops.min(zeros_outside)) < 0.6


def test_second_derivatives_of_the_details():
    """Of |A^T A x|^2 by x, A from images to details: 2 (A^T A)^2 x, against the matrix of all unit images."""
    pyramid, x = LaplacianPyramid(2), np.random.default_rng(1).normal(size=(1, 4, 4, 1)).astype("float32")
    units = np.eye(16, dtype="float32").reshape(16, 4, 4, 1)
    matrix = ops.convert_to_numpy(pyramid(units)[0]).reshape(16, 16).T.astype("float64")

    def value(tensors):
        slope = input_gradient(lambda x: ops.sum(ops.square(pyramid(x)[0])) / 2, tensors[0])
        return ops.sum(ops.square(slope))

    found = ops.convert_to_numpy(gradients(value, [ops.convert_to_tensor(x)])[0])
    twice = np.linalg.matrix_power(matrix.T @ matrix, 2)
    np.testing.assert_allclose(found.ravel(), 2 * twice @ x.ravel(), rtol=1e-4, atol=1e-5)


def test_sizes_and_configuration():
    with pytest.raises(ValueError, match="5 pixels cannot be downsampled"):
        LaplacianPyramid(3)(images(10))
    layer = LaplacianPyramid(2, taps=(1, 2, 2, 1))
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert (again.levels, again.up.taps, again.down.mirror) == (2, (1, 2, 2, 1), True)
    assert Resample(up=2, mirror=True).compute_output_shape((None, 2, 3, 4)) == (None, 4, 6, 4)
