"""The memory of generated images."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.layers import ImagePool


def images(step, batch, shape=(2, 2, 1)):
    """Images that all hold their own number."""
    numbers = step * batch + np.arange(batch, dtype="float32")
    return np.broadcast_to(numbers.reshape(-1, *[1] * len(shape)), (batch, *shape)).copy()


def first_pixels(outputs):
    return ops.convert_to_numpy(outputs).reshape(len(outputs), -1)[:, 0]


def test_a_memory_that_fills_hands_out_what_comes_then_half_of_the_past():
    batch, size = 4, 20
    pool = ImagePool((2, 2, 1), size, batch, seed=1)
    memory = [[] for _ in range(batch)]
    kept, steps = 0, 150
    for step in range(steps):
        out = first_pixels(pool(images(step, batch)))
        for lane in range(batch):
            came = step * batch + lane
            assert out[lane] % batch == lane, "an image changed its place in the batch"
            if len(memory[lane]) < size // batch:
                assert out[lane] == came
                memory[lane].append(came)
            elif out[lane] != came:
                memory[lane][memory[lane].index(out[lane])] = came  # raises if it was not in there
                kept += 1
        stored = ops.convert_to_numpy(pool.images)[:, :, 0, 0, 0]
        filled = min(step + 1, size // batch)
        assert [sorted(lane) for lane in stored[:, :filled].tolist()] == [sorted(lane) for lane in memory]
    assert abs(kept / (batch * (steps - size // batch)) - 0.5) < 4 * 0.5 / np.sqrt(batch * steps)


def test_a_pool_of_a_batch_of_one_is_the_papers_and_one_of_size_0_is_none():
    assert tuple(ImagePool((2, 2, 1), 50).images.shape) == (1, 50, 2, 2, 1)
    none = ImagePool((2, 2, 1), 0)
    assert not none.variables[1:] and first_pixels(none(images(3, 1)))[0] == 3


def test_another_batch_size_is_refused():
    with pytest.raises(ValueError, match="batch size of 3"):
        ImagePool((2, 2, 1), 10, 2)(images(0, 3))


def test_its_configuration_goes_round():
    pool = ImagePool((2, 2, 1), 10, 2, seed=3)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(pool))
    assert (again.image_shape, again.size, again.batch_size, again.seed) == ((2, 2, 1), 10, 2, 3)
