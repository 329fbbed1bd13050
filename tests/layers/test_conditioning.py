"""Labels as vectors, planes and projections."""

import keras
import numpy as np
from keras import ops

from kerasgan.layers import OneHot, label_plane, label_projection, label_vector

LABELS = np.array([2, 0, 2], "int32")


def labels_input():
    return keras.Input((), dtype="int32", name="labels")


def run(inputs, outputs, *values):
    return ops.convert_to_numpy(keras.Model(inputs, outputs)(list(values) if len(values) > 1 else values[0]))


def test_one_hot():
    labels = labels_input()
    vectors = label_vector(labels, 4)
    assert vectors.shape == (None, 4)
    np.testing.assert_array_equal(run(labels, vectors, LABELS), np.eye(4)[LABELS])
    # In a network of lower precision the vectors are of that precision too.
    assert OneHot(4, dtype="mixed_bfloat16").compute_output_spec(labels).dtype == "bfloat16"
    assert keras.backend.standardize_dtype(OneHot(4, dtype="mixed_bfloat16")(LABELS).dtype) == "bfloat16"
    assert OneHot.from_config(OneHot(4).get_config()).num_classes == 4


def test_embedded_vector():
    labels = labels_input()
    vectors = run(labels, label_vector(labels, 4, embedding=5), LABELS)
    assert vectors.shape == (3, 5)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert (vectors[0] != vectors[1]).any()


def test_plane():
    labels = labels_input()
    planes = run(labels, label_plane(labels, 4, height=2, width=3), LABELS)
    assert planes.shape == (3, 2, 3, 1)
    np.testing.assert_array_equal(planes[0], planes[2])
    assert (planes[0] != planes[1]).any()


def test_projection_is_the_inner_product_with_the_class():
    labels, features = labels_input(), keras.Input((5,))
    logits = keras.layers.Dense(1, name="unconditional")(features)
    model = keras.Model([features, labels], label_projection(logits, features, labels, 4))
    values = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    classes = np.random.default_rng(1).normal(size=(4, 5)).astype("float32")
    model.get_layer("label_projection").set_weights([classes])
    kernel, bias = model.get_layer("unconditional").get_weights()
    expected = values @ kernel + bias + np.sum(values * classes[LABELS], axis=1, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(model([values, LABELS])), expected, rtol=1e-5, atol=1e-6)
