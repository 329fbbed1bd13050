"""What the style families' layers are for, by hand and in small."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan.layers import (
    AdaptiveInstanceNormalization,
    EqualizedConv2D,
    EqualizedDense,
    Fade,
    LearnedConstant,
    MeanStyle,
    MinibatchStandardDeviation,
    ModulatedConv2D,
    Noise,
    PixelNormalization,
    ScaledLeakyReLU,
    draw_crossovers,
    mix_styles,
    noise_mode,
    truncate,
)

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 4, 6, 5)).astype("float32")
STYLES = RNG.normal(size=(3, 7)).astype("float32")


def normal(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


@pytest.mark.parametrize("up", [1, 2])
def test_demodulated_outputs_have_unit_deviation(up):
    x, styles = normal(8, 24, 24, 32), 3 * normal(8, 16)
    inside = ops.convert_to_numpy(ModulatedConv2D(64, 3, up)([x, styles]))[:, 4:-4, 4:-4]
    # The squares of the filter's taps that one pixel sees, (1 + 9) / 16 an axis, are what enlarging leaves of 1.
    np.testing.assert_allclose(inside.std(axis=(1, 2, 3)), 1.0 if up == 1 else 10 / 16, atol=0.05)
    plain = ops.convert_to_numpy(ModulatedConv2D(64, 3, up, demodulate=False)([x, styles]))
    assert plain.std(axis=(1, 2, 3)).max() > 1.5


def test_modulation_is_that_of_kernels(float64):
    """Against a kernel for each sample, with SciPy."""
    import scipy.signal

    layer = ModulatedConv2D(4, 3)
    x, w = IMAGES.astype("float64"), STYLES.astype("float64")
    found = ops.convert_to_numpy(layer([x, w]))
    kernel = ops.convert_to_numpy(layer.kernel)
    for n in range(3):
        scales = w[n] @ ops.convert_to_numpy(layer.style.kernel) / np.sqrt(7) + 1
        mine = kernel * scales[:, None]
        mine = mine / np.sqrt((mine**2).sum(axis=(0, 1, 2)) + 1e-8)
        for o in range(4):
            each = [scipy.signal.correlate2d(x[n, :, :, i], mine[:, :, i, o], "same") for i in range(5)]
            np.testing.assert_allclose(found[n, :, :, o], sum(each), atol=1e-7)


def test_a_rate_multiplier_slows_adam_down():
    """The effective kernel moves a hundredth as far; a hundredth of the gradient would change nothing."""

    def moved(multiplier, gradient=1.0):
        layer = EqualizedDense(3, rate_multiplier=multiplier)
        layer.build((None, 4))
        adam = keras.optimizers.Adam(1e-3, beta_1=0.0)
        before = ops.convert_to_numpy(layer.kernel)
        adam.apply([ops.full((4, 3), gradient)], [layer.kernel])
        return np.abs(ops.convert_to_numpy(layer.kernel) - before).mean() * layer.scale

    np.testing.assert_allclose(moved(0.01) / moved(1.0), 0.01, rtol=1e-2)
    np.testing.assert_allclose(moved(1.0, 0.01) / moved(1.0), 1.0, rtol=1e-3)


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_equalized_layers_keep_the_deviation(multiplier):
    options = {"rate_multiplier": multiplier, "gain": 2.0, "bias_start": 0.5}
    dense, convolution = EqualizedDense(64, **options), EqualizedConv2D(64, 3, padding="valid", **options)
    for y in (dense(normal(200, 50)), convolution(normal(8, 12, 12, 10))):
        y = ops.convert_to_numpy(y)
        np.testing.assert_allclose([y.mean(), y.std()], [0.5, 2.0], atol=0.15)


def test_pixel_normalization_by_hand():
    np.testing.assert_allclose(PixelNormalization()(np.float32([[3.0, 4.0]])), [[3, 4] / np.sqrt(12.5)], rtol=1e-6)


@pytest.mark.parametrize("count, size", [(6, 3), (2, 3), (4, 3), (1, 3)])
def test_minibatch_deviation_by_hand(count, size):
    x = normal(count, 2, 3, 4)
    group = size if count % size == 0 else count
    found = ops.convert_to_numpy(MinibatchStandardDeviation(size)(x))
    for n in range(count):
        samples = x[[i for i in range(count) if i % (count // group) == n % (count // group)]]
        expected = np.sqrt(samples.var(axis=0) + 1e-8).mean()
        np.testing.assert_allclose(found[n, ..., -1], expected, rtol=1e-5)
    np.testing.assert_array_equal(found[..., :-1], x)


@pytest.mark.tensorflow
def test_minibatch_deviation_of_a_batch_of_unknown_size():
    import tensorflow as tf

    layer = MinibatchStandardDeviation()
    layer.build((None, 2, 3, 4))
    traced = tf.function(layer, input_signature=[tf.TensorSpec((None, 2, 3, 4))])
    for count in (8, 6, 1):
        x = normal(count, 2, 3, 4)
        np.testing.assert_allclose(traced(x), layer(x), rtol=1e-6)


def test_adaptive_normalization_sets_mean_and_deviation():
    layer = AdaptiveInstanceNormalization()
    found = ops.convert_to_numpy(layer([IMAGES, STYLES]))
    scales, offsets = np.split(ops.convert_to_numpy(layer.style(STYLES)), 2, axis=-1)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), offsets, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=(1, 2)), np.abs(1 + scales), rtol=1e-4)


def test_noise():
    layer = Noise(seed=3)
    np.testing.assert_array_equal(layer(IMAGES), IMAGES)  # of strength 0 at the start
    layer.strength.assign(2.0)
    network = keras.Sequential([keras.Input((4, 6, 5)), keras.Sequential([layer])])

    def noise(mode):
        with noise_mode(network, mode):
            return (ops.convert_to_numpy(network(IMAGES)) - IMAGES) / 2

    first, second = noise("random"), noise("random")
    assert np.abs(first - second).mean() > 0.5
    assert np.abs(first[0] - first[1]).mean() > 0.5
    np.testing.assert_allclose(first - first[..., :1], 0, atol=1e-6)  # one map for all channels
    fixed = noise("constant")
    np.testing.assert_allclose(fixed, np.broadcast_to(fixed[:1], fixed.shape), atol=1e-6)
    np.testing.assert_array_equal(noise("constant"), fixed)
    assert not noise("none").any()
    assert layer.mode == "random"
    with pytest.raises(ValueError, match="mode is 'fixed', expected one of 'random'"), noise_mode(network, "fixed"):
        pass


def test_mean_style_moves_to_the_mean():
    layer = MeanStyle(decay=0.9)
    for seed in range(200):
        layer(np.random.default_rng(seed).normal(2.0, 1.0, (16, 3)).astype("float32"), training=True)
    before = ops.convert_to_numpy(layer.mean)
    np.testing.assert_allclose(before, 2.0, atol=0.3)
    np.testing.assert_array_equal(layer(STYLES[:, :3]), STYLES[:, :3])
    np.testing.assert_array_equal(layer.mean, before)


def test_truncation_and_mixing():
    first, second = normal(2, 4, 3), -normal(2, 4, 3)
    mean = np.float32([1, 2, 3])
    np.testing.assert_allclose(truncate(first, mean, 1.0), first, atol=1e-6)
    np.testing.assert_allclose(truncate(first, mean, 0.0), np.broadcast_to(mean, first.shape), rtol=1e-6)
    half = ops.convert_to_numpy(truncate(first, mean, 0.5, layers=1))
    np.testing.assert_allclose(half[:, 0], (first[:, 0] + mean) / 2, rtol=1e-5)
    np.testing.assert_allclose(half[:, 1:], first[:, 1:], atol=1e-6)
    mixed = ops.convert_to_numpy(mix_styles(first, second, [1, 4]))
    np.testing.assert_array_equal(mixed, [[*first[0, :1], *second[0, 1:]], first[1]])


def test_crossovers():
    drawn = ops.convert_to_numpy(draw_crossovers(20_000, 5, 0.9, seed=0))
    shares = np.bincount(drawn, minlength=6) / len(drawn)
    np.testing.assert_allclose(shares, [0, 0.225, 0.225, 0.225, 0.225, 0.1], atol=0.015)
    assert set(ops.convert_to_numpy(draw_crossovers(100, 5, 0.0, seed=0))) == {5}


def test_fade_by_hand():
    old, new, share = np.float32([[2, 4], [2, 4]]), np.float32([[4, 8], [4, 8]]), np.float32([[0], [0.25]])
    np.testing.assert_allclose(Fade()([old, new, share]), [[2, 4], [2.5, 5]])


def test_configurations_round_trip():
    """A network of all of them, from its configuration and from a file."""
    images, styles = keras.Input((4, 6, 5), name="images"), keras.Input((7,), name="styles")
    x = EqualizedConv2D(6, 3, gain=2.0, rate_multiplier=0.5, bias_start=1.0)(images)
    x = ModulatedConv2D(4, 3, up=2, taps=(1, 2, 2, 1))([x, styles])
    x = Noise(per_channel=True, mode="none")(x)
    x = ScaledLeakyReLU(limit=3.0)(PixelNormalization(1e-6)(x))
    x = AdaptiveInstanceNormalization(1e-5)([x, MeanStyle(0.9)(styles)])
    x = layers.Add()([x, LearnedConstant((8, 12, 4))(styles)])
    x = EqualizedDense(1, use_bias=False)(MinibatchStandardDeviation(2, neighbours=True, unbiased=True)(x))
    network = keras.Model([images, styles], x)
    assert x.shape == (None, 8, 12, 1)
    clone = keras.Model.from_config(network.get_config())
    clone.set_weights(network.get_weights())
    np.testing.assert_allclose(clone([IMAGES, STYLES]), network([IMAGES, STYLES]), rtol=1e-5)
    for ours, theirs in zip(network.layers, clone.layers, strict=True):
        assert ours.get_config() == theirs.get_config()


def test_refusals():
    with pytest.raises(ValueError, match="up is 3, expected 1 or 2"):
        ModulatedConv2D(4, up=3)
