"""RelGAN through the family harness, and what its paper says of temperature and representations."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, RelGAN
from kerasgan.data.kinds import Tokens
from kerasgan.testing import family_tests

SIZES = {"image_shape": Tokens(3, 4), "embedding_dim": 3, "heads": 2, "head_size": 2, "representations": 2}
SIZES |= {"discriminator_embedding_dim": 4, "filters": ((1, 3), (2, 3)), "units": 3}
FAST = {"batch_size": 8, "pretraining_steps": 1, "generator_every": 1, "annealing_steps": 10}
test_relgan = family_tests(RelGAN, SIZES, FAST)
