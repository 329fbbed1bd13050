"""SAGAN through the family harness."""

import numpy as np
import pytest

from kerasgan import SAGAN
from kerasgan.layers import SelfAttention
from kerasgan.models.sagan import sagan_discriminator, sagan_generator
from kerasgan.testing import family_tests

SIZES = {
    "image_shape": (8, 8, 1),
    "latent_dim": 3,
    "num_classes": 3,
    "generator_widths": (8, 8),
    "discriminator_widths": (8, 8),
    "generator_attention": (0,),
    "discriminator_attention": (0,),
}

# A bias that batch normalization takes away again, as in the authors' code; attention keeps the block's others.
TAKEN = ("generator: block0_convolution1/bias",)

test_sagan = family_tests(SAGAN, SIZES, unmoved=TAKEN)


def attended(network):
    return {layer.name: tuple(layer.output.shape[1:3]) for layer in network.layers if isinstance(layer, SelfAttention)}


def test_attention_is_over_maps_of_32():
    for size in (32, 64, 128):
        widths = [8] * (size // 4).bit_length()
        generator = sagan_generator((size, size, 3), 4, widths=widths)
        discriminator = sagan_discriminator((size, size, 3), widths=widths, downs=len(widths) - 1)
        assert list(attended(generator).values()) == [(32, 32)]
        assert list(attended(discriminator).values()) == ([(32, 32)] if size > 32 else [])


@pytest.mark.slow
def test_standing_statistics_are_those_of_the_truncation():
    """Moving means of a first normalization are those of W z + b, which truncation leaves, and its variance shrinks."""
    model = SAGAN(**SIZES, seed=0)
    layer = model.ema_generator.get_layer("block0_normalization1").normalization
    found = []
    for truncation in (None, 0.5):
        model.standing_statistics(truncation, batch_size=256, batches=4)
        found.append(np.array(layer.moving_variance))
    # Of a normal number that is kept within 0.5 of 0 the variance is 0.0806.
    np.testing.assert_allclose(found[1] / found[0], 0.0806, rtol=0.15)
    np.testing.assert_array_equal(
        np.array(model.generator.get_layer("block0_normalization1").normalization.moving_variance), 1
    )
    samples = model.sample(2, seed=0, truncation=0.5)
    assert np.abs(samples - SAGAN(**SIZES, seed=0).sample(2, seed=0, truncation=0.5)).max() > 0
