"""GMMN and GMMN+AE through the family harness, and the discrepancy that they minimise against closed forms."""

import numpy as np
import pytest
from keras import ops
from scipy.stats import norm

from kerasgan import GMMN, GMMNAE, Batch, data
from kerasgan.game.engines import gradients
from kerasgan.metrics.distances import squared_distances as reference_distances
from kerasgan.metrics.mmd import unbiased_squared_mmd
from kerasgan.objectives.discrepancy import gaussian_kernels, squared_mmd
from kerasgan.testing import CHECKS, double_precision, family_tests, mirrored_strategy, scripted_random

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 3, "units": (6, 5)}
CODES = {**SIZES, "code_dim": 3, "code_units": (7,)}
SGD = {"class_name": "sgd", "config": {"learning_rate": 0.5}}

test_gmmn = family_tests(GMMN, SIZES, recipe={"generator_optimizer": SGD})
test_gmmn_of_vectors = family_tests(GMMN, {**SIZES, "image_shape": (2,)}, slow=CHECKS)
test_gmmn_ae = family_tests(
    GMMNAE, CODES, recipe={"autoencoder_steps": 2, "generator_optimizer": SGD, "autoencoder_optimizer": SGD}
)


def by_pairs(real, fake, bandwidths, weight):
    """The V-statistic, pair by pair, in float64."""

    def mean(xs, ys, ws, vs):
        total = 0.0
        for x, w in zip(xs, ws, strict=True):
            for y, v in zip(ys, vs, strict=True):
                total += w * v * sum(np.exp(-np.sum((x - y) ** 2) / (2 * b)) for b in bandwidths)
        return total / (sum(ws) * sum(vs))

    alike = np.ones(len(fake))
    between = mean(real, fake, weight, alike)
    return mean(real, real, weight, weight) + mean(fake, fake, alike, alike) - 2 * between


@pytest.mark.parametrize("weighted", [False, True])
def test_the_v_statistic_pair_by_pair(weighted):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(9, 3)), rng.normal(0.5, 1, size=(7, 3))
    weight = rng.uniform(size=9) if weighted else np.ones(9)
    given = [ops.convert_to_tensor(x.astype("float32")) for x in (real, fake)]
    found = squared_mmd(*given, (0.5, 2.0), ops.convert_to_tensor(weight.astype("float32")) if weighted else None)
    assert float(found) == pytest.approx(by_pairs(real, fake, (0.5, 2.0), weight), abs=1e-6)


def test_the_v_statistic_and_the_metric_are_of_one_kernel():
    """Taking the pairs i = j out of the V-statistic gives the metric's unbiased estimate."""
    rng = np.random.default_rng(1)
    real, fake = rng.normal(size=(8, 2)), rng.normal(size=(8, 2))
    kernels = [np.exp(reference_distances(a, b) / -2.0) for a, b in ((real, real), (fake, fake), (real, fake))]
    biased = sum(kernel.mean() * sign for kernel, sign in zip(kernels, (1, 1, -2), strict=True))
    within = sum((kernel.sum() - 8) / (8 * 7) - kernel.mean() for kernel in kernels[:2])
    found = float(squared_mmd(real.astype("float32"), fake.astype("float32"), (1.0,)))
    assert found == pytest.approx(biased, abs=1e-6)
    assert found + within == pytest.approx(unbiased_squared_mmd(*kernels), abs=1e-6)


def test_the_discrepancy_of_gaussians():
    """Of N(0, 1) and N(m, 1) with one bandwidth s: 2 sqrt(s / (s + 2)) (1 - exp(-m^2 / (2 (s + 2))))."""
    s, m, quantiles = 1.5, 1.0, norm.ppf((np.arange(1000) + 0.5) / 1000)[:, None]
    real, fake = quantiles.astype("float32"), (quantiles + m).astype("float32")
    expected = 2 * np.sqrt(s / (s + 2)) * (1 - np.exp(-(m**2) / (2 * (s + 2))))
    assert float(squared_mmd(real, fake, (s,))) == pytest.approx(expected, rel=0.01)
    assert float(squared_mmd(real, real, (s,))) == pytest.approx(0.0, abs=1e-6)


def test_it_is_exact_far_from_the_origin():
    """Moved by a thousand, samples 0.01 apart keep their discrepancy to what float32 holds of the samples."""
    rng = np.random.default_rng(3)
    real, fake = (rng.normal(0, 0.01, (50, 2)) for _ in range(2))
    far = [(x + 64.0).astype("float32") for x in (real, fake)]
    near = [(x.astype("float64") - 64.0) for x in far]
    expected = by_pairs(*near, (1e-4,), np.ones(50))
    assert float(squared_mmd(*far, (1e-4,))) == pytest.approx(expected, rel=1e-3)
    uncentred = float(ops.mean(gaussian_kernels(*far, (1e-4,))))
    centred = np.exp(reference_distances(*near) / -2e-4).mean()
    assert abs(uncentred - centred) > 0.05 * centred, "the control: without centring the kernel is rounding"


def test_the_gradient_is_that_of_the_loss():
    rng, h = np.random.default_rng(4), 1e-3
    real, fake = rng.normal(size=(6, 2)), rng.normal(size=(5, 2))
    (found,) = gradients(
        lambda values: squared_mmd(real.astype("float32"), values[0], (0.5, 3.0)),
        [ops.convert_to_tensor(fake.astype("float32"))],
    )
    for place in np.ndindex(fake.shape):
        step = np.zeros_like(fake)
        step[place] = h
        ends = [by_pairs(real, fake + sign * step, (0.5, 3.0), np.ones(6)) for sign in (1, -1)]
        assert ops.convert_to_numpy(found)[place] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-5)


