"""Versions of what a model was trained and saved with."""

import importlib.metadata
import platform

PACKAGES = ("keras", "tensorflow", "jax", "numpy")


def versions():
    """Versions of Python and of the packages that matter, those that are installed."""
    from kerasgan import __version__  # not above: the package itself imports this module

    found = {"python": platform.python_version(), "kerasgan": __version__}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
