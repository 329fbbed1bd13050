"""kerasgan: generative adversarial networks for Keras 3."""

import os

# oneDNN is off by default on AMD processors, where it halves the time of a convolutional step.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from kerasgan import data, losses, penalties
from kerasgan.adversarial import AdversarialModel, Batch, Phase, shared
from kerasgan.latent import LatentModel, LatentRecipe
from kerasgan.models import CGAN, DCGAN, GAN
from kerasgan.recipe import Recipe

__version__ = "0.1.0"

__all__ = [
    "CGAN",
    "DCGAN",
    "GAN",
    "AdversarialModel",
    "Batch",
    "LatentModel",
    "LatentRecipe",
    "Phase",
    "Recipe",
    "data",
    "losses",
    "penalties",
    "shared",
]
