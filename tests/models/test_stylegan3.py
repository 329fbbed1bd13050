"""StyleGAN3 through the family harness, and what its authors say of its training."""

import numpy as np
import pytest
from keras import ops

from kerasgan import StyleGAN3
from kerasgan.game.phase import Moment
from kerasgan.models.stylegan3 import blurred
from kerasgan.objectives.penalties import R1
from kerasgan.testing import CHECKS, family_tests, moves_only_its_own, reaches_every_weight, trains

SIZES = {
    **{"image_shape": (16, 16, 1), "latent_dim": 4, "style_dim": 4, "channel_base": 16, "channel_max": 4, "depth": 1},
    **{"generator_depth": 3, "critical": 1},
    "group_size": 1,  # groups lie within a replica
}
RECIPE = {"batch_size": 8, "penalties": (R1(0.1, interval=16),)}
test_stylegan3 = family_tests(StyleGAN3, SIZES, RECIPE, ("r1: */bias",))
test_rotation = family_tests(
    StyleGAN3,
    {**SIZES, "configuration": "R", "num_classes": 3, "channel_base": 8, "channel_max": 2},
    {**RECIPE, "blur_sigma": 1.0, "blur_kimg": 0.016},
    ("r1: */bias",),
    slow=[check for check in CHECKS if check not in (trains, moves_only_its_own, reaches_every_weight)],
)


def tiny(**changes):
    return StyleGAN3(**{**SIZES, "seed": 0, **changes})


def test_configurations():
    """R has twice the channels and 1x1 kernels, T 3x3 ones; there is no noise."""
    kernels = {name: tiny(configuration=name).generator.get_layer("layer0").kernel.shape for name in "TR"}
    assert {name: tuple(shape) for name, shape in kernels.items()} == {"T": (3, 3, 4, 4), "R": (1, 1, 8, 8)}
    model = tiny()
    assert not model.inference(model.ema_generator).adds_noise
    with pytest.raises(ValueError, match="`configuration` is 'S'; expected 'T' or 'R'"):
        tiny(configuration="S")
    with pytest.raises(ValueError, match="expected squares"):
        tiny(image_shape=(16, 32, 1))


def test_blurring():
    """A Gaussian of the given deviation, which keeps the sum; none at 0."""
    impulse = np.zeros((1, 33, 33, 2), "float32")
    impulse[0, 16, 16] = 1.0, 2.0
    found = ops.convert_to_numpy(blurred(ops.convert_to_tensor(impulse), ops.convert_to_tensor(2.0), 12))
    np.testing.assert_allclose(found.sum((1, 2))[0], [1.0, 2.0], rtol=1e-5)
    places = np.arange(33) - 16
    assert np.sum(found[0, ..., 0] * places[:, None] ** 2) == pytest.approx(4.0, rel=1e-3)
    expected = np.exp(-np.add.outer(places**2, places**2) / 8) / (8 * np.pi)
    np.testing.assert_allclose(found[0, ..., 1], 2 * expected, atol=1e-4)
    sharp = blurred(ops.convert_to_tensor(impulse), ops.convert_to_tensor(0.0), 12)
    np.testing.assert_array_equal(sharp, impulse)


@pytest.mark.slow
def test_only_r_blurs_and_only_at_first():
    for configuration, expected in (("T", [False, False]), ("R", [True, False])):
        model = tiny(configuration=configuration)
        model.compile(checks=False)
        assert [model.stage(Moment(0, images)) for images in (0, 200_000)] == expected


def test_gamma_grows_with_the_pixels():
    model = tiny()
    model.compile(recipe="auto", checks=False)
    assert model.recipe.penalties == (R1(2.0 / 256, interval=16),)
