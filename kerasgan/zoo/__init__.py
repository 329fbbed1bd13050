"""The zoo: trained models by name, from a folder or a web address; how they are written, measured and published."""

from kerasgan.zoo.fetch import find
from kerasgan.zoo.preset import names
from kerasgan.zoo.saving import load, save

__all__ = ["find", "load", "names", "save"]
