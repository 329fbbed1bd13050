"""Scores of baselines without a GAN on digits: `python -m benchmarks.digits_controls`.

A result on digits is meaningful only with these scores. From worst to best the baselines are one mean image per class
with a little noise, a Gaussian with independent pixels per class, a Gaussian with correlated pixels per class, and real
images. All are fitted to one half of the data and compared with the other half; the Fréchet distance is in pixels in
[0, 1].

The expected values are those of the same five splits, with scikit-learn's rows in their order. The expected recall and
coverage of the full Gaussian (0.651, 0.734) are reproduced only if its samples are resampled with replacement before
the comparison, which is inferred from the numbers. Distinct samples, whose rows are printed without an expectation,
have other values, and are the baseline for a generator.
"""

import sys
from pathlib import Path

import numpy as np

from kerasgan import metrics

SPLITS = 5
FAKES_PER_CLASS = 90


def controls(train_x, train_y, test_x, test_y, seed):
    """Returns the scores of the baselines and of real images.

    Args:
        train_x: Real images in [-1, 1], of shape `(n, height, width, channels)`; the baselines are
            fitted to them.
        train_y: Labels of the training images, integers of shape `(n,)`.
        test_x: Real images in [-1, 1] that the samples are compared with.
        test_y: Labels of the test images.
        seed: Random seed of the baselines' samples.

    Returns:
        `{metric: {name: value}}` with the metrics `"frechet_distance"` (pixels in [0, 1]) and
        `"classification_accuracy_score"`, and the names `"class mean"`, `"diagonal Gaussian"`, `"full Gaussian"` and
        `"real"` (the training images instead of samples).
    """
    train, test = (images.reshape(len(images), -1) / 2 + 0.5 for images in (train_x, test_x))
    samples = metrics.baseline_samples(train, train_y, FAKES_PER_CLASS, seed)
    samples["real"] = train, train_y
    return {
        "frechet_distance": {name: metrics.frechet_distance(test, x) for name, (x, _) in samples.items()},
        "classification_accuracy_score": {
            name: metrics.classification_accuracy_score(x, y, test, test_y) for name, (x, y) in samples.items()
        },
    }


# What thresholds on digits stand on, and how far a value may be from it: accuracies and shares by 0.01,
# distances by 5 %, decibels by 0.2. Nothing is expected where it is None.
EXPECTED = {
    "1-NN, pixels": 0.986,
    "SVC, pixels": 0.990,
    "logistic regression, pixels": 0.962,
    "1-NN, 50 random projections": 0.976,
    "logistic regression, 50 random ReLU features": 0.897,
    "logistic regression, 10 principal components": 0.924,
    "k-means, Hungarian accuracy": 0.787,
    "k-means, purity": 0.789,
    "CAS, class mean": 0.899,
    "CAS, diagonal Gaussian": 0.906,
    "CAS, full Gaussian": 0.968,
    "CAS, real": 0.990,
    "Fréchet distance, diagonal Gaussian": 0.551,
    "Fréchet distance, full Gaussian": 0.172,
    "Fréchet distance, real": 0.065,
    "precision, real": 0.965,
    "recall, real": 0.961,
    "density, real": 1.007,
    "coverage, real": 0.970,
    "precision, full Gaussian with replacement": 0.883,
    "recall, full Gaussian with replacement": 0.651,
    "density, full Gaussian with replacement": 0.759,
    "coverage, full Gaussian with replacement": 0.734,
    "precision, full Gaussian": None,
    "recall, full Gaussian": None,
    "density, full Gaussian": None,
    "coverage, full Gaussian": None,
    "1-NN two-sample test, real": 0.510,
    "1-NN two-sample test, full Gaussian": 0.762,
    "x2 super-resolution in dB, bicubic": 13.2,
    "x2 super-resolution in dB, ridge regression": 16.7,
    "SVC, 5 labels a class": 0.884,
    "1-NN, 5 labels a class": 0.871,
}


def tolerance(name):
    """Returns the largest allowed difference from the expected value."""
    if "distance" in name:
        return 0.05 * EXPECTED[name]
    return 0.2 if "dB" in name else 0.01


