"""The study of generated training images: paired intervals, who sees what, leaks, and a gain that is there."""

import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from kerasgan.metrics import paired_interval
from kerasgan.studies import augment as study
from kerasgan.studies.augment import CLASSIFIERS, Settings, augment, check_leaks, generated_count, shared_images, vary

SHAPE = (6, 6, 1)
SVM = {"per_class": (2, 4), "seeds": 4, "shares": (0.5, 0.8), "classifier": "svm", "shift": 0.0, "contrast": 0.1}


def images(labels, seed):
    """Noisy images of three classes: a bright stripe in one of three places."""
    random = np.random.default_rng(seed)
    x = random.normal(-0.6, 0.35, (len(labels), *SHAPE))
    for place, label in enumerate(labels):
        x[place, 2 * label : 2 * label + 2] += 0.35
    return np.clip(x, -1, 1).astype("float32")


def sets(count=120):
    labels = np.arange(count) % 3
    return (images(labels, 1), labels), (images(labels, 2), labels)


def test_the_interval_is_students():
    differences = np.array([0.01, 0.03, -0.01, 0.02, 0.04])
    found = paired_interval(differences, 0.9)
    expected = ttest_1samp(differences, 0).confidence_interval(0.9)
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-12)
    mean, error = differences.mean(), differences.std(ddof=1) / np.sqrt(5)
    assert found.mean == pytest.approx(mean) and found.high == pytest.approx(mean + 2.1318467863266504 * error)
    for wrong in ([0.1], [[0.1, 0.2]]):
        with pytest.raises(ValueError, match="at least 2"):
            paired_interval(wrong)
    with pytest.raises(ValueError, match="`level`"):
        paired_interval(differences, 1.0)


def test_shares():
    assert [generated_count(10, share) for share in (0.25, 0.5, 0.75, 0.9)] == [3, 10, 30, 90]


def test_the_report(tmp_path):
    """Good generated images help, noise does harm; the share is that of the best validation accuracy."""
    train, test = sets()
    good = augment(images, train, test, Settings(**SVM), seen=train[0], folder=tmp_path, preset="stripes")
    noise = augment(
        lambda labels, seed: np.random.default_rng(seed).uniform(-1, 1, (len(labels), *SHAPE)),
        train,
        test,
        Settings(**{**SVM, "shares": (0.8,)}),
    )
    few, fewer = good["gains"][0], noise["gains"][0]
    assert few["verdict"] == "helps" and few["generated"]["low"] > 0 and few["recommended_share"] > 0
    assert fewer["generated"]["mean"] < 0 and fewer["recommended_share"] == 0
    assert len(good["rows"]) == 2 * 4 * 5
    for count in (2, 4):
        for seed in range(4):
            rows = [r for r in good["rows"] if (r["per_class"], r["seed"]) == (count, seed)]
            tried = [r for r in rows if r["arm"] in ("tried", "generated")]
            (chosen,) = [r for r in rows if r["arm"] == "generated"]
            assert len(tried) == 2 and chosen["validation"] == max(r["validation"] for r in tried)
            assert [r["arm"] for r in rows if "test" in r].count("generated") == 1
            by_arm = {r["arm"]: r["test"] for r in rows if "test" in r}
            gain = next(g for g in good["gains"] if g["per_class"] == count)
            assert gain["generated"]["differences"][seed] == by_arm["generated"] - by_arm["real"]
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["gains"][0]["verdict"] == "helps" and written["leaks"]["seen by the generator"]["shared"] == 0
    text = (tmp_path / "report.md").read_text()
    assert "| 2 |" in text and "0 of 120 images that it was trained on" in text and "stripes" in text
    assert (tmp_path / "gains.png").read_bytes()[:4] == b"\x89PNG"
    assert "were not compared" in study.markdown(noise)


def test_no_classifier_sees_a_test_image(monkeypatch):
    """Also none of the validation images, and the real images of all arms of a seed are the same."""
    train, test = sets()
    seen, asked = [], []

    class Spy:
        def __init__(self, *arguments):
            pass

        def train(self, x, labels, seed, classical):
            seen.append((x, seed, classical))

            def predict(x):
                asked.append(x)
                return np.zeros(len(x), "int64")

            return predict

    monkeypatch.setitem(CLASSIFIERS, "svm", Spy)
    augment(images, train, test, Settings(**SVM))
    validated = [x for x in asked if x.shape != test[0].shape or not np.array_equal(x, test[0])]
    assert len(asked) - len(validated) == 2 * 4 * 4  # one accuracy for each arm
    for x, _, _ in seen:
        assert not len(shared_images(test[0], x))
    same = {}
    for (x, seed, _), val in zip(seen, validated, strict=True):
        assert not len(shared_images(val, x)) and not len(shared_images(test[0], val))
        real = x[: len(val)]
        assert len(shared_images(real, train[0])) == len(real)
        np.testing.assert_array_equal(real, same.setdefault((seed, len(val)), real))


def test_leaks_are_found():
    train, test = sets()
    stolen = np.concatenate([train[0], test[0][7:8] + 1e-4])
    assert shared_images(test[0], stolen).tolist() == [7]
    assert check_leaks(test[0], train[0])["seen by the generator"] is None
    with pytest.raises(ValueError, match="1 images that are also among those seen by the gen.*first one at 7"):
        augment(images, train, test, Settings(**SVM), seen=stolen)
    with pytest.raises(ValueError, match="among those train"):
        augment(images, (stolen, np.arange(121) % 3), test, Settings(**SVM))
    copier = augment(lambda labels, seed: test[0][: len(labels)], train, test, Settings(**{**SVM, "per_class": (2,)}))
    assert copier["leaks"]["generated_test_images"] == 4 * 24


def test_what_makes_no_study_is_refused():
    train, test = sets()
    for wrong, said in (
        ({"seeds": 1}, "`seeds` is 1"),
        ({"shares": (0.0,)}, "`shares` is"),
        ({"classifier": "tree"}, "`classifier` is 'tree'"),
        ({"per_class": (0,)}, "`per_class` is"),
    ):
        with pytest.raises(ValueError, match=said):
            Settings(**{**SVM, **wrong})
    with pytest.raises(ValueError, match="smallest class has 40 images; expected at most 20"):
        augment(images, train, test, Settings(**{**SVM, "per_class": (21,)}))


def test_classical_augmentation():
    x = images(np.arange(4) % 3, 0)
    random = np.random.default_rng(0)
    still = Settings(shift=0.0, contrast=0.0, flip=False)
    np.testing.assert_allclose(vary(x, random, still), x, atol=1e-6)
    mirrored = vary(np.repeat(x[:1], 50, 0), random, Settings(shift=0.0, contrast=0.0, flip=True))
    same = [np.allclose(each, x[0], atol=1e-6) for each in mirrored]
    other = [np.allclose(each, x[0][:, ::-1], atol=1e-6) for each in mirrored]
    assert 10 < sum(same) < 40 and sum(same) + sum(other) == 50


def test_the_network_starts_anew():
    """The same seed gives the same predictions, whatever was trained between."""
    train, test = sets(60)
    settings = Settings(per_class=(2,), steps=20, batch_size=16)
    learner = CLASSIFIERS["cnn"](SHAPE, 3, settings)
    first = learner.train(*train, 0, False)
    before, weights = first(test[0]), learner.network.get_weights()
    learner.train(*test, 1, True)
    again = learner.train(*train, 0, False)
    for one, other in zip(weights, learner.network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_array_equal(again(test[0]), before)
    np.testing.assert_array_equal(first(test[0]), before)
    assert (before == test[1]).mean() > 0.5
