"""StyleGAN against Facebook's implementation (github.com/facebookresearch/pytorch_GAN_zoo at b75dee4).

Its alpha is the share of the old stage, its images are not smoothed, and it truncates in training too.
"""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.layers import Noise, truncate
from kerasgan.layers.growing import at_stage
from kerasgan.models import stylegan
from kerasgan.zoo.convert import assign
from tests.golden.networks import compiled
from tests.golden.reader import Golden, channels_first, channels_last


class Theirs:
    """Our networks with the weights of the file, and what it feeds in."""

    def __init__(self):
        self.golden = Golden("stylegan1_zoo")
        self.mapping = stylegan.mapping_network(8, 12, decay=0.99)
        self.synthesis = stylegan.synthesis_network((4, 4), 3, (12, 8, 6), 12, taps=None)
        assign(stylegan.generator_sources(self.mapping, self.synthesis), self.golden.part("weights/"))
        self.mean = self.mapping.get_layer("mean_style").mean
        self.latents = ops.convert_to_tensor(self.golden["inputs/z"], keras.config.floatx())
        network = at_stage(self.synthesis, 2, fading=True)
        self.variables = network.non_trainable_variables
        trainable = network.trainable_variables
        self.draw_one = compiled(
            lambda fixed, styles, share: network.stateless_call(trainable_values(trainable), fixed, [styles, share])[0]
        )
        self.noise = [layer.constant.path for layer in network.layers if isinstance(layer, Noise)]

    def draw(self, styles, alpha):
        """Images of which each has noise of its own."""
        images = []
        for n in range(len(styles)):
            fixed = [ops.convert_to_tensor(v.value) for v in self.variables]
            for i, variable in enumerate(self.variables):
                if variable.path in self.noise:
                    noise = self.golden[f"inputs/noise{self.noise.index(variable.path)}"][n : n + 1]
                    fixed[i] = ops.convert_to_tensor(channels_last(noise)[0], variable.dtype)
            share = ops.full((1, 1), 1 - alpha, dtype=styles.dtype)
            images.append(channels_first(self.draw_one(fixed, styles[n : n + 1], share)))
        return np.concatenate(images)


def trainable_values(variables):
    return [ops.convert_to_tensor(v.value) for v in variables]


@pytest.fixture
def case(precision):
    from kerasgan.layers import noise_mode

    case = Theirs()
    with noise_mode(case.synthesis, "constant"):
        yield case


def test_images(case):
    golden = case.golden
    styles = case.mapping(case.latents)
    golden.check({"outputs/mapping": styles})
    styles = ops.repeat(styles[:, None], 6, axis=1)
    truncated = truncate(styles, case.mean)
    found = {
        "outputs/eval/alpha0/img": case.draw(truncated, 0),
        "outputs/eval/alpha0.3/img": case.draw(truncated, 0.3),
        "outputs/eval/no_truncation/img": case.draw(styles, 0),
    }
    golden.check(found)
    case.mapping(case.latents, training=True)
    golden.check({"outputs/train/mean_w_after": case.mean[None]})
    golden.check({"outputs/train/img": case.draw(truncate(styles, case.mean), 0)})
