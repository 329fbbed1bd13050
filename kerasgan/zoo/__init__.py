"""The zoo: trained models by name, from a folder or a web address; how they are written, measured and published."""

from kerasgan.zoo.fetch import find
from kerasgan.zoo.preset import names

__all__ = ["find", "load", "names", "save"]


def __getattr__(name):
    if name in ("load", "save"):  # which need an engine; what lists and shows does not
        from kerasgan.zoo import saving

        return getattr(saving, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
