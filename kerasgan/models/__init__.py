"""The families: one paper, one file."""

from kerasgan.models.cgan import CGAN
from kerasgan.models.dcgan import DCGAN
from kerasgan.models.gan import GAN

__all__ = ["CGAN", "DCGAN", "GAN"]