def test_the_published_bandwidths():
    """Of 28 x 28 images in [-1, 1] the loss is that of the authors' [0, 1]; of other sizes sigma grows with them."""
    rng = np.random.default_rng(5)
    for size in (28, 14):
        model = GMMN((size, size, 1), units=(2,), seed=0)
        model.compile()
        real, fake = (rng.uniform(-1, 1, (6, size, size, 1)).astype("float32") for _ in range(2))
        model.generated = lambda batch, fake=fake: ops.convert_to_tensor(fake)
        flat = [(x.reshape(6, -1).astype("float64") + 1) / 2 for x in (real, fake)]
        sigmas = np.array([2, 5, 10, 20, 40, 80]) * (size / 28) ** 2
        squared = by_pairs(*flat, sigmas, np.ones(6))
        loss, logs = model.generator_loss(Batch(ops.convert_to_tensor(real)))
        assert float(logs["squared_mmd"]) == pytest.approx(squared, rel=1e-4)
        assert float(loss) == pytest.approx(np.sqrt(squared + 1e-8), rel=1e-4)


def test_the_published_recipe():
    model = GMMN((28, 28, 1), seed=0)
    shapes = [tuple(v.shape) for v in model.generator.trainable_variables if v.name == "kernel"]
    assert shapes == [(10, 64), (64, 256), (256, 256), (256, 1024), (1024, 784)]
    model.compile()
    sgd = model.optimizer["generator"]
    velocity = sgd.momentums[1]
    for step, rate, momentum in ((0, 2.0, 0.9), (10_000, 2.0, 0.9), (10_001, 0.2, 0.99), (39_999, 0.2, 0.99)):
        sgd.iterations.assign(step)
        for value in sgd.momentums:
            value.assign(ops.ones(value.shape))
        sgd.apply([ops.ones(v.shape) for v in model.generator.trainable_variables])
        np.testing.assert_allclose(ops.convert_to_numpy(velocity), momentum - rate, rtol=1e-6)
    model = GMMNAE((28, 28, 1), seed=0)
    shapes = [tuple(v.shape) for v in (*model.encoder.weights, *model.decoder.weights) if v.name == "kernel"]
    assert shapes == [(784, 1024), (1024, 32), (32, 1024), (1024, 784)]


def test_the_autoencoder_first_then_the_generator():
    x = data.Images((8, 8, 1)).example(32, 0)
    model = GMMNAE(**CODES, seed=0)
    model.compile(autoencoder_steps=4)
    start = [network.get_weights() for network in model.networks.values()]
    model.fit(x, batch_size=8, verbose=0)
    middle = [network.get_weights() for network in model.networks.values()]
    model.fit(x, batch_size=8, verbose=0)
    end = [network.get_weights() for network in model.networks.values()]

    def same(first, second):
        return [all(map(np.array_equal, a, b)) for a, b in zip(first, second, strict=True)]

    assert list(model.networks) == ["code_generator", "encoder", "decoder"]
    assert same(start, middle) == [True, False, False] and same(middle, end) == [False, True, True]


def test_samples_are_decoded_codes():
    model = GMMNAE(**CODES, seed=0)
    latents = model.draw_latents(5, 3)
    for ema, prefix in ((True, "ema_"), (False, "")):
        codes = getattr(model, f"{prefix}code_generator")(latents)
        images = ops.convert_to_numpy(getattr(model, f"{prefix}decoder")(codes))
        np.testing.assert_allclose(model.sample(5, seed=3, ema=ema), images, atol=1e-6)
    codes = model.encode(images)
    assert codes.shape == (5, 3) and 0 < codes.min() <= codes.max() < 1


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: GMMN(**SIZES, num_classes=3), "GMMN is unconditional"),
        (lambda: GMMNAE((2,)), "Use GMMN for vectors"),
        (lambda: GMMNAE(**CODES).encode(np.zeros((1, 4, 4, 1), "float32")), "image_size"),
    ],
)
def test_what_is_refused(attempt, message):
    with pytest.raises(ValueError, match=message):
        attempt()


@pytest.mark.tensorflow
@pytest.mark.slow
def test_weights_on_two_replicas_are_those_of_the_whole_batch():
    with double_precision():
        random = np.random.default_rng(0)
        x, weight = random.normal(size=(16, 2)), random.uniform(0, 3, 16)
        one = GMMN((2,), latent_dim=3, units=(5,), seed=1)
        one.compile(generator_optimizer=SGD)
        with mirrored_strategy(2).scope():
            two = GMMN((2,), latent_dim=3, units=(5,), seed=1)
            two.compile(generator_optimizer=SGD)
        for variable, other in zip(two.variables, one.variables, strict=True):
            variable.assign(ops.convert_to_numpy(other))
        before = [ops.convert_to_numpy(v) for v in one.generator.trainable_variables]
        for model in (one, two):
            with scripted_random(batch_size=8):
                model.fit(x, batch_size=8, sample_weight=weight, verbose=0)
        found = [[ops.convert_to_numpy(v) for v in model.generator.trainable_variables] for model in (one, two)]
        for start, a, b in zip(before, *found, strict=True):
            assert np.abs(a - start).max() > 1e-6
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
