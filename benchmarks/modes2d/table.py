"""The table of modes in two dimensions: published and measured rows, and the requirements."""

import numpy as np

import benchmarks.modes2d
from benchmarks.modes2d import DATASETS, JUDGED, METHODS, build, draw, judge, mixture

# (method, modes, % of high quality, reverse KL, source), as printed there; VEEGAN gives no divergence.
PUBLISHED = {
    "ring": (
        ("GAN", "1", "99.3", "", "VEEGAN, table 1"),
        ("ALI", "2.8", "0.13", "", "VEEGAN, table 1"),
        ("unrolled GAN, 5 steps", "7.6", "35.6", "", "VEEGAN, table 1"),
        ("VEEGAN", "8", "52.9", "", "VEEGAN, table 1"),
        ("GAN", "6.3±0.5", "98.2±0.2", "0.45±0.09", "PacGAN, table 1"),
        ("ALI", "6.6±0.3", "97.6±0.4", "0.36±0.04", "PacGAN, table 1"),
        ("PacGAN2", "7.9±0.1", "95.6±2.0", "0.07±0.03", "PacGAN, table 1"),
        ("PacGAN3", "7.8±0.1", "97.7±0.3", "0.10±0.02", "PacGAN, table 1"),
        ("PacGAN4", "7.8±0.1", "95.9±1.4", "0.07±0.02", "PacGAN, table 1"),
    ),
    "grid": (
        ("GAN", "3.3", "0.5", "", "VEEGAN, table 1"),
        ("ALI", "15.8", "1.6", "", "VEEGAN, table 1"),
        ("unrolled GAN, 5 steps", "23.6", "16", "", "VEEGAN, table 1"),
        ("VEEGAN", "24.6", "40", "", "VEEGAN, table 1"),
        ("GAN", "17.3±0.8", "94.8±0.7", "0.70±0.07", "PacGAN, table 1"),
        ("ALI", "24.1±0.4", "95.7±0.6", "0.14±0.03", "PacGAN, table 1"),
        ("PacGAN2", "23.8±0.7", "91.3±0.8", "0.13±0.04", "PacGAN, table 1"),
        ("PacGAN3", "24.6±0.4", "94.2±0.4", "0.06±0.02", "PacGAN, table 1"),
        ("PacGAN4", "24.8±0.2", "93.6±0.6", "0.04±0.01", "PacGAN, table 1"),
    ),
}
COLUMNS = (
    *((str(count), name) for count in JUDGED for name in ("reached", "filled", "high_quality", "reverse_kl")),
    ("10000", "width"),
)
HEADER = (
    "| method | weights | steps | seeds | modes | ≥ 10 % | % HQ | reverse KL | modes | ≥ 10 % | % HQ | reverse KL "
    "| σ ratio |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def controls(dataset):
    """Returns {name: numbers} of real points (ceiling), of a fitted Gaussian and of an untrained generator (floors)."""
    from kerasgan import data

    points, scale, *_ = mixture(dataset)
    real, _ = data.load(f"gaussians/{dataset}", split="test", as_numpy=True)
    rng = np.random.default_rng(0)
    gaussian = rng.normal(size=(max(JUDGED), 2)) * points.std(axis=0) * scale
    untrained = build(METHODS["ns"], 0, 2, 1, jit_compile=False)
    return {
        "real points (ceiling)": judge(real, dataset),
        "one Gaussian (floor)": judge(gaussian, dataset),
        "untrained generator (floor)": judge(draw(untrained, dataset, max(JUDGED), 0, ema=False), dataset),
    }


def summary(values, column):
    """Returns the median of one column's values, with the range if there are several."""
    if column == "high_quality":
        values = [100 * value for value in values]
    form = {"reached": "{:g}", "filled": "{:g}", "high_quality": "{:.1f}", "reverse_kl": "{:.3f}", "width": "{:.2f}"}
    low, middle, high = (form[column].format(f(values)) for f in (np.min, np.median, np.max))
    return middle if low == high else f"{middle} ({low}–{high})"


def line(name, weights, steps, records):
    """Returns a row of the table; `records` are numbers as returned by `judge`."""
    cells = [summary([record[count][column] for record in records], column) for count, column in COLUMNS]
    return "| " + " | ".join([name, weights, steps, str(len(records)), *cells]) + " |"


def median(records, weights, count, column):
    """Returns the median of one number over runs."""
    return float(np.median([record[weights][str(count)][column] for record in records]))


def verdicts(dataset, runs):
    """Returns sentences about the requirements of the averaged weights; `runs` is {method: records}."""
    if not {"ns", "pac2", "r3"} <= set(runs):
        return ["Demands: not all of ns, pac2 and r3 have been run."]
    plain = median(runs["ns"], "ema", 10_000, "reverse_kl")
    sentences = []
    for method in ("pac2", "r3"):
        modes = median(runs[method], "ema", 10_000, "reached")
        divergence = median(runs[method], "ema", 10_000, "reverse_kl")
        wanted, most, ratio = (8, 0.06, 3) if dataset == "ring" else (24, plain / 2, 2)
        met = modes >= wanted and divergence <= most and plain >= ratio * divergence
        sentences.append(
            f"{METHODS[method].name}: {modes:g} modes (demanded {wanted}), reverse KL {divergence:.3f} (demanded "
            f"at most {most:.3f}), NS-GAN's is {plain / divergence:.1f} times that (demanded {ratio}). "
            f"{'Met.' if met else 'NOT MET.'}"
        )
    for method in ("pac2", "r3"):
        records = runs.get(f"{method}_long")
        if records:
            modes, divergence = (median(records, "ema", 2_500, c) for c in ("reached", "reverse_kl"))
            wanted, most = (7.9, 0.07) if dataset == "ring" else (23.8, 0.13)
            met = modes >= wanted and divergence <= most
            sentences.append(
                f"{METHODS[method].name} at {records[0]['steps']:,} steps: {modes:g} modes (PacGAN2's published "
                f"{wanted}), reverse KL {divergence:.3f} ({most}). {'Met.' if met else 'NOT MET.'}"
            )
    return sentences


def table(records):
    """Returns the report in Markdown."""
    parts = ["# Modes in two dimensions", "", benchmarks.modes2d.__doc__.split("\n\n", 3)[3].strip(), ""]
    for dataset in DATASETS:
        chosen = [record for record in records if record["dataset"] == dataset]
        order = [(method, long) for long in (False, True) for method in METHODS]
        runs = {
            f"{method}{'_long' if long else ''}": [r for r in chosen if r["method"] == method and r["long"] == long]
            for method, long in order
        }
        runs = {key: found for key, found in runs.items() if found}
        modes = len(mixture(dataset)[2])
        parts += [
            f"## {dataset}: {modes} modes",
            "",
            "Published, 2,500 samples:",
            "",
            "| method | modes | % HQ | reverse KL | source |\n|---|---|---|---|---|",
            *("| " + " | ".join(row) + " |" for row in PUBLISHED[dataset]),
            "",
            "Ours, median (range) over seeds; the first four numbers of 2,500 samples, the others of 10,000:",
            "",
            HEADER,
            *(line(name, "", "", [numbers]) for name, numbers in controls(dataset).items()),
        ]
        for found in runs.values():
            name = METHODS[found[0]["method"]].name
            for weights, label in (("raw", "last"), ("ema", "averaged")):
                parts.append(line(name, label, f"{found[0]['steps']:,}", [record[weights] for record in found]))
        parts += ["", *verdicts(dataset, runs), ""]
    return "\n".join(parts)
