"""kerasgan: generative adversarial networks for Keras 3."""

import importlib
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


def _is_command():
    """Whether this process is the command line, which parses arguments and prints help and lists without an engine."""
    script = os.path.basename(sys.argv[0]) if sys.argv else ""
    words = getattr(sys, "orig_argv", [])
    module = words[words.index("-m") + 1 :][:1] if script == "-m" and "-m" in words else []
    return module == ["kerasgan"] or script in ("kerasgan", "kerasgan.exe")


_lazy = globals().get("_lazy", _is_command())  # False once everything has been imported
if not _lazy:
    from kerasgan import data
    from kerasgan.bases.latent import GenerativeModel, LatentModel, LatentRecipe
    from kerasgan.bases.translation import TranslationModel, TranslationRecipe
    from kerasgan.game.model import AdversarialModel
    from kerasgan.game.phase import Batch, Phase, shared
    from kerasgan.game.recipe import Recipe
    from kerasgan.models import (
        ACGAN,
        CGAN,
        CUT,
        DCGAN,
        ESRGAN,
        GAN,
        GAN3D,
        GMMN,
        GMMNAE,
        LAPGAN,
        LSGAN,
        R3GAN,
        SAGAN,
        SNGAN,
        SRGAN,
        VAEGAN,
        WGAN,
        WGANGP,
        AgeCGAN,
        BiGAN,
        BigBiGAN,
        BigGAN,
        BigGANDeep,
        CycleGAN,
        FastGAN,
        FramePredictor,
        InfoGAN,
        MolGAN,
        Pix2Pix,
        ProGAN,
        RelGAN,
        SeqGAN,
        SimGAN,
        SpecGAN,
        StackGAN,
        StyleGAN,
        StyleGAN2,
        StyleGAN3,
        TextToImageGAN,
        UnrolledGAN,
        VideoGAN,
        WaveGAN,
    )
    from kerasgan.objectives import losses, penalties
    from kerasgan.zoo.saving import load

__version__ = "0.1.0"

# Modules to import on first access, by their public names.
_MODULES = {
    **{
        name: f"kerasgan.{name}"
        for name in (
            *("callbacks", "distribute", "export", "game", "latent_space", "layers", "metrics", "models", "objectives"),
            *("pictures", "run", "studies", "testing", "zoo"),
        )
    },
    "engines": "kerasgan.game.engines",
    "images": "kerasgan.pictures.images",
    "optimizers": "kerasgan.game.optimizers",
    "schedules": "kerasgan.game.schedules",
    "tuning": "kerasgan.studies.tuning",
}


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if _lazy and name in __all__:
        globals()["_lazy"] = False
        return getattr(importlib.reload(sys.modules[__name__]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_MODULES})


__all__ = [
    "ACGAN",
    "CGAN",
    "CUT",
    "DCGAN",
    "ESRGAN",
    "GAN",
    "GAN3D",
    "GMMN",
    "GMMNAE",
    "LAPGAN",
    "LSGAN",
    "R3GAN",
    "SAGAN",
    "SNGAN",
    "SRGAN",
    "VAEGAN",
    "WGAN",
    "WGANGP",
    "AdversarialModel",
    "AgeCGAN",
    "Batch",
    "BiGAN",
    "BigBiGAN",
    "BigGAN",
    "BigGANDeep",
    "CycleGAN",
    "FastGAN",
    "FramePredictor",
    "GenerativeModel",
    "InfoGAN",
    "LatentModel",
    "LatentRecipe",
    "MolGAN",
    "Phase",
    "Pix2Pix",
    "ProGAN",
    "Recipe",
    "RelGAN",
    "SeqGAN",
    "SimGAN",
    "SpecGAN",
    "StackGAN",
    "StyleGAN",
    "StyleGAN2",
    "StyleGAN3",
    "TextToImageGAN",
    "TranslationModel",
    "TranslationRecipe",
    "UnrolledGAN",
    "VideoGAN",
    "WaveGAN",
    "data",
    "load",
    "losses",
    "penalties",
    "shared",
]
