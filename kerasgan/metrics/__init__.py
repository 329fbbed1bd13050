"""Metrics of sample quality. Each file holds one metric; all metrics take NumPy arrays."""

from kerasgan.metrics.birthday import birthday_support, duplicate_threshold
from kerasgan.metrics.classification import augmentation_gain, classification_accuracy_score, label_fidelity
from kerasgan.metrics.controls import baseline_samples
from kerasgan.metrics.data_copying import data_copying
from kerasgan.metrics.different_bins import DifferentBins, different_bins
from kerasgan.metrics.evaluation import Evaluator, Report, evaluate
from kerasgan.metrics.frechet import FrechetDistance, GaussianMoments, frechet_distance
from kerasgan.metrics.inception_score import InceptionScore, inception_score
from kerasgan.metrics.intervals import Interval, paired_interval
from kerasgan.metrics.kernel_distance import KernelDistance, kernel_distance
from kerasgan.metrics.linear_probe import linear_probe
from kerasgan.metrics.luma import luma, luma_psnr, luma_ssim
from kerasgan.metrics.mmd import mmd_test
from kerasgan.metrics.modes import ClassModes, class_modes, mixture_modes, stacked_labels
from kerasgan.metrics.molecules import DrugLikeness, ValidMolecules, canonical_graphs, molecule_metrics
from kerasgan.metrics.nearest_neighbour_probe import nearest_neighbour_probe
from kerasgan.metrics.nearest_neighbour_test import nearest_neighbour_test
from kerasgan.metrics.path_length import perceptual_path_length
from kerasgan.metrics.precision_recall import precision_recall_density_coverage
from kerasgan.metrics.protocol import Protocol
from kerasgan.metrics.psnr import psnr
from kerasgan.metrics.pyramid_wasserstein import pyramid_sliced_wasserstein
from kerasgan.metrics.sample_mean import SampleMean
from kerasgan.metrics.self_bleu import bleu, self_bleu
from kerasgan.metrics.sliced_wasserstein import sliced_wasserstein
from kerasgan.metrics.ssim import multiscale_ssim, ssim
from kerasgan.metrics.token_statistics import token_metrics

__all__ = [
    "ClassModes",
    "DifferentBins",
    "DrugLikeness",
    "Evaluator",
    "FrechetDistance",
    "GaussianMoments",
    "InceptionScore",
    "Interval",
    "KernelDistance",
    "Protocol",
    "Report",
    "SampleMean",
    "ValidMolecules",
    "augmentation_gain",
    "baseline_samples",
    "birthday_support",
    "bleu",
    "canonical_graphs",
    "class_modes",
    "classification_accuracy_score",
    "data_copying",
    "different_bins",
    "duplicate_threshold",
    "evaluate",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "label_fidelity",
    "linear_probe",
    "luma",
    "luma_psnr",
    "luma_ssim",
    "mixture_modes",
    "mmd_test",
    "molecule_metrics",
    "multiscale_ssim",
    "nearest_neighbour_probe",
    "nearest_neighbour_test",
    "paired_interval",
    "perceptual_path_length",
    "precision_recall_density_coverage",
    "psnr",
    "pyramid_sliced_wasserstein",
    "self_bleu",
    "sliced_wasserstein",
    "ssim",
    "stacked_labels",
    "token_metrics",
]
