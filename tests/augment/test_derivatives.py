"""R1 takes the gradient of a gradient through the views: against finite differences, in each way to run it."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.augment import Augment, DiffAugment, adaptive
from kerasgan.game.engines import gradients, input_gradient
from tests.augment.common import compiled, compiled_on_jax

SHAPE = (3, 6, 5, 3)
VIEWS = [Augment(0.9, adaptive.CATEGORIES), DiffAugment()]


WAYS = {"as it is": lambda fn: fn, "compiled": compiled, "by XLA": functools.partial(compiled, xla=True)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("view", VIEWS, ids=["augment", "diffaugment"])
def test_the_gradient_of_a_penalty(view, way, float64):
    """P(x) = || grad_x sum_i V(x)_i^3 ||^2, whose slope along a direction is that of P itself."""
    if keras.backend.backend() == "jax" and way != "compiled":
        pytest.skip("JAX compiles each operation, with XLA, where there is no function around them")
    images, direction = np.random.default_rng(0).normal(size=(2, *SHAPE))
    draws = view.draw(ops.convert_to_tensor(images), keras.random.SeedGenerator(5))

    def penalty(x):
        gradient = input_gradient(lambda x: view.transform(x, draws) ** 3, x)
        return ops.sum(gradient * gradient)

    def value_and_slopes(x):
        return penalty(x), gradients(lambda tensors: penalty(tensors[0]), [x])[0]

    evaluate = WAYS[way](value_and_slopes)
    slope = np.sum(direction * ops.convert_to_numpy(evaluate(ops.convert_to_tensor(images))[1]))
    step = 1e-4
    ahead, behind = (float(evaluate(ops.convert_to_tensor(images + s * direction))[0]) for s in (step, -step))
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)
    assert abs(slope) > 1


@pytest.mark.parametrize("dtype, view, tolerance", [("float16", VIEWS[0], 0.01), ("bfloat16", VIEWS[1], 0.1)])
def test_half_precision_images_keep_their_dtype(dtype, view, tolerance):
    images = ops.cast(np.random.default_rng(0).uniform(-1, 1, SHAPE), dtype)
    draws = view.draw(images, keras.random.SeedGenerator(5))
    change = compiled_on_jax(functools.partial(view.transform, draws=draws))
    half, full = change(images), change(ops.cast(images, "float32"))
    assert keras.backend.standardize_dtype(half.dtype) == dtype
    error = ops.convert_to_numpy(ops.cast(half, "float32")) - ops.convert_to_numpy(full)
    assert np.abs(error).max() < tolerance
