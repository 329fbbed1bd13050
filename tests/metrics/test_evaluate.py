"""Scores stand between a control and real samples, of equal counts, with all that they depend on beside them."""

import json

import numpy as np
import pytest
from PIL import Image

from kerasgan import data, metrics
from kerasgan.commands.main import main
from kerasgan.metrics.controls import full_gaussian
from kerasgan.metrics.evaluation import METRICS, Evaluator, evaluate
from kerasgan.run import load_run

CGAN = ["train", "cgan", "--data", "digits", "--set", "units=2,2,4", "maxout_units=2,2,2", "--epochs", "1"]


def cloud(seed, count=60, size=5, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, (count, size))


@pytest.fixture(scope="module")
def digits():
    return [data.load("digits", split, as_numpy=True) for split in ("test", "train")]


class Recorder:
    """Features that keep what they were given."""

    name = "recorder"

    def __init__(self):
        self.seen = []

    def __call__(self, samples):
        self.seen.append(samples)
        return samples


class Reader:
    """Features whose network is sure of the class that is a sample's first number."""

    name, heads = "reader", {"label": 4}

    def __call__(self, samples):
        return samples

    def outputs(self, samples):
        return {"features": samples, "label": 50 * np.eye(4)[samples[:, 0].astype(int)]}


def test_scores_are_those_of_the_metrics_themselves():
    real, other, fake = cloud(0), cloud(1), cloud(2, shift=0.5)
    evaluator = Evaluator(real, other, metrics=("frechet", "precision_recall", "nearest", "sliced", "kernel"), seed=3)
    scores = evaluator(fake)
    assert scores["frechet_distance"] == pytest.approx(metrics.frechet_distance(real, fake))
    assert evaluator.floor["frechet_distance"] == pytest.approx(metrics.frechet_distance(real, other))
    names = ("precision", "recall", "density", "coverage")
    np.testing.assert_allclose([scores[n] for n in names], metrics.precision_recall_density_coverage(real, fake))
    assert scores["nearest_neighbour"] == pytest.approx(metrics.nearest_neighbour_test(real, fake).accuracy)
    assert scores["sliced_wasserstein"] == pytest.approx(metrics.sliced_wasserstein(real, fake, seed=3))
    # Six at a time, so that ten subsets give the error.
    assert scores["kernel_distance_error"] > 0
    assert tuple(scores) == evaluator.scores == tuple(evaluator.control)


def test_real_samples_are_divided_in_two_without_a_common_one():
    recorder, real = Recorder(), np.arange(101.0)[:, None] + np.zeros(3)
    evaluator = Evaluator(real, metrics=("frechet_distance",), features=recorder)
    assert evaluator.floor.keys() == {"frechet_distance"}
    here, there = ({*samples[:, 0]} for samples in recorder.seen)
    assert len(here) == len(there) == evaluator.count == 50
    assert not here & there
    smaller = Evaluator(real, metrics=("frechet_distance",), features=recorder, count=20)
    assert smaller.floor and [len(samples) for samples in recorder.seen[2:]] == [20, 20]
    # Labels stay with their samples.
    labelled = Evaluator((real, np.arange(101)), metrics=("frechet_distance",), features=recorder)
    np.testing.assert_array_equal(recorder.seen[-1][:, 0], labelled.labels)


def test_the_other_real_samples_have_the_shares_of_classes_that_generated_ones_get():
    recorder, labels = Recorder(), np.repeat([0, 1, 2], [10, 40, 10])
    samples = labels[:, None] + cloud(0, 60, 2) / 100
    more = np.concatenate([samples, samples + 0.2]), np.concatenate([labels, labels])
    evaluator = Evaluator((samples, labels), more, ("frechet_distance",), recorder)
    assert evaluator.floor["frechet_distance"] < 0.1
    assert [np.rint(seen[:, 0] - 0.1).sum() for seen in recorder.seen] == [60, 60]


def test_classes_and_labels():
    counts = np.array([30, 30, 30, 10])
    labels = np.repeat(np.arange(4), counts)
    real = np.stack([labels, cloud(0, 100, 1)[:, 0]], axis=1)
    names = ("class_histogram", "label_fidelity", "inception_score")
    evaluator = Evaluator((real, labels), (real[::-1], labels[::-1]), names, Reader())
    assert evaluator.floor["class_histogram"] == 0
    shares = counts / 100
    assert evaluator.floor["inception_score"] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    dropped = real.copy()
    dropped[:30, 0] = 3  # class 0 as class 3
    scores = evaluator(dropped, labels)
    assert scores["class_histogram"] == pytest.approx(0.3)
    assert scores["label_fidelity"] == pytest.approx(0.7)
    # Other real samples that the network takes for something else do not lower what can be had.
    blurred = Evaluator((real, labels), (dropped, labels), names, Reader())
    assert blurred.floor["label_fidelity"] == 1 and blurred.floor["class_histogram"] == pytest.approx(0.3, abs=0.01)