def probes(train, train_y, test, test_y, seed):
    """Returns accuracies of simple classifiers and of clusters on flat pixels in [0, 1]."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    random = np.random.default_rng(seed)

    def score(classifier, change=lambda x: x):
        return float(classifier.fit(change(train), train_y).score(change(test), test_y))

    projection = random.normal(size=(train.shape[1], 50))
    weights, offsets = random.normal(size=(train.shape[1], 50)) / 8.0, random.normal(size=50)
    components = PCA(10, random_state=seed).fit(train)
    clusters = KMeans(10, n_init=10, random_state=seed).fit_predict(np.concatenate([train, test]))
    table = np.zeros((10, 10))
    np.add.at(table, (clusters, np.concatenate([train_y, test_y])), 1)
    draws = [
        np.concatenate([random.choice(np.flatnonzero(train_y == label), 5, replace=False) for label in range(10)])
        for _ in range(10)
    ]

    def mean_score(classifier):
        return float(np.mean([classifier.fit(train[few], train_y[few]).score(test, test_y) for few in draws]))

    nearest, logistic = KNeighborsClassifier(1), LogisticRegression(max_iter=5000)
    return {
        "1-NN, pixels": metrics.nearest_neighbour_probe(train, train_y, test, test_y),
        "SVC, pixels": score(SVC(C=10.0)),
        "logistic regression, pixels": score(logistic),
        "1-NN, 50 random projections": score(nearest, lambda x: x @ projection),
        "logistic regression, 50 random ReLU features": score(
            logistic, lambda x: np.maximum(x @ weights + offsets, 0.0)
        ),
        "logistic regression, 10 principal components": score(logistic, components.transform),
        "k-means, Hungarian accuracy": float(table[linear_sum_assignment(-table)].sum() / table.sum()),
        "k-means, purity": float(table.max(axis=1).sum() / table.sum()),
        "SVC, 5 labels a class": mean_score(SVC(C=10.0)),
        "1-NN, 5 labels a class": mean_score(nearest),
    }


def samples_against_real(train, train_y, test, seed):
    """Returns precision, recall, density, coverage and the two-sample test of real images and of Gaussians."""
    gaussian = metrics.baseline_samples(train, train_y, FAKES_PER_CLASS, seed)["full Gaussian"][0]
    values = {}
    random = np.random.default_rng(seed)
    count = min(len(train), len(gaussian), len(test))
    again = gaussian[random.choice(len(gaussian), count)]
    named = {"real": train, "full Gaussian": gaussian, "full Gaussian with replacement": again}
    for name, x in named.items():
        x = random.permutation(x)[:count]
        found = metrics.precision_recall_density_coverage(test[:count], x)
        values |= {f"{key}, {name}": value for key, value in found._asdict().items()}
        values[f"1-NN two-sample test, {name}"] = metrics.nearest_neighbour_test(test[:count], x).accuracy
    return values


def super_resolution(train, test):
    """Returns the PSNR of upsampling 4x4 to 8x8 pixels by bicubic interpolation and by ridge regression."""
    from PIL import Image
    from sklearn.linear_model import Ridge

    def halved(x):
        return x.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))

    small = halved(test)
    bicubic = np.stack([np.asarray(Image.fromarray(x.astype("float32")).resize((8, 8), Image.BICUBIC)) for x in small])
    ridge = Ridge(0.1).fit(halved(train).reshape(len(train), -1), train).predict(small.reshape(len(test), -1))
    ridge = np.clip(ridge, 0, 1)

    def decibels(x):
        return float(-10 * np.log10(np.mean(np.square(x.reshape(test.shape) - test))))

    return {
        "x2 super-resolution in dB, bicubic": decibels(bicubic),
        "x2 super-resolution in dB, ridge regression": decibels(ridge),
    }


def all_controls(split, seed):
    """Returns `{name: value}` of every control on one split `(train_x, test_x, train_y, test_y)`."""
    train_x, test_x, train_y, test_y = split
    train, test = (images.reshape(len(images), -1) / 2 + 0.5 for images in (train_x, test_x))
    names = {"classification_accuracy_score": "CAS", "frechet_distance": "Fréchet distance"}
    found = controls(train_x, train_y, test_x, test_y, seed)
    values = {f"{names[metric]}, {name}": value for metric, row in found.items() for name, value in row.items()}
    values |= probes(train, train_y, test, test_y, seed)
    values |= samples_against_real(train, train_y, test, seed)
    return values | super_resolution(train, test)


def main():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = (x / 8 - 1).astype("float32").reshape(-1, 8, 8, 1)
    runs = []
    for seed in range(SPLITS):
        split = train_test_split(x, y, test_size=0.5, stratify=y, random_state=seed)
        runs.append(all_controls(split, seed))
    lines = [f"digits, mean (lowest to highest) of {SPLITS} stratified half/half splits"]
    lines.append(f"{'':48}{'found':>8}{'range':>18}{'expected':>10}{'within':>8}")
    missed = 0
    for name, expected in EXPECTED.items():
        values = [run[name] for run in runs]
        line = f"{name:48}{np.mean(values):8.3f}{f'{min(values):.3f} to {max(values):.3f}':>18}"
        if expected is not None:
            within = abs(np.mean(values) - expected) <= tolerance(name)
            line += f"{expected:10.3f}{'yes' if within else 'NO':>8}"
            missed += not within
        lines.append(line)
    count = sum(expected is not None for expected in EXPECTED.values())
    lines.append("tolerance: .01 of accuracies and shares, 5 % of distances, .2 dB")
    lines.append(f"{count - missed} of {count} controls come out as expected")
    print("\n".join(lines))
    (Path(__file__).parent / "results" / "digits_controls.txt").write_text("\n".join(lines) + "\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
