"""What a classifier, a support vector machine on the pixels, says about conditional samples.

Its settings (RBF kernel, `C=10`, `gamma="scale"`) give 0.990 from one half of scikit-learn's digits
to the other. `gamma="scale"` makes the results the same for images in [-1, 1], [0, 1] or [0, 255],
as long as real and fake agree.
"""

import numpy as np

from kerasgan.metrics.features import pixels


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


def _accuracy(train, test):
    from sklearn.svm import SVC

    train_x, train_y = _labelled(*train)
    test_x, test_y = _labelled(*test)
    if train_x.shape[1] != test_x.shape[1]:
        raise ValueError(
            f"{train[0]}_x has {train_x.shape[1]} pixels and {test[0]}_x has {test_x.shape[1]}; "
            "expected the same: bring both to one image size."
        )
    if len(np.unique(train_y)) < 2:
        raise ValueError(f"{train[0]}_y holds one class only; expected at least two to train a classifier.")
    classifier = SVC(C=10.0, kernel="rbf", gamma="scale").fit(train_x, train_y)
    return float(classifier.score(test_x, test_y))


def _labelled(name, x, y):
    x, y = pixels(x), np.asarray(y)
    if y.shape not in ((len(x),), (len(x), 1)) or y.dtype.kind not in "iu":
        raise ValueError(
            f"{name}_y has shape {y.shape} and dtype {y.dtype}; expected one integer label for "
            f"each of the {len(x)} images in {name}_x."
        )
    return x, y.reshape(-1)
