"""Bouncing digits: what is seen is what the factors say, and the bounces are elastic."""

import numpy as np
import pytest

from kerasgan.data.builders.moving_digits import MovingDigits, bounce


@pytest.fixture(scope="module")
def clips():
    return MovingDigits(count=40).arrays("train")


def corners(positions):
    return np.rint(positions).astype(int)


def crop(frame, corner):
    return frame[corner[0] : corner[0] + 24, corner[1] : corner[1] + 24]


def apart(first, second):
    return np.abs(first - second).max() >= 24


def test_the_digits_are_where_the_positions_say_and_nothing_is_elsewhere(clips):
    compared = shifted = 0
    for video, positions in zip(clips["video"][..., 0], corners(clips["positions"]), strict=True):
        clear = [t for t in range(20) if apart(*positions[t])]
        for t in clear:
            rest = video[t].copy()
            for digit in range(2):
                picture = crop(video[clear[0]], positions[clear[0], digit])
                np.testing.assert_array_equal(crop(video[t], positions[t, digit]), picture)
                crop(rest, positions[t, digit])[:] = 0
                compared += 1
                # One pixel off, it does not match: the position can be read from the pixels.
                row, column = positions[t, digit]
                for off in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                    if min(off) >= 0 and max(off) <= 40:
                        shifted += np.array_equal(crop(video[t], off), picture)
            assert not rest.any()
    assert compared > 400 and shifted == 0


def test_where_digits_overlap_the_brighter_shows(clips):
    for video, positions in zip(clips["video"][..., 0], corners(clips["positions"]), strict=True):
        clear = [t for t in range(20) if apart(*positions[t])]
        for t in range(20) if clear else ():
            expected = np.zeros((64, 64), "uint8")
            for digit in range(2):
                picture = crop(video[clear[0]], positions[clear[0], digit])
                window = crop(expected, positions[t, digit])
                np.maximum(window, picture, out=window)
            np.testing.assert_array_equal(video[t], expected)


def test_the_bounces_are_elastic(clips):
    positions, velocities = clips["positions"], clips["velocities"]
    np.testing.assert_allclose(np.abs(velocities), np.abs(velocities[:, :1]).repeat(20, axis=1))
    speeds = np.linalg.norm(velocities[:, 0], axis=-1)
    assert speeds.min() > 1 - 1e-5 and speeds.max() < 4 + 1e-5
    assert positions.min() >= 0 and positions.max() <= 40
    flips = velocities[:, 1:] * velocities[:, :-1] < 0
    free = positions[:, 1:] - positions[:, :-1] - velocities[:, :-1]
    np.testing.assert_allclose(free[~flips], 0, atol=1e-4)
    assert flips.mean() > 0.02
    # What is left of a frame's way after the wall is gone back: both parts together are the whole way.
    wall = np.where(velocities[:, :-1] > 0, 40, 0)
    way = np.abs(wall - positions[:, :-1]) + np.abs(wall - positions[:, 1:])
    np.testing.assert_allclose(way[flips], np.abs(velocities[:, :-1][flips]), atol=1e-4)


def test_folding_equals_a_simulation_in_small_steps():
    position, velocity = np.array([3.0, 9.0]), np.array([2.3, -3.1])
    positions, velocities = bounce(position, velocity, 30, 10.0)
    steps = 200
    for t in range(30):
        np.testing.assert_allclose(positions[t], position, atol=1e-9)
        for _ in range(steps):
            position = position + velocity / steps
            below, above = position < 0, position > 10
            position = np.where(below, -position, np.where(above, 20 - position, position))
            velocity = np.where(below | above, -velocity, velocity)
        if t < 29:
            np.testing.assert_allclose(velocities[t + 1], velocity)


def test_the_labels_are_those_of_the_digits_that_are_seen():
    from sklearn.svm import SVC

    from kerasgan.data.builders import Digits

    train = Digits().arrays("train")
    classifier = SVC().fit(train["image"].reshape(-1, 64), train["label"])
    clips = MovingDigits(count=100).arrays("test")
    seen, labels = [], []
    for video, positions, pair in zip(
        clips["video"][..., 0], corners(clips["positions"]), clips["labels"], strict=True
    ):
        clear = [t for t in range(20) if apart(*positions[t])]
        for digit in range(2) if clear else ():
            # The middle pixel of each 3×3 block is nearly the pixel of the source.
            seen.append(crop(video[clear[0]], positions[clear[0], digit])[1::3, 1::3].ravel() * (16 / 255))
            labels.append(pair[digit])
    assert len(labels) > 50
    assert classifier.score(seen, labels) > 0.95


def test_the_splits_show_different_digits():
    from kerasgan.data.builders.moving_digits import _digits

    train, test = ({image.tobytes() for image in _digits(split)[0]} for split in ("train", "test"))
    assert not train & test


def test_an_example_depends_on_its_split_and_index_alone(clips):
    dataset = MovingDigits()
    alone = dataset.example(dataset.random("train", 31), "train", 31)
    for name in dataset.features:
        np.testing.assert_array_equal(alone[name], clips[name][31])
