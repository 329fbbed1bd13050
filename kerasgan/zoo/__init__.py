"""The zoo: loads trained models by name, from a folder or a web address; writes, measures and publishes them."""

from kerasgan.zoo.fetch import find
from kerasgan.zoo.preset import names

__all__ = ["find", "load", "names", "save"]


def __getattr__(name):
    if name in ("load", "save"):  # these need an engine; listing and showing presets does not
        from kerasgan.zoo import saving

        return getattr(saving, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
