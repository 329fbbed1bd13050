"""Views: random changes of all samples that a discriminator sees, to keep it from memorising a small data set."""

from kerasgan.augment.adaptive import Adaptive, Augment
from kerasgan.augment.diffaugment import DiffAugment
from kerasgan.augment.packed import Packed
from kerasgan.augment.view import ImageView, View
from kerasgan.augment.views import get

__all__ = ["Adaptive", "Augment", "DiffAugment", "ImageView", "Packed", "View", "get"]
