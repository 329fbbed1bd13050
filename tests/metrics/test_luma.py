"""Luma, PSNR and SSIM as published for super-resolution, against closed forms and the plain metrics."""

import numpy as np
import pytest

from kerasgan.metrics import luma, luma_psnr, luma_ssim, psnr, ssim


def images(channels=3, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (3, 24, 20, channels))


def test_luma_of_known_colours():
    """Levels of ITU-R BT.601, as in its tables for studio levels."""
    colours = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]])
    found = luma(colours[None, None], (0, 1)).ravel()
    np.testing.assert_allclose(found, [16, 235, 81.481, 144.553, 40.966, 125.5], atol=1e-9)
    np.testing.assert_allclose(luma(np.array([0.0, 1.0]).reshape(1, 1, 2, 1), (-1, 1)).ravel(), [127.5, 255])


def test_psnr_of_a_constant_difference():
    """A grey difference of d levels is 219 / 255 d levels of luma; the border does not count."""
    real = images() * 0.5
    fake = real + 2 * 10 / 255
    fake[:, :4] = 1.0
    fake[:, :, -4:] = -1.0
    expected = 20 * np.log10(255 / (10 * 219 / 255))
    np.testing.assert_allclose(luma_psnr(real, fake, (-1, 1)), expected, atol=1e-9)
    assert (luma_psnr(real, fake, (-1, 1), border=3) < expected - 3).all()  # the control
    assert np.isinf(luma_psnr(real, real, (-1, 1))).all()


def test_grey_images_are_their_own_luma():
    real, fake = images(1), images(1, seed=1)
    inner = slice(4, -4)
    cut = real[:, inner, inner], fake[:, inner, inner], (-1, 1)
    np.testing.assert_allclose(luma_psnr(real, fake, (-1, 1)), psnr(*cut), rtol=1e-9)
    levels = (127.5 * (each + 1) for each in cut[:2])  # the index is not that of a shifted range
    np.testing.assert_allclose(luma_ssim(real, fake, (-1, 1)), ssim(*levels, (0, 255)), rtol=1e-9)
    np.testing.assert_allclose(luma_psnr(real, fake, (-1, 1), border=0), psnr(real, fake, (-1, 1)), rtol=1e-9)


def test_ssim_is_that_of_luma_in_levels():
    real, fake = images(), images(seed=1)
    expected = ssim(luma(real, (-1, 1)), luma(fake, (-1, 1)), (0, 255))
    np.testing.assert_allclose(luma_ssim(real, fake, (-1, 1), border=0), expected, rtol=1e-9)
    skimage = pytest.importorskip("skimage.metrics", reason="compared with scikit-image where it is installed")
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "full": True}
    for value, a, b in zip(expected, luma(real, (-1, 1)), luma(fake, (-1, 1)), strict=True):
        full = skimage.structural_similarity(a[..., 0], b[..., 0], **options)[1]
        assert value == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-10)


def test_what_cannot_be_compared():
    with pytest.raises(ValueError, match="`border` is 10"):
        luma_psnr(images(), images(), (-1, 1), border=10)
    with pytest.raises(ValueError, match="1 or 3"):
        luma(images(2), (-1, 1))
