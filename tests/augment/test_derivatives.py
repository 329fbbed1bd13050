"""R1 takes the gradient of a gradient through the views: against finite differences, in each way to run it."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.augment import Augment, DiffAugment, adaptive
from kerasgan.game.engines import gradients, input_gradient

SHAPE = (3, 6, 5, 3)
VIEWS = [Augment(0.9, adaptive.CATEGORIES), Augment(0.9), DiffAugment()]


def as_it_is(fn):
    return fn


def compiled(fn):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(fn, autograph=False)
    import jax

    return jax.jit(fn)


def compiled_by_xla(fn):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(fn, autograph=False, jit_compile=True)
    return compiled(fn)


@pytest.mark.parametrize("run", [as_it_is, compiled, compiled_by_xla])
@pytest.mark.parametrize("view", VIEWS, ids=["everything", "augment", "diffaugment"])
def test_the_gradient_of_a_penalty(view, run, float64):
    """P(x) = || grad_x sum_i V(x)_i^3 ||^2, whose slope along a direction is that of P itself."""
    if keras.backend.backend() == "jax" and (run is as_it_is or view == VIEWS[1]):
        pytest.skip("JAX runs the same operations, compiled one by one; and the first view has all of the second")
    images, direction = np.random.default_rng(0).normal(size=(2, *SHAPE))
    draws = view.draw(ops.convert_to_tensor(images), keras.random.SeedGenerator(5))

    def penalty(x):
        gradient = input_gradient(lambda x: view.transform(x, draws) ** 3, x)
        return ops.sum(gradient * gradient)

    def value_and_slopes(x):
        return penalty(x), gradients(lambda tensors: penalty(tensors[0]), [x])[0]

    evaluate = run(value_and_slopes)
    slope = np.sum(direction * ops.convert_to_numpy(evaluate(ops.convert_to_tensor(images))[1]))
    step = 1e-4
    ahead, behind = (float(evaluate(ops.convert_to_tensor(images + s * direction))[0]) for s in (step, -step))
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)
    assert abs(slope) > 1


def test_half_precision_images_keep_their_dtype():
    for dtype in ("float16", "bfloat16"):
        images = ops.cast(np.random.default_rng(0).uniform(-1, 1, SHAPE), dtype)
        for view in (VIEWS[0], VIEWS[2]):
            draws = view.draw(images, keras.random.SeedGenerator(5))
            half, full = (view.transform(x, draws) for x in (images, ops.cast(images, "float32")))
            assert keras.backend.standardize_dtype(half.dtype) == dtype
            error = ops.convert_to_numpy(ops.cast(half, "float32")) - ops.convert_to_numpy(full)
            assert np.abs(error).max() < (0.01 if dtype == "float16" else 0.1)
