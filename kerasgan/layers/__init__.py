"""Layers and blocks shared by several models."""

from kerasgan.layers.adaptive_instance_normalization import AdaptiveInstanceNormalization
from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.basis import Basis
from kerasgan.layers.clipped import ClippedInInference
from kerasgan.layers.conditional_normalization import ConditionalBatchNormalization
from kerasgan.layers.conditioning import OneHot, label_plane, label_projection, label_vector, text_plane, with_labels
from kerasgan.layers.conditioning_augmentation import ConditioningAugmentation
from kerasgan.layers.convolutions import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3DTranspose
from kerasgan.layers.dense_images import dense_images
from kerasgan.layers.dropout import NoiseDropout
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.fade import Fade
from kerasgan.layers.gated_linear_unit import GatedLinearUnit
from kerasgan.layers.graphs import RelationalGraphConvolution, gated_aggregation
from kerasgan.layers.grouped import GroupedConv2D
from kerasgan.layers.highway import highway
from kerasgan.layers.initial import glorot, normal, orthogonal, scaled, uniform
from kerasgan.layers.instance_normalization import InstanceNormalization, SampleNormalization
from kerasgan.layers.leaky_relu import LeakyReLU
from kerasgan.layers.maxout import Maxout
from kerasgan.layers.minibatch_deviation import MinibatchStandardDeviation
from kerasgan.layers.modulated import ModulatedConv2D
from kerasgan.layers.noise import Noise, noise_mode
from kerasgan.layers.normalization import batch_normalization, kept_statistics, normalization, standing_statistics
from kerasgan.layers.patch_discriminator import patch_discriminator
from kerasgan.layers.phase_shuffle import PhaseShuffle
from kerasgan.layers.pixel_normalization import PixelNormalization
from kerasgan.layers.pixel_shuffle import BilinearEnlargement, PixelShuffle
from kerasgan.layers.pool import ImagePool
from kerasgan.layers.pyramid import LaplacianPyramid
from kerasgan.layers.reflection_padding import ReflectionPadding2D
from kerasgan.layers.relational_memory import RelationalMemoryCell
from kerasgan.layers.resample import Resample
from kerasgan.layers.residual import (
    discriminator_block,
    discriminator_bottleneck,
    generator_block,
    generator_bottleneck,
)
from kerasgan.layers.residual_translator import residual_translator
from kerasgan.layers.scaled_leaky_relu import ScaledLeakyReLU
from kerasgan.layers.spectral import (
    SpectralConv1D,
    SpectralConv1DTranspose,
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralConv3D,
    SpectralConv3DTranspose,
    SpectralDense,
    SpectralEmbedding,
    SpectralNormalization,
)
from kerasgan.layers.strided import strided_convolutions
from kerasgan.layers.styles import LearnedConstant, MeanStyle, draw_crossovers, mix_styles, truncate
from kerasgan.layers.tokens import TokenDecoder, TokenLikelihoods, chosen_tokens
from kerasgan.layers.transposed import transposed_convolutions

__all__ = [
    "AdaptiveInstanceNormalization",
    "Basis",
    "BilinearEnlargement",
    "ClippedInInference",
    "ConditionalBatchNormalization",
    "ConditioningAugmentation",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "EqualizedConv2D",
    "EqualizedDense",
    "Fade",
    "GatedLinearUnit",
    "GroupedConv2D",
    "ImagePool",
    "InstanceNormalization",
    "LaplacianPyramid",
    "LeakyReLU",
    "LearnedConstant",
    "Maxout",
    "MeanStyle",
    "MinibatchStandardDeviation",
    "ModulatedConv2D",
    "Noise",
    "NoiseDropout",
    "OneHot",
    "PhaseShuffle",
    "PixelNormalization",
    "PixelShuffle",
    "ReflectionPadding2D",
    "RelationalGraphConvolution",
    "RelationalMemoryCell",
    "Resample",
    "SampleNormalization",
    "ScaledLeakyReLU",
    "SelfAttention",
    "SpectralConv1D",
    "SpectralConv1DTranspose",
    "SpectralConv2D",
    "SpectralConv2DTranspose",
    "SpectralConv3D",
    "SpectralConv3DTranspose",
    "SpectralDense",
    "SpectralEmbedding",
    "SpectralNormalization",
    "TokenDecoder",
    "TokenLikelihoods",
    "batch_normalization",
    "chosen_tokens",
    "dense_images",
    "discriminator_block",
    "discriminator_bottleneck",
    "draw_crossovers",
    "gated_aggregation",
    "generator_block",
    "generator_bottleneck",
    "glorot",
    "highway",
    "kept_statistics",
    "label_plane",
    "label_projection",
    "label_vector",
    "mix_styles",
    "noise_mode",
    "normal",
    "normalization",
    "orthogonal",
    "patch_discriminator",
    "residual_translator",
    "scaled",
    "standing_statistics",
    "strided_convolutions",
    "text_plane",
    "transposed_convolutions",
    "truncate",
    "uniform",
    "with_labels",
]
