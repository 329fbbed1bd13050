"""ProGAN through the family harness, and what its paper says of growing."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import ProGAN
from kerasgan.bases.growing import enlarged, shrunk
from kerasgan.game.phase import Batch, Moment
from kerasgan.testing import CHECKS, family_tests, moves_only_its_own, reaches_every_weight

SIZES = {
    **{"image_shape": (8, 8, 1), "latent_dim": 4, "channel_base": 16, "channel_max": 4},
    "group_size": 1,  # groups lie within a replica
}
SHORT = {"stage_kimg": 0.032, "fade_kimg": 0.032, "batch_size": 8}
# The first step is of the smallest images.
LATER = ("generator: stage1_*", "discriminator: stage1_*")
test_progan = family_tests(ProGAN, SIZES, SHORT, LATER)
test_conditional = family_tests(
    ProGAN,
    {**SIZES, "num_classes": 3, "packing": 2},
    SHORT,
    LATER,
    slow=[check for check in CHECKS if check not in (moves_only_its_own, reaches_every_weight)],
)


def tiny(**changes):
    return ProGAN(**{**SIZES, "seed": 0, **changes})


def images(count=32, size=8):
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, 1)).astype("float32")


def test_stages_of_the_paper():
    """4x4 for 600 thousand images, then each size fades in over as many and is trained on as many (appendix A)."""
    model = tiny(image_shape=(16, 16, 1))
    model.compile()
    expected = {0: (0, False), 599_999: (0, False), 600_000: (1, True), 1_200_000: (1, False), 1_800_000: (2, True)}
    expected |= {2_399_999: (2, True), 2_400_000: (2, False), 99_000_000: (2, False)}
    assert {images: model.stage(Moment(0, images)) for images in expected} == expected


@pytest.mark.slow
def test_growing_through_a_boundary():
    """The level rises with the images, samples have the size that has been reached, and new layers move."""
    model = tiny()
    model.compile(**SHORT)
    levels, still = [], []
    kernel = model.generator.get_layer("stage1_conv0").kernel
    start = ops.convert_to_numpy(kernel)
    for _ in range(10):
        model.fit(images(8), batch_size=8, verbose=0)
        levels.append(float(ops.convert_to_numpy(model.level)))
        still.append(bool(np.all(ops.convert_to_numpy(kernel) == start)))
        samples = model.sample(2)
        repeated = np.array_equal(samples, enlarged(samples[:, ::2, ::2], 2))
        assert samples.shape == (2, 8, 8, 1) and repeated == (levels[-1] == 0), levels
    np.testing.assert_allclose(levels, [0, 0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1])
    assert still == [True] * 5 + [False] * 5  # the first image of a fade is that of the stage before


def test_a_fade_starts_as_the_old_stage_and_ends_as_the_new_one():
    """So do the real images."""
    model = tiny()
    model.compile(**SHORT)
    batch = Batch(ops.convert_to_tensor(images(4)))
    latents = model.draw_latents(4, 0)
    seen = {}
    for moment in (0, 32, 64):
        model.images_seen.assign(moment)
        model.current_stage = model.stage(Moment(0, moment))
        seen[moment] = model.real_samples(batch), model.synthesized(latents)
    small, fading, full = ([ops.convert_to_numpy(value) for value in seen[moment]] for moment in (0, 32, 64))
    np.testing.assert_allclose(small[0], shrunk(batch.x, 2), atol=1e-6)
    for before, after in zip(small, fading, strict=True):
        np.testing.assert_allclose(after, enlarged(before, 2), atol=1e-6)
    np.testing.assert_array_equal(full[0], images(4))
    model.images_seen.assign(63)
    model.current_stage = (1, True)
    share = 31 / 32
    for value, old, new in zip((model.real_samples(batch), model.synthesized(latents)), small, full, strict=True):
        np.testing.assert_allclose(value, (1 - share) * enlarged(old, 2) + share * new, atol=1e-5)


@pytest.mark.slow
def test_rates_and_restarts():
    """The learning rate rises with the size; Adam starts anew with a stage."""
    model = tiny()
    model.compile(**SHORT, rate_factors=((8, 1.5),))
    adam = model.optimizer["generator"]

    def rate():
        return float(ops.convert_to_numpy(adam.learning_rate))

    assert rate() == pytest.approx(1e-3) and adam.restarts == (0.032,)
    velocity = {v.path: v for v in adam.variables if "stage0_conv1_kernel_velocity" in v.path}
    ((_, velocity),) = velocity.items()
    for step in range(5):
        model.fit(images(8), batch_size=8, verbose=0)
        assert int(ops.convert_to_numpy(adam.start)) == (4 if step == 4 else 0)
    assert rate() == pytest.approx(1.5e-3) and np.abs(ops.convert_to_numpy(velocity)).max() > 0


def test_sizes():
    for shape in ((8, 12, 3), (6, 10, 1)):
        assert tiny(image_shape=shape).sample(2).shape == (2, *shape)
    assert keras.saving.get_registered_object("kerasgan>ProGAN") is ProGAN
