"""SeqGAN through the family harness; its policy gradient and likelihoods against sums over all sequences."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, SeqGAN
from kerasgan.data.kinds import Tokens
from kerasgan.game.averages import half_life
from kerasgan.game.engines import gradients
from kerasgan.game.schedules import value_at
from kerasgan.testing import FURTHER, family_tests

SIZES = {"image_shape": Tokens(3, 4), "embedding_dim": 3, "units": 4, "discriminator_embedding_dim": 3}
SIZES |= {"filters": ((1, 3), (2, 3), (9, 5))}
FAST = {"batch_size": 8, "pretraining_steps": 1, "discriminator_pretraining_steps": 1, "generator_every": 1}
FAST |= {"rollouts": 2}
test_seqgan = family_tests(SeqGAN, SIZES, FAST)
test_baseline = family_tests(SeqGAN, SIZES, {**FAST, "baseline": "batch", "pretraining_steps": 0}, slow=FURTHER)
