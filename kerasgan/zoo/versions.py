"""Versions of the software that a model is trained and saved with."""

import importlib.metadata
import platform

PACKAGES = ("keras", "tensorflow", "jax", "numpy")


def versions():
    """Versions of Python and of the relevant installed packages."""
    from kerasgan import __version__  # not at the top, because the package imports this module

    found = {"python": platform.python_version(), "kerasgan": __version__}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
