"""Degradations: interpolation and filters against closed forms, noise against its moments, and the order of draws."""

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan.data.degradation import (
    Bicubic,
    DegradedBatches,
    GaussianBlur,
    HiddenRectangle,
    RealESRGAN,
    WhiteNoise,
    blur_kernel,
    enlarged,
    filtered,
    gaussian_noise,
    get,
    get_same_size,
    jpeg,
    poisson_noise,
    resized,
    sinc_kernel,
)


def images(count=4, size=32, channels=3, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, size, size, channels)).astype("float32")


@pytest.mark.parametrize("kind", ["bicubic", "bilinear", "area"])
@pytest.mark.parametrize("antialias", [True, False])
def test_resizing_keeps_constants_and_places(kind, antialias):
    """A ramp stays a ramp away from the edges: pixel o is at (o + 1/2) * scale - 1/2."""
    ramp = np.linspace(0, 1, 48)[None, :, None] * np.ones((40, 1, 2))
    for size in ((10, 12), (30, 36), (80, 96)):
        constant = resized(np.full((40, 48, 2), 0.7), size, kind, antialias)
        np.testing.assert_allclose(constant, 0.7, atol=1e-12)
        found = resized(ramp, size, kind, antialias)
        places = (np.arange(size[1]) + 0.5) * 48 / size[1] - 0.5
        error = np.abs(found[5, :, 0] - places / 47)[4:-4]
        # Normalized weights of a filter that is 4 / 3 as wide have a centre that is off by less than 0.02 pixels, and
        # the area of an old pixel has no slope.
        exact = 48 % size[1] == 0 if kind == "area" else size[1] != 36 or not antialias
        assert error.max() < (1e-12 if exact else (0.5 if kind == "area" else 0.02) / 47)


