import itertools

import numpy as np
import pytest

from kerasgan.data.builders import aging_faces
from kerasgan.data.builders.aging_faces import AgingFaces, effects, render


@pytest.fixture(scope="module")
def train():
    return AgingFaces(count=600).arrays("train")


def test_a_person_has_one_identity_and_six_ages(train):
    for person in range(100):
        pictures = slice(6 * person, 6 * person + 6)
        assert (train["person"][pictures] == person).all()
        for name in ("identity", "glasses", "beard"):
            assert (train[name][pictures] == train[name][6 * person]).all()
        assert train["label"][pictures].tolist() == list(range(6))
    assert (train["age"] // 10 - 2 == train["label"]).all()
    assert len(np.unique(train["age"])) == len(train["age"])
    identities = train["identity"][::6]
    assert len(np.unique(identities, axis=0)) == 100
    assert np.abs(identities.mean(axis=0) - 0.5).max() < 4 / np.sqrt(12 * 100)
    assert 10 < train["glasses"][::6].sum() < 45 and 10 < train["beard"][::6].sum() < 45
    test = AgingFaces(count=60).arrays("test")
    assert not {row.tobytes() for row in identities} & {row.tobytes() for row in test["identity"]}


def test_pictures_are_those_of_their_factors(train):
    for index in range(0, 600, 60):
        factors = (train[name][index] for name in ("identity", "age", "glasses", "beard"))
        assert np.array_equal(train["image"][index], render(*factors))
        for name, value in effects(train["age"][index]).items():
            assert train[name][index] == np.float32(value)


def test_age_leaves_alone_what_is_no_age_effect():
    rng = np.random.default_rng(0)
    for person in range(20):
        identity = rng.random(10)
        pictures = np.stack([render(identity, age, person % 2) for age in (20, 35, 50, 65, 80)])
        changed = (pictures != pictures[0]).any(axis=(0, -1))
        assert not changed[:, :9].any() and not changed[:, -9:].any()  # backdrop
        assert not changed[:2].any() and not changed[59:].any()  # backdrop above, clothes below
        assert not changed[56:, 24:40].any()  # neck
        assert not changed[29:39, 31:33].any()  # nose
        iris = int(32 + 6 + 2.2 * identity[6])
        assert not changed[30, [iris, 63 - iris]].any()  # lower half of the iris, which no lid reaches
        # What changes: hair, forehead, eyes and mouth, in the order of the rows.
        for rows, columns in ((8, 32), (slice(14, 20), 32), (slice(24, 30), iris), (slice(40, 48), 32)):
            assert changed[rows, columns].any()
        assert 0.1 < changed.mean() < 0.55


def test_another_identity_changes_what_age_leaves_alone():
    first, second = render(np.full(10, 0.2), 40), render(np.full(10, 0.8), 40)
    changed = (first != second).any(axis=-1)
    assert changed[29:39, 29:35].mean() > 0.9


@pytest.mark.parametrize("age", [25, 79])
@pytest.mark.parametrize("number", range(10))
def test_every_number_of_the_identity_shows_at_any_age(age, number):
    identity = np.full(10, 0.5)
    pictures = []
    for value in (0.0, 0.35, 0.65, 1.0):
        identity[number] = value
        pictures.append(render(identity, age).astype(int))
    for one, other in itertools.pairwise(pictures):
        assert (np.abs(one - other).max(axis=-1) > 4).sum() >= 6  # pixels
    if number in (0, 1, 7):  # a colour moves no outline
        assert (pictures[0] != pictures[3]).any(axis=-1).mean() < 0.5


def test_age_effects_grow_with_age_only():
    ages = np.arange(15, 90)
    for name in ("greying", "recession", "wrinkles", "sag"):
        values = np.array([effects(age)[name] for age in ages])
        assert (np.diff(values) >= 0).all() and values[0] == 0 and values[-1] == 1
    assert np.array_equal(render(np.full(10, 0.5), 80), render(np.full(10, 0.5), 95))
    # Hair and wrinkles in the picture: hair turns lighter, the forehead's lines darker.
    identity = np.full(10, 0.5)
    identity[1] = 0.0  # dark hair
    hair = [render(identity, age)[8, 32].mean() for age in (30, 40, 50, 60, 70)]
    line = [render(identity, age)[23, 32].mean() for age in (40, 50, 60, 70, 80)]
    assert (np.diff(hair) > 15).all() and (np.diff(line) < -5).all()


def test_faces_are_mirror_images_of_themselves(train):
    assert np.array_equal(train["image"][:50], train["image"][:50, :, ::-1])


def test_age_of_a_stranger_is_recovered_by_ridge_regression(train):
    from sklearn.linear_model import Ridge

    test = AgingFaces(count=120).arrays("test")
    halves = [arrays["image"][:, :, 32:].reshape(len(arrays["image"]), -1) / 255 for arrays in (train, test)]
    errors = Ridge(alpha=1.0).fit(halves[0], train["age"]).predict(halves[1]) - test["age"]
    assert np.abs(errors).mean() < 2.5  # years; 1.0 at the time of writing, and 15 by guessing 50
    shuffled = np.random.default_rng(0).permutation(train["age"])
    guesses = Ridge(alpha=1.0).fit(halves[0], shuffled).predict(halves[1]) - test["age"]
    assert np.abs(guesses).mean() > 10


def test_sheet_has_a_person_a_row():
    arrays = AgingFaces(count=12).arrays("train")
    assert AgingFaces().sheet(arrays).shape == (2 * 65 + 1, len(aging_faces.DECADES) * 65 + 1, 3)
