"""kerasgan: generative adversarial networks for Keras 3."""

import logging
import os
import sys

if "TF_ENABLE_ONEDNN_OPTS" not in os.environ:
    if "tensorflow" in sys.modules and not sys.modules["tensorflow"].config.list_physical_devices("GPU"):
        logging.getLogger("kerasgan").warning(
            "TensorFlow was imported before kerasgan without TF_ENABLE_ONEDNN_OPTS=1. On AMD processors convolutional "
            "training then takes about twice as long: import kerasgan first, or set the variable."
        )
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"

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
