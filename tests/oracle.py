"""TF-GAN 2.1.0, the reference for losses and sample metrics: an oracle for tests on TensorFlow.

Its package does not import on TensorFlow 2.16 or later, where `tf.estimator` is gone, but its loss
and metric modules do when the `__init__` files of the packages around them are passed over.
"""

import functools
import importlib
import sys
import types
from importlib.machinery import PathFinder
from pathlib import Path

PACKAGES = ("", "python", "python/losses", "python/eval")


@functools.cache
def tfgan():
    """TF-GAN's modules that still work.

    Returns:
        Namespace of the modules `losses` (`losses_impl`), `classifier_metrics` and
        `sliced_wasserstein`.

    Raises:
        ImportError: If tensorflow-gan is not installed.
    """
    spec = PathFinder.find_spec("tensorflow_gan")
    if spec is None:
        raise ImportError("The tests against TF-GAN need `pip install tensorflow-gan==2.1.0`.")
    root = Path(spec.submodule_search_locations[0])
    for package in PACKAGES:
        name = ".".join(("tensorflow_gan", *Path(package).parts))
        module = types.ModuleType(name)
        module.__path__ = [str(root / package)]
        sys.modules[name] = module
    return types.SimpleNamespace(
        losses=importlib.import_module("tensorflow_gan.python.losses.losses_impl"),
        classifier_metrics=importlib.import_module("tensorflow_gan.python.eval.classifier_metrics"),
        sliced_wasserstein=importlib.import_module("tensorflow_gan.python.eval.sliced_wasserstein"),
    )
