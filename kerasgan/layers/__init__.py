"""Layers and blocks that several papers share."""

from kerasgan.layers.conditioning import OneHot, label_plane, label_projection, label_vector
from kerasgan.layers.initial import normal, uniform
from kerasgan.layers.maxout import Maxout
from kerasgan.layers.normalization import batch_normalization
from kerasgan.layers.pool import ImagePool

__all__ = [
    "ImagePool",
    "Maxout",
    "OneHot",
    "batch_normalization",
    "label_plane",
    "label_projection",
    "label_vector",
    "normal",
    "uniform",
]
