"""ProGAN against Facebook's implementation (github.com/facebookresearch/pytorch_GAN_zoo at b75dee4).

Its alpha is the share of the old stage. Its discriminator fades only where there are at least two stages before.
"""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.layers import MinibatchStandardDeviation, PixelNormalization
from kerasgan.layers.growing import at_stage
from kerasgan.models import progan
from kerasgan.objectives.penalties import GradientPenalty
from kerasgan.zoo.convert import assign
from tests.golden.networks import compiled, in_their_layout
from tests.golden.reader import SLOW_ON_JAX, Golden, array, channels_first, channels_last, weight_gradients

DEVIATION = {"neighbours": True, "unbiased": True}
ALPHAS = (0, 0.3, 1)


def tensor(values):
    return ops.convert_to_tensor(values, keras.config.floatx())


class Theirs:
    """Our networks with the weights of a file, and what the file feeds in."""

    def __init__(self, file):
        self.golden = Golden(file)
        self.stage = 2 if file == "progan_zoo_16" else 1
        widths = (12, 8, 6)[: self.stage + 1]
        self.networks = {
            "G": progan.generator_network((4, 4), 3, widths, 8),
            "D": progan.discriminator_network((4, 4), 3, widths, **DEVIATION),
        }
        self.sources = {
            "G": progan.generator_sources(self.networks["G"]),
            "D": progan.discriminator_sources(self.networks["D"]),
        }
        for name, pairs in self.sources.items():
            assign(pairs, self.golden.part(f"weights/{name}/"))
        self.fading = {"G": True, "D": self.stage > 1}

    def at_stage(self, network):
        return at_stage(self.networks[network], self.stage, self.fading[network])

    def inputs(self, network, alpha, values):
        values = tensor(values)
        share = ops.full((values.shape[0], 1), 1 - alpha, dtype=values.dtype)
        return [values, share] if self.fading[network] else values

    def gradients(self, network, loss, found_in):
        """Gradients of `loss()` in their layout, of the weights that have one in the file."""
        stored = self.golden.part(f"grads/{found_in}/{network}/")
        pairs = [(v, source) for v, source in self.sources[network] if source.key in stored]
        found = compiled(lambda: weight_gradients(loss, [v for v, _ in pairs]))()
        return {s.key: in_their_layout(s, g, stored[s.key].shape) for (_, s), g in zip(pairs, found, strict=True)}


@pytest.fixture(params=[pytest.param("progan_zoo_8", marks=SLOW_ON_JAX), "progan_zoo_16"])
def case(request, precision):
    return Theirs(request.param)


def test_images(case):
    draw = compiled(case.at_stage("G"))
    for alpha in ALPHAS:
        images = draw(case.inputs("G", alpha, case.golden["inputs/z"]))
        case.golden.check({f"outputs/alpha{alpha}/img": channels_first(images)})


def test_logits(case):
    network, x = case.at_stage("D"), channels_last(case.golden["inputs/x"])
    key = f"{'fading' if case.fading['D'] else 'stage'}{case.stage}_features"
    features = network.get_layer(f"{key}_activation").output
    judge = compiled(keras.Model(network.input, [network.output, features]))
    for alpha in ALPHAS:
        logits, features = judge(case.inputs("D", alpha, x))
        case.golden.check({f"outputs/alpha{alpha}/D_x": logits, f"outputs/alpha{alpha}/D_x_features": features})


def test_gradients(case):
    golden, draw, judge = case.golden, case.at_stage("G"), case.at_stage("D")
    cotangent, x = tensor(channels_last(golden["inputs/cotangent"])), channels_last(golden["inputs/x"])
    weights = tensor(np.arange(1, 9)[:, None])
    found = case.gradients(
        "G", lambda: ops.sum(draw(case.inputs("G", 0.3, golden["inputs/z"])) * cotangent), "alpha0.3"
    )
    golden.check_all("grads/alpha0.3/G/", found)
    found = case.gradients("D", lambda: ops.sum(judge(case.inputs("D", 0.3, x)) * weights), "alpha0.3")
    golden.check_all("grads/alpha0.3/D/", found)


def test_layers(precision):
    golden = Golden("progan_zoo_16")
    x = tensor(channels_last(golden["inputs/layer_x"]))
    deviation = MinibatchStandardDeviation(4, **DEVIATION)
    found = {
        "outputs/pixel_norm(layer_x)": PixelNormalization()(x),
        "outputs/minibatch_stddev(layer_x)_group4": deviation(x),
        "outputs/minibatch_stddev(layer_x[:6])_not_divisible": deviation(x[:6]),
        "outputs/minibatch_stddev(layer_x[:3])": deviation(x[:3]),
    }
    golden.check({key: channels_first(value) for key, value in found.items()})
    assert not array(deviation(x[:1]))[..., -1].any()


def test_gradient_penalty(precision, monkeypatch):
    """The authors sum over the batch. They draw one number a sample, which is given."""
    case = Theirs("progan_zoo_16")
    golden, network = case.golden, at_stage(case.networks["D"], case.stage)
    real, fake = (tensor(channels_last(golden[f"inputs/{name}"])) for name in ("x", "gp_fake"))
    real = real[:4]
    monkeypatch.setattr(
        keras.random, "uniform", lambda shape, *_, **__: tensor(golden["inputs/gp_alpha"].reshape(shape))
    )

    def penalty():
        return 4 * GradientPenalty(10.0)(network, real, fake)

    golden.check({"outputs/wgangp_penalty_w10": compiled(penalty)()})
    golden.check_all("grads/wgangp_penalty_w10/D/", case.gradients("D", penalty, "wgangp_penalty_w10"))
