"""The gradient difference loss against NumPy in float64."""

import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import gradients
from kerasgan.objectives.gradient_difference import gradient_difference


def images(seed, shape=(3, 5, 6, 2)):
    return np.random.default_rng(seed).normal(size=shape)


def reference(made, targets, alpha, weight):
    """Equation 6, a sum over pairs of neighbours, as means over the pairs and a weighted mean over the images."""
    values = np.zeros(len(made))
    for axis in (1, 2):
        last = made.shape[axis] - 1
        for image in range(len(made)):
            steep = []
            for x in (targets[image], made[image]):
                pairs = [np.take(x, k + 1, axis - 1) - np.take(x, k, axis - 1) for k in range(last)]
                steep.append(np.abs(pairs))
            values[image] += (np.abs(steep[0] - steep[1]) ** alpha).mean()
    return np.average(values, weights=weight)


@pytest.mark.parametrize("alpha", [1, 2, 1.5])
@pytest.mark.parametrize("weight", [None, [1.0, 0.0, 3.0]])
def test_values(alpha, weight):
    made, targets = images(0), images(1)
    tensors = [ops.convert_to_tensor(x, "float32") for x in (made, targets)]
    given = None if weight is None else ops.convert_to_tensor(weight, "float32")
    found = float(gradient_difference(*tensors, alpha, given))
    np.testing.assert_allclose(found, reference(made, targets, alpha, weight), rtol=2e-6)
    # Without the inner absolute values it would be another loss, of which this is no test.
    signed = sum((np.abs(np.diff(targets, axis=a) - np.diff(made, axis=a)) ** alpha).mean() for a in (1, 2))
    assert abs(signed - found) > 0.1


def test_slopes():
    """The slopes of the value in float64, by differences."""
    made, targets = images(2, (1, 3, 3, 1)), images(3, (1, 3, 3, 1))
    target = ops.convert_to_tensor(targets, "float32")
    found = gradients(lambda x: gradient_difference(x[0], target), [ops.convert_to_tensor(made, "float32")])[0]
    for place in np.ndindex(made.shape):
        step = np.zeros_like(made)
        step[place] = 1e-6
        slope = (reference(made + step, targets, 1, None) - reference(made - step, targets, 1, None)) / 2e-6
        np.testing.assert_allclose(ops.convert_to_numpy(found)[place], slope, atol=1e-5)


def test_it_sees_blur_but_neither_brightness_nor_the_sign_of_edges():
    sharp = np.zeros((1, 8, 8, 1), "float32")
    sharp[:, :, 4:] = 1.0
    blurred = (sharp + np.roll(sharp, 1, axis=2) + np.roll(sharp, -1, axis=2)) / 3
    edge = ops.convert_to_tensor(sharp)
    for same in (sharp, sharp + 0.5, -sharp):
        assert float(gradient_difference(ops.convert_to_tensor(same), edge)) < 1e-6
    assert float(gradient_difference(ops.convert_to_tensor(blurred[:, :, 1:-1]), edge[:, :, 1:-1])) > 0.1


def test_exponents_below_one_are_refused():
    with pytest.raises(ValueError, match="`alpha`"):
        gradient_difference(ops.zeros((1, 2, 2, 1)), ops.zeros((1, 2, 2, 1)), 0.5)