def test_bicubic_is_the_published_one():
    """Against Pillow, whose filter is the same (a = -1/2, antialiased) but for the edges."""
    image = images(1, 48, 1).astype("float64")[0]
    for size in (12, 24, 96):
        other = Image.fromarray(image[..., 0].astype("float32")).resize((size, size), Image.Resampling.BICUBIC)
        found = resized(image, (size, size))[..., 0]
        inner = slice(size // 6, -(size // 6))
        np.testing.assert_allclose(found[inner, inner], np.asarray(other)[inner, inner], atol=2e-6)
    # Weights of a halving by hand: Keys' kernel at odd eighths of four pixels each side, halved.
    impulse = np.zeros((16, 16, 1))
    impulse[:, 8] = 1.0
    t = (np.abs(np.arange(8) * 2 + 0.5 - 8)) / 2
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    expected = np.where(t <= 1, near, np.where(t < 2, far, 0)) / 2
    np.testing.assert_allclose(resized(impulse, (8, 8))[4, :, 0], expected, atol=1e-12)


def test_kernels():
    for shape, plateau in ((1.0, False), (0.7, False), (1.5, True)):
        kernel = blur_kernel(21, (2.0, 1.0), 0.0, shape, plateau)
        assert kernel.sum() == pytest.approx(1.0)
        quotient = (np.arange(-10, 11) / 2.0) ** 2
        line = 1 / (1 + quotient**shape) if plateau else np.exp(-0.5 * quotient**shape)
        np.testing.assert_allclose(kernel[10] / kernel[10, 10], line, rtol=1e-12)
        np.testing.assert_allclose(blur_kernel(21, (2.0, 1.0), np.pi / 2, shape, plateau), kernel.T, atol=1e-12)
    gaussian = blur_kernel(31, (2.0, 1.0))
    assert (gaussian * np.arange(-15, 16) ** 2).sum() == pytest.approx(4.0, rel=1e-3)
    # A wave below the cutoff passes the sinc filter and one above does not.
    kernel = sinc_kernel(21, np.pi / 2)
    x = np.arange(64)
    for frequency, low, high in ((0.8, 0.9, 1.15), (2.4, 0.0, 0.1)):
        wave = np.cos(frequency * x)[None, :, None] * np.ones((64, 1, 1))
        gain = np.abs(filtered(wave, kernel)[32, 20:-20, 0]).max()
        assert low <= gain <= high


def test_filters_mirror_edges():
    image = images(1, 9, 1)[0].astype("float64")
    kernel = blur_kernel(5, (1.0, 1.0))
    padded = np.pad(image[..., 0], 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    np.testing.assert_allclose(filtered(image, kernel)[..., 0], (windows * kernel).sum(axis=(2, 3)), atol=1e-12)


def test_noise_has_its_variance():
    rng, shape = np.random.default_rng(0), (200, 200, 3)
    noise = gaussian_noise(shape, 12.0, False, rng)
    assert noise.std() == pytest.approx(12 / 255, rel=0.01)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02
    grey = gaussian_noise(shape, 12.0, True, rng)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    for level in (0.1, 0.6):
        noise = poisson_noise(np.full(shape, level), 2.0, False, rng)
        assert noise.var() == pytest.approx(4 * level / 255, rel=0.02) and abs(noise.mean()) < 1e-3
    assert not poisson_noise(np.zeros(shape), 2.0, False, rng).any()


def test_jpeg_is_that_of_pillow():
    x = (enlarged(images(1, 4), 8)[0].astype("float64") + 1) / 2
    good, bad = (np.abs(jpeg(x, quality) - x).mean() for quality in (95, 30))
    assert good < 0.5 * bad
    assert jpeg(x[..., :1], 90).shape == (32, 32, 1)
    with pytest.raises(ValueError, match="2 channels"):
        jpeg(x[..., :2], 90)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_a_function_of_seed_epoch_and_index(channels):
    large, degradation = images(6, 32, channels), RealESRGAN()
    whole = degradation.apply(large, 4, np.arange(6), seed=3, epoch=2)
    assert whole.shape == (6, 8, 8, channels) and whole.dtype == np.float32 and np.abs(whole).max() <= 1
    np.testing.assert_array_equal(degradation.apply(large[[4, 1]], 4, [4, 1], seed=3, epoch=2), whole[[4, 1]])
    for change in ({"seed": 4}, {"epoch": 3}):
        other = degradation.apply(large, 4, np.arange(6), **{"seed": 3, "epoch": 2, **change})
        assert (np.abs(other - whole).max(axis=(1, 2, 3)) > 1e-3).all()
    same = degradation.apply(np.repeat(large[:1], 2, axis=0), 4, [0, 1], seed=3)
    assert np.abs(same[0] - same[1]).max() > 1e-3
    # It is worse than interpolation but still the same picture.
    smooth = enlarged(images(6, 4, channels), 8)
    bicubic = Bicubic().apply(smooth, 4, np.arange(6))
    found = degradation.apply(smooth, 4, np.arange(6))
    assert 0.01 < np.abs(found - bicubic).mean() < 0.5


def test_batches_are_the_same_after_a_resume():
    large = images(6, 16)
    index = {image.tobytes(): number for number, image in enumerate(large)}
    arguments = {"factor": 2, "batch_size": 2, "shuffle_seed": 5, "seed": 7}
    whole = DegradedBatches(large, "real", **arguments)
    epochs = [[whole.take(row) for row in whole.order()]]
    whole.epoch = 1
    epochs.append([whole.take(row) for row in whole.order()])
    later = DegradedBatches(large, "real", initial_epoch=1, **arguments)
    for (small, big), row in zip(epochs[1], later.order(), strict=True):
        again, same = later.take(row)
        np.testing.assert_array_equal(small, again)
        np.testing.assert_array_equal(big, same)
        numbers = [index[image.tobytes()] for image in big]
        np.testing.assert_array_equal(small, RealESRGAN().apply(big, 2, numbers, seed=7, epoch=1))
    fixed = DegradedBatches(large, "real", initial_epoch=1, fixed=True, **arguments)
    small, big = fixed.take(fixed.order()[0])
    numbers = [index[image.tobytes()] for image in big]
    np.testing.assert_array_equal(small, RealESRGAN().apply(big, 2, numbers, seed=7, epoch=0))


def test_names_and_configurations():
    assert get("bicubic") == Bicubic() and get("real") == RealESRGAN()
    changed = RealESRGAN(qualities=(60, 95))
    assert RealESRGAN.from_config(changed.get_config()) == changed and get(changed) is changed
    with pytest.raises(ValueError, match="`degradation` is 'worse'"):
        get("worse")


# Degradations that keep the size -------------------------------------------------------------------------------------


def test_grey_is_the_luma_that_pictures_are_read_with():
    """Against Pillow's conversion of levels, which rounds."""
    levels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype="uint8")
    found = get_same_size("grey").apply(levels / 127.5 - 1, 1, np.arange(2))
    assert found.shape == (2, 16, 16, 1) and found.dtype == np.float32
    expected = [np.asarray(Image.fromarray(image).convert("L"), "float64") for image in levels]
    np.testing.assert_allclose((found[..., 0] + 1) * 127.5, expected, atol=1.0)
    with pytest.raises(ValueError, match="1 channels; expected 3"):
        get_same_size("gray").apply(images(1, 8, 1), 1, [0])


def test_blur_noise_and_mask_have_the_stated_strengths():
    impulse = np.full((1, 33, 33, 1), -1.0)
    impulse[0, 16, 16] = 1.0
    blurred = (get_same_size("blur:1.5").apply(impulse, 1, [0])[0, ..., 0] + 1) / 2
    steps = np.arange(33) - 16
    gaussian = np.exp(-0.5 * (steps / 1.5) ** 2)
    np.testing.assert_allclose(blurred, np.outer(gaussian, gaussian) / gaussian.sum() ** 2, atol=1e-5)
    flat = np.zeros((8, 64, 64, 3))
    noise = get_same_size("noise:20").apply(flat, 1, np.arange(8))
    assert noise.std() * 127.5 == pytest.approx(20, rel=0.02) and abs(noise.mean()) < 0.002
    assert np.abs(noise).max() <= 1 and get_same_size("noise:200").apply(flat, 1, np.arange(8)).max() == 1
    whole = images(20, 24) + 2  # no zeros
    masked = HiddenRectangle(0.25).apply(np.clip(whole, 0.1, 1), 1, np.arange(20))
    hidden = (masked == 0).all(axis=-1)
    assert (hidden.sum(axis=(1, 2)) == 36).all()
    rows, columns = hidden.any(axis=2), hidden.any(axis=1)
    assert (rows.sum(axis=1) == 6).all() and (columns.sum(axis=1) == 6).all()
    assert len({row.tobytes() + column.tobytes() for row, column in zip(rows, columns, strict=True)}) > 15
    np.testing.assert_array_equal(masked[~hidden], np.clip(whole, 0.1, 1)[~hidden])


def test_an_image_is_degraded_as_a_function_of_its_place():
    x = images(4, 16)
    noise, mask = WhiteNoise(30.0), HiddenRectangle()
    for degradation in (noise, mask):
        found = degradation.apply(x, 1, np.arange(4))
        np.testing.assert_array_equal(degradation.apply(x[[2, 0]], 1, [2, 0]), found[[2, 0]])
        assert (degradation.apply(x, 1, np.arange(4), seed=1) != found).any()
        assert (degradation.apply(x, 1, np.arange(4) + 1) != found).any()


@pytest.mark.parametrize(
    "wrong", ["sepia", "grey:2", "noise:", "noise:-1", "noise:loud", "mask:1.5", "blur:inf", "real:2", 3, "bicubic"]
)
def test_unknown_degradations_and_strengths_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected"):
        get_same_size(wrong)


def test_same_size_degradations_come_back_from_their_configuration():
    for name in ("grey", "blur:3", "noise:50", "mask:0.3"):
        degradation = get_same_size(name)
        assert get_same_size(keras.saving.serialize_keras_object(degradation)) == degradation
    with pytest.raises(ValueError, match="`factor` is 4, but GaussianBlur keeps the size"):
        GaussianBlur()(images(1)[0], 4, np.random.default_rng(0))
