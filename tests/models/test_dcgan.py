"""DCGAN through the family harness, and what its paper says of the networks."""

import numpy as np
import pytest
from keras import layers, ops

from kerasgan import DCGAN
from kerasgan.objectives import penalties
from kerasgan.testing import FURTHER, family_tests

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4}

test_dcgan = family_tests(DCGAN, SIZES, slow=())
test_conditional_simultaneous = family_tests(
    DCGAN, {**SIZES, "num_classes": 3}, recipe={"update": "simultaneous"}, slow=FURTHER
)
test_packed = family_tests(DCGAN, {**SIZES, "num_classes": 3, "packing": 2}, slow=FURTHER)
test_projection_lazy_penalty = family_tests(
    DCGAN,
    {**SIZES, "num_classes": 3, "conditioning": "projection"},
    recipe={"loss": "hinge", "penalties": (penalties.R1(1.0, interval=4),), "generator_every": 2},
    unmoved=("r1: *",),
    slow=FURTHER,
)


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (12, 5), (28, 1), (64, 3), (100, 2), (128, 3)])
def test_any_multiple_of_four(size, channels):
    model = DCGAN((size, size, channels), latent_dim=3, width=1, seed=0)
    assert model.generator.output.shape == (None, size, size, channels)
    images = ops.convert_to_numpy(model.generator(model.draw_latents(2, 0)))
    assert np.abs(images).max() <= 1
    assert model.discriminator(images).shape == (2, 1)


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="multiple of 4, got 30"):
        DCGAN((30, 30, 1))
    with pytest.raises(ValueError, match="'plane' or 'projection'"):
        DCGAN((8, 8, 1), num_classes=2, conditioning="channel")


def test_the_papers_networks_at_64_pixels():
    model = DCGAN((64, 64, 3), width=64, seed=0)
    kernels = [v for v in model.generator.trainable_variables if v.name == "kernel"]
    assert [tuple(v.shape) for v in kernels] == [
        (100, 4 * 4 * 1024),
        (5, 5, 512, 1024),
        (5, 5, 256, 512),
        (5, 5, 128, 256),
        (5, 5, 3, 128),
    ]
    kernels += [v for v in model.discriminator.trainable_variables if v.name == "kernel"]
    assert [tuple(v.shape) for v in kernels[5:]] == [
        (5, 5, 3, 64),
        (5, 5, 64, 128),
        (5, 5, 128, 256),
        (5, 5, 256, 512),
        (8192, 1),
    ]
    for kernel in kernels:
        assert np.std(ops.convert_to_numpy(kernel)) == pytest.approx(0.02, rel=0.1)
    normalized = [layer for layer in model.generator.layers if isinstance(layer, layers.BatchNormalization)]
    assert len(normalized) == 4 and all(layer.momentum == 0.9 for layer in normalized)
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in model.discriminator.layers) == 3
