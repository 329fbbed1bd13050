"""The rules: which signals, for how long, indicate which problem, and what to try.

A rule must hold at three consecutive evaluations after the first 500 steps; before that, every generator looks
unhealthy. Losses are not signals: they are meaningful only against the current opponent.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

WARM_UP = 500  # steps
PATIENCE = 3  # evaluations in a row

SURE = 0.95  # accuracy on both sides; not a problem by itself: it is normal with R1 or a gradient penalty
SATURATED = -3.0  # log10 of mean sigmoid(D(G)), the factor of the generator's gradient for a saturating loss
VANISHED = 1e-3  # fraction of the largest gradient that has reached the samples
COLLAPSED = 0.5  # fraction of the real mean pairwise distance; one class of several, or one sample, is far below
DUPLICATED = 0.2  # share of samples as close to another one as 1 % of the real samples are
NARROW_RECALL = 0.3  # fraction of the recall of other real samples
UNEVEN = 0.5  # nats from the real class shares; ln(10 / 6), four of ten classes missing, is 0.51
MISSING = 0.2  # real share of classes with less than a tenth of it in the samples; one rare class is no problem
HOPPING = 0.25  # total variation between the class shares of two evaluations
WORSE_THAN_AVERAGE = 1.5  # ratio of the Fréchet distance of the raw weights to that of the averaged ones
DRIFTING = 0.5  # mean change of a sample between evaluations, in mean pairwise distances
CYCLE = 0.3  # autocorrelation below minus this value, and above it at a longer lag
IGNORED = 0.1  # ratio of the effects of the generator's two inputs
OVERFITTED = 0.5  # position of unseen real logits between those of training (0) and generated (1) samples
SIGNIFICANT = 3.0  # standard errors
COPIED = 0.8  # distance to the nearest training sample, relative to unseen real samples (Meehan et al. 2020)
NEARER = 0.6  # share of samples closer to the training set than to as many unseen ones; 1/2 without copying


@dataclass(frozen=True)
class Finding:
    """A problem and the step at which it was confirmed.

    Attributes:
        name: Name of the rule.
        step: Number of completed steps.
        sentence: Description of the problem.
        advice: Advice, the most promising first.
        values: Signals that show the problem, `{signal: value}`.
    """

    name: str
    step: int
    sentence: str
    advice: str
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """The criterion for a problem at one evaluation.

    Attributes:
        name: Name of the problem.
        holds: Function from the signals to a bool. Signals that were not measured are NaN.
        signals: Names of the signals to report.
        sentence: Description of the problem.
        advice: Advice.
    """

    name: str
    holds: Callable[[dict], bool]
    signals: tuple[str, ...]
    sentence: str
    advice: str


class Signals(dict):
    """Signals of one evaluation. Missing signals are NaN, for which every comparison is false."""

    def __missing__(self, name):
        return math.nan


def too_strong(s):
    sure = s["real_accuracy"] > SURE and s["fake_accuracy"] > SURE
    saturated = s["saturates"] == 1 and s["log_saturation"] < SATURATED
    return sure and (saturated or s["sample_gradient"] < VANISHED * s["largest_sample_gradient"])


def collapsed(s):
    return s["diversity"] < COLLAPSED


def uneven(s):
    return s["class_divergence"] > UNEVEN or s["missing_share"] > MISSING


def hopping(s):
    return s["hop"] >= HOPPING


def wandering(s):
    return s["gap"] >= WORSE_THAN_AVERAGE and s["drift"] >= DRIFTING and s["turn"] < 0


def copying(s):
    # A single sample is always closer to one of the sets: for a collapsed generator this means nothing.
    return s["copy_distance"] < COPIED and s["nearer_to_train"] > NEARER and not collapsed(s)


RULES = (
    Rule(
        "diverged",
        lambda s: s["diverged"] == 1,
        (),
        "The generator makes samples that are NaN or infinite, and will not recover.",
        "Start again from an earlier checkpoint with lower learning rates, skip_nonfinite=True or a higher precision.",
    ),
    Rule(
        "discriminator_too_strong",
        too_strong,
        ("real_accuracy", "fake_accuracy", "log_saturation", "sample_gradient", "largest_sample_gradient"),
        "The discriminator recognises all samples, and the gradient that the generator learns from has vanished.",
        'Use loss="non_saturating"; penalise the discriminator (R1, gradient penalty) or normalise it spectrally; '
        "lower its learning rate; smooth the real labels to 0.9; with few data, augment them.",
    ),
    Rule(
        "collapse",
        collapsed,
        ("diversity", "recall"),
        "Total mode collapse: the samples differ far less from each other than the reals do.",
        "Use packing=2 or minibatch standard deviation; the relativistic loss with R1 and R2; a larger batch; a lower "
        "learning rate of the generator.",
    ),
    Rule(
        "duplicates",
        lambda s: s["duplicates"] > DUPLICATED,
        ("duplicates", "support"),
        "Many samples are near-duplicates of each other: the generator has only few different ones.",
        "Use packing=2 or minibatch standard deviation; more latent dimensions; a larger batch.",
    ),
    Rule(
        "coverage",
        lambda s: s["recall"] < NARROW_RECALL and not collapsed(s),
        ("recall", "coverage", "diversity"),
        "No samples resemble most of the reals, although the samples differ from each other.",
        "Use packing=2; the relativistic loss with R1 and R2; more capacity for the discriminator; train longer.",
    ),
    Rule(
        "missing_classes",
        lambda s: uneven(s) and not collapsed(s),
        ("class_divergence", "missing_classes", "missing_share"),
        "Some classes of the reals are missing or rare among the samples.",
        "Use packing=2; the relativistic loss with R1 and R2; more capacity for the discriminator; labels.",
    ),
    Rule(
        "collapse_within_class",
        lambda s: s["class_diversity"] < COLLAPSED and not collapsed(s),
        ("class_diversity", "diversity"),
        "Partial collapse: all classes are present, but the samples of one class are nearly identical.",
        "Use packing=2, on samples of one label for a conditional model; make sure that the latents reach the "
        "generator's first layers; less weight for losses that pull to one target.",
    ),
    Rule(
        "mode_hopping",
        lambda s: hopping(s) and (uneven(s) or collapsed(s)),
        ("hop", "class_divergence", "diversity"),
        "Mode hopping: the samples cover a different part of the data at each evaluation.",
        "Use packing=2; the relativistic loss with R1 and R2; unrolled discriminator updates; a lower learning rate.",
    ),
    Rule(
        "oscillation",
        lambda s: (hopping(s) or wandering(s) or s["cycle"] == 1) and not (hopping(s) and (uneven(s) or collapsed(s))),
        ("hop", "gap", "drift", "turn", "cycle"),
        "The generator cycles instead of converging.",
        "Sample the averaged generator; add R1 (and R2); set beta_1 of Adam to 0; lower the learning rates, or let "
        "them decay; give the discriminator the higher one.",
    ),
    Rule(
        "labels_ignored",
        lambda s: s["label_effect"] < IGNORED * s["latent_effect"],
        ("label_effect", "latent_effect"),
        "The generator ignores the labels: another label for the same latents changes almost nothing.",
        "See that the labels reach generator and discriminator; use projection or an auxiliary classifier.",
    ),
    Rule(
        "latents_ignored",
        lambda s: s["latent_effect"] < IGNORED * s["label_effect"],
        ("latent_effect", "label_effect"),
        "The generator ignores the latents: other latents for the same label change almost nothing.",
        "Use packing=2 on samples of one label; no dropout in the generator, whose noise is gone when it samples; less "
        "weight for losses that pull to one target.",
    ),
    Rule(
        "discriminator_overfits",
        lambda s: s["overfitting"] > OVERFITTED and s["overfitting_errors"] > SIGNIFICANT,
        ("overfitting", "overfitting_errors", "sign_train"),
        "The discriminator has memorised its training samples: it classifies unseen real images as generated.",
        "Augment what the discriminator sees, reals and samples alike; penalise it with R1; use dropout in it, or less "
        "capacity; collect more data.",
    ),
    Rule(
        "memorising",
        copying,
        ("copy_distance", "copy_score", "nearer_to_train"),
        "The generator copies training samples.",
        "Collect more data, or augment what the discriminator sees; make the generator smaller; stop earlier.",
    ),
)


def holding(history, rules=RULES):
    """Returns the rules that held at all recent evaluations.

    Args:
        history: Evaluations `[{"step": steps, signal: value}]`, the newest last.
        rules: Rules to check.

    Returns:
        A list of the rules that hold at each of the last `PATIENCE` evaluations, all of them after `WARM_UP` steps.
    """
    last = [Signals(signals) for signals in history[-PATIENCE:]]
    if len(last) < PATIENCE or last[0]["step"] < WARM_UP:
        return []
    return [rule for rule in rules if all(rule.holds(signals) for signals in last)]


def finding_of(rule, signals):
    """Returns the `Finding` of a rule at an evaluation."""
    values = {name: signals[name] for name in rule.signals if name in signals}
    return Finding(rule.name, int(signals["step"]), rule.sentence, rule.advice, values)
