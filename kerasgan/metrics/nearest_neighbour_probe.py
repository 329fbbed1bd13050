"""Nearest-neighbour probe: accuracy of a nearest-neighbour classifier on features."""

from kerasgan.metrics.linear_probe import probe_data


def nearest_neighbour_probe(train_x, train_y, test_x, test_y, neighbours=1):
    """Accuracy of a k-nearest-neighbours classifier with the Euclidean distance.

    This is BiGAN's metric for its encoder (Donahue et al. 2017, table 1, with one neighbour). The features are not
    standardised. On the digits the metric hardly discriminates: the raw pixels reach 0.986, a random projection to 50
    numbers 0.976.

    Args:
        train_x: Features of shape `(n, d)`. Features of a higher rank are flattened.
        train_y: Labels of at least two classes, integers of shape `(n,)` or `(n, 1)`.
        test_x: Features of the test samples.
        test_y: Labels of the test samples.
        neighbours: Number of neighbours that vote, from 1 to `n`. The lowest label wins a tie.

    Returns:
        The accuracy on the test samples, from 0 to 1.

    Raises:
        ValueError: If lengths or feature sizes do not match, if values are not finite, if there is only one class, or
            if there are fewer training samples than `neighbours`.
    """
    from sklearn.neighbors import KNeighborsClassifier

    train_x, train_y, test_x, test_y = probe_data(train_x, train_y, test_x, test_y)
    if not 1 <= neighbours <= len(train_x):
        raise ValueError(f"neighbours={neighbours}; expected 1 to {len(train_x)}, the number of training samples.")
    return float(KNeighborsClassifier(neighbours).fit(train_x, train_y).score(test_x, test_y))
