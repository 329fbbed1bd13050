"""DCGAN through the family harness."""

from kerasgan import DCGAN
from kerasgan.testing import family_tests

test_dcgan = family_tests(DCGAN, {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4})
