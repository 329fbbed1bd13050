"""Scores of generated samples between those of a Gaussian and those of real samples, with all that they depend on."""

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

FEWEST = 20  # samples: ten subsets of two for the kernel distance
MOST = 5000  # samples by default: the metrics of neighbours take the square of it
FITTED = 10_000  # real samples that the control is fitted to, at most
DEFAULT_METRICS = ("frechet_distance", "kernel_distance", "precision_recall", "nearest_neighbour")


class _Side(NamedTuple):
    """Samples as the metrics want them."""

    samples: np.ndarray
    labels: np.ndarray | None
    features: np.ndarray
    probabilities: np.ndarray | None


class _Metric(NamedTuple):
    """One entry of `METRICS`.

    Attributes:
        scores: Names of the numbers that it gives.
        compute: Function of the real side, the fake side and a seed to these numbers.
        classes: Whether it needs class probabilities.
        labels: Whether it needs labels.
        alone: Whether it looks at the fake side only.
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
    """Half the sum of the differences between the shares of the classes, 0 to 1."""
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
    """Scores sets of samples against the same real ones: equal counts on both sides, each set's features computed once.

    Args:
        real: Real samples that the generator has not seen: an array of images in [-1, 1] of shape
            `(n, height, width, channels)` or of vectors `(n, d)`, `(samples, labels)`, or what `kerasgan.data.load`
            takes, as the path of a folder.
        other: Further real samples, such as the generator's training data: what real samples score, and what the
            control is fitted to. None divides `real` in two.
        metrics: Names out of `METRICS`, or beginnings of one. "fid" and "kid" are understood with the features
            `inception-2015` alone.
        features: One of `kerasgan.metrics.features.NAMES`, or a function from samples to an array of shape `(n, d)`.
        count: Number of samples of each set; by default as many as there are, at most 5000.
        seed: Of the choice of real samples, of the control and of the metrics.
        name: What `real` is called in the protocol; by default its path, where it is one.

    Attributes:
        count: Number of samples of each set.
        labels: Labels of the real samples, which the generated ones should be asked for, or None.
        protocol: The `Protocol` of all scores.
        scores: Names of the scores.

    Raises:
        ValueError: Unknown metrics or features, a metric that needs labels or class probabilities where there are none,
            too few samples, or shapes that differ.
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
            raise ValueError(f"the other real samples have shape {other_x.shape[1:]}; expected {x.shape[1:]}.")
        here = here[: self.count]
        self._real = self._side(x[here], None if y is None else y[here])
        self._other = other_x, other_y
        shown = _resizing(self.features, x.shape[1:])
        self.protocol = Protocol(name_of(features), self.count, name or real_name(real), self.count, shown, seed)

    @property
    def labels(self):
        return self._real.labels

    def __call__(self, samples, labels=None):
        """Scores of generated samples.

        Args:
            samples: `count` of them, as `real`.
            labels: What they were asked for: integers of shape `(count,)`, for the metrics that need them.

        Returns:
            `{score: float}` with the keys of `scores`.

        Raises:
            ValueError: Another number or shape, values that are not finite, or labels that are missing.
        """
        samples = np.asarray(samples)
        if len(samples) != self.count or samples.shape[1:] != self._real.samples.shape[1:]:
            raise ValueError(
                f"samples has shape {samples.shape}; expected {(self.count, *self._real.samples.shape[1:])}, as the "
                "real ones: the same number, because most scores depend on it, and the same size."
            )
        check_samples(samples)
        fake = self._side(samples, labels)
        return self._scores(lambda metric: fake)

    def _scores(self, side):
        """The scores of the side that a function gives for each metric."""
        values: list[float] = []
        for metric in map(METRICS.__getitem__, self.metrics):
            values += metric.compute(self._real, side(metric), self.seed)
        return {score: float(value) for score, value in zip(self.scores, values, strict=True)}

    @functools.cached_property
    def floor(self):
        """The scores of the other real samples in the place of generated ones: the best that can be had.

        Metrics that look at generated samples only get `real` instead: the features' network may know the other ones.
        """
        x, y = self._other
        chosen = self._like_real(y, np.random.default_rng(self.seed).permutation(len(x)))
        other = self._side(x[chosen], None if y is None else y[chosen])
        return self._scores(lambda metric: self._real if metric.alone else other)

    @functools.cached_property
    def control(self):
        """The scores of a Gaussian with the covariances of the other real samples, by class where there are labels.

        A generator earns its keep above them only.
        """
        x, y = self._other
        random = np.random.default_rng(self.seed)
        chosen = random.permutation(len(x))[:FITTED]
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
        """The first `count` of an order of samples; of each label as many as `real` has, as far as there are any.

        Generated samples are asked for the labels of the real ones: else they would have the better shares of classes.
        """
        if labels is None or self.labels is None:
            return order[: self.count]
        same = [order[labels[order] == label][: (self.labels == label).sum()] for label in np.unique(self.labels)]
        return np.concatenate([*same, np.setdiff1d(order, np.concatenate(same))])[: self.count]

    def report(self, scores):
        """All there is to say about a generator's scores, JSON-ready."""
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
            came = f"{real + other} real samples, of which one half is compared with the other" if divided else ""
            came = came or f"{real} real and {other} other real samples"
            raise ValueError(
                f"there are {came}; expected at least {2 * FEWEST if divided else FEWEST}"
                f"{', or further real samples as `other`' if divided else ' of each'}: give more."
            )
        if count is None:
            count = min(available, MOST)
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not FEWEST <= count <= available:
            raise ValueError(
                f"count={count!r} with {real} real and {other} other real samples; expected {FEWEST} to {available}: "
                "as many real ones are needed for each side."
            )
        return count

    def _side(self, samples, labels):
        wants = [METRICS[metric] for metric in self.metrics]
        if labels is not None:
            labels = np.asarray(labels).reshape(-1)
        elif any(metric.labels for metric in wants):
            named = [name for name in self.metrics if METRICS[name].labels]
            raise ValueError(f"{', '.join(named)} needs labels of real and generated samples, and some have none.")
        if not any(metric.classes for metric in wants):
            return _Side(samples, labels, pixels(self.features(samples)), None)
        heads = getattr(self.features, "heads", {})
        if "label" not in heads:
            named = [name for name in self.metrics if METRICS[name].classes]
            raise ValueError(
                f"{', '.join(named)} needs features that classify, such as 'classifier-digits-v1'; "
                f"{name_of(self.features)!r} do not."
            )
        from kerasgan.metrics.features.network import softmax

        outputs = self.features.outputs(samples)
        return _Side(samples, labels, pixels(outputs["features"]), softmax(outputs["label"]))