def test_the_control_has_the_covariances_of_what_it_is_fitted_to():
    random = np.random.default_rng(0)
    images = random.normal(size=(50, 3)) @ random.normal(size=(3, 3)) + 2
    drawn = full_gaussian(images, 200_000, random)
    expected = np.cov(images, rowvar=False)
    expected += 0.1 * (np.diag(np.diag(expected)) - expected)
    np.testing.assert_allclose(drawn.mean(axis=0), images.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), expected, atol=0.02 * expected.max())
    assert np.isfinite(full_gaussian(images[:1], 5, random)).all()


def test_on_digits_a_gaussian_is_better_than_collapse_and_worse_than_real_ones(digits):
    test, train = digits
    names = ("frechet_distance", "nearest_neighbour", "precision_recall", "classification_accuracy")
    evaluator = Evaluator(test, train, names)
    means = np.stack([train[0][train[1] == label].mean(axis=0) for label in range(10)])
    random = np.random.default_rng(0)
    collapsed = evaluator(means[evaluator.labels] + random.normal(0, 0.02, (898, 8, 8, 1)), evaluator.labels)
    control, real = evaluator.control, evaluator.floor
    for score in ("frechet_distance", "nearest_neighbour"):
        assert real[score] < control[score] < collapsed[score]
    for score in ("coverage", "recall", "classification_accuracy"):
        assert real[score] > control[score] > collapsed[score]
    # Pixels in [-1, 1] count four times those in [0, 1].
    assert real["frechet_distance"] / 4 == pytest.approx(0.066, abs=0.01)
    assert control["classification_accuracy"] == pytest.approx(0.968, abs=0.015)


def test_the_protocol_stands_beside_every_score(digits):
    report = evaluate(
        digits[0], digits[1], metrics=("frechet_distance", "kernel"), features="pixels", count=100, seed=4
    )
    first, second, third = str(report).splitlines()
    assert first == (
        "Fréchet distance (features pixels, real 100 of the given samples, fake 100, 8×8 in [-1, 1], not resized, "
        f"seed 4): {report.scores['frechet_distance']:.4g} [floor {report.floor['frechet_distance']:.3g}]"
    )
    assert second.startswith("kernel distance (features pixels") and third.startswith("kernel distance, standard error")
    assert report.floor.keys() == report.control.keys() == report.scores.keys()


def test_fid_is_the_name_of_one_distance_only():
    other, inception = Recorder(), Recorder()
    inception.name = "inception-2015"
    with pytest.raises(ValueError, match="'FID' is the name of 'frechet_distance' with the features 'inception-2015'"):
        Evaluator(cloud(0), metrics=("FID",), features=other)
    evaluator = Evaluator(cloud(0), metrics=("fid", "kid"), features=inception)
    assert [evaluator.protocol.title(score) for score in evaluator.scores[:2]] == ["FID", "KID"]
    assert "FID" not in evaluate(cloud(0), cloud(1), features=other).__str__()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": ("beauty",)}, "beauty.*frechet_distance, "),
        ({"metrics": ("inception_score",)}, r"inception_score needs features.*pixels"),
        ({"metrics": ("classification_accuracy",)}, "needs labels"),
        ({"count": 31}, "count=31 with 30 real and 30 other real samples; expected 20 to 30"),
        ({"count": 19}, "expected 20 to 30"),
        ({"other": cloud(1, size=4)}, r"other real samples have shape \(4,\); expected \(5,\)"),
    ],
)
def test_what_cannot_be_scored_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Evaluator(cloud(0), **arguments)


def test_samples_that_do_not_fit_are_refused():
    evaluator = Evaluator(cloud(0))
    with pytest.raises(ValueError, match=r"shape \(29, 5\); expected \(30, 5\)"):
        evaluator(cloud(1, 29))
    with pytest.raises(ValueError, match="NaN"):
        evaluator(np.full((30, 5), np.nan))
    with pytest.raises(ValueError, match="count=31; expected at most 30, the number of generated"):
        evaluate(cloud(0, 100), cloud(1, 30), count=31)


