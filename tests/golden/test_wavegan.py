"""WaveGAN against the authors' code (chrisdonahue/wavegan at 40e85e8): both networks, both losses, phase shuffle.

The stored losses are without phase shuffle. In the authors' code, which draws one move for all examples of a batch, the
gradient penalty has the share of the generated sounds where ours has that of the real ones.
"""

import functools
import unittest.mock

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, WaveGAN
from kerasgan.data.kinds import Audio
from tests.golden.reader import SLOW_ON_JAX, Golden, array, weight_gradients

pytestmark = SLOW_ON_JAX
LAYERS = {
    "G": {"z_project/dense": "start", **{f"upconv_{n}/conv2d_transpose": f"convolution{n}" for n in range(5)}},
    "D": {**{f"downconv_{n}/conv1d": f"convolution{n}" for n in range(5)}, "output/dense": "logits"},
}


class Theirs:
    """Our WaveGAN with the stored weights, and its batch."""

    def __init__(self, phase_shuffle):
        self.golden = golden = Golden("wavegan")
        self.model = model = WaveGAN(Audio(16384), latent_dim=8, width=2, phase_shuffle=phase_shuffle)
        model.phases()
        self.networks = {"G": model.generator, "D": model.discriminator}
        for network in self.networks:
            weights, variables = golden.part(f"weights/{network}/"), self.variables(network)
            assert set(variables) == set(weights)
            for name, variable in variables.items():
                variable.assign(weights[name].reshape(variable.shape))
        self.batch = Batch(tensor(golden["inputs/x"]))
        model.draw_latents = lambda count, seed: tensor(golden["inputs/z"])

    def variables(self, network):
        """{their name: our variable}."""
        ours = {theirs: self.networks[network].get_layer(name) for theirs, name in LAYERS[network].items()}
        return {f"{n}/{part}": getattr(layer, part) for n, layer in ours.items() for part in ("kernel", "bias")}

    def discriminator_loss(self):
        share = 1.0 - tensor(self.golden["inputs/gp_alpha"])
        with unittest.mock.patch("keras.random.uniform", lambda *_, **__: share):
            return self.model.discriminator_loss(self.batch)

    def generator_loss(self):
        return self.model.generator_loss(self.batch)[0]

    def check_gradients(self, key, network, loss):
        variables = self.variables(network)
        found = dict(zip(variables, map(array, weight_gradients(loss, list(variables.values()))), strict=True))
        stored = self.golden.part(f"{key}/{network}/")
        self.golden.check_all(
            f"{key}/{network}/", {n: g.reshape(stored[n].shape) for n, g in found.items() if n in stored}
        )


def tensor(values):
    return ops.convert_to_tensor(values, keras.config.floatx())


@functools.cache
def theirs_in(precision, phase_shuffle=0):
    return Theirs(phase_shuffle)


def test_networks_and_losses(precision):
    case = theirs_in(precision)
    sounds = array(case.model.generator(tensor(case.golden["inputs/z"])))
    found = {"outputs/G(z)[:1,:8192]": sounds, "outputs/G(z)[:,:64]": sounds}
    found["outputs/G(z)_mean_abs_per_sample"] = np.abs(sounds).mean(axis=(1, 2))
    found["outputs/D(x)"] = case.model.real_logits(case.batch)[:, 0]
    found["outputs/D(G(z))"] = case.model.fake_logits(case.batch)[:, 0]
    found["outputs/D_loss"], logs = case.discriminator_loss()
    found["outputs/gradient_penalty"] = logs["gradient_penalty"] / 10.0
    found["outputs/G_loss"] = case.generator_loss()
    case.golden.check(found)
    wrong = case.model.real_logits(Batch(tensor(case.golden["inputs/x"][:, ::-1])))[:, 0]
    with pytest.raises(AssertionError, match="differs"):
        case.golden.check({"outputs/D(x)": wrong})


def test_gradients(precision):
    case = theirs_in(precision)
    case.check_gradients("grads/D_loss", "D", lambda: case.discriminator_loss()[0])
    case.check_gradients("grads/G_loss", "G", case.generator_loss)


def test_phase_shuffle(precision):
    case = theirs_in(precision, 2)
    drawn = [int(move) for move in case.golden["inputs/phase_shuffle_draws"]]
    moves = iter(drawn)

    def draw(shape, low, high, **_):
        assert (tuple(shape), low, high) == ((2,), -2, 3)
        return ops.full(shape, next(moves), "int32")

    with unittest.mock.patch("keras.random.randint", draw):
        found = case.model.discriminator(case.batch.x, training=True)[:, 0]
    assert any(drawn) and next(moves, None) is None
    case.golden.check({"outputs/D(x)_phase_shuffled": found})
    case.golden.check({"outputs/D(x)": case.model.discriminator(case.batch.x)[:, 0]})
