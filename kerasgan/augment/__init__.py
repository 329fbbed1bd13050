"""Views: what a discriminator is shown of its samples, so that it does not learn a small data set by heart."""

from kerasgan.augment.adaptive import Adaptive, Augment
from kerasgan.augment.diffaugment import DiffAugment
from kerasgan.augment.packed import Packed
from kerasgan.augment.view import ImageView, View
from kerasgan.augment.views import get

__all__ = ["Adaptive", "Augment", "DiffAugment", "ImageView", "Packed", "View", "get"]
