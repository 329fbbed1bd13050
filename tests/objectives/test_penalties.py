"""The penalties in closed form, by finite differences, against TF-GAN, and their traps."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import input_gradient
from kerasgan.objectives import penalties
from kerasgan.objectives.penalties import R1, R2, Drift, GradientPenalty, WeightClip, clip_weights

ALL = [R1(), R2(), GradientPenalty(), GradientPenalty(one_sided=True), Drift()]
SEED = 7


def samples(shape, seed=0, dtype="float32"):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(loc, 1.0, shape).astype(dtype) for loc in (0.5, -1.0))


def linear(weights):
    """The critic D(x) = <w, x>, whose gradient is w everywhere."""
    return lambda x: ops.sum(x * ops.cast(weights, x.dtype), axis=tuple(range(1, len(x.shape))))


def epsilons(shape, dtype="float32"):
    """The interpolation weights that `GradientPenalty` draws from the seed `SEED`."""
    drawn = keras.random.uniform((shape[0],) + (1,) * (len(shape) - 1), dtype=dtype, seed=SEED)
    return ops.convert_to_numpy(drawn)


@pytest.mark.parametrize("shape", [(2, 3), (3, 4, 2), (2, 4, 3, 2), (2, 2, 3, 2, 2)], ids=str)
def test_linear_critic_norm_is_over_all_axes_of_a_sample(shape):
    real, fake = samples(shape)
    w = np.random.default_rng(1).normal(size=shape[1:]).astype("float32")
    norm = np.linalg.norm(w)
    expected = {
        R1(gamma=3.0): 1.5 * norm**2,
        R2(gamma=3.0): 1.5 * norm**2,
        GradientPenalty(weight=10.0): 10 * (norm - 1) ** 2,
        GradientPenalty(weight=2.0, target=5.0): 2 * (norm - 5) ** 2,
        Drift(weight=0.1): 0.1 * np.mean(np.sum(real * w, axis=tuple(range(1, w.ndim + 1))) ** 2),
    }
    for penalty, value in expected.items():
        np.testing.assert_allclose(penalty(linear(w), real, fake, seed=SEED), value, rtol=1e-5)
    if w.ndim > 1:
        # What a norm over the last axis only would give is something else.
        wrong = 10 * np.mean((np.linalg.norm(w, axis=-1) - 1) ** 2)
        assert abs(wrong - 10 * (norm - 1) ** 2) > 0.1 * wrong


def test_one_sided_penalty_lets_small_slopes_go_free():
    real, fake = samples((3, 4))
    for norm, value in ((0.5, 0.0), (3.0, 4.0)):
        critic = linear(np.full(4, norm / 2, "float32"))
        penalty = GradientPenalty(weight=1.0, one_sided=True)
        np.testing.assert_allclose(penalty(critic, real, fake, seed=SEED), value, atol=1e-6)
        both_sides = GradientPenalty(weight=1.0)(critic, real, fake, seed=SEED)
        np.testing.assert_allclose(both_sides, (norm - 1) ** 2, rtol=1e-5)


def test_quadratic_critic():
    real, fake = samples((5, 3))
    root = np.random.default_rng(1).normal(size=(3, 3)).astype("float32")
    a = root + root.T
    epsilon = epsilons((5, 3))

    def slope_squares(x):
        return np.sum((x @ a) ** 2, axis=1)

    between = epsilon * real + (1 - epsilon) * fake
    expected = {
        R1(gamma=2.0): np.mean(slope_squares(real)),
        R2(gamma=2.0): np.mean(slope_squares(fake)),
        GradientPenalty(weight=1.0): np.mean((np.sqrt(slope_squares(between)) - 1) ** 2),
    }

    def critic(x):
        return 0.5 * ops.sum(x * ops.matmul(x, a), axis=1, keepdims=True)

    for penalty, value in expected.items():
        np.testing.assert_allclose(penalty(critic, real, fake, seed=SEED), value, rtol=1e-5)


def test_gradient_of_a_map_of_logits_is_that_of_its_sum():
    real, fake = samples((4, 3))
    w = np.float32([[1, 0], [2, 1], [0, -3]])
    value = R1(gamma=2.0)(lambda x: ops.reshape(ops.matmul(x, w), (-1, 1, 2, 1)), real, fake)
    np.testing.assert_allclose(value, np.sum(w.sum(axis=1) ** 2), rtol=1e-6)


# The penalties of the critic D(x) = tanh(x W) v in float64 NumPy, its input gradient by hand.
def tanh_slopes(x, w, v):
    return ((1 - np.tanh(x @ w) ** 2) * v.T) @ w.T


def squared_norm(gradient):
    return np.sum(gradient**2, axis=1)


TANH_PENALTIES = {
    R1(gamma=3.0): lambda real, fake, mixed, w, v: 1.5 * np.mean(squared_norm(tanh_slopes(real, w, v))),
    R2(gamma=3.0): lambda real, fake, mixed, w, v: 1.5 * np.mean(squared_norm(tanh_slopes(fake, w, v))),
    GradientPenalty(): lambda real, fake, mixed, w, v: (
        10 * np.mean((np.sqrt(squared_norm(tanh_slopes(mixed, w, v))) - 1) ** 2)
    ),
    Drift(): lambda real, fake, mixed, w, v: 1e-3 * np.mean((np.tanh(real @ w) @ v) ** 2),
}


@pytest.mark.parametrize("penalty", TANH_PENALTIES, ids=lambda penalty: type(penalty).__name__)
def test_gradient_by_the_critics_weights(penalty, float64):
    real, fake = samples((4, 3), dtype="float64")
    rng = np.random.default_rng(2)
    w, v = rng.normal(size=(3, 5)), rng.normal(size=(5, 1))
    epsilon = epsilons((4, 3), dtype="float64")
    mixed = epsilon * real + (1 - epsilon) * fake

    def ours(w):
        # Not ops.tanh, which on JAX computes float64 in float32.
        return penalty(lambda x: (2 * ops.sigmoid(2 * (x @ w)) - 1) @ v, real, fake, seed=SEED)

    def reference(w):
        return TANH_PENALTIES[penalty](real, fake, mixed, w, v)

    np.testing.assert_allclose(ours(ops.convert_to_tensor(w)), reference(w), rtol=1e-9)
    expected, step = np.zeros_like(w), 1e-6
    for index in np.ndindex(w.shape):
        shift = np.zeros_like(w)
        shift[index] = step
        expected[index] = (reference(w + shift) - reference(w - shift)) / (2 * step)
    gradient = input_gradient(ours, ops.convert_to_tensor(w))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def interpolates(real, fake, seed):
    """The points at which `GradientPenalty` asks the critic."""
    seen = []

    def critic(x):
        # Without stop_gradient JAX shows a tracer.
        seen.append(ops.convert_to_numpy(ops.stop_gradient(x)))
        return ops.sum(x, axis=tuple(range(1, len(x.shape))))

    GradientPenalty()(critic, real, fake, seed=seed)
    return seen[0]


def largest_deviation_from_uniform(values):
    """Kolmogorov-Smirnov statistic times sqrt(n), for U[0, 1) above 1.95 once in 1000 times."""
    ordered, n = np.sort(values), len(values)
    steps = np.arange(n + 1) / n
    deviation = max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1]))
    return deviation * np.sqrt(n)


def test_each_sample_has_its_own_uniform_epsilon():
    n = 2000
    points = interpolates(np.ones((n, 2, 3, 1), "float32"), np.zeros((n, 2, 3, 1), "float32"), SEED)
    epsilon = points[:, 0, 0, 0]
    np.testing.assert_array_equal(points, np.broadcast_to(epsilon[:, None, None, None], points.shape))
    assert epsilon.min() >= 0 and epsilon.max() < 1
    assert largest_deviation_from_uniform(epsilon) < 1.95
    # The two commonest mistakes would not pass.
    rng = np.random.default_rng(0)
    assert largest_deviation_from_uniform(np.full(n, rng.uniform())) > 1.95
    assert largest_deviation_from_uniform(rng.normal(size=n)) > 1.95


def test_interpolates_lie_on_the_segments_between_pairs():
    real, fake = samples((6, 4))
    points, epsilon = interpolates(real, fake, SEED), epsilons((6, 4))
    np.testing.assert_allclose(points, epsilon * real + (1 - epsilon) * fake, rtol=1e-5, atol=1e-6)


def test_seeds():
    real, fake = samples((6, 4))
    np.testing.assert_array_equal(interpolates(real, fake, 1), interpolates(real, fake, 1))
    assert np.all(interpolates(real, fake, 1) != interpolates(real, fake, 2))
    generator = keras.random.SeedGenerator(1)
    assert np.all(interpolates(real, fake, generator) != interpolates(real, fake, generator))


@pytest.mark.parametrize("penalty", ALL, ids=str)
def test_flat_critic_has_a_finite_gradient(penalty):
    real, fake = samples((3, 2, 2, 1))
    gradient = input_gradient(
        lambda w: penalty(lambda x: ops.sum(w * x, axis=(1, 2, 3)), real, fake, seed=SEED),
        ops.zeros((2, 2, 1)),
    )
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_critic_that_ignores_its_input_has_slope_zero():
    real, fake = samples((3, 2))
    constant = lambda x: ops.ones((3, 1))  # noqa: E731
    assert float(R1()(constant, real, fake)) == 0
    np.testing.assert_allclose(GradientPenalty()(constant, real, fake, seed=SEED), 10, rtol=1e-5)


def test_norms_of_half_precision_gradients_do_not_overflow():
    real, fake = (ops.cast(x, "float16") for x in samples((3, 2)))
    # 300^2 is more than float16 can hold.
    value = R1(gamma=2.0)(linear(np.float32([300, 400])), real, fake)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    np.testing.assert_allclose(value, 250_000)


def test_real_and_fake_may_have_different_precisions():
    real, fake = samples((3, 2))
    critic = linear(np.float32([3, 4]))
    for dtypes in (("float32", "bfloat16"), ("float16", "float32"), ("bfloat16", "bfloat16")):
        x, y = (ops.cast(z, dtype) for z, dtype in zip((real, fake), dtypes, strict=True))
        value = GradientPenalty()(critic, x, y, seed=SEED)
        np.testing.assert_allclose(value, 160, rtol=1e-5)


@pytest.mark.parametrize("shape", [(3, 2), (4, 1), (4, 2, 1)], ids=str)
def test_gradient_penalty_refuses_samples_that_do_not_pair(shape):
    with pytest.raises(ValueError, match="same shape"):
        GradientPenalty()(linear(np.ones(2)), np.zeros((4, 2)), np.zeros(shape), seed=SEED)


def test_r1_and_r2_look_at_their_own_samples_only():
    (real, _), (_, fake) = samples((5, 2)), samples((3, 2))
    critic = lambda x: ops.sum(x**3, axis=1)  # noqa: E731
    np.testing.assert_allclose(R1(gamma=2.0)(critic, real, None), np.mean(np.sum(9 * real**4, axis=1)), rtol=1e-5)
    np.testing.assert_allclose(R2(gamma=2.0)(critic, None, fake), np.mean(np.sum(9 * fake**4, axis=1)), rtol=1e-5)


def test_interval_is_the_callers_business():
    real, fake = samples((3, 2))
    critic = linear(np.float32([3, 4]))
    lazy = R1(gamma=2.0, interval=16)
    assert lazy.interval == 16
    assert float(lazy(critic, real, fake)) == float(R1(gamma=2.0)(critic, real, fake)) == 25
    assert float(lazy.measure(critic, real, fake)) == 25 and lazy.weight == 1


@pytest.mark.parametrize("penalty", [*ALL, R1(gamma=2.0, interval=16)], ids=str)
def test_penalties_round_trip_through_json(penalty):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(penalty)))
    assert config["registered_name"] == f"kerasgan>{type(penalty).__name__}"
    assert penalties.get(config) == penalty == type(penalty).from_config(penalty.get_config())
    assert penalties.get(penalty) is penalty


def test_names_and_equality():
    assert penalties.get("r1") == R1(gamma=10.0, interval=1) != R2()
    assert penalties.get("r2") == R2()
    assert penalties.get("gradient_penalty") == GradientPenalty(weight=10.0, target=1.0)
    assert penalties.get("drift") == Drift(weight=1e-3)
    for unknown in ("r3", None, "hinge"):
        with pytest.raises(ValueError, match="'r1', 'r2', 'gradient_penalty', 'drift'"):
            penalties.get(unknown)


def test_bad_arguments_are_refused():
    for arguments in ({"gamma": -1.0}, {"gamma": float("nan")}):
        with pytest.raises(ValueError, match="not be negative"):
            R1(**arguments)
    for interval in (0, -1, 1.5):
        with pytest.raises(ValueError, match="interval"):
            GradientPenalty(interval=interval)
    with pytest.raises(ValueError, match="positive"):
        WeightClip(limit=0.0)


def critic_network():
    """A small critic with kernels, biases and the scale and offset of a normalisation."""
    return keras.Sequential(
        [
            keras.Input((3,), name="samples"),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.LayerNormalization(),
            keras.layers.Dense(1),
        ]
    )


def test_fit_keeps_clipped_weights_within_the_limit():
    network = critic_network()
    clip_weights(network, 0.02)
    assert max(np.abs(w).max() for w in network.get_weights()) > 0.02
    # A step far beyond the limit.
    network.compile(optimizer=keras.optimizers.SGD(10.0), loss="mse")
    x, y = np.random.default_rng(0).normal(size=(2, 8, 3)).astype("float32")
    network.fit(x, y[:, :1], batch_size=8, verbose=0)
    for variable in network.trainable_variables:
        values = ops.convert_to_numpy(variable)
        assert np.all(np.abs(values) <= np.float32(0.02)), variable.path
    assert any(np.any(np.abs(w) == np.float32(0.02)) for w in network.get_weights())


def test_optimizer_clips_after_an_eager_update():
    variable = keras.Variable([0.0, 0.0, 0.005])
    variable.constraint = WeightClip(0.01)
    keras.optimizers.SGD(1.0).apply([ops.convert_to_tensor([5.0, -5.0, 0.0])], [variable])
    np.testing.assert_allclose(variable, [-0.01, 0.01, 0.005])


def test_clip_weights_leaves_configs_and_files_alone(tmp_path):
    network = critic_network()
    config, weights = network.get_config(), network.get_weights()
    clip_weights(network, 0.01)
    assert network.get_config() == config
    for before, after in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    network.save(tmp_path / "critic.keras")
    loaded = keras.saving.load_model(tmp_path / "critic.keras")
    x = samples((2, 3))[0]
    np.testing.assert_allclose(loaded(x), network(x), rtol=1e-6)
    for rebuilt in (loaded, keras.models.clone_model(network)):
        assert all(variable.constraint is None for variable in rebuilt.trainable_variables)
        clip_weights(rebuilt, 0.01)
        clip_weights(rebuilt, 0.02)
        assert {variable.constraint for variable in rebuilt.variables} == {WeightClip(0.02)}


def test_weight_clip_is_a_layers_argument_too():
    layer = keras.layers.Dense(2, kernel_constraint=WeightClip(0.3))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    rebuilt = keras.saving.deserialize_keras_object(config)
    assert rebuilt.kernel_constraint == WeightClip(0.3)
    np.testing.assert_allclose(rebuilt.kernel_constraint(ops.convert_to_tensor([-1.0, 0.1, 1.0])), [-0.3, 0.1, 0.3])


def test_clip_weights_refuses_what_it_cannot_clip():
    with pytest.raises(ValueError, match="no trainable variables"):
        clip_weights(keras.layers.Dense(1), 0.01)
    network = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2),
            keras.layers.Dense(1, kernel_constraint="non_neg"),
        ]
    )
    with pytest.raises(ValueError, match="already has the constraint"):
        clip_weights(network, 0.01)
    assert network.layers[0].kernel.constraint is None


@pytest.mark.tensorflow
@pytest.mark.parametrize("penalty", ALL, ids=str)
def test_unknown_batch_size_in_a_graph(penalty):
    import tensorflow as tf

    spec = tf.TensorSpec((None, 2, 2, 1))
    critic = linear(np.ones((2, 2, 1), "float32"))
    compiled = tf.function(lambda real, fake: penalty(critic, real, fake, seed=SEED), input_signature=[spec, spec])
    real, fake = samples((3, 2, 2, 1))
    np.testing.assert_allclose(compiled(real, fake), penalty(critic, real, fake, seed=SEED), rtol=1e-6)


@pytest.mark.tensorflow
@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("target", [1.0, 2.0])
def test_gradient_penalty_is_tfgans(target, one_sided):
    pytest.importorskip("tensorflow_probability", reason="TF-GAN is not installed")
    import tensorflow as tf

    from tests.oracle import tfgan

    rng = np.random.default_rng(3)
    w, v = (tf.constant(rng.normal(size=shape), "float32") for shape in ((3, 8), (8, 1)))
    # Where real and fake are the same, the random point between them is no longer random.
    points = tf.constant(samples((6, 3))[0])

    def theirs(w):
        penalty = tfgan().losses.wasserstein_gradient_penalty(
            points,
            points,
            None,
            lambda x, _: tf.tanh(x @ w) @ v,
            "critic",
            target=target,
            one_sided=one_sided,
        )
        # TF-GAN's is relative to the target.
        return penalty * target**2

    def ours(w):
        penalty = GradientPenalty(weight=1.0, target=target, one_sided=one_sided)
        return penalty(lambda x: tf.tanh(x @ w) @ v, points, points, seed=SEED)

    @tf.function
    def value_and_gradient(penalty):
        with tf.GradientTape() as tape:
            tape.watch(w)
            value = penalty(w)
        return value, tape.gradient(value, w)

    for a, b in zip(value_and_gradient(ours), value_and_gradient(theirs), strict=True):
        assert np.any(b != 0)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_bilinear_upsampling_hides_a_penalty_from_the_layers_after_it(interpolation):
    """A trap of TensorFlow's; no error, only no gradient. If this fails, it has been mended."""
    import tensorflow as tf

    network = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.UpSampling2D(interpolation=interpolation),
            keras.layers.Conv2D(3, 3, activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(1, use_bias=False),
        ]
    )
    real, fake = samples((2, 4, 4, 1))
    with tf.GradientTape() as tape:
        penalty = R1()(network, real, fake)
    assert float(penalty) > 0
    gradients = tape.gradient(penalty, [v.value for v in network.trainable_variables], unconnected_gradients="zero")
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        assert bool(np.any(gradient != 0)) == (interpolation == "nearest"), variable.path
