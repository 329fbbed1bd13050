"""SeqGAN through the family harness; its policy gradient and likelihoods against sums over all sequences."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, SeqGAN
from kerasgan.data.kinds import Tokens
from kerasgan.game.averages import half_life
from kerasgan.game.engines import gradients
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": Tokens(3, 4), "embedding_dim": 3, "units": 4, "discriminator_embedding_dim": 3}
SIZES |= {"filters": ((1, 3), (2, 3), (9, 5))}
FAST = {"batch_size": 8, "pretraining_steps": 1, "discriminator_pretraining_steps": 0, "generator_every": 1}
FAST |= {"rollouts": 2}
test_seqgan = family_tests(SeqGAN, SIZES, FAST)
test_baseline = family_tests(SeqGAN, SIZES, {**FAST, "baseline": "batch", "pretraining_steps": 0}, slow=CHECKS)

ALL = np.array(list(itertools.product(range(3), repeat=3)), "int32")  # all sequences of 3 tokens out of 3


def small(**changes):
    """A model of them, whose generator and discriminator are far from uniform."""
    model = SeqGAN(**{**SIZES, "image_shape": Tokens(3, 3), "dropout": 0.0}, seed=0)
    model.compile(**{**FAST, **changes}, checks=False)
    random = np.random.default_rng(0)
    for network, scale in ((model.generator, 0.8), (model.discriminator, 1.2)):
        network.set_weights([random.normal(0, scale, w.shape) for w in network.get_weights()])
    model.ema_generator.set_weights(model.generator.get_weights())
    return model


def rewarded(**changes):
    """The same, with a reward of each sequence from a table instead of the discriminator's."""
    model, table = small(**changes), ops.convert_to_tensor(np.random.default_rng(1).uniform(size=27), "float32")
    model.reward = lambda tokens: ops.take(table, ops.sum(tokens * np.array([[9, 3, 1]], "int32"), axis=1))
    return model


def probabilities(model):
    return np.exp(model.log_likelihood(ALL).astype("float64"))


def test_likelihoods_sum_to_one():
    found = probabilities(small())
    np.testing.assert_allclose(found.sum(), 1, atol=1e-5)
    assert found.max() > 2 * found.min()


def test_samples_have_the_likelihoods():
    """Chi squared over all 27 sequences; at another temperature they do not fit."""
    model, count = small(), 20_000
    expected = probabilities(model) * count

    def chi_squared(temperature):
        samples = model.sample(count, seed=1, temperature=temperature, batch_size=count)
        observed = np.bincount(samples @ np.array([9, 3, 1]), minlength=27)
        return ((observed - expected) ** 2 / expected).sum()

    assert chi_squared(1.0) < 54.1  # 99.9% for 26 degrees of freedom
    assert chi_squared(0.8) > 200


def test_the_coldest_samples_are_the_likeliest_tokens():
    model = small()
    samples = model.sample(8, temperature=0.0)
    assert (samples == samples[0]).all()
    found = probabilities(model).reshape(3, 3, 3)
    first = found.sum((1, 2)).argmax()
    second = found[first].sum(1).argmax()
    assert samples[0].tolist() == [first, second, found[first, second].argmax()]


def test_later_tokens_do_not_change_earlier_probabilities():
    model = small()
    decoder = model.decoder(model.generator)
    found = ops.convert_to_numpy(decoder.play(given=ops.convert_to_tensor(ALL), logits=True)["logits"])
    for one, other in itertools.combinations(range(len(ALL)), 2):
        alike = int(np.argmax(ALL[one] != ALL[other]))  # equal tokens at the beginning
        np.testing.assert_allclose(found[one, : alike + 1], found[other, : alike + 1], atol=1e-6)
        assert alike == 2 or np.abs(found[one, alike + 1] - found[other, alike + 1]).max() > 1e-4


def policy_gradient(model, repeats, batch_size=64):
    """Gradients of the loss with new random numbers, of shape (repeats, weights)."""
    weights, batch = model.generator.trainable_variables, Batch(ops.zeros((batch_size, 3), "int32"))

    @model.compiled_function
    def slopes(values, state):
        def loss(values):
            with keras.StatelessScope([*zip(weights, values, strict=True), (model.random.state, state)]):
                return model.generator_loss(batch)[0]

        return gradients(loss, values)

    values = [ops.convert_to_tensor(v.value) for v in weights]
    states = [ops.cast(ops.convert_to_tensor([seed, 0]), model.random.state.dtype) for seed in range(repeats)]
    return np.array([np.concatenate([ops.convert_to_numpy(g).ravel() for g in slopes(values, s)]) for s in states])


