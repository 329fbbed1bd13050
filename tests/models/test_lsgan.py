"""LSGAN: the layers of the paper's figure, and its loss on logits that are not squashed."""

import pytest
from keras import layers

from kerasgan import LSGAN
from kerasgan.objectives import losses
from kerasgan.testing import FURTHER, family_tests

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 2}

test_lsgan = family_tests(LSGAN, SIZES)
test_labelled = family_tests(LSGAN, {**SIZES, "num_classes": 3, "label_dim": 2}, slow=FURTHER)


def test_the_papers_networks_at_112_pixels():
    model = LSGAN((112, 112, 3), seed=0)
    deconvolutions = [layer for layer in model.generator.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert [(layer.filters, layer.strides[0]) for layer in deconvolutions] == [
        (256, 2), (256, 1), (256, 2), (256, 1), (128, 2), (64, 2), (3, 1)
    ]  # fmt: skip
    assert [layer.output.shape[1] for layer in deconvolutions] == [14, 14, 28, 28, 56, 112, 112]
    convolutions = [layer for layer in model.discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert [(layer.filters, layer.strides[0]) for layer in convolutions] == [(64, 2), (128, 2), (256, 2), (512, 2)]


def test_its_recipe():
    model = LSGAN(**SIZES, seed=0)
    model.compile()
    assert model.adversarial_loss == losses.LeastSquares()
    assert float(model.optimizer["generator"].beta_1) == pytest.approx(0.5)
