"""Inference adds nothing to the network: one trace for all batch sizes, one copy of the images."""

import keras
import numpy as np
import pytest

from kerasgan import DCGAN
from kerasgan.game import inference


@pytest.fixture(scope="module")
def model():
    return DCGAN((8, 8, 1), latent_dim=4, width=2, generator_width=2, seed=0)


@pytest.mark.tensorflow
def test_samples_of_any_count_need_two_traces(model):
    traced = []

    def finish(images):
        traced.append(images.shape)
        return images

    run = inference.Inference(model.ema_generator, finish)
    for seed, count in enumerate((1, 3, 64, 1, 7, 64)):  # the first count, then any
        assert run(model.sample_inputs(count, seed), seed).shape == (count, 8, 8, 1)
    assert len(traced) <= 2
    traced.clear()
    run(model.sample_inputs(5, 9), 3)
    assert not traced


def test_a_single_batch_is_not_copied_again(model, monkeypatch):
    chunk = np.zeros((3, 2), "float32")
    assert inference._joined([chunk]) is chunk
    assert inference._joined([{"images": chunk}])["images"] is chunk
    converted = []
    whole = keras.ops.convert_to_numpy
    monkeypatch.setattr(inference.ops, "convert_to_numpy", lambda x: converted.append(x.shape) or whole(x))
    images = model.sample(3)
    assert converted == [(3, 8, 8, 1)]
    images += 1.0  # belongs to the caller
    assert np.array_equal(images, model.sample(3) + 1.0)


def test_batches_are_joined(model):
    np.testing.assert_allclose(model.sample(5, batch_size=2), model.sample(5), atol=1e-6)
    assert inference._joined([np.zeros((2, 1)), np.ones((1, 1))]).ravel().tolist() == [0.0, 0.0, 1.0]


def test_outputs_keep_integers_and_are_single_precision():
    for given, expected in (("int32", "int32"), ("bfloat16", "float32"), ("float32", "float32")):
        assert inference._to_numpy(keras.ops.ones((2,), given)).dtype == expected