@dataclass(frozen=True)
class Report:
    """Result of `evaluate`; printed, a line a score.

    Attributes:
        protocol: The `Protocol`.
        scores: `{score: float}` of the generated samples.
        floor: The same of real samples in their place.
        control: The same of a Gaussian fitted to real samples.
    """

    protocol: Protocol
    scores: dict[str, float]
    floor: dict[str, float]
    control: dict[str, float]

    def __str__(self):
        lines = (self.protocol.line(score, value, self.floor[score]) for score, value in self.scores.items())
        return "\n".join(lines)


def evaluate(real, fake, other=None, metrics=DEFAULT_METRICS, features="pixels", count=None, seed=0):
    """Scores of generated samples, those of real samples and of a Gaussian in their place, and how they were measured.

    Args:
        real: Real samples, as for `Evaluator`: an array in [-1, 1], `(samples, labels)`, or a folder.
        fake: Generated samples, likewise.
        other: Further real samples; None divides `real` in two.
        metrics: Names out of `METRICS`.
        features: One of `kerasgan.metrics.features.NAMES`, or a function from samples to an array of shape `(n, d)`.
        count: Number of samples of each set; by default as many as all have, at most 5000.
        seed: Of the choice of samples, of the control and of the metrics.

    Returns:
        A `Report`.

    Raises:
        ValueError: As `Evaluator`.

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
    """How many samples `Evaluator` takes of each set by default: all that there are for each, at most 5000."""
    count = len(_samples(real)[0])
    return min(MOST, count // 2 if other is None else min(count, len(_samples(other)[0])))


def real_name(data):
    """What real samples are called in a protocol: the name or the path that was given."""
    return str(data) if isinstance(data, (str, os.PathLike)) else "the given samples"


def _chosen(metrics, features):
    """Full names of metrics."""
    found = []
    reserved = {title.lower(): name for name, title in RESERVED.items()}
    for name in metrics:
        fitting = [known for known in METRICS if known.startswith(name)]
        if name in METRICS:
            found.append(name)
        elif name.lower() in reserved:
            if features != INCEPTION:
                raise ValueError(
                    f"{name!r} is the name of {reserved[name.lower()]!r} with the features {INCEPTION!r} alone, and "
                    f"these are {features!r}; ask for {reserved[name.lower()]!r}."
                )
            found.append(reserved[name.lower()])
        elif len(fitting) == 1:
            found += fitting
        else:
            raise ValueError(f"metrics names {name!r}; expected some of {', '.join(METRICS)}.")
    return tuple(dict.fromkeys(found))


def _samples(data) -> tuple[Any, Any]:
    """`(samples, labels or None)` of an array, of both, or of what `load` takes."""
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
