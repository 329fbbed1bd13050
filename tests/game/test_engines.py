"""What the engines offer to losses and layers, against NumPy."""

import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import gradients, scan


@pytest.mark.parametrize("steps", [1, 3, 9])
def test_scan(steps):
    """A sum with decay, its history and its gradients, of a short sequence and of one in a loop."""
    xs = np.random.default_rng(0).normal(size=(steps, 2)).astype("float32")

    def run(tensors):
        decay, first, xs = tensors

        def step(carry, x):
            total = decay * carry[0] + x["x"]
            return (total, carry[1] + 1), {"total": total, "count": carry[1]}

        return scan(step, (first, ops.zeros((), "int32")), {"x": xs})

    tensors = [ops.convert_to_tensor(np.float32(0.5)), ops.ones((2,)), ops.convert_to_tensor(xs)]
    (total, count), found = run(tensors)
    expected = [np.ones(2)]
    for x in xs:
        expected.append(0.5 * expected[-1] + x)
    np.testing.assert_allclose(found["total"], expected[1:], rtol=1e-5)
    np.testing.assert_allclose(total, expected[-1], rtol=1e-5)
    assert int(count) == steps and ops.convert_to_numpy(found["count"]).tolist() == list(range(steps))
    slopes = gradients(lambda tensors: ops.sum(run(tensors)[1]["total"]), tensors)
    influence = np.array([sum(0.5**k for k in range(steps - i)) for i in range(steps)])
    np.testing.assert_allclose(slopes[2], np.tile(influence[:, None], (1, 2)), rtol=1e-5)
    np.testing.assert_allclose(slopes[1], np.full(2, sum(0.5 ** (k + 1) for k in range(steps))), rtol=1e-5)
    around = [0.499, 0.501]  # by differences
    found = [run([ops.convert_to_tensor(np.float32(decay)), *tensors[1:]])[1]["total"] for decay in around]
    sums = [float(ops.sum(each)) for each in found]
    np.testing.assert_allclose(slopes[0], (sums[1] - sums[0]) / 0.002, rtol=1e-2)
