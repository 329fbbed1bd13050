import numpy as np
import pytest

from kerasgan import GAN
from kerasgan.testing import family_tests

SIZES = {"latent_dim": 4, "units": 8, "maxout_units": 6, "pieces": 3}

test_gan = family_tests(GAN, {"image_shape": (8, 8, 1), **SIZES})


def test_adapt_starts_from_the_mean_image():
    images = np.random.default_rng(0).uniform(-0.9, 0.9, (50, 4, 4, 2)).astype("float32")
    model = GAN((4, 4, 2), **SIZES, seed=0)
    model.adapt(images)
    for generator in (model.generator, model.ema_generator):
        layer = generator.get_layer("intensities")
        layer.kernel.assign(np.zeros(layer.kernel.shape))
    np.testing.assert_allclose(model.sample(3), np.tile(images.mean(0), (3, 1, 1, 1)), atol=1e-5)
    np.testing.assert_allclose(model.sample(3, ema=False), model.sample(3), atol=0)


def test_latents_have_unit_variance_and_vectors_are_unbounded():
    model = GAN((2,), **SIZES, seed=0)
    latents = np.asarray(model.draw_latents(20_000, 0))
    assert abs(latents.std() - 1) < 0.01 and np.abs(latents).max() <= 3**0.5
    assert model.generator.layers[-1].output.shape == (None, 2)
    weights = [np.asarray(v) for v in model.discriminator.trainable_variables if v.name == "kernel"]
    assert all(np.abs(kernel).max() <= 0.005 for kernel in weights)


def test_labels_are_for_other_families():
    with pytest.raises(ValueError, match="Use CGAN"):
        GAN((8, 8, 1), num_classes=10)
