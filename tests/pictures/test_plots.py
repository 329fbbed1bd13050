"""Plots of intervals."""

import numpy as np

from kerasgan.pictures.plots import intervals


def test_intervals_are_where_they_are():
    """The mean's dot is at the height of its value, and the line at 0 is between gains and losses."""
    page = intervals(["10", "50"], ["a", "b"], [[[0.5, 0.4, 0.6], [0, -0.1, 0.1]], [[-0.5, -0.6, -0.4], [0, 0, 0]]])
    blue = (page == (24, 50, 130)).all(-1)
    first, second = (np.flatnonzero(blue[:320, x]).mean() for x in (64 + 24, 64 + 96 + 24))
    black = np.flatnonzero((page[:320, 70:300] == 0).all(-1).mean(-1) > 0.7)
    assert first < black.mean() < second
    np.testing.assert_allclose(black.mean() - first, second - black.mean(), atol=1.5)
