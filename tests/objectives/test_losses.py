"""The adversarial losses against the papers' formulas in float64, against TF-GAN, at the edges."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import input_gradient
from kerasgan.objectives import losses

NAMES = list(losses.LOSSES)
RELATIVISTIC = ["relativistic_paired", "relativistic_average"]
SHAPES = [(6,), (3, 2, 4, 1)]


def probability(logits):
    return 1 / (1 + np.exp(-logits))


def log_loss(p):
    return -np.mean(np.log(p))


def relativistic_average(real, fake):
    return log_loss(probability(real - fake.mean())) + log_loss(1 - probability(fake - real.mean()))


# As the papers write them: of probabilities, not of logits.
REFERENCES = {
    "minimax": (
        lambda real, fake: log_loss(probability(real)) + log_loss(1 - probability(fake)),
        lambda real, fake: np.mean(np.log(1 - probability(fake))),
    ),
    "non_saturating": (
        lambda real, fake: log_loss(probability(real)) + log_loss(1 - probability(fake)),
        lambda real, fake: log_loss(probability(fake)),
    ),
    "least_squares": (
        lambda real, fake: np.mean((real - 1) ** 2) / 2 + np.mean(fake**2) / 2,
        lambda real, fake: np.mean((fake - 1) ** 2) / 2,
    ),
    "wasserstein": (
        lambda real, fake: fake.mean() - real.mean(),
        lambda real, fake: -fake.mean(),
    ),
    "hinge": (
        lambda real, fake: -np.minimum(0, real - 1).mean() - np.minimum(0, -fake - 1).mean(),
        lambda real, fake: -fake.mean(),
    ),
    "relativistic_paired": (
        lambda real, fake: log_loss(probability(real - fake)),
        lambda real, fake: log_loss(probability(fake - real)),
    ),
    "relativistic_average": (
        relativistic_average,
        lambda real, fake: relativistic_average(fake, real),
    ),
}


def logits(shape, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(scale, 2.0, shape).astype("float32") for scale in (0.5, -0.3))


def discriminator_and_generator(loss):
    """Both sides of a loss as functions of (real logits, fake logits)."""
    return loss.discriminator, lambda real, fake: loss.generator(fake, real)


def value_and_gradients(function, *arguments):
    """float64 arrays: the value of a function of tensors, and its gradient by each argument."""
    tensors = [ops.convert_to_tensor(argument) for argument in arguments]
    gradients = []
    for i in range(len(tensors)):
        partial = lambda x, i=i: function(*tensors[:i], x, *tensors[i + 1 :])  # noqa: E731
        gradients.append(input_gradient(partial, tensors[i]))
    return [ops.convert_to_numpy(x).astype("float64") for x in (function(*tensors), *gradients)]


def finite_differences(function, *arguments, step=1e-6):
    arguments = [np.asarray(argument, "float64") for argument in arguments]
    result = [function(*arguments)]
    for argument in arguments:
        gradient = np.zeros_like(argument)
        for index in np.ndindex(argument.shape):
            kept, values = argument[index], []
            for sign in (1, -1):
                argument[index] = kept + sign * step
                values.append(function(*arguments))
            argument[index] = kept
            gradient[index] = (values[0] - values[1]) / (2 * step)
        result.append(gradient)
    return result


def assert_all_close(actual, expected, **tolerances):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, **tolerances)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient_are_the_papers(name, shape):
    real, fake = logits(shape)
    for side, reference in zip(discriminator_and_generator(losses.get(name)), REFERENCES[name], strict=True):
        assert_all_close(
            value_and_gradients(side, real, fake),
            finite_differences(reference, real, fake),
            rtol=1e-5,
            atol=1e-6,
        )


@pytest.mark.parametrize("name", NAMES)
def test_discriminator_wants_real_high_and_generator_wants_fake_high(name):
    real, fake = np.full((4, 1), -0.1, "float32"), np.full((4, 1), 0.1, "float32")
    for side, signs in zip(discriminator_and_generator(losses.get(name)), [(-1, 1), (1, -1)], strict=True):
        _, by_real, by_fake = value_and_gradients(side, real, fake)
        assert np.all(by_fake * signs[1] > 0)
        if side.__name__ == "discriminator" or name in RELATIVISTIC:
            assert np.all(by_real * signs[0] > 0)
        else:
            assert not by_real.any()


@pytest.mark.parametrize("label", [0.9, 0.7])
@pytest.mark.parametrize("loss_class", [losses.Minimax, losses.NonSaturating])
def test_label_smoothing_is_one_sided(loss_class, label):
    def smoothed(real, fake):
        p = probability(real)
        return label * log_loss(p) + (1 - label) * log_loss(1 - p) + log_loss(1 - probability(fake))

    real, fake = logits((5, 1))
    loss = loss_class(real_label=label)
    assert_all_close(
        value_and_gradients(loss.discriminator, real, fake),
        finite_differences(smoothed, real, fake),
        rtol=1e-5,
        atol=1e-6,
    )
    best = np.full((5, 1), np.log(label / (1 - label)), "float32")
    _, by_real, _ = value_and_gradients(loss.discriminator, best, fake)
    np.testing.assert_allclose(by_real, 0, atol=1e-7)
    assert float(loss.generator(fake)) == float(loss_class().generator(fake))


def test_label_smoothing_is_a_probability():
    for label in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"in \(0, 1\]"):
            losses.NonSaturating(real_label=label)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_weight_two_counts_twice_and_of_weight_zero_not_at_all(name, shape):
    loss = losses.get(name)
    real, fake = logits(shape)
    rng = np.random.default_rng(1)
    real_weight, fake_weight = rng.permutation(shape[0]), rng.permutation(shape[0])
    if name == "relativistic_paired":
        fake_weight = real_count = fake_count = real_weight  # a pair is repeated as a whole
    else:
        real_count, fake_count = real_weight, fake_weight
    real_repeated = np.repeat(real, real_count, axis=0)
    fake_repeated = np.repeat(fake, fake_count, axis=0)
    for scale in (1.0, 0.3):
        weights = {"real_weight": scale * real_weight, "fake_weight": scale * fake_weight}
        np.testing.assert_allclose(
            loss.discriminator(real, fake, **weights),
            loss.discriminator(real_repeated, fake_repeated),
            rtol=2e-6,
        )
        np.testing.assert_allclose(
            loss.generator(fake, real, **weights),
            loss.generator(fake_repeated, real_repeated),
            rtol=2e-6,
        )


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_ones_change_nothing_and_weights_of_zeros_leave_nothing(name):
    loss = losses.get(name)
    real, fake = logits((4, 3))
    for weight in (np.ones(4), np.zeros(4)):
        for side, weighted in (
            (loss.discriminator, lambda r, f, w=weight: loss.discriminator(r, f, w, w)),
            (
                lambda r, f: loss.generator(f, r),
                lambda r, f, w=weight: loss.generator(f, r, w, w),
            ),
        ):
            expected = value_and_gradients(side, real, fake)
            assert_all_close(
                value_and_gradients(weighted, real, fake),
                [weight[0] * x for x in expected],
                rtol=1e-5,
                atol=1e-7,
            )


def test_the_weight_of_a_pair_is_the_geometric_mean():
    loss, (real, fake) = losses.RelativisticPaired(), logits((2, 1))
    first, second = np.logaddexp(0, fake - real).reshape(-1)
    four, ones = np.array([4.0, 1.0]), np.ones(2)
    np.testing.assert_allclose(loss.discriminator(real, fake, four, ones), (2 * first + second) / 3, rtol=1e-6)
    np.testing.assert_allclose(loss.discriminator(real, fake, four, four), (4 * first + second) / 5, rtol=1e-6)


def test_paired_weights_may_come_from_one_side():
    loss = losses.RelativisticPaired()
    real, fake = logits((3, 1))
    weight = np.array([0.0, 2.0, 0.0])
    expected = np.logaddexp(0, fake[1] - real[1])
    for weights in ({"real_weight": weight}, {"fake_weight": weight}):
        np.testing.assert_allclose(loss.discriminator(real, fake, **weights), expected[0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (4, 1), ()], ids=str)
def test_weights_of_another_shape_are_refused(shape):
    real, fake = logits((4, 1))
    with pytest.raises(ValueError, match=r"shape \(batch,\)"):
        losses.Hinge().discriminator(real, fake, real_weight=np.ones(shape))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_logits_stay_finite(name, dtype):
    loss = losses.get(name)
    for real, fake in ((1e4, -1e4), (-1e4, 1e4)):
        tensors = [ops.full((2, 1), value, dtype=dtype) for value in (real, fake)]
        for side in discriminator_and_generator(loss):
            assert keras.backend.standardize_dtype(side(*tensors).dtype) == "float32"
            for x in value_and_gradients(lambda r, f, side=side: side(r, f), *tensors):
                assert np.all(np.isfinite(x))
    smoothed = losses.NonSaturating(real_label=0.9)
    np.testing.assert_allclose(smoothed.discriminator([[1e4]], [[-1e4]]), 1e3, rtol=1e-5)


def test_exact_values_at_extreme_logits():
    loss = losses.NonSaturating()
    assert float(loss.discriminator([[1e4]], [[-1e4]])) == 0
    assert float(loss.discriminator([[-1e4]], [[1e4]])) == 2e4
    assert float(loss.generator([[-1e4]])) == 1e4
    # exp(-30), which a softplus(D) - D in float32 would cancel to 0.
    np.testing.assert_allclose(loss.generator(np.float32([[30]])), np.exp(-30), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_float64_logits_are_computed_in_float64(name, float64):
    real, fake = (x.astype("float64") for x in logits((5, 1)))
    for side, reference in zip(discriminator_and_generator(losses.get(name)), REFERENCES[name], strict=True):
        value = side(ops.convert_to_tensor(real), ops.convert_to_tensor(fake))
        assert keras.backend.standardize_dtype(value.dtype) == "float64"
        np.testing.assert_allclose(value, reference(real, fake), rtol=1e-12)


@pytest.mark.parametrize("name", RELATIVISTIC)
def test_relativistic_generators_need_real_logits(name):
    loss = losses.get(name)
    assert loss.compares
    with pytest.raises(ValueError, match="new real samples"):
        loss.generator(np.zeros((2, 1), "float32"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RELATIVISTIC])
def test_other_generators_do_not_look_at_real_logits(name):
    loss = losses.get(name)
    real, fake = logits((4, 1))
    assert not loss.compares
    assert float(loss.generator(fake)) == float(loss.generator(fake, real, real_weight=np.ones(4)))


@pytest.mark.parametrize("other_shape", [(4,), (3, 1), (1, 4)], ids=str)
def test_paired_logits_do_not_broadcast(other_shape):
    with pytest.raises(ValueError, match="same shape"):
        losses.RelativisticPaired().discriminator(np.zeros((4, 1)), np.zeros(other_shape))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "relativistic_paired"])
def test_real_and_fake_batches_may_differ_in_size(name):
    (real, _), (_, fake) = logits((6, 1)), logits((4, 1))
    np.testing.assert_allclose(losses.get(name).discriminator(real, fake), REFERENCES[name][0](real, fake), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_losses_round_trip_through_json(name):
    loss = losses.get(name)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    assert config["registered_name"] == f"kerasgan>{type(loss).__name__}"
    assert losses.get(config) == loss == type(loss).from_config(loss.get_config())
    assert losses.get(loss) is loss


def test_equality_is_of_class_and_config():
    assert losses.NonSaturating(0.9) == losses.NonSaturating(0.9)
    assert losses.NonSaturating(0.9) != losses.NonSaturating()
    assert losses.NonSaturating() != losses.Minimax()
    config = keras.saving.serialize_keras_object(losses.NonSaturating(0.9))
    assert losses.get(config).real_label == 0.9


@pytest.mark.parametrize("identifier", ["nonsaturating", None, 3, {"class_name": "Hinge"}], ids=str)
def test_unknown_losses_are_refused_with_the_names(identifier):
    with pytest.raises(ValueError) as error:
        losses.get(identifier)
    assert all(name in str(error.value) for name in NAMES)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", NAMES)
def test_unknown_batch_size_in_a_graph(name):
    import tensorflow as tf

    loss = losses.get(name)
    maps, weights = tf.TensorSpec((None, 2, 2, 1)), tf.TensorSpec((None,))
    compiled = tf.function(loss.discriminator, input_signature=[maps, maps, weights, weights])
    real, fake = logits((3, 2, 2, 1))
    weight = np.float32([1, 0, 3])
    np.testing.assert_allclose(
        compiled(real, fake, weight, weight),
        loss.discriminator(real, fake, weight, weight),
        rtol=1e-6,
    )


# TF-GAN's functions of (real, fake), with what it calls otherwise: it smooths by default
# (`label_smoothing` 0.25 makes the target 0.875), and its minimax generator carries the
# discriminator's loss on a real logit of 1 as an offset.
def tfgan_pairs(tfgan):
    return {
        "minimax": (
            lambda r, f, **kw: tfgan.minimax_discriminator_loss(r, f, label_smoothing=0.0, **kw),
            lambda r, f, **kw: tfgan.minimax_generator_loss(f, label_smoothing=0.0, **kw) + np.log1p(np.exp(-1)),
        ),
        "non_saturating": (
            lambda r, f, **kw: tfgan.modified_discriminator_loss(r, f, label_smoothing=0.0, **kw),
            lambda r, f, **kw: tfgan.modified_generator_loss(f, label_smoothing=0.0, **kw),
        ),
        "least_squares": (
            tfgan.least_squares_discriminator_loss,
            lambda r, f, **kw: tfgan.least_squares_generator_loss(f, **kw),
        ),
        "wasserstein": (
            tfgan.wasserstein_discriminator_loss,
            lambda r, f, **kw: tfgan.wasserstein_generator_loss(f, **kw),
        ),
        "hinge": (
            tfgan.wasserstein_hinge_discriminator_loss,
            lambda r, f, **kw: tfgan.wasserstein_hinge_generator_loss(f, **kw),
        ),
        "relativistic_average": (
            tfgan.relativistic_discriminator_loss,
            tfgan.relativistic_generator_loss,
        ),
    }


@pytest.fixture(scope="module")
def tfgan_losses():
    pytest.importorskip("tensorflow_probability", reason="TF-GAN is not installed")
    from tests.oracle import tfgan

    return tfgan().losses


@pytest.mark.tensorflow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "relativistic_paired"])
def test_value_and_gradient_are_tfgans(tfgan_losses, name, shape):
    real, fake = logits(shape)
    ours = discriminator_and_generator(losses.get(name))
    for side, theirs in zip(ours, tfgan_pairs(tfgan_losses)[name], strict=True):
        assert_all_close(
            value_and_gradients(side, real, fake),
            value_and_gradients(theirs, real, fake),
            rtol=1e-5,
            atol=1e-6,
        )


@pytest.mark.tensorflow
def test_tfgans_default_label_smoothing_is_a_real_label_of_875_thousandths(tfgan_losses):
    real, fake = logits((6, 1))
    loss = losses.NonSaturating(real_label=0.875)
    assert_all_close(
        value_and_gradients(loss.discriminator, real, fake),
        value_and_gradients(tfgan_losses.modified_discriminator_loss, real, fake),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*RELATIVISTIC, "minimax")])
def test_weights_are_tfgans_mean_reduction(tfgan_losses, name):
    import tensorflow as tf

    real, fake = logits((6, 1))
    real_weight, fake_weight = np.float32([[1, 0, 2, 0.5, 3, 1], [0, 0, 1, 4, 1, 2]])
    loss, (discriminator, generator) = losses.get(name), tfgan_pairs(tfgan_losses)[name]
    reduction = tf.compat.v1.losses.Reduction.MEAN
    np.testing.assert_allclose(
        loss.discriminator(real, fake, real_weight, fake_weight),
        discriminator(
            real,
            fake,
            real_weights=real_weight[:, None],
            generated_weights=fake_weight[:, None],
            reduction=reduction,
        ),
        rtol=1e-5,
    )
    ours = loss.generator(fake, fake_weight=fake_weight)
    np.testing.assert_allclose(
        ours, generator(real, fake, weights=fake_weight[:, None], reduction=reduction), rtol=1e-5
    )
    # Its default divides by the number of non-zero weights: the documented difference.
    np.testing.assert_allclose(
        ours * fake_weight.sum() / np.count_nonzero(fake_weight),
        generator(real, fake, weights=fake_weight[:, None]),
        rtol=1e-5,
    )
