"""Nearest-neighbour probe: what the neighbours in a feature space say about a sample's class."""

from kerasgan.metrics.linear_probe import probe_data


def nearest_neighbour_probe(train_x, train_y, test_x, test_y, neighbours=1):
    """Accuracy of a vote of the nearest training samples, in Euclidean distance.

    BiGAN's measure of its encoder (Donahue et al. 2017, table 1, with one neighbour). The features are taken as they
    are. On digits it proves little: 0.986 of the raw pixels, 0.976 of a random projection to 50 numbers.

    Args:
        train_x: Features of shape `(n, d)`; of a higher rank, they are flattened.
        train_y: Labels: integers of shape `(n,)` or `(n, 1)`, of at least two classes.
        test_x: Features of other samples.
        test_y: Their labels.
        neighbours: Samples with a vote, 1 to `n`; of classes with equally many votes the lowest label wins.

    Returns:
        The accuracy on the test samples, from 0 to 1.

    Raises:
        ValueError: Lengths or feature sizes that do not match, values that are not finite, one class only, or too few
            training samples.
    """
    from sklearn.neighbors import KNeighborsClassifier

    train_x, train_y, test_x, test_y = probe_data(train_x, train_y, test_x, test_y)
    if not 1 <= neighbours <= len(train_x):
        raise ValueError(f"neighbours={neighbours}; expected 1 to {len(train_x)}, the number of training samples.")
    return float(KNeighborsClassifier(neighbours).fit(train_x, train_y).score(test_x, test_y))
