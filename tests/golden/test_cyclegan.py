"""CycleGAN against the authors' code (junyanz/pytorch-CycleGAN-and-pix2pix): both steps of the game, the image pool.

Three things differ by design. Before a normalization, which takes constants out again, our convolutions have no bias.
Our strided 3x3 convolutions reach one pixel further right and down, theirs left and up, of which the paper says
nothing: so ours get mirrored images and mirrored kernels here. And our pool remembers by the place in the batch, which
makes it theirs for the paper's batches of one image.
"""

import functools
import random
import unittest.mock

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import CycleGAN
from kerasgan.game.phase import Batch
from kerasgan.layers import ImagePool
from kerasgan.objectives.losses import LeastSquares, mean
from tests.golden.reader import (
    SLOW_ON_JAX,
    Golden,
    array,
    channels_first,
    channels_last,
    kernel,
    official,
    weight_gradients,
)

pytestmark = SLOW_ON_JAX
GENERATORS, DISCRIMINATORS = {"G_A": "to_y", "G_B": "to_x"}, {"D_A": "discriminator_y", "D_B": "discriminator_x"}


class Theirs:
    """Our CycleGAN with the stored weights, and its batch: their A is our x, their B our y."""

    def __init__(self):
        self.golden = Golden("cyclegan")
        self.model = CycleGAN((32, 32, 3), width=4, blocks=9, seed=0)
        # Not compile(), which traces the game for its logs and so takes most of the time.
        self.model.recipe = CycleGAN.recipe.replace(jitter=0.0, flip=False, pool_size=0, identity_weight=0.5)
        self.model.phases()
        for theirs, ours in (GENERATORS | DISCRIMINATORS).items():
            for variable, name in self.pairs(theirs, ours):
                weight = self.golden[f"weights/{theirs}/{name}"]
                variable.assign(kernel(weight)[::-1, ::-1] if weight.ndim > 1 else weight)
        self.batch = Batch(self.images("real_A"), self.images("real_B"))

    def pairs(self, theirs, ours):
        """(our variable, their name) of a network; biases without effect are passed by."""
        names = list(self.golden.part(f"weights/{theirs}/"))
        inert = [name for name in names[2 if theirs[0] == "D" else 0 : -2] if name.endswith("bias")]
        kept = [name for name in names if name not in inert]
        return list(zip(self.model.networks[ours].trainable_variables, kept, strict=True))

    def images(self, name):
        return ops.convert_to_tensor(channels_last(self.golden[f"inputs/{name}"])[:, ::-1, ::-1], keras.config.floatx())

    def gradients(self, networks, loss):
        """Gradients by network and their name; those of biases without effect are zero."""
        pairs = [(variable, f"{n}/{name}") for n, ours in networks.items() for variable, name in self.pairs(n, ours)]
        found = {
            f"{n}/{name}": np.zeros(v.shape) for n in networks for name, v in self.golden.part(f"weights/{n}/").items()
        }
        for (_, name), gradient in zip(pairs, weight_gradients(loss, [v for v, _ in pairs]), strict=True):
            gradient = array(gradient)
            found[name] = official(gradient[::-1, ::-1]) if gradient.ndim > 1 else gradient
        return found


@functools.cache
def theirs_in(precision):
    return Theirs()


@pytest.fixture
def case(precision):
    return theirs_in(precision)


def test_both_steps(case):
    model, batch, golden = case.model, case.batch, case.golden
    fake_x, fake_y = model.translated(batch)
    images = {"fake_B": fake_y, "fake_A": fake_x, "rec_A": model.to_x(fake_y), "rec_B": model.to_y(fake_x)}
    found = {f"outputs/{name}": channels_first(values)[:, :, ::-1, ::-1] for name, values in images.items()}
    judged = model.discriminator_y(batch.y)
    found["outputs/D_A(real_B)"] = channels_first(judged)[:, :, ::-1, ::-1]
    loss = LeastSquares()
    sides = {
        "A": (batch.y, fake_y, model.discriminator_y, model.to_y),
        "B": (batch.x, fake_x, model.discriminator_x, model.to_x),
    }
    for side, (real, fake, critic, generator) in sides.items():
        found[f"outputs/loss_G_{side}"] = 2.0 * loss.generator(critic(fake))
        found[f"outputs/loss_D_{side}"] = loss.discriminator(critic(real), critic(fake))
        found[f"outputs/loss_idt_{side}"] = 5.0 * mean(ops.abs(generator(real) - real))
    for side, real in (("A", batch.x), ("B", batch.y)):
        found[f"outputs/loss_cycle_{side}"] = 10.0 * mean(ops.abs(images[f"rec_{side}"] - real))
    found["outputs/loss_G"] = model.generator_loss(batch)[0]
    golden.check(found)
    of_both = sum(golden[f"outputs/loss_D_{side}"] for side in "AB")
    tolerance = 1e-9 if keras.config.floatx() == "float64" else 5e-5
    assert float(model.discriminator_loss(batch)[0]) == pytest.approx(float(of_both), rel=tolerance)


def test_gradients(case):
    for step, networks, loss in (
        ("backward_G", GENERATORS, case.model.generator_loss),
        ("backward_D", DISCRIMINATORS, case.model.discriminator_loss),
    ):
        found = case.gradients(networks, lambda loss=loss: loss(case.batch)[0])
        case.golden.check_all(f"grads/{step}/", found)


def test_the_image_pool():
    """The stored answers to images 0, 1, ..., 23, which hang on the choices of Python's `random`."""
    expected = Golden("cyclegan")["outputs/image_pool_size4_random_seed5_queries_of_2"].ravel()
    choices, pool, answers = random.Random(5), ImagePool((1,), 4), []
    for image in range(24):
        share = choices.uniform(0, 1) if image >= 4 else 0.0
        place = choices.randint(0, 3) if share > 0.5 else 0
        script = {"uniform": ops.full((1,), 1.0 - share), "randint": ops.full((1,), place, "int32")}
        with unittest.mock.patch.multiple(
            keras.random, **{name: lambda *_, value=value, **__: value for name, value in script.items()}
        ):
            answers.append(float(pool(ops.full((1, 1), float(image)))[0, 0]))
    np.testing.assert_array_equal(answers, expected)