def test_metrics_give_as_many_numbers_as_names():
    assert {"frechet_distance", "kernel_distance", "precision_recall", "nearest_neighbour"} <= METRICS.keys()
    names = [score for metric in METRICS.values() for score in metric.scores]
    assert len(set(names)) == len(names)
    labels = np.arange(40) % 4
    samples = np.stack([labels, cloud(0, 40, 1)[:, 0]], axis=1)
    evaluator = Evaluator((samples, labels), (samples, labels), METRICS, Reader())
    assert set(evaluator(samples, labels)) == set(names)


# The command ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "cgan"
    assert main([*CGAN, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, digits):
    """The first 60 training digits as files."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, image in enumerate(digits[1][0][:60]):
        Image.fromarray(np.rint((image[..., 0] + 1) * 127.5).astype("uint8")).save(folder / f"{number:03}.png")
    return folder


def test_a_run_is_scored_by_the_data_that_it_was_not_trained_on(run, tmp_path, capfd, digits):
    out = tmp_path / "scores.json"
    names = ["frechet", "label_fidelity"]
    assert main(["evaluate", str(run), "--metrics", *names, "--seed", "5", "-o", str(out)]) == 0
    printed, errors = capfd.readouterr()
    found = json.loads(out.read_text("utf-8"))
    assert (found["run"], found["epoch"], found["weights"]) == (str(run), 1, "ema")
    assert found["protocol"] == {
        "features": "classifier-digits-v1",
        "real_count": 898,
        "real": "digits/test",
        "fake_count": 898,
        "resizing": "8×8 not resized",
        "seed": 5,
    }
    entry = found["scores"]["frechet_distance"]
    evaluator = Evaluator(*digits, ("frechet_distance",), "classifier-digits-v1", None, 5, "digits/test")
    samples = load_run(run).model.sample(898, 5, evaluator.labels)
    assert entry["ours"] == pytest.approx(evaluator(samples)["frechet_distance"], rel=1e-4)
    assert entry["ceiling"] < entry["control"] < entry["ours"]  # the negative control: it has hardly been trained
    assert entry["line"].startswith("Fréchet distance (features classifier-digits-v1, real 898 of digits/test")
    fidelity = found["scores"]["label_fidelity"]
    assert fidelity["ours"] < 0.5 < 0.95 < fidelity["control"] <= fidelity["ceiling"] + 0.02
    assert str(evaluator.protocol) in printed and str(out) in printed and "control" in printed
    assert "warning" not in errors


def test_data_that_the_run_has_seen_are_warned_of(run, tmp_path, capfd):
    command = ["evaluate", str(run), "--split", "train", "--metrics", "sliced", "-o", str(tmp_path / "scores.json")]
    assert main([*command, "--raw", "--features", "pixels"]) == 0
    assert "trained on 'train' of digits" in capfd.readouterr().err
    found = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert (found["protocol"]["real_count"], found["weights"]) == (449, "raw")


def test_a_folder_of_images(pictures, tmp_path, capfd):
    out = tmp_path / "scores.json"
    assert main(["evaluate", str(pictures), "--data", "digits", "--metrics", "frechet", "-o", str(out)]) == 0
    found = json.loads(out.read_text("utf-8"))
    assert (found["folder"], found["protocol"]["fake_count"]) == (str(pictures), 60)
    entry = found["scores"]["frechet_distance"]
    assert entry["ours"] < entry["control"]  # they are real digits
    # Two folders, of which the real one has no split: its halves.
    assert main(["evaluate", str(pictures), "--data", str(pictures), "-o", str(out), "--features", "pixels"]) == 0
    assert json.loads(out.read_text("utf-8"))["protocol"]["real"] == f"{pictures}/train"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{missing}"], "There is no preset"),
        (["{pictures}"], "--data NAME"),
        (["{pictures}", "--data", "digits", "--count", "61"], "--count 61, but {pictures} has only 60 images"),
        (["{pictures}", "--data", "digits", "--metrics", "fid"], "Use 'frechet_distance'"),
        (["{pictures}", "--data", "digits", "--features", "vgg"], "invalid choice: 'vgg'"),
        (["{pictures}", "--data", "gaussians/ring"], "expected the same channels"),
        (["{pictures}", "--data", "digits", "--split", "validation"], "validation"),
        (["{pictures}", "--data", "nothing"], "nothing"),
    ],
)
def test_errors_are_one_line(pictures, tmp_path, capfd, arguments, message):
    places = {"pictures": str(pictures), "missing": str(tmp_path / "missing")}
    command = [part.format(**places) for part in ["evaluate", *arguments, "-o", str(tmp_path / "out.json")]]
    assert main(command) == 2
    out, err = capfd.readouterr()
    assert err.count("\n") == 1 and message.format(**places) in err and out == ""
    assert not (tmp_path / "out.json").exists()
