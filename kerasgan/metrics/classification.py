"""Metrics of conditional samples that train a classifier: a support vector machine on the pixels.

With its settings (RBF kernel, `C=10`, `gamma="scale"`) the classifier reaches an accuracy of 0.990 from one half of
scikit-learn's digits to the other. `gamma="scale"` makes the results independent of the range of vectors, provided that
real and generated vectors share it.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.features import check_samples, labelled
from kerasgan.metrics.intervals import paired_interval


def classification_accuracy_score(fake_x, fake_y, real_x, real_y):
    """Accuracy on real images of a classifier trained on generated images only.

    This is the CAS of Ravuri & Vinyals 2019 ("Classification Accuracy Score for Conditional Generative Models"). Pass
    as many generated images as the model had real training images, and real images that it has not seen. Compare the
    score with controls: on the digits, one slightly noisy mean image per class already scores 0.90.

    Args:
        fake_x: Generated images of shape `(n, height, width, channels)` or `(n, d)`.
        fake_y: Labels that the images were generated for, integers of shape `(n,)` or `(n, 1)`.
        real_x: Real test images, in the same range.
        real_y: Labels of the real test images.

    Returns:
        The accuracy, from 0 to 1.

    Raises:
        ValueError: If lengths or image sizes do not match, if values are not finite, or if `fake_y` has fewer than two
            classes.
    """
    return _accuracy(("fake", fake_x, fake_y), ("real", real_x, real_y))


def label_fidelity(fake_x, fake_y, real_x, real_y):
    """Fraction of generated images that a classifier trained on real images assigns to the requested class.

    A model that generates a single good image per class also scores high: report the metric together with
    `classification_accuracy_score`.

    Args:
        fake_x: Generated images of shape `(n, height, width, channels)` or `(n, d)`.
        fake_y: Labels that the images were generated for, integers of shape `(n,)` or `(n, 1)`.
        real_x: Real training images, in the same range.
        real_y: Labels of the real training images.

    Returns:
        The accuracy, from 0 to 1.

    Raises:
        ValueError: If lengths or image sizes do not match, if values are not finite, or if `real_y` has fewer than two
            classes.
    """
    return _accuracy(("real", real_x, real_y), ("fake", fake_x, fake_y))


class AugmentationGain(NamedTuple):
    """Result of `augmentation_gain`, in units of accuracy: 0.01 is one more correct test image in a hundred.

    Attributes:
        mean: Mean gain over the draws. A negative value means that the generated images are harmful.
        low: Lower end of the 95% confidence interval of the mean.
        high: Upper end of the interval.
        gains: Gain of each draw, an array of shape `(draws,)`.
    """

    mean: float
    low: float
    high: float
    gains: np.ndarray


def augmentation_gain(fake_x, fake_y, real_x, real_y, test_x, test_y, per_class, draws=10, seed=0):
    """Gain in accuracy from adding generated images to a classifier's small real training set.

    Each draw chooses a few real images of each class and trains two classifiers: one on these images only, the other on
    these and all generated images. The gain is the difference of their accuracies on the test images; pairing removes
    most of the variance between draws. The confidence interval is Student's t interval over the draws and does not
    cover the variation between trainings of the GAN. Do not expect a gain from a GAN that was trained on the same few
    images.

    Args:
        fake_x: Generated images of shape `(n, height, width, channels)` or `(n, d)`.
        fake_y: Labels of the generated images, integers of shape `(n,)` or `(n, 1)`.
        real_x: Real training images, in the same range.
        real_y: Labels of the real training images.
        test_x: Real images that neither the classifiers nor the GAN have seen.
        test_y: Labels of the test images.
        per_class: Number of real images of each class in a draw.
        draws: Number of draws, at least 2.
        seed: Random seed of the draws.

    Returns:
        An `AugmentationGain` of `mean`, `low`, `high` and `gains`.

    Raises:
        ValueError: If lengths or image sizes do not match, if values are not finite, if there are fewer than two
            classes, if a class has fewer than `per_class` real images, or if `draws` is less than 2.
    """
    if draws < 2:
        raise ValueError(f"draws={draws}; expected at least 2 for a confidence interval.")
    check_samples(fake_x, "fake_x"), check_samples(real_x, "real_x"), check_samples(test_x, "test_x")
    fake_x, fake_y = labelled("fake", fake_x, fake_y)
    real_x, real_y = labelled("real", real_x, real_y)
    if fake_x.shape[1] != real_x.shape[1]:
        raise ValueError(
            f"`fake_x` has {fake_x.shape[1]} pixels and `real_x` has {real_x.shape[1]}; expected the same."
        )
    members = [np.flatnonzero(real_y == label) for label in np.unique(real_y)]
    fewest = min(map(len, members))
    if not 1 <= per_class <= fewest:
        raise ValueError(f"per_class={per_class}; expected 1 to {fewest}, the images in the smallest class of real_y.")
    random = np.random.default_rng(seed)
    gains = np.empty(draws)
    for draw in range(draws):
        chosen = np.concatenate([random.choice(indices, per_class, replace=False) for indices in members])
        few = real_x[chosen], real_y[chosen]
        more = (np.concatenate(pair) for pair in zip(few, (fake_x, fake_y), strict=True))
        test = ("test", test_x, test_y)
        gains[draw] = _accuracy(("real", *more), test) - _accuracy(("real", *few), test)
    mean, low, high = paired_interval(gains)
    return AugmentationGain(mean, low, high, gains)


def _accuracy(train, test):
    from sklearn.svm import SVC

    for name, x, _ in (train, test):
        check_samples(x, f"{name}_x")
    train_x, train_y = labelled(*train)
    test_x, test_y = labelled(*test)
    if train_x.shape[1] != test_x.shape[1]:
        raise ValueError(
            f"`{train[0]}_x` has {train_x.shape[1]} pixels and `{test[0]}_x` has {test_x.shape[1]}; "
            "expected the same. Resize both to one image size."
        )
    if len(np.unique(train_y)) < 2:
        raise ValueError(f"`{train[0]}_y` has one class only; expected at least two to train a classifier.")
    classifier = SVC(C=10.0, kernel="rbf", gamma="scale").fit(train_x, train_y)
    return float(classifier.score(test_x, test_y))
