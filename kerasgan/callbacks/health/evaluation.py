"""Health signals of samples of fixed latents, compared with real samples and with the last evaluation."""

import math
from typing import Any

import numpy as np
from keras import ops

from kerasgan import metrics
from kerasgan.callbacks.health.rules import CYCLE, HOPPING
from kerasgan.game.engines import compiled_call
from kerasgan.metrics.distances import distance_blocks, neighbour_distances
from kerasgan.metrics.features import check_samples, extract

LARGEST_SPACE = 256  # features; more are projected randomly, which preserves distances to within a few per cent
CLUSTERS = 10  # number of clusters of the real samples, which replace unknown classes
FEWEST = 20  # smallest number of samples of a class to measure their spread
RARE = 0.1  # fraction of the real share below which a class is missing
BATCH_SIZE = 128
PAIRS = 128  # number of samples to measure the effects of labels and latents
POWER_ITERATIONS = 10
CYCLE_LENGTH = 32  # evaluations


class Reals:
    """Fixed real samples, the feature space of the comparisons, and statistics of the real samples.

    Args:
        train: Tuple (samples, labels or None) of training data.
        held_out: Tuple of unseen real samples, or None.
        features: `"pixels"`, or a function from samples to an array of shape (n, d).
        classifier: Function from samples to integer classes of shape (n,), or None.
        modes: Means of the modes of a mixture, of shape (modes, d), or None.
        seed: Random seed of the projection and the clusters.
    """

    def __init__(self, train, held_out=None, features="pixels", classifier=None, modes=None, seed=0):
        self.features, self.classifier, self.projection = features, classifier, None
        self.train_x, self.train_y = train
        unseen: Any = held_out or (None, None)
        self.held_x, self.held_y = unseen
        first = extract(features, self.train_x, "data")
        if self.held_x is not None:
            check_samples(self.held_x, "validation_data")
        self.space = features if isinstance(features, str) else getattr(features, "__name__", type(features).__name__)
        if first.shape[1] > LARGEST_SPACE:
            random = np.random.default_rng(seed)
            self.projection = random.standard_normal((first.shape[1], LARGEST_SPACE)) / math.sqrt(LARGEST_SPACE)
            self.space += f", {first.shape[1]} projected to {LARGEST_SPACE}"
        self.train = self.embed(self.train_x)
        self.held_out = None if self.held_x is None else self.embed(self.held_x)
        # Without unseen real samples, one half of the known ones replaces them when real is compared with real.
        half = len(self.train) // 2
        reference, control = (
            (self.train, self.held_out) if self.held_out is not None else (self.train[:half], self.train[half:])
        )
        self.count = min(len(reference), len(control))
        self.reference, control = reference[: self.count], control[: self.count]
        self.control = metrics.precision_recall_density_coverage(self.reference, control)
        self.control_distance = metrics.frechet_distance(self.reference, control)
        self.spread = mean_distance(self.train)
        self.nearness = metrics.duplicate_threshold(self.reference)
        bins = max(2, min(50, len(self.train) // 10))
        self.bins = metrics.DifferentBins(self.train, bins, seed=seed)
        self.centers, self.classes_are = modes, "modes"
        if classifier is not None:
            self.classes_are = "classifier"
        elif modes is None:
            self.centers = metrics.DifferentBins(self.train, min(CLUSTERS, len(self.train)), seed=seed).centers
            self.classes_are = f"{len(self.centers)} clusters"
        labels = self.assign(self.train_x, self.train)
        self.classes = len(self.centers) if classifier is None else int(labels.max()) + 1
        counts = np.bincount(labels, minlength=self.classes)
        self.shares = (counts + 1) / (counts.sum() + self.classes)  # plus one: finite for classes without samples here
        self.class_spreads = class_spreads(self.train, labels, self.classes)

    def embed(self, samples):
        """Maps samples to float64 points with at most `LARGEST_SPACE` coordinates."""
        points = extract(self.features, samples, None)
        return points if self.projection is None else points @ self.projection

    def assign(self, samples, points):
        """Returns the class of each sample, integers of shape (n,)."""
        if self.classifier is not None:
            return np.asarray(self.classifier(samples)).reshape(-1).astype(int)
        where = np.asarray(samples, "float64").reshape(len(samples), -1) if self.classes_are == "modes" else points
        return np.concatenate([block.argmin(axis=1) for _, block in distance_blocks(where, self.centers)])

    def quality(self, samples, labels=None):
        """Returns signals of samples, and their class proportions.

        Args:
            samples: Generated samples.
            labels: Labels that the samples were generated for, or None.
        """
        points = self.embed(samples)
        few = points[: self.count]
        near = metrics.precision_recall_density_coverage(self.reference, few)
        self.bins.reset_state()
        self.bins.update_state(points)
        bins = self.bins.result()
        assigned = self.assign(samples, points)
        counts = np.bincount(assigned, minlength=self.classes)[: self.classes]
        shares = counts / max(1, counts.sum())
        present = shares > 0
        # A rare class may be absent by chance.
        missing = (shares < RARE * self.shares) & (self.shares * len(samples) >= FEWEST)
        ratios = class_spreads(points, assigned, self.classes) / self.class_spreads
        if labels is not None:
            labels, kinds = np.asarray(labels), int(np.max(labels)) + 1
            ratios = class_spreads(points, labels, kinds) / class_spreads(self.train, self.train_y, kinds)
        return {
            "precision": near.precision,
            "density": near.density,
            "recall": near.recall / max(self.control.recall, 1e-9),
            "coverage": near.coverage / max(self.control.coverage, 1e-9),
            "frechet_distance": metrics.frechet_distance(self.reference, few),
            "different_bins": bins.share,
            "jensen_shannon": bins.jensen_shannon,
            "diversity": mean_distance(points) / max(self.spread, 1e-12),
            "class_diversity": float(np.nanmin(ratios)) if np.isfinite(ratios).any() else math.nan,
            "duplicates": float(np.mean(np.sqrt(neighbour_distances(few)) <= self.nearness)),
            "support": metrics.birthday_support(points, self.nearness, trials=20).support,
            "class_divergence": float((shares[present] * np.log(shares[present] / self.shares[present])).sum()),
            "missing_classes": int(np.count_nonzero(missing)),
            "missing_share": float(self.shares[missing].sum()),
        }, shares


class Examiner:
    """Evaluates a `GenerativeModel` and stores the last evaluations to measure changes.

    It needs the memory of three copies of the generator's weights.

    Args:
        reals: Real samples, a `Reals` object.
        count: Number of samples.
        seed: Random seed of the latents.
    """

    def __init__(self, reals, count=512, seed=0):
        self.reals, self.count, self.seed = reals, count, seed
        self.logits: Any = None
        self.points: Any = None
        self.shares: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []

    def examine(self, model):
        """Returns all evaluation signals of the current model, with the prefix `ema_` for the averaged generator."""
        reals = self.reals
        labels: Any = None
        if model.conditions.classes:
            labels = np.resize(np.asarray(reals.train_y).reshape(-1), self.count)
        raw = model.sample(self.count, self.seed, labels, ema=False, batch_size=BATCH_SIZE)
        averaged = model.sample(self.count, self.seed, labels, ema=True, batch_size=BATCH_SIZE)
        if not (np.isfinite(raw).all() and np.isfinite(averaged).all()):
            return {"diverged": 1}
        signals, shares = reals.quality(raw, labels)
        signals |= {f"ema_{name}": value for name, value in reals.quality(averaged, labels)[0].items()}
        signals["gap"] = signals["frechet_distance"] / max(signals["ema_frechet_distance"], 1e-12)
        points = reals.embed(raw)
        signals |= self._changes(points, shares, flat_weights(model.generator))
        if reals.held_out is not None:
            signals |= self._copying(points)
        if labels is not None and len(np.unique(labels)) > 1:
            signals |= self._conditioning(model, labels)
        if judges_samples(model):
            signals |= self._discriminator(model, raw, labels)
        return signals

    def _changes(self, points, shares, weights):
        signals = {}
        if self.points is not None:
            moved = np.sqrt(np.square(points - self.points).sum(axis=1)).mean()
            signals["drift"] = float(moved / max(mean_distance(points), 1e-12))
            signals["hop"] = float(np.abs(shares - self.shares[-1]).sum() / 2)
        self.points = points
        self.shares = [*self.shares, shares][-CYCLE_LENGTH:]
        signals["cycle"] = float(goes_in_circles(np.array(self.shares)))
        self.weights = [*self.weights, weights][-3:]
        if len(self.weights) == 3:
            before, now = self.weights[1] - self.weights[0], self.weights[2] - self.weights[1]
            lengths = np.linalg.norm(before) * np.linalg.norm(now)
            signals["turn"] = float(before @ now / lengths) if lengths > 0 else math.nan
        return signals

    def _copying(self, points):
        reals = self.reals
        result = metrics.data_copying(reals.train, reals.held_out, points)
        n = reals.count
        to_train, to_unseen = (neighbour_distances(points, x[:n]) for x in (reals.train, reals.held_out))
        nearer = np.mean(to_train < to_unseen) + np.mean(to_train == to_unseen) / 2
        return {"copy_score": result.score, "copy_distance": result.distance_ratio, "nearer_to_train": float(nearer)}

    def _conditioning(self, model, labels):
        """Mean movement of a sample with another label or other latents, in mean distances of the real samples."""
        n = min(PAIRS, self.count)
        kinds = np.unique(labels)
        others = kinds[(np.searchsorted(kinds, labels[:n]) + 1) % len(kinds)]
        embed = self.reals.embed
        one = embed(model.sample(n, self.seed, labels[:n], ema=False, batch_size=BATCH_SIZE))
        relabelled = embed(model.sample(n, self.seed, others, ema=False, batch_size=BATCH_SIZE))
        redrawn = embed(model.sample(n, self.seed + 1, labels[:n], ema=False, batch_size=BATCH_SIZE))
        effects = [float(np.linalg.norm(other - one, axis=1).mean()) for other in (relabelled, redrawn)]
        return {name: e / self.reals.spread for name, e in zip(("label_effect", "latent_effect"), effects, strict=True)}

    def _discriminator(self, model, raw, labels):
        if self.logits is None:
            self.logits = compiled_call(model.discriminator)
        reals = self.reals
        train, fake = self._judge(model, reals.train_x, reals.train_y), self._judge(model, raw, labels)
        boundary = model.adversarial_loss.boundary
        middle = (train.mean() + fake.mean()) / 2 if boundary is None else boundary
        signals = {
            "sign_train": float(np.sign(train - middle).mean()),
            "spectral_norm": max(map(spectral_norm, kernels(model.discriminator)), default=math.nan),
        }
        if reals.held_x is not None:
            unseen = self._judge(model, reals.held_x, reals.held_y)
            step, whole = train.mean() - unseen.mean(), train.mean() - fake.mean()
            error = math.sqrt(train.var() / len(train) + unseen.var() / len(unseen))
            signals["overfitting_errors"] = float(step / max(error, 1e-12))
            if whole > 0:  # otherwise it takes samples for real ones, and the fraction is meaningless
                signals["overfitting"] = float(step / whole)
        return signals

    def _judge(self, model, samples, labels):
        """Returns logits of samples in inference mode, float64 of shape (packs,)."""
        usable = len(samples) - len(samples) % model.packing
        size = BATCH_SIZE * model.packing
        logits = []
        for start in range(0, usable, size):
            end = min(start + size, usable)
            images = model.pack(ops.convert_to_tensor(np.asarray(samples[start:end], "float32")))
            if len(model.discriminator.inputs) > 1:
                shape = (-1,) if model.packing == 1 else (-1, model.packing)
                part = np.asarray(labels[start:end]).reshape(shape).astype("int32")
                images = [images, ops.convert_to_tensor(part)]
            result = self.logits(images)
            result = result["logits"] if isinstance(result, dict) else result  # other heads are ignored
            result = ops.convert_to_numpy(ops.cast(result, "float32"))
            logits.append(result.reshape(len(result), -1).mean(axis=1))
        return np.concatenate(logits).astype("float64")


def judges_samples(model):
    """Returns whether the model has a discriminator whose only inputs are samples [and labels]."""
    return "discriminator" in model.networks and len(model.discriminator.inputs) <= 1 + bool(model.conditions.classes)


def mean_distance(points):
    """Mean distance over all pairs of points."""
    total = sum(np.sqrt(np.maximum(block, 0.0)).sum() for _, block in distance_blocks(points, points))
    return float(total / (len(points) * (len(points) - 1)))


def class_spreads(points, labels, classes):
    """Mean distance within each class, NaN for classes with too few samples."""
    members = [points[np.reshape(labels, -1) == label] for label in range(classes)]
    return np.array([mean_distance(each) if len(each) >= FEWEST else np.nan for each in members])


def flat_weights(network):
    """Returns all trainable variables of a network as one float32 vector."""
    return np.concatenate([np.ravel(ops.convert_to_numpy(v)).astype("float32") for v in network.trainable_variables])


def kernels(network):
    """Returns the kernels of a network as matrices whose last axis is that of the outputs."""
    values = [ops.convert_to_numpy(v) for v in network.trainable_variables if len(v.shape) >= 2]
    return [np.reshape(value, (-1, value.shape[-1])).astype("float32") for value in values]


def spectral_norm(matrix):
    """Largest singular value, estimated by a few power iterations."""
    vector = np.random.default_rng(0).standard_normal(matrix.shape[1]).astype("float32")
    for _ in range(POWER_ITERATIONS):
        vector = matrix.T @ (matrix @ vector)
        vector /= max(float(np.linalg.norm(vector)), 1e-30)
    return float(np.linalg.norm(matrix @ vector))


def goes_in_circles(series):
    """Returns whether a series is cyclic: its autocorrelation falls below -0.3 and then rises above 0.3.

    Args:
        series: Array of shape (times, k) of class proportions. At least `CYCLE_LENGTH` times with sufficient variation
            are required.
    """
    if len(series) < CYCLE_LENGTH:
        return False
    centred = series - series.mean(axis=0)
    if np.abs(centred).sum(axis=1).mean() / 2 < HOPPING:
        return False
    lags = range(1, CYCLE_LENGTH * 3 // 4)
    variance = np.square(centred).sum(axis=1).mean()
    correlations = np.array([(centred[lag:] * centred[:-lag]).sum(axis=1).mean() for lag in lags]) / variance
    away = np.flatnonzero(correlations < -CYCLE)
    return bool(len(away) and (correlations[away[0] :] > CYCLE).any())
