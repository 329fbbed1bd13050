"""MolGAN through the family harness, and what its paper says of graphs, rewards and the trade-off."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, MolGAN
from kerasgan.data.kinds import Graphs
from kerasgan.metrics import ValidMolecules
from kerasgan.objectives.penalties import GradientPenalty
from kerasgan.testing import CHECKS, family_tests

KIND = Graphs(3, 3, 3)
SIZES = {"image_shape": KIND, "latent_dim": 4, "generator_widths": (6,), "convolutions": (4, 3)}
SIZES |= {"aggregation": 5, "widths": (4,)}
REWARD = ValidMolecules(("none", "C", "O"))
FAST = {"batch_size": 8, "generator_every": 1, "generator_optimizer": keras.optimizers.Adam(0.1)}
# A critic's last bias is in no difference.
BIAS = ("discriminator: output/bias",)
test_molgan = family_tests(MolGAN, {**SIZES, "reward": REWARD}, FAST, unmoved=BIAS)
test_without_reward = family_tests(
    MolGAN, SIZES, {**FAST, "relaxation": "straight_through"}, unmoved=BIAS, slow=CHECKS
)
