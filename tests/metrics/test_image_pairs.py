"""PSNR, SSIM and multi-scale SSIM against explicit loops, TensorFlow and their ends."""

import numpy as np
import pytest
from scipy.ndimage import correlate

from kerasgan.metrics import SampleMean, multiscale_ssim, psnr, ssim

MEASURES = [psnr, ssim, multiscale_ssim]
SMALL = {psnr: {}, ssim: {"window": 5}, multiscale_ssim: {"window": 5, "weights": (0.4, 0.6)}}


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    real = random.uniform(0.0, 1.0, (3, 17, 14, 2))
    return real, np.clip(real + random.normal(0.0, 0.2, real.shape), 0.0, 1.0)


def test_psnr_is_its_definition(images):
    real, fake = images
    expected = [20 * np.log10(1.0 / np.sqrt(np.mean((x - y) ** 2))) for x, y in zip(real, fake, strict=True)]
    np.testing.assert_allclose(psnr(real, fake, (0, 1)), expected, rtol=1e-12)
    assert psnr(np.zeros((1, 2, 2, 1)), np.full((1, 2, 2, 1), 0.1), (0, 1)) == pytest.approx(20.0)


def by_loops(x, y, span, window):
    """SSIM of one channel, place by place."""
    grid = np.arange(window) - (window - 1) / 2
    weights = np.exp(-(grid[:, None] ** 2 + grid**2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    values = []
    for i in range(x.shape[0] - window + 1):
        for j in range(x.shape[1] - window + 1):
            a, b = x[i : i + window, j : j + window], y[i : i + window, j : j + window]
            m_a, m_b = (weights * a).sum(), (weights * b).sum()
            v_a, v_b = (weights * (a - m_a) ** 2).sum(), (weights * (b - m_b) ** 2).sum()
            v_ab = (weights * (a - m_a) * (b - m_b)).sum()
            values.append((2 * m_a * m_b + c1) * (2 * v_ab + c2) / ((m_a**2 + m_b**2 + c1) * (v_a + v_b + c2)))
    return np.mean(values)


@pytest.mark.parametrize("window", [11, 4])
def test_ssim_is_its_definition(images, window):
    real, fake = images
    expected = [
        np.mean([by_loops(x[..., c], y[..., c], 1.0, window) for c in (0, 1)]) for x, y in zip(*images, strict=True)
    ]
    np.testing.assert_allclose(ssim(real, fake, (0, 1), window), expected, rtol=1e-9)


def test_multiscale_ssim_with_one_scale_is_ssim_a_channel_at_a_time(images):
    real, fake = images
    expected = np.mean([ssim(real[..., [c]], fake[..., [c]], (0, 1)) ** 0.5 for c in (0, 1)], axis=0)
    np.testing.assert_allclose(multiscale_ssim(real, fake, (0, 1), weights=[0.5]), expected, rtol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_range_is_a_matter_of_units(images, measure):
    real, fake = images
    if measure is psnr:  # the similarities depend on where 0 is
        np.testing.assert_allclose(psnr(2 * real - 1, 2 * fake - 1, (-1, 1)), psnr(real, fake, (0, 1)), rtol=1e-12)
    expected = measure(real, fake, (0, 1), **SMALL[measure])
    np.testing.assert_allclose(measure(255 * real, 255 * fake, (0, 255), **SMALL[measure]), expected, rtol=1e-9)


def test_equal_constant_and_opposite_images(images):
    real, _ = images
    constant = np.full_like(real, 0.5)
    for same in (real, constant):
        assert (psnr(same, same, (0, 1)) == np.inf).all()
        np.testing.assert_allclose(ssim(same, same, (0, 1)), 1.0)
        np.testing.assert_allclose(multiscale_ssim(same, same, (0, 1), **SMALL[multiscale_ssim]), 1.0)
    assert (ssim(real, constant, (0, 1)) < 0.1).all()
    assert (ssim(real, 1 - real, (0, 1)) < 0).all()
    assert (multiscale_ssim(real, 1 - real, (0, 1), weights=(1.0,)) == 0).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_the_mean_streams(images, measure):
    real, fake = images
    metric = SampleMean(measure, value_range=(0, 1), **SMALL[measure])
    metric.update_state(real, 1 - real)
    metric.reset_state()
    with pytest.raises(ValueError, match="no samples yet"):
        metric.result()
    metric.update_state(real[:1], fake[:1])
    metric.update_state(real[1:], fake[1:])
    assert metric.result() == pytest.approx(measure(real, fake, (0, 1), **SMALL[measure]).mean(), rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_wrong_input_is_refused(images, measure):
    real, fake = images
    with pytest.raises(ValueError, match=r"shape \(3, 17, 14, 2\) and `fake` has shape \(2, 17, 14, 2\)"):
        measure(real, fake[:2], (0, 1))
    with pytest.raises(ValueError, match=r"`fake` has values from -1 to .*expected values in \(0, 1\)"):
        measure(real, fake - (fake == fake.min()) * (1 + fake.min()), (0, 1))
    with pytest.raises(ValueError, match="`fake` has values from nan"):
        measure(real, fake * np.nan, (0, 1))
    with pytest.raises(ValueError, match=r"value_range=\(1, 1\)"):
        measure(real, fake, (1, 1))


def test_small_images_are_refused(images):
    with pytest.raises(ValueError, match="17x14 pixels at this scale; expected at least 15x15"):
        ssim(*images, (0, 1), window=15)
    with pytest.raises(ValueError, match="9x7 pixels at this scale"):
        multiscale_ssim(*images, (0, 1))
    with pytest.raises(ValueError, match="is empty"):
        multiscale_ssim(*images, (0, 1), weights=())


@pytest.mark.tensorflow
def test_they_are_those_of_tensorflow(images):
    import tensorflow as tf

    # TensorFlow computes in float32.
    real, fake = (x.astype("float32") for x in images)
    np.testing.assert_allclose(psnr(real, fake, (0, 1)), tf.image.psnr(real, fake, 1.0), rtol=1e-5)
    np.testing.assert_allclose(ssim(real, fake, (0, 1)), tf.image.ssim(real, fake, 1.0), rtol=1e-4)
    random = np.random.default_rng(0)
    real = correlate(random.uniform(0.0, 1.0, (2, 179, 182, 1)), np.ones((1, 5, 5, 1)) / 25).astype("float32")
    fake = np.clip(real + random.normal(0.0, 0.1, real.shape), 0.0, 1.0).astype("float32")
    expected = tf.image.ssim_multiscale(real, fake, 1.0)
    np.testing.assert_allclose(multiscale_ssim(real, fake, (0, 1)), expected, rtol=1e-4)