def mean_and_error(values):
    """Mean over the first axis and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def exact_gradient(model):
    """The gradient of minus the expected reward: the sum over all sequences."""
    weights, tokens = model.generator.trainable_variables, ops.convert_to_tensor(ALL)
    rewards = model.reward(tokens)

    def loss(values):
        with keras.StatelessScope(list(zip(weights, values, strict=True))):
            likelihoods = model.decoder(model.generator).play(given=tokens)["log_likelihoods"]
            return -ops.sum(ops.exp(ops.sum(likelihoods, axis=1)) * rewards)

    values = [ops.convert_to_tensor(v.value) for v in weights]
    return np.concatenate([ops.convert_to_numpy(g).ravel() for g in gradients(loss, values)])


@pytest.mark.parametrize("baseline", [None, pytest.param("batch", marks=pytest.mark.slow)])
def test_policy_gradient(baseline):
    """Within 3 standard errors of the sum over all sequences along the exact gradient, and alike for the weights."""
    model = rewarded(baseline=baseline)
    exact, found = exact_gradient(model).astype("float64"), policy_gradient(model, 300).astype("float64")
    size = np.linalg.norm(exact)
    mean, error = mean_and_error(found @ exact / size)
    assert error < size / 10 and abs(mean - size) < 3 * error
    mean, error = mean_and_error(found)
    z = np.abs(mean - exact)[error > 1e-9] / error[error > 1e-9]
    assert len(z) > 50 and z.max() < 4.5 and (z < 3).mean() > 0.97
    model.reward = lambda tokens: 0.5 * ops.ones((ops.shape(tokens)[0],))  # the negative control: no reward
    mean, error = mean_and_error(policy_gradient(model, 300).astype("float64") @ exact / size)
    assert abs(mean - size) > 6 * error


@pytest.mark.slow
def test_the_baseline_lowers_the_variance():
    found = [policy_gradient(rewarded(baseline=baseline), 40) for baseline in (None, "batch")]
    deviations = [np.linalg.norm(gradients.std(axis=0)) for gradients in found]
    assert deviations[1] < 0.7 * deviations[0]


def test_rewards_of_prefixes():
    """The mean over many rollouts of a prefix is the expected reward of its continuations."""
    model, chosen = rewarded(rollouts=2000), ALL[[5, 19]]
    found = ops.convert_to_numpy(model.rewards(ops.convert_to_tensor(chosen)))
    chances, verdicts = probabilities(model), ops.convert_to_numpy(model.reward(ops.convert_to_tensor(ALL)))
    expected = np.zeros((2, 3))
    for row, sequence in enumerate(chosen):
        for known in (1, 2, 3):
            fitting = (ALL[:, :known] == sequence[:known]).all(1)
            expected[row, known - 1] = (chances[fitting] * verdicts[fitting]).sum() / chances[fitting].sum()
    np.testing.assert_allclose(found, expected, atol=4 * 0.3 / 2000**0.5)
    assert np.abs(np.diff(expected, axis=1)).max() > 0.1  # so that a wrong number of known tokens would be seen


def test_the_rollout_policy_moves_by_a_fifth():
    recipe = SeqGAN.recipe
    assert 0.5 ** (recipe.batch_size / recipe.ema_half_life) == pytest.approx(0.8, abs=1e-3)
    assert recipe.ema_half_life == half_life(0.8, 64)


def test_stages():
    model = small(pretraining_steps=2, discriminator_pretraining_steps=1, generator_every=3)
    due = [model.due(step) for step in range(8)]
    assert due[:3] == [("pretraining",), ("pretraining",), ("discriminator",)]
    assert [step for step, names in enumerate(due) if "generator" in names] == [3, 6]
    assert all("discriminator" in names for names in due[2:])


def test_the_penalty_is_that_of_two_logits():
    """0.2 (w1^2 + w2^2) / 2 of logits w2 x and w1 x = -w2 x, in a loss that is twice the mean over real and fake."""
    batch = Batch(ops.convert_to_tensor(ALL))
    losses = []
    for penalty in (0.2, 0.0):
        model = small(weight_penalty=penalty)
        model.played = lambda batch: {"tokens": ops.convert_to_tensor(ALL[::-1].copy())}
        losses.append(float(model.discriminator_loss(batch)[0]))
    weights = model.discriminator.get_layer("logits").get_weights()
    expected = 2 * 0.2 * sum(((weight / 2) ** 2).sum() for weight in weights)  # w1 and w2 are half of the one logit's
    np.testing.assert_allclose(losses[0] - losses[1], expected, rtol=1e-4)


def test_texts_and_mistakes():
    model = SeqGAN(**{**SIZES, "image_shape": Tokens(3, vocabulary=("", "a", "b"))}, seed=0)
    texts = model.texts(4, seed=0)
    assert texts == model.sample_kind.decode(model.sample(4, seed=0)) and all(set(text) <= set("ab") for text in texts)
    np.testing.assert_allclose(model.log_likelihood(["ab", "b"]), model.log_likelihood([[1, 2, 0], [2, 0, 0]]))
    for what, arguments in {"Tokens": {"image_shape": (8, 8, 1)}, "filters": {"filters": ((4, 2),)}}.items():
        with pytest.raises(ValueError, match=what):
            SeqGAN(**{**SIZES, **arguments})
    for changes in ({"rollouts": 0}, {"baseline": "mean"}, {"pretraining_steps": -1}):
        with pytest.raises(ValueError, match=next(iter(changes))):
            model.compile(**changes)
    with pytest.raises(ValueError, match="both given"):
        model.sample(2, temperature=0.5, truncation=0.5)
