"""Layers and blocks that several papers share."""

from kerasgan.layers.basis import Basis
from kerasgan.layers.conditioning import OneHot, label_plane, label_projection, label_vector, with_labels
from kerasgan.layers.dense_images import dense_images
from kerasgan.layers.dropout import NoiseDropout
from kerasgan.layers.grouped import GroupedConv2D
from kerasgan.layers.initial import normal, scaled, uniform
from kerasgan.layers.instance_normalization import InstanceNormalization, SampleNormalization
from kerasgan.layers.maxout import Maxout
from kerasgan.layers.normalization import batch_normalization, normalization
from kerasgan.layers.patch_discriminator import patch_discriminator
from kerasgan.layers.pool import ImagePool
from kerasgan.layers.pyramid import LaplacianPyramid
from kerasgan.layers.reflection_padding import ReflectionPadding2D
from kerasgan.layers.resample import Resample
from kerasgan.layers.strided import strided_convolutions
from kerasgan.layers.transposed import transposed_convolutions

__all__ = [
    "Basis",
    "GroupedConv2D",
    "ImagePool",
    "InstanceNormalization",
    "LaplacianPyramid",
    "Maxout",
    "NoiseDropout",
    "OneHot",
    "ReflectionPadding2D",
    "Resample",
    "SampleNormalization",
    "batch_normalization",
    "dense_images",
    "label_plane",
    "label_projection",
    "label_vector",
    "normal",
    "normalization",
    "patch_discriminator",
    "scaled",
    "strided_convolutions",
    "transposed_convolutions",
    "uniform",
    "with_labels",
]
