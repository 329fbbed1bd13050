"""Resampling against SciPy's filters in float64."""

import numpy as np
import pytest
import scipy.signal
from keras import ops

from kerasgan.game.engines import gradients, input_gradient
from kerasgan.layers import Resample
from kerasgan.layers.resample import resampling_matrix


def by_scipy(image, taps, up, down):
    """The same by inserting zeros and convolving; the filter's middle on the middle of a pixel's share."""
    taps = np.float64(taps) / np.sum(taps)
    stuffed = np.zeros([n * up for n in image.shape])
    stuffed[::up, ::up] = image * up**2
    full = scipy.signal.convolve2d(stuffed, np.outer(taps, taps))
    shift = (len(taps) - up) // 2 if up > 1 else down - 1 + (len(taps) - down) // 2
    count = [n * up // down for n in image.shape]
    return full[shift::down, shift::down][: count[0], : count[1]]


@pytest.mark.parametrize("up, down", [(2, 1), (1, 2), (1, 1), (3, 1), (1, 3)])
@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 1), (1, 4, 6, 4, 1), (1, 5, 2, 7)], ids=str)
def test_is_scipys(up, down, taps, float64):
    if len(taps) < max(up, down):
        pytest.skip("leaves samples out")
    x = np.random.default_rng(0).normal(size=(2, 6, 12, 3))
    found = ops.convert_to_numpy(Resample(up, down, taps)(ops.convert_to_tensor(x)))
    assert found.dtype == np.float64
    for n, c in np.ndindex(2, 3):
        np.testing.assert_allclose(found[n, :, :, c], by_scipy(x[n, :, :, c], taps, up, down), atol=1e-14)


@pytest.mark.parametrize("padding", [(0, 0), (3, 1), (-2, 4), (-1, -2)])
def test_padding_is_scipys(padding, float64):
    """Zeros around the enlarged image, or a part of it cut off, and a filter that only sees what is there."""
    x, taps = np.random.default_rng(0).normal(size=(1, 9, 8, 1)), (1, 5, 2, 7)
    for up, down in ((2, 1), (1, 2)):
        found = Resample(up, down, taps, padding=padding)(x)
        stuffed = np.zeros((9 * up, 8 * up))
        stuffed[::up, ::up] = x[0, :, :, 0] * up**2
        around = np.pad(stuffed, 4)[tuple(slice(4 - padding[0], 4 + n + padding[1]) for n in stuffed.shape)]
        expected = scipy.signal.convolve2d(around, np.outer(taps, taps) / np.sum(taps) ** 2, "valid")[::down, ::down]
        np.testing.assert_allclose(found[0, :, :, 0], expected, atol=1e-14)
        assert found.shape[1:3] == Resample(up, down, taps, padding=padding).compute_output_shape(x.shape)[1:3]


def test_bilinear_by_hand():
    """A pixel becomes two, each three parts its own and one part the nearer neighbour; and the way back."""
    np.testing.assert_array_equal(
        resampling_matrix(2, (1, 3, 3, 1), up=2), np.float64([[3, 0], [3, 1], [1, 3], [0, 3]]) / 4
    )
    np.testing.assert_array_equal(
        resampling_matrix(4, (1, 3, 3, 1), down=2), np.float64([[3, 3, 1, 0], [0, 1, 3, 3]]) / 8
    )


def test_is_keras_bilinear_resizing_within_the_image():
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 2)).astype("float32")
    theirs = ops.convert_to_numpy(ops.image.resize(x, (12, 12), interpolation="bilinear"))
    np.testing.assert_allclose(Resample(up=2)(x)[:, 1:-1, 1:-1], theirs[:, 1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize("factors", [(2, 1), (1, 2)])
def test_second_derivatives(factors):
    """Of sum (s y)^2 / 2, y the resampled image: by s of its slope's square, against the matrices."""
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 1)).astype("float32")
    layer = Resample(*factors)
    rows = resampling_matrix(4, layer.taps, *factors)

    def value(tensors):
        slope = input_gradient(lambda x: ops.sum(ops.square(tensors[0] * layer(x))) / 2, ops.convert_to_tensor(x))
        return ops.sum(ops.square(slope))

    found = float(gradients(value, [ops.convert_to_tensor(np.float32(0.5))])[0])
    there_and_back = rows.T @ rows @ x[0, :, :, 0] @ rows.T @ rows
    np.testing.assert_allclose(found, 4 * 0.5**3 * np.sum(there_and_back**2), rtol=1e-5)


def test_resample_refuses_and_round_trips():
    with pytest.raises(ValueError, match="one of them to be 1"):
        Resample(2, 2)
    with pytest.raises(ValueError, match="5 pixels cannot be downsampled"):
        Resample(down=2)(np.zeros((1, 5, 4, 1), "float32"))
    layer = Resample(down=2, taps=(1, 2, 1))
    assert Resample.from_config(layer.get_config()).taps == (1, 2, 1)
    assert layer.compute_output_shape((None, 8, 4, 3)) == (None, 4, 2, 3)
