"""Arrays of other layouts in our variables."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.zoo.convert import Source, assign, flattened, kernel, unflattened


def test_assign_takes_all_or_nothing():
    dense = keras.layers.Dense(2)
    dense.build((None, 3))
    pairs = [(dense.kernel, Source("w", kernel, 2.0)), (dense.bias, Source("b", shift=1.0))]
    arrays = {"w": np.arange(6.0).reshape(2, 3), "b": np.zeros(2), "filter": np.ones(3)}
    assign(pairs, arrays, ignored=["filter"])
    np.testing.assert_array_equal(ops.convert_to_numpy(dense.kernel), [[0, 6], [2, 8], [4, 10]])
    np.testing.assert_array_equal(ops.convert_to_numpy(dense.bias), [1, 1])
    with pytest.raises(ValueError, match=r"lacks \['b'\] and has \['filter'\]"):
        assign(pairs, {"w": arrays["w"], "filter": arrays["filter"]})
    with pytest.raises(ValueError, match=r"\(4, 2\), expected \(3, 2\)"):
        assign(pairs, {"w": np.ones((2, 4)), "b": np.ones(2)})
    np.testing.assert_array_equal(ops.convert_to_numpy(dense.bias), [1, 1])


def test_flattened_images():
    """Channels first of theirs, channels last of ours: the same function of the same image."""
    rng = np.random.default_rng(0)
    image, matrix = rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 24))
    theirs = matrix @ np.moveaxis(image, -1, 0).ravel()
    np.testing.assert_allclose(image.ravel() @ flattened((2, 3, 4))(matrix), theirs)
    np.testing.assert_allclose(unflattened((2, 3, 4))(np.moveaxis(image, -1, 0).ravel()).reshape(2, 3, 4), image)
