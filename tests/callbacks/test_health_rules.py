"""Verdicts on made-up signals: each rule at its threshold, none before its time, and no healthy run."""

import math

import pytest

from kerasgan.callbacks.health.rules import PATIENCE, RULES, WARM_UP, finding_of, holding

HEALTHY = {
    "real_accuracy": 0.7,
    "fake_accuracy": 0.7,
    "saturates": 0,
    "log_saturation": -0.5,
    "sample_gradient": 0.5,
    "largest_sample_gradient": 1.0,
    "diversity": 1.0,
    "class_diversity": 0.9,
    "recall": 0.9,
    "coverage": 0.9,
    "class_divergence": 0.01,
    "missing_classes": 0,
    "missing_share": 0.0,
    "duplicates": 0.01,
    "hop": 0.05,
    "gap": 1.1,
    "drift": 0.2,
    "turn": 0.1,
    "cycle": 0.0,
    "label_effect": 1.0,
    "latent_effect": 1.0,
    "overfitting": 0.1,
    "overfitting_errors": 1.0,
    "sign_train": 0.3,
    "copy_distance": 1.0,
    "copy_score": 0.0,
    "nearer_to_train": 0.5,
}
SURE = {"real_accuracy": 0.96, "fake_accuracy": 0.96}
# What is ill, and what must be found; each value is just beyond a threshold.
ILL = [
    ({"diverged": 1}, {"diverged"}),
    ({**SURE, "saturates": 1, "log_saturation": -3.01}, {"discriminator_too_strong"}),
    ({**SURE, "sample_gradient": 0.00099}, {"discriminator_too_strong"}),
    ({"diversity": 0.49, "recall": 0.0, "class_divergence": 2.0}, {"collapse"}),
    ({"duplicates": 0.21}, {"duplicates"}),
    ({"recall": 0.29}, {"coverage"}),
    ({"class_divergence": 0.51}, {"missing_classes"}),
    ({"missing_share": 0.21}, {"missing_classes"}),
    ({"class_diversity": 0.49}, {"collapse_within_class"}),
    ({"hop": 0.25, "class_divergence": 1.5}, {"mode_hopping", "missing_classes"}),
    ({"hop": 0.25, "diversity": 0.1}, {"mode_hopping", "collapse"}),
    ({"hop": 0.25}, {"oscillation"}),
    ({"gap": 1.5, "drift": 0.5, "turn": -0.01}, {"oscillation"}),
    ({"cycle": 1.0}, {"oscillation"}),
    ({"label_effect": 0.09}, {"labels_ignored"}),
    ({"latent_effect": 0.09}, {"latents_ignored"}),
    ({"overfitting": 0.51, "overfitting_errors": 3.1}, {"discriminator_overfits"}),
    ({"copy_distance": 0.79, "nearer_to_train": 0.61}, {"memorising"}),
]
# The other side of the thresholds, and what alone is no illness.
SOUND = [
    {},
    {"real_accuracy": 1.0, "fake_accuracy": 1.0},
    {"real_accuracy": 1.0, "fake_accuracy": 1.0, "log_saturation": -9.0},  # of a loss that does not saturate
    {"saturates": 1, "log_saturation": -9.0},
    {"sample_gradient": 1e-6},
    {"gap": 9.0, "drift": 0.9, "turn": 0.1},
    {"gap": 9.0, "drift": 0.1, "turn": -0.9},
    {"overfitting": 5.0, "overfitting_errors": 1.0},
    {"sign_train": 1.0},
    {"copy_distance": 0.5},
    {"nearer_to_train": 0.9},
    dict.fromkeys(HEALTHY, math.nan),
]


def series(*changes, first=WARM_UP, every=100):
    return [{"step": first + place * every, **HEALTHY, **change} for place, change in enumerate(changes)]


def names(history):
    return {rule.name for rule in holding(history)}


@pytest.mark.parametrize(("change", "expected"), ILL, ids=lambda x: "+".join(sorted(x)) if isinstance(x, set) else "")
def test_each_illness_is_found_and_nothing_else(change, expected):
    assert names(series(change, change, change)) == expected


def test_every_rule_is_tried():
    assert set().union(*(expected for _, expected in ILL)) == {rule.name for rule in RULES}


@pytest.mark.parametrize("change", SOUND, ids=str)
def test_what_is_no_illness(change):
    assert names(series(change, change, change)) == set()


def test_a_finding_takes_three_evaluations_in_a_row_after_the_warm_up():
    ill = {"diversity": 0.1}
    assert PATIENCE == 3
    assert names(series(ill, ill)) == set()
    assert names(series(ill, ill, {}, ill, ill)) == set()
    assert names(series({}, ill, ill, ill)) == {"collapse"}
    assert names(series(ill, ill, ill, first=WARM_UP - 1)) == set()
    assert names(series(ill, ill, ill, first=WARM_UP)) == {"collapse"}


def test_signals_that_were_not_measured_say_nothing():
    assert holding([{"step": step} for step in (500, 600, 700)]) == []


def test_a_finding_says_what_it_means_what_helps_and_by_which_values():
    history = series(*[{"duplicates": 0.4}] * 3)
    finding = finding_of(holding(history)[0], history[-1])
    assert (finding.name, finding.step, finding.values) == ("duplicates", 700, {"duplicates": 0.4})
    assert "near-duplicates" in finding.sentence and "packing=2" in finding.advice
