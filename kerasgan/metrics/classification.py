"""What a classifier, a support vector machine on the pixels, says about conditional samples.

Its settings (RBF kernel, `C=10`, `gamma="scale"`) give 0.990 from one half of scikit-learn's digits
to the other. `gamma="scale"` makes the results the same for vectors of any range, as long as real and fake agree.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.features import check_samples, labelled


def classification_accuracy_score(fake_x, fake_y, real_x, real_y):
    """Accuracy on real images of a classifier that was trained on generated ones only.

    CAS of Ravuri & Vinyals 2019 ("Classification Accuracy Score for Conditional Generative
    Models"). Give as many fakes as the model had real training images, and real images that it has
    not seen. It needs controls to be read: on digits one (slightly noisy) mean image per class
    already gets 0.90.

    Args:
        fake_x: Generated images, of shape `(n, height, width, channels)` or `(n, d)`.
        fake_y: The labels they were asked for: integers of shape `(n,)` or `(n, 1)`.
        real_x: Real test images, in the same range.
        real_y: Their labels.

    Returns:
        The accuracy, from 0 to 1.

    Raises:
        ValueError: Lengths or image sizes that do not match, values that are not finite, or fewer
            than two classes in `fake_y`.
    """
    return _accuracy(("fake", fake_x, fake_y), ("real", real_x, real_y))


def label_fidelity(fake_x, fake_y, real_x, real_y):
    """Share of generated images that a classifier of real ones takes for the class asked for.

    High for a model that makes one good image per class: read it beside the classification accuracy
    score.

    Args:
        fake_x: Generated images, of shape `(n, height, width, channels)` or `(n, d)`.
        fake_y: The labels they were asked for: integers of shape `(n,)` or `(n, 1)`.
        real_x: Real training images, in the same range.
        real_y: Their labels.

    Returns:
        The accuracy, from 0 to 1.

    Raises:
        ValueError: Lengths or image sizes that do not match, values that are not finite, or fewer
            than two classes in `real_y`.
    """
    return _accuracy(("real", real_x, real_y), ("fake", fake_x, fake_y))


class AugmentationGain(NamedTuple):
    """Result of `augmentation_gain`, in accuracy: 0.01 is one more test image in a hundred.

    Attributes:
        mean: Mean gain over the draws; below 0 the generated images do harm.
        low: Lower end of its 95 % confidence interval.
        high: Upper end.
        gains: The gain of each draw, an array of shape `(draws,)`.
    """

    mean: float
    low: float
    high: float
    gains: np.ndarray


def augmentation_gain(fake_x, fake_y, real_x, real_y, test_x, test_y, per_class, draws=10, seed=0):
    """What generated images add to few real ones when a classifier is trained.

    In each draw a few real images of each class are chosen, one classifier is trained on them and one on them and all
    generated images, and the gain is the difference of their accuracies on the test images, so that the luck of the
    draw falls out. The interval is Student's over the draws: it says
    nothing about another training of the GAN. A GAN that was trained on the same few images is not expected to help.

    Args:
        fake_x: Generated images, of shape `(n, height, width, channels)` or `(n, d)`.
        fake_y: Their labels: integers of shape `(n,)` or `(n, 1)`.
        real_x: Real training images, in the same range.
        real_y: Their labels.
        test_x: Real images that neither the classifiers nor the GAN have seen.
        test_y: Their labels.
        per_class: Real images of each class in a draw.
        draws: Number of draws, at least 2.
        seed: Of the draws.

    Returns:
        An `AugmentationGain` of `mean`, `low`, `high` and `gains`.

    Raises:
        ValueError: Lengths or image sizes that do not match, values that are not finite, fewer than two classes, fewer
            than `per_class` real images in a class, or fewer than two draws.
    """
    from scipy.stats import t

    if draws < 2:
        raise ValueError(f"draws={draws}; expected at least 2 for a confidence interval.")
    check_samples(fake_x, "fake_x"), check_samples(real_x, "real_x"), check_samples(test_x, "test_x")
    fake_x, fake_y = labelled("fake", fake_x, fake_y)
    real_x, real_y = labelled("real", real_x, real_y)
    if fake_x.shape[1] != real_x.shape[1]:
        raise ValueError(f"fake_x has {fake_x.shape[1]} pixels and real_x has {real_x.shape[1]}; expected the same.")
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
    mean, error = gains.mean(), gains.std(ddof=1) / np.sqrt(draws)
    reach = t.ppf(0.975, draws - 1) * error
    return AugmentationGain(float(mean), float(mean - reach), float(mean + reach), gains)


def _accuracy(train, test):
    from sklearn.svm import SVC

    for name, x, _ in (train, test):
        check_samples(x, f"{name}_x")
    train_x, train_y = labelled(*train)
    test_x, test_y = labelled(*test)
    if train_x.shape[1] != test_x.shape[1]:
        raise ValueError(
            f"{train[0]}_x has {train_x.shape[1]} pixels and {test[0]}_x has {test_x.shape[1]}; "
            "expected the same: bring both to one image size."
        )
    if len(np.unique(train_y)) < 2:
        raise ValueError(f"{train[0]}_y holds one class only; expected at least two to train a classifier.")
    classifier = SVC(C=10.0, kernel="rbf", gamma="scale").fit(train_x, train_y)
    return float(classifier.score(test_x, test_y))
