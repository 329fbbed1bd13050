"""Scores of generated samples next to those of a Gaussian and of real samples, with the measurement protocol."""

import functools
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from kerasgan.data import load
from kerasgan.metrics.classification import classification_accuracy_score
from kerasgan.metrics.controls import full_gaussian
from kerasgan.metrics.different_bins import different_bins
from kerasgan.metrics.features import INCEPTION, check_samples, get, name_of, pixels
from kerasgan.metrics.frechet import frechet_distance
from kerasgan.metrics.inception_score import inception_score
from kerasgan.metrics.kernel_distance import kernel_distance
from kerasgan.metrics.nearest_neighbour_test import nearest_neighbour_test
from kerasgan.metrics.precision_recall import precision_recall_density_coverage
from kerasgan.metrics.protocol import RESERVED, Protocol
from kerasgan.metrics.sliced_wasserstein import sliced_wasserstein

FEWEST = 20  # smallest number of samples: ten subsets of two for the kernel distance
MOST = 5000  # largest default number of samples: the cost of the nearest-neighbour metrics grows with its square
FITTED = 10_000  # largest number of real samples that the control is fitted to
VALUES = 200_000_000  # and largest number of values in them, 1.6 GB
DEFAULT_METRICS = ("frechet_distance", "kernel_distance", "precision_recall", "nearest_neighbour")


class _Side(NamedTuple):
    """Samples in the forms that the metrics take."""

    samples: np.ndarray
    labels: np.ndarray | None
    features: np.ndarray
    probabilities: np.ndarray | None


class _Metric(NamedTuple):
    """One entry of `METRICS`.

    Attributes:
        scores: Names of the metric's scores.
        compute: Function from the real side, the fake side and a seed to these scores.
        classes: Whether the metric needs class probabilities.
        labels: Whether the metric needs labels.
        alone: Whether the metric uses the fake side only.
    """

    scores: tuple
    compute: Callable
    classes: bool = False
    labels: bool = False
    alone: bool = False


