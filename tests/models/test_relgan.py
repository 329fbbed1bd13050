"""RelGAN through the family harness, and what its paper says of temperature and representations."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, RelGAN
from kerasgan.data.kinds import Tokens
from kerasgan.game.randomness import gumbel_noise
from kerasgan.layers import chosen_tokens
from kerasgan.testing import family_tests

SIZES = {"image_shape": Tokens(3, 4), "embedding_dim": 3, "heads": 2, "head_size": 2, "representations": 2}
SIZES |= {"discriminator_embedding_dim": 4, "filters": ((1, 3), (2, 3)), "units": 3}
FAST = {"batch_size": 8, "pretraining_steps": 1, "generator_every": 1, "annealing_steps": 10}
# The last two layers of the discriminator are linear, and their biases are in no difference.
test_relgan = family_tests(RelGAN, SIZES, FAST, unmoved=("discriminator: dense/bias", "discriminator: logit/bias"))


def compiled(**changes):
    model = RelGAN(**SIZES, seed=0)
    model.compile(**{**FAST, **changes}, checks=False)
    return model


def test_temperature():
    """beta^(n / N) from the first step after the pretraining on (section 3.2 and code), then constant."""
    model = compiled(pretraining_steps=100, annealing_steps=400, inverse_temperature=1000.0)
    for step, expected in {0: 1.0, 100: 1.0, 200: 1000**0.25, 300: 1000**0.5, 500: 1000.0, 900: 1000.0}.items():
        model.iterations.assign(step)
        np.testing.assert_allclose(float(model.beta()), expected, rtol=1e-5)


def test_soft_tokens_are_those_that_the_generator_reads():
    """The largest entry of a soft token is the next input; the sharper, the closer to one-hot; gradients flow."""
    model, seen = compiled(pretraining_steps=1, annealing_steps=1, inverse_temperature=50.0), []
    decoder = model.decoder(model.generator)
    play = type(decoder).play
    decoder.play = lambda *a, **k: seen.append(play(decoder, *a, **k)) or seen[-1]
    batch = Batch(ops.zeros((64, 3), "int32"))
    for step, sharp in ((0, False), (2, True)):
        model.iterations.assign(step)
        soft = ops.convert_to_numpy(model.generated(batch))
        np.testing.assert_allclose(soft.sum(-1), 1, atol=1e-5)
        np.testing.assert_array_equal(soft.argmax(-1), ops.convert_to_numpy(seen[-1]["tokens"]))
        assert (soft.max(-1).mean() > 0.9) == sharp


def test_gumbel_noise_and_inverted_distributions_sample_the_softmax():
    """Frequencies against the softmax, chi squared; without the noise they are not those."""
    logits = np.random.default_rng(0).normal(0, 1, 6).astype("float32")
    count = 50_000
    expected = np.exp(logits) / np.exp(logits).sum() * count
    rows = ops.convert_to_tensor(np.tile(logits, (count, 1)))
    noises = gumbel_noise((count, 6), 1), keras.random.uniform((count,), seed=2)
    for noise in noises:
        observed = np.bincount(ops.convert_to_numpy(chosen_tokens(rows, noise)), minlength=6)
        assert ((observed - expected) ** 2 / expected).sum() < 20.5  # 99.9% for 5 degrees of freedom
    normal = keras.random.normal((count, 6), seed=1)  # the negative control: other noise
    observed = np.bincount(ops.convert_to_numpy(chosen_tokens(rows, normal)), minlength=6)
    assert ((observed - expected) ** 2 / expected).sum() > 100


def test_representations_share_their_convolutions():
    """Equal embeddings give equal logits; a logit depends on its own embedding only."""
    model = compiled()
    kernel = np.array(ops.convert_to_numpy(model.discriminator.get_layer("embeddings").kernel))
    kernel[:, 2:] = kernel[:, :2]
    samples = model.real_samples(Batch(ops.convert_to_tensor(SIZES["image_shape"].example(8, 0))))
    model.discriminator.get_layer("embeddings").kernel.assign(kernel)
    same = ops.convert_to_numpy(model.discriminator(samples, training=False))
    np.testing.assert_allclose(same[:, 0], same[:, 1], atol=1e-6)
    kernel[:, 2:] += 1.0
    model.discriminator.get_layer("embeddings").kernel.assign(kernel)
    other = ops.convert_to_numpy(model.discriminator(samples, training=False))
    np.testing.assert_allclose(other[:, 0], same[:, 0], atol=1e-6)
    assert np.abs(other[:, 1] - same[:, 1]).max() > 1e-3


def test_the_papers_networks():
    model = RelGAN(Tokens(20, 50), seed=0)
    kernels = sorted(tuple(v.shape) for v in model.discriminator.trainable_variables if v.name == "kernel")
    expected = [(k, 1, 1, 300) for k in (2, 3, 4, 5)] + [(50, 64), (1200, 1200), (1200, 1200), (1200, 100), (100, 1)]
    assert kernels == sorted(expected)
    cell = model.decoder(model.generator).cell
    assert cell.state_size == 512 and tuple(model.discriminator.output.shape) == (None, 64)


def test_mistakes():
    with pytest.raises(ValueError, match="multiple of the 3 representations"):
        RelGAN(**{**SIZES, "representations": 3})
    for changes in ({"inverse_temperature": 0.5}, {"annealing_steps": 0}):
        with pytest.raises(ValueError, match=next(iter(changes))):
            compiled(**changes)
