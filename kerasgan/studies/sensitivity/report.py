"""Report of a grid of settings: success rates, medians and quartiles, as numbers, page and plot."""

import itertools
import math

import numpy as np

from kerasgan.pictures.files import replacing
from kerasgan.studies.sensitivity.study import AXES

REVERSE_KL = 0.1  # success threshold for mixtures: all modes are filled
FACTOR = 2.0  # success threshold for images, relative to the best setting's median


def summary(rows, threshold=None, mixture=False):
    """Summarises a grid: success rate, median and quartiles of all cells, and of each setting over its seeds.

    Args:
        rows: Rows of `cells.jsonl`.
        threshold: Largest metric of a successful cell. None uses the default rule for the data.
        mixture: Whether the data are a mixture of Gaussians.

    Returns:
        A dictionary `{"threshold": ..., "cells": n, "success": rate, "median": ..., "quartiles": [lower, upper],
        "settings": [...]}`, where each entry of "settings" has "rate", "beta_1", "generator_every" and the same
        statistics. Infinite numbers are None.
    """
    groups: dict[tuple, list[float]] = {}
    for row in rows:
        metric = math.inf if row["metric"] is None else row["metric"]
        groups.setdefault(tuple(row[name] for name in AXES), []).append(metric)
    if threshold is None:
        best = min(_quantile(values, 0.5) for values in groups.values())
        threshold = REVERSE_KL if mixture else FACTOR * best

    def described(values):
        lower, median, upper = (_finite(_quantile(values, q)) for q in (0.25, 0.5, 0.75))
        success = float(np.mean([math.isfinite(value) and value <= threshold for value in values]))
        return {"cells": len(values), "success": success, "median": median, "quartiles": [lower, upper]}

    return {
        "threshold": _finite(threshold),
        **described([value for values in groups.values() for value in values]),
        "settings": [
            {**dict(zip(AXES, setting, strict=True)), **described(values)} for setting, values in groups.items()
        ],
    }


def _quantile(values, share):
    """Quantile of numbers that can be infinite. An interpolation with an infinite number is infinite."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low if low == high else low + (high - low) * (place - math.floor(place))


def _finite(value):
    return value if math.isfinite(value) else None


def markdown(study, report):
    """Returns the report as a Markdown page."""
    kind = "reverse KL + number of unfilled modes" if study.is_mixture else f"Fréchet distance in {study.features}"
    lines = [
        f"# {study.family.__name__} on {study.data}",
        "",
        f"{report['cells']} cells of {study.updates:,} updates of discriminator and generator together; base rate "
        f"{study.unit_rate:g}. Metric: {kind}, of {study.samples:,} samples of the averaged generator; lower is "
        f"better. A cell succeeds up to {number(report['threshold'])}.",
        "",
        f"**Success in {report['success']:.0%} of the cells**, median {number(report['median'])}, quartiles "
        f"{' to '.join(map(number, report['quartiles']))}.",
        "",
        "| rate | beta_1 | critic steps | success | median | quartiles |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["settings"]:
        lines.append(
            f"| {row['rate']:g} | {row['beta_1']:g} | {row['generator_every']} | {row['success']:.0%} | "
            f"{number(row['median'])} | {' to '.join(map(number, row['quartiles']))} |"
        )
    return "\n".join([*lines, ""])


def number(value):
    return "∞" if value is None else f"{value:.3g}"


def plot(path, study, rows, report):
    """Draws the success rate of each setting, and the metrics of all cells in order, as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    columns = list(itertools.product(study.critic_steps, study.decays))
    success = np.full((len(study.rates), len(columns)), np.nan)
    for row in report["settings"]:
        place = study.rates.index(row["rate"]), columns.index((row["generator_every"], row["beta_1"]))
        success[place] = row["success"]
        text = f"{row['success']:.0%}\n{number(row['median'])}"
        left.text(*place[::-1], text, ha="center", va="center", color="black" if row["success"] > 0.4 else "white")
    left.imshow(success, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    left.set_xticks(range(len(columns)), [f"{steps} critic steps\nβ₁ = {decay:g}" for steps, decay in columns])
    left.set_yticks(range(len(study.rates)), [f"{rate:g}" for rate in study.rates])
    left.set_ylabel(f"learning rate / {study.unit_rate:g}")
    left.set_title(f"success {report['success']:.0%}; below, the median")
    finite = sorted(row["metric"] for row in rows if row["metric"] is not None)
    right.plot(range(1, len(finite) + 1), finite, "o")
    if report["threshold"] is not None:
        right.axhline(report["threshold"], color="gray", linestyle="--", label=f"success: {report['threshold']:.3g}")
        right.legend()
    if finite and finite[0] > 0:
        right.set_yscale("log")
    right.set_xlim(0, len(rows) + 1)
    right.set_xlabel(f"cells in order; {len(rows) - len(finite)} of {len(rows)} diverged")
    right.set_title("reverse KL + unfilled modes" if study.is_mixture else f"Fréchet distance ({study.features})")
    figure.suptitle(f"{study.family.__name__} on {study.data}, {study.updates:,} updates a cell")
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=100)
