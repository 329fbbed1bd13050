"""The pyramid against scipy and TF-GAN, the distances, and scales that are wrong and right."""

import numpy as np
import pytest
from scipy.ndimage import correlate
from scipy.stats import zscore

from kerasgan.metrics import pyramid_sliced_wasserstein, sliced_wasserstein
from kerasgan.metrics.pyramid_wasserstein import laplacian_pyramid
from tests.oracle import tfgan


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    noise = random.normal(size=(40, 32, 32, 3))
    return correlate(noise, np.ones((1, 5, 5, 1)) / 50)  # within [-1, 1]


def test_the_levels_are_details_and_add_up_to_the_image(images):
    weights = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, :, :, None] / 256
    small = correlate(images, weights, mode="mirror")[:, ::2, ::2]
    large = np.zeros_like(images)
    large[:, ::2, ::2] = 4 * small
    enlarged = correlate(large, weights, mode="mirror")
    details, rest = laplacian_pyramid(images, 2)
    np.testing.assert_allclose(rest, small, atol=1e-12)
    np.testing.assert_allclose(details + enlarged, images, atol=1e-12)
    constant, _ = laplacian_pyramid(np.full((1, 16, 16, 1), 3.0), 2)
    np.testing.assert_allclose(constant, 0.0, atol=1e-12)


def test_it_is_the_distance_of_normalized_patches(images):
    # Patches as large as the image, so that none is a matter of luck.
    real, fake = images[:20], images[20:] ** 2
    ours = pyramid_sliced_wasserstein(real, fake, smallest=32, patches_per_image=1, patch_size=32, directions=20)
    normalized = (zscore(x, axis=(0, 1, 2)).reshape(20, -1) for x in (real, fake))
    assert ours == {(32, 32): pytest.approx(sliced_wasserstein(*normalized, directions=20), rel=1e-9)}


def test_it_tells_the_scale_that_is_wrong(images):
    real, other = images[:20], images[20:]
    floor = pyramid_sliced_wasserstein(real, other, directions=64)
    assert list(floor) == [(32, 32), (16, 16)]
    details, _ = laplacian_pyramid(other, 2)
    details[::2] = 0.0
    wrong = pyramid_sliced_wasserstein(real, other - 0.9 * details, directions=64)
    assert wrong[32, 32] > 2 * floor[32, 32]
    assert wrong[16, 16] < 1.5 * floor[16, 16]


def test_equal_and_constant_images(images):
    settings = {"smallest": 32, "patch_size": 32, "patches_per_image": 1, "directions": 8}
    whole = pyramid_sliced_wasserstein(images, images[::-1], **settings)
    assert whole == {(32, 32): pytest.approx(0.0, abs=1e-12)}
    ones = np.ones((3, 16, 16, 1))
    assert pyramid_sliced_wasserstein(ones / 2, ones, directions=8) == {(16, 16): 0.0}


def test_wrong_input_is_refused(images):
    with pytest.raises(ValueError, match="of one size"):
        pyramid_sliced_wasserstein(images, images[:, :16])
    with pytest.raises(ValueError, match="16x16 pixels; expected at least patch_size=17"):
        pyramid_sliced_wasserstein(images, images, patch_size=17)
    with pytest.raises(ValueError, match="15x15 pixels; expected even sides"):
        laplacian_pyramid(images[:, :30, :30], 3)
    with pytest.raises(ValueError, match="NaN"):
        pyramid_sliced_wasserstein(images, images * np.nan)


@pytest.mark.tensorflow
def test_the_pyramid_is_that_of_tfgan(images):
    expected = tfgan().sliced_wasserstein.laplacian_pyramid(images, 3)
    for ours, theirs in zip(laplacian_pyramid(images, 3), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
