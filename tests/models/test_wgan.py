"""WGAN: when the critic is trained for longer, what is clipped, what it estimates."""

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks.families.common import two_gaussians
from kerasgan import WGAN
from kerasgan.game.recipe import RMSprop
from kerasgan.models.wgan import CriticRhythm
from kerasgan.testing import family_tests

RATE = RMSprop(2e-3)
SIZES = {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4}

# The authors' first block is longer than the harness' trainings.
RHYTHM = {"generator_every": 2, "long_generator_every": 3, "long_first": 1}
test_wgan = family_tests(WGAN, SIZES, recipe=RHYTHM)


def published_schedule(iterations, critic_steps=5, long=100, first=25, every=500):
    """The steps with a generator update, block by block: the loop of algorithm 1 with the authors' longer blocks."""
    step, due = 0, []
    for iteration in range(iterations):
        step += long if iteration < first or (every and iteration % every == 0) else critic_steps
        due.append(step - 1)
    return due


@pytest.mark.parametrize(
    "rhythm", [{}, {"first": 0}, {"first": 0, "every": None}, {"first": 7, "every": 3, "critic_steps": 2, "long": 4}]
)
def test_the_generators_turns_are_the_authors(rhythm):
    due = published_schedule(1100, **rhythm)
    told, found = CriticRhythm(**rhythm), []
    found = [step for step in range(due[-1] + 1) if told(step)]
    assert found == due


@pytest.mark.slow
def test_it_plays_by_that_rhythm():
    model = WGAN(**SIZES, seed=0)
    model.compile(batch_size=4, generator_every=2, long_generator_every=3, long_first=1, long_again_every=None)
    moved = [("generator" in model.due(step)) for step in range(9)]
    assert moved == [False, False, True, False, True, False, True, False, True]
    model.fit(np.zeros((36, 8, 8, 1), "float32"), batch_size=4, verbose=0)
    assert int(ops.convert_to_numpy(model.optimizer["generator"].iterations)) == 4
    assert int(ops.convert_to_numpy(model.optimizer["discriminator"].iterations)) == 9


def test_small_gradients_take_whole_steps():
    """Torch's sqrt(v) + 1e-8: the first step is rate / sqrt(1 - rho), also of a gradient of 1e-5."""
    for player in ("generator", "discriminator"):
        rmsprop = WGAN.recipe.optimizers()[player]
        variable = keras.Variable([1.0, 1.0])
        rmsprop.apply([ops.convert_to_tensor([1e-5, 1e-3])], [variable])
        np.testing.assert_allclose(1.0 - ops.convert_to_numpy(variable), 5e-5 / np.sqrt(0.01), rtol=1e-3)


@pytest.mark.parametrize("rhythm", [{"critic_steps": 0}, {"long": 0}, {"first": -1}, {"critic_steps": -5}])
def test_a_rhythm_without_critic_steps_is_refused(rhythm):
    with pytest.raises(ValueError, match=r"expected [01] or more"):
        CriticRhythm(**rhythm)


def test_weights_pile_up_at_the_limit():
    """The paper's critics use the ends of the allowed interval (Gulrajani et al. 2017, figure 1b): after training on
    two Gaussians most weights of the hidden layers stand at plus or minus c."""
    model, _ = two_gaussians(1.0, steps=150, clip_weights=0.05, discriminator_optimizer=RATE)
    kernel = ops.convert_to_numpy(model.discriminator.layers[2].kernel)
    assert np.abs(kernel).max() <= 0.05 + 1e-7
    assert np.mean(np.abs(kernel) > 0.049) > 0.5


@pytest.mark.slow
def test_the_estimate_is_proportional_to_the_distance():
    estimates = [two_gaussians(d, steps=60, clip_weights=0.05, discriminator_optimizer=RATE)[1] for d in (0.5, 1, 2)]
    assert np.corrcoef([0.5, 1, 2], estimates)[0, 1] > 0.99
