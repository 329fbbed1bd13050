"""Maxout against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.layers import Maxout


@pytest.mark.parametrize(("units", "pieces"), [(4, 3), (1, 5), (3, 1)])
def test_maxout_is_the_largest_of_its_affine_pieces(units, pieces):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 2)).astype("float32")
    kernel, bias = rng.normal(size=(2, units * pieces)), rng.normal(size=units * pieces)
    layer = Maxout(units, pieces)
    layer.build((None, 2))
    layer.set_weights([kernel, bias])
    affine = (x @ kernel + bias).reshape(6, units, pieces)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), affine.max(axis=-1), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape((None, 2)) == (None, units)


def test_maxout_comes_back_from_its_configuration():
    layer = Maxout(4, 3, kernel_initializer={"class_name": "RandomUniform", "config": {"minval": -0.1, "maxval": 0.1}})
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, Maxout) and again.get_config() == layer.get_config()
    again.build((None, 7))
    assert np.abs(again.get_weights()[0]).max() <= 0.1
