"""PatchNCE against a float64 reference in NumPy, and closed forms."""

import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import gradients
from kerasgan.objectives.contrastive import patch_nce
from kerasgan.testing.scripted import double_precision


def reference(queries, keys, temperature):
    """Equations 3 and 4, patch by patch, with the positive counted once."""
    losses = []
    for image, originals in zip(queries, keys, strict=True):
        for place, query in enumerate(image):
            similarity = [q @ query / np.linalg.norm(q) / np.linalg.norm(query) / temperature for q in originals]
            positive = np.exp(similarity[place])
            negatives = sum(np.exp(s) for other, s in enumerate(similarity) if other != place)
            losses.append(-np.log(positive / (positive + negatives)))
    return np.mean(losses)


def vectors(seed, shape=(3, 7, 5)):
    return np.random.default_rng(seed).normal(size=shape)


def test_against_the_reference():
    queries, keys = vectors(0), 3.0 * vectors(1)
    with double_precision():
        for temperature in (0.07, 0.5):
            found = float(patch_nce(ops.convert_to_tensor(queries), ops.convert_to_tensor(keys), temperature))
            assert found == pytest.approx(reference(queries, keys, temperature), rel=1e-10)
    single = [ops.convert_to_tensor(x.astype("float32")) for x in (queries, keys)]
    assert float(patch_nce(*single)) == pytest.approx(reference(queries, keys, 0.07), rel=1e-5)


def test_negatives_are_of_the_same_image():
    """Patches of other images do not count: equal vectors within an image give log(patches)."""
    same = np.repeat(vectors(0, (4, 1, 5)), 6, axis=1).astype("float32")
    assert float(patch_nce(ops.convert_to_tensor(same), ops.convert_to_tensor(same))) == pytest.approx(
        np.log(6), rel=1e-5
    )
    apart = np.broadcast_to(np.eye(6, dtype="float32"), (2, 6, 6))
    assert float(patch_nce(ops.convert_to_tensor(apart), ops.convert_to_tensor(apart))) < 1e-5
    crossed = np.roll(apart, 1, axis=1)
    assert float(patch_nce(ops.convert_to_tensor(apart), ops.convert_to_tensor(crossed))) > 10


def test_keys_get_no_gradient():
    queries, keys = (ops.convert_to_tensor(vectors(seed).astype("float32")) for seed in (0, 1))
    of_queries, of_keys = gradients(lambda pair: patch_nce(pair[0], pair[1] + 0.0 * pair[0]), [queries, keys])
    assert float(ops.max(ops.abs(of_queries))) > 1e-3
    assert of_keys is None or float(ops.max(ops.abs(of_keys))) == 0.0