def _kernel_distance(real, fake, seed):
    return kernel_distance(real.features, fake.features, subset_size=min(1000, len(real.features) // 10), seed=seed)


def _different_bins(real, fake, seed):
    return (different_bins(real.features, fake.features, min(100, len(real.features) // 10), seed=seed).share,)


def _class_histogram(real, fake, seed):
    """Total variation distance between the class histograms, from 0 to 1."""
    shares = [np.bincount(side.probabilities.argmax(1), minlength=side.probabilities.shape[1]) for side in (real, fake)]
    real_shares, fake_shares = (counts / counts.sum() for counts in shares)
    return (0.5 * np.abs(real_shares - fake_shares).sum(),)


def _label_fidelity(real, fake, seed):
    return ((fake.probabilities.argmax(axis=1) == fake.labels).mean(),)


def _classification_accuracy(real, fake, seed):
    return (classification_accuracy_score(fake.samples, fake.labels, real.samples, real.labels),)


METRICS = {
    "frechet_distance": _Metric(
        ("frechet_distance",), lambda real, fake, seed: (frechet_distance(real.features, fake.features),)
    ),
    "kernel_distance": _Metric(("kernel_distance", "kernel_distance_error"), _kernel_distance),
    "precision_recall": _Metric(
        ("precision", "recall", "density", "coverage"),
        lambda real, fake, seed: precision_recall_density_coverage(real.features, fake.features),
    ),
    "nearest_neighbour": _Metric(
        ("nearest_neighbour", "nearest_neighbour_real", "nearest_neighbour_fake"),
        lambda real, fake, seed: nearest_neighbour_test(real.features, fake.features),
    ),
    "sliced_wasserstein": _Metric(
        ("sliced_wasserstein",),
        lambda real, fake, seed: (sliced_wasserstein(real.features, fake.features, seed=seed),),
    ),
    "different_bins": _Metric(("different_bins",), _different_bins),
    "inception_score": _Metric(
        ("inception_score",), lambda real, fake, seed: (inception_score(fake.probabilities),), classes=True, alone=True
    ),
    "class_histogram": _Metric(("class_histogram",), _class_histogram, classes=True),
    "label_fidelity": _Metric(("label_fidelity",), _label_fidelity, classes=True, labels=True, alone=True),
    "classification_accuracy": _Metric(("classification_accuracy",), _classification_accuracy, labels=True),
}


class Evaluator:
    """Scores sets of generated samples against the same real samples.

    Both sides have the same number of samples, and the features of each set are computed once.

    Args:
        real: Real samples that the generator has not seen: an array of images in [-1, 1] of shape
            `(n, height, width, channels)` or of vectors `(n, d)`, a tuple `(samples, labels)`, or an argument of
            `kerasgan.data.load` such as the path of a folder.
        other: Additional real samples, such as the generator's training data. They are scored as the floor, and the
            control is fitted to them. None splits `real` into two halves.
        metrics: Names from `METRICS`, or unambiguous prefixes. "fid" and "kid" are only allowed with the features
            `inception-2015`.
        features: One of `kerasgan.metrics.features.NAMES`, or a function from samples to an array of shape `(n, d)`.
        count: Number of samples of each set. Defaults to all samples, at most 5000.
        seed: Random seed of the choice of real samples, the control and the metrics.
        name: Name of `real` in the protocol. Defaults to its path if it is one.

    Attributes:
        count: Number of samples of each set.
        labels: Labels of the real samples, for which the generated samples should be generated, or None.
        protocol: `Protocol` of all scores.
        scores: Names of the scores.

    Raises:
        ValueError: If metrics or features are unknown, if a metric needs labels or class probabilities that are
            missing, if there are too few samples, or if shapes differ.
    """

    def __init__(self, real, other=None, metrics=DEFAULT_METRICS, features="pixels", count=None, seed=0, name=None):
        self.seed, self.features = seed, get(features)
        self.metrics = _chosen(metrics, name_of(features))
        self.scores = tuple(score for metric in self.metrics for score in METRICS[metric].scores)
        random = np.random.default_rng(seed)
        x, y = _samples(real)
        check_samples(x, "real")
        order = random.permutation(len(x))
        if other is None:
            here, there = order[: len(x) // 2], order[len(x) // 2 :]
            other_x, other_y = x[there], None if y is None else y[there]
        else:
            here, (other_x, other_y) = order, _samples(other)
            check_samples(other_x, "other")
        self.count = self._counted(count, len(here), len(other_x), divided=other is None)
        if other_x.shape[1:] != x.shape[1:]:
            raise ValueError(f"The other real samples have shape {other_x.shape[1:]}; expected {x.shape[1:]}.")
        here = here[: self.count]
        self._real = self._side(x[here], None if y is None else y[here])
        self._other = other_x, other_y
        shown = _resizing(self.features, x.shape[1:])
        self.protocol = Protocol(name_of(features), self.count, name or real_name(real), self.count, shown, seed)

    @property
    def labels(self):
        return self._real.labels

    def __call__(self, samples, labels=None):
        """Scores generated samples.

        Args:
            samples: `count` generated samples of the shape of `real`.
            labels: Labels that the samples were generated for, integers of shape `(count,)`. Required by some metrics.

        Returns:
            `{score: float}` with the keys of `scores`.

        Raises:
            ValueError: If the number or the shape of the samples is wrong, if values are not finite, or if labels are
                missing.
        """
        samples = np.asarray(samples)
        if len(samples) != self.count or samples.shape[1:] != self._real.samples.shape[1:]:
            raise ValueError(
                f"`samples` has shape {samples.shape}; expected {(self.count, *self._real.samples.shape[1:])}, the "
                "shape of the real samples. Most scores depend on the number of samples."
            )
        check_samples(samples)
        fake = self._side(samples, labels)
        return self._scores(lambda metric: fake)

    def _scores(self, side):
        """Computes the scores; `side` returns the samples to score for each metric."""
        values: list[float] = []
        for metric in map(METRICS.__getitem__, self.metrics):
            values += metric.compute(self._real, side(metric), self.seed)
        return {score: float(value) for score, value in zip(self.scores, values, strict=True)}

    @functools.cached_property
    def floor(self):
        """Scores of the other real samples in place of generated samples: the best scores to expect.

        Metrics that only use generated samples are computed on `real` instead, because the features' network may have
        been trained on the other samples.
        """
        x, y = self._other
        chosen = self._like_real(y, np.random.default_rng(self.seed).permutation(len(x)))
        other = self._side(x[chosen], None if y is None else y[chosen])
        return self._scores(lambda metric: self._real if metric.alone else other)

    @functools.cached_property
    def control(self):
        """Scores of a Gaussian with the covariances of the other real samples, per class if there are labels.

        A generator is useful only if it scores better.
        """
        x, y = self._other
        random = np.random.default_rng(self.seed)
        chosen = random.permutation(len(x))[: min(FITTED, max(self.count, VALUES // max(1, x[0].size)))]
        flat = pixels(x[chosen])
        if y is None or self.labels is None:
            drawn = full_gaussian(flat, self.count, random)
        else:
            drawn = np.empty((self.count, flat.shape[1]))
            for label in np.unique(self.labels):
                wanted, fitted = self.labels == label, flat[y[chosen] == label]
                drawn[wanted] = full_gaussian(fitted if len(fitted) else flat, wanted.sum(), random)
        drawn = drawn.reshape(-1, *x.shape[1:])
        return self(np.clip(drawn, -1, 1) if x.ndim == 4 else drawn, self.labels)

    def _like_real(self, labels, order):
        """Returns the first `count` indices of `order`, with as many samples of each label as in `real` if available.

        Generated samples have the labels of the real samples, so other proportions would put the floor at a
        disadvantage.
        """
        if labels is None or self.labels is None:
            return order[: self.count]
        same = [order[labels[order] == label][: (self.labels == label).sum()] for label in np.unique(self.labels)]
        return np.concatenate([*same, np.setdiff1d(order, np.concatenate(same))])[: self.count]

    def report(self, scores):
        """Returns a generator's scores with their protocol, control and ceiling as a JSON-serialisable dictionary."""
        return {
            "protocol": asdict(self.protocol),
            "scores": {
                score: {
                    "title": self.protocol.title(score),
                    "control": self.control[score],
                    "ours": value,
                    "ceiling": self.floor[score],
                    "line": self.protocol.line(score, value, self.floor[score]),
                }
                for score, value in scores.items()
            },
        }

    def _counted(self, count, real, other, divided):
        available = min(real, other)
        if available < FEWEST:
            came = f"{real + other} real samples, which are split into two halves" if divided else ""
            came = came or f"{real} real and {other} other real samples"
            raise ValueError(
                f"There are {came}; expected at least {2 * FEWEST if divided else FEWEST}"
                f"{', or further real samples as `other`' if divided else ' of each'}. Pass more samples."
            )
        if count is None:
            count = min(available, MOST)
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not FEWEST <= count <= available:
            raise ValueError(
                f"count={count!r} with {real} real and {other} other real samples; expected {FEWEST} to {available}, "
                "because each side needs this number of real samples."
            )
        return count

    def _side(self, samples, labels):
        wants = [METRICS[metric] for metric in self.metrics]
        if labels is not None:
            labels = np.asarray(labels).reshape(-1)
        elif any(metric.labels for metric in wants):
            named = [name for name in self.metrics if METRICS[name].labels]
            raise ValueError(f"{', '.join(named)} needs labels of real and generated samples, but some are missing.")
        if not any(metric.classes for metric in wants):
            return _Side(samples, labels, pixels(self.features(samples)), None)
        heads = getattr(self.features, "heads", {})
        if "label" not in heads:
            named = [name for name in self.metrics if METRICS[name].classes]
            raise ValueError(
                f"{', '.join(named)} needs features with class probabilities, such as 'classifier-digits-v1'; "
                f"{name_of(self.features)!r} has none."
            )
        from kerasgan.metrics.features.network import softmax

        outputs = self.features.outputs(samples)
        return _Side(samples, labels, pixels(outputs["features"]), softmax(outputs["label"]))


@dataclass(frozen=True)
class Report:
    """Result of `evaluate`. `print` shows one line per score.

    Attributes:
        protocol: `Protocol` of the scores.
        scores: `{score: float}` of the generated samples.
        floor: Scores of real samples in place of the generated samples.
        control: Scores of a Gaussian fitted to real samples.
    """

    protocol: Protocol
    scores: dict[str, float]
    floor: dict[str, float]
    control: dict[str, float]

    def __str__(self):
        lines = (self.protocol.line(score, value, self.floor[score]) for score, value in self.scores.items())
        return "\n".join(lines)


def evaluate(real, fake, other=None, metrics=DEFAULT_METRICS, features="pixels", count=None, seed=0):
    """Scores generated samples, and real samples and a Gaussian in their place.

    Args:
        real: Real samples as for `Evaluator`: an array in [-1, 1], a tuple `(samples, labels)`, or a folder.
        fake: Generated samples in the same form.
        other: Additional real samples. None splits `real` into two halves.
        metrics: Names from `METRICS`.
        features: One of `kerasgan.metrics.features.NAMES`, or a function from samples to an array of shape `(n, d)`.
        count: Number of samples of each set. Defaults to the size of the smallest set, at most 5000.
        seed: Random seed of the choice of samples, the control and the metrics.

    Returns:
        A `Report`.

    Raises:
        ValueError: If `Evaluator` raises it, or if `count` exceeds the number of generated samples.

    Example:
        >>> print(evaluate("photos/test", "generated", metrics=("frechet_distance",), features="random-conv-seed0"))
        Fréchet distance (features random-conv-seed0, real 900 of photos/test, fake 900, ...): 1.23 [floor 0.4]
    """
    name = real_name(real)
    real, other, (x, y) = _samples(real), None if other is None else _samples(other), _samples(fake)
    count = count or min(largest_count(real, other), len(x))
    if count > len(x):
        raise ValueError(f"count={count}; expected at most {len(x)}, the number of generated samples.")
    evaluator = Evaluator(real, other, metrics, features, count, seed, name)
    chosen = np.random.default_rng(seed).permutation(len(x))[:count]
    scores = evaluator(x[chosen], None if y is None else y[chosen])
    return Report(evaluator.protocol, scores, evaluator.floor, evaluator.control)


def largest_count(real, other=None):
    """Returns the number of samples per set that `Evaluator` uses by default: all samples, at most 5000."""
    count = len(_samples(real)[0])
    return min(MOST, count // 2 if other is None else min(count, len(_samples(other)[0])))


def real_name(data):
    """Returns the name of real samples in a protocol: the name or path that was passed."""
    return str(data) if isinstance(data, (str, os.PathLike)) else "the given samples"


def _chosen(metrics, features):
    """Returns the full names of metrics."""
    found = []
    reserved = {title.lower(): name for name, title in RESERVED.items()}
    for name in metrics:
        fitting = [known for known in METRICS if known.startswith(name)]
        if name in METRICS:
            found.append(name)
        elif name.lower() in reserved:
            if features != INCEPTION:
                raise ValueError(
                    f"{name!r} is the name of {reserved[name.lower()]!r} with the features {INCEPTION!r} only, and "
                    f"the features are {features!r}. Use {reserved[name.lower()]!r} instead."
                )
            found.append(reserved[name.lower()])
        elif len(fitting) == 1:
            found += fitting
        else:
            raise ValueError(f"`metrics` contains {name!r}; expected names from {', '.join(METRICS)}.")
    return tuple(dict.fromkeys(found))


def _samples(data) -> tuple[Any, Any]:
    """Returns `(samples, labels or None)` of an array, of a tuple, or of an argument of `load`."""
    if isinstance(data, (str, os.PathLike)):
        data = load(data, as_numpy=True)
    x, y = data if isinstance(data, tuple) else (data, None)
    return np.asarray(x), None if y is None else np.asarray(y)


def _resizing(features, shape):
    if hasattr(features, "resizing"):
        return features.resizing(shape)
    if len(shape) == 1:
        return f"vectors of {shape[0]}"
    return f"{shape[0]}×{shape[1]} {'in [-1, 1], ' if features is pixels else ''}not resized"
