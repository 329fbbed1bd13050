"""Measures of sample quality. One metric, one file; all of them take NumPy arrays."""

from kerasgan.metrics.classification import classification_accuracy_score, label_fidelity
from kerasgan.metrics.controls import baseline_samples
from kerasgan.metrics.frechet import GaussianMoments, frechet_distance

__all__ = [
    "GaussianMoments",
    "baseline_samples",
    "classification_accuracy_score",
    "frechet_distance",
    "label_fidelity",
]
