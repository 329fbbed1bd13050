"""StyleGAN through the family harness, and what its paper says of styles while it grows."""

import numpy as np
import pytest
from keras import ops

from kerasgan import StyleGAN
from kerasgan.objectives.penalties import R1
from kerasgan.testing import CHECKS, COSTLY, family_tests, moves_only_its_own, reaches_every_weight, trains

SIZES = {
    **{"image_shape": (16, 16, 1), "latent_dim": 4, "style_dim": 4, "channel_base": 64, "channel_max": 4, "depth": 1},
    "group_size": 1,  # groups lie within a replica
}
SHORT = {"stage_kimg": 0.032, "fade_kimg": 0.032, "batch_size": 8, "penalties": (R1(0.1),)}
# The first step is of 8x8 images.
LATER = ("generator: stage2_*", "discriminator: stage2_*")
# Tracing takes ten seconds; ProGAN and StyleGAN2, with which it shares its parts, are trained in the quick tests.
test_stylegan = family_tests(StyleGAN, SIZES, SHORT, LATER, slow=(*COSTLY, trains))
test_conditional = family_tests(
    StyleGAN,
    {**SIZES, "num_classes": 3},
    SHORT,
    LATER,
    slow=[check for check in CHECKS if check not in (moves_only_its_own, reaches_every_weight)],
)


def tiny(**changes):
    return StyleGAN(**{**SIZES, "seed": 0, **changes})


def test_mixing_is_among_the_layers_of_the_stage():
    model = tiny()
    model.compile(**SHORT, style_mixing=1.0)
    latents = model.draw_latents(64, 1)
    for stage, layers in ((1, 4), (2, 6)):
        model.current_stage = (stage, False)
        plain = ops.convert_to_numpy(model.mapping(latents))[:, None]
        kept = np.all(ops.convert_to_numpy(model.mixed_styles(latents, [])) == plain, axis=2).sum(axis=1)
        assert set(kept) == set(range(1, layers))


def test_truncation_is_of_the_first_eight_layers():
    model = tiny(image_shape=(64, 64, 1))
    mapping = model.ema_mapping
    mapping.get_layer("mean_style").mean.assign([1.0, 2.0, 3.0, 4.0])
    latents = model.draw_latents(2, 0)
    styles, mean = ops.convert_to_numpy(mapping(latents)), np.float32([1, 2, 3, 4])
    found = ops.convert_to_numpy(model.generator_inputs(latents, truncation=0.7)[0])
    assert found.shape == (2, 10, 4)
    np.testing.assert_allclose(found[:, 7], mean + 0.7 * (styles - mean), rtol=1e-5)
    np.testing.assert_array_equal(found[:, 8], styles)


@pytest.mark.slow
def test_growing_and_labels():
    """Samples have the size that has been reached; the label chooses the logit."""
    model = tiny(num_classes=3)
    model.compile(**SHORT)
    x = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 1)).astype("float32")
    y = np.arange(8, dtype="int32") % 3
    model.fit(x, y, batch_size=8, epochs=4, verbose=0)
    samples = model.sample(2)
    np.testing.assert_array_equal(samples[:, ::2, ::2], samples[:, 1::2, 1::2])
    model.fit(x, y, batch_size=8, epochs=6, verbose=0)
    assert float(ops.convert_to_numpy(model.level)) == 1.0
    samples = model.sample(2, truncation=0.5)
    assert np.abs(samples[:, ::2, ::2] - samples[:, 1::2, 1::2]).max() > 1e-4
    model.current_stage = (2, False)
    every = ops.convert_to_numpy(model.played(model.discriminator, [ops.convert_to_tensor(x)]))
    found = ops.convert_to_numpy(model.discriminate(ops.convert_to_tensor(x), ops.convert_to_tensor(y)))
    np.testing.assert_allclose(found[:, 0], every[np.arange(8), y], rtol=1e-5)
