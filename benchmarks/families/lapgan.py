"""LAPGAN on glyphs, the capitals of about 470 font faces at 32 pixels: levels, full chain, and a single CGAN.

    python -m benchmarks.families.lapgan [--seeds 3] [--quick]

Fréchet distances are between the classifier-glyphs-v1 features of one half of the test images and of

* the other half: the distance of a perfect model (ceiling);
* the other half, downsampled and upsampled, u(d(I)): the baseline of a level, which must at least halve this distance
  on real coarse images. The same holds for both refining levels from 8 pixels;
* samples of the chain, which must be closer than those of one CGAN of 32 pixels with as many weights and steps.

The pyramid must also reconstruct images within 1e-6, and ||d(I~_k) - I~_(k+1)|| / ||I~_(k+1)|| is reported, the change
of the coarse image by the details of a level. Negative control: untrained networks.

The networks are a quarter as wide as the paper's, and Adam replaces SGD, which needs many more steps.
"""

import argparse
import functools
import sys

import numpy as np

from benchmarks.journal import RESULTS, Journal
from kerasgan import CGAN, LAPGAN
from kerasgan.game.recipe import Adam
from kerasgan.run import set_random_seed

LETTERS = 26
STEPS = 3000
SIZES = {"levels": 3, "width": 16, "units": 600, "discriminator_units": 300}
MODELS = ("LAPGAN", "CGAN")
# Of both alike. With equal rates of the players perceptrons let classes collapse, and a level learns more slowly.
RECIPE = {
    "batch_size": 32,
    "steps_per_execution": 10,
    "discriminator_optimizer": Adam(1e-3, beta_1=0.5),
    "generator_optimizer": Adam(2e-4, beta_1=0.5),
}


@functools.cache
def glyphs():
    """Returns training images and letters, and two halves of the test images.

    Returns:
        A tuple (x, y, reference, others, letters of others).
    """
    from kerasgan.data import load

    (x, y), (test_x, test_y) = (load("glyphs/32", split, as_numpy=True) for split in ("train", "test"))
    x, y, test_x, test_y = x[y < LETTERS], y[y < LETTERS], test_x[test_y < LETTERS], test_y[test_y < LETTERS]
    order = np.random.default_rng(0).permutation(len(test_x))
    one, other = order[::2], order[1::2]
    return x, y, test_x[one], test_x[other], test_y[other]


def distance(images):
    """Returns the Fréchet distance to the reference half of the test images."""
    from kerasgan import metrics

    images = np.clip(np.asarray(images), -1.0, 1.0)
    return float(metrics.frechet_distance(glyphs()[2], images, features="classifier-glyphs-v1"))


def weights_of(model):
    return sum(int(np.prod(v.shape)) for network in model.networks.values() for v in network.trainable_variables)


def lapgan(shape, seed):
    return LAPGAN(shape, num_classes=LETTERS, seed=seed, **SIZES)


def cgan(shape, seed):
    """Returns a CGAN with as many weights, with all layers narrower by one factor."""
    wanted, low, high = weights_of(lapgan(shape, seed)), 0.01, 1.0
    for _ in range(12):
        share = (low + high) / 2
        units, maxout = ([max(2, round(share * n)) for n in sizes] for sizes in ((200, 1000, 1200), (240, 50, 240)))
        set_random_seed(seed)
        model = CGAN(shape, LETTERS, units=units, maxout_units=maxout, dropout=(0.0, 0.5), seed=seed)
        low, high = (share, high) if weights_of(model) < wanted else (low, share)
    return model


def levels_of(model, seed):
    """Returns the distances of a LAPGAN's levels on real coarse images, and of its full chain."""
    _, _, _, others, labels = glyphs()
    coarse, coarsest = (np.asarray(model.pyramid.reduce(others, times)) for times in (1, 2))
    between = model.refine(coarsest, seed, labels)
    stages = model.stages(len(labels), seed, labels)[::-1]

    def change(small, large):
        return float(np.linalg.norm(model.pyramid.down(large) - small) / np.linalg.norm(small))

    return {
        "refined once": distance(model.refine(coarse, seed, labels)),
        "refined twice": distance(model.refine(between, seed, labels)),
        "change of real coarse images": [change(coarse, model.refine(coarse, seed, labels)), change(coarsest, between)],
        "change of the chain's own": [change(stages[level + 1], stages[level]) for level in range(2)],
    }


def baselines(model):
    """Returns the distances of the baselines."""
    _, _, _, others, _ = glyphs()
    up, down = model.pyramid.up, model.pyramid.down
    once, twice = up(down(others)), up(up(down(down(others))))
    error = np.abs(np.asarray(model.pyramid.join(model.pyramid(others))) - others).max()
    return {
        "real": distance(others),
        "enlarged once": distance(once),
        "enlarged twice": distance(twice),
        "inversion error": float(error),
    }


def run(name, seed, steps, picture=True):
    """Trains and evaluates one model with one seed, and optionally draws its images."""
    from benchmarks.digits import train

    x, y, _, _, labels = glyphs()
    set_random_seed(seed)
    model = (lapgan if name == "LAPGAN" else cgan)(x.shape[1:], seed)
    model.compile(**RECIPE)
    chained = name == "LAPGAN"
    numbers = {"untrained": {"samples": distance(model.sample(len(labels), seed, labels))}}
    if chained:
        numbers["untrained"] |= levels_of(model, seed)
        numbers["baselines"] = baselines(model)
    minutes = train(model, x, y, steps) / 60
    if seed == 0 and picture:
        draw(model, chained)
    return {
        "steps": int(np.asarray(model.iterations)),
        "weights": weights_of(model),
        "minutes": minutes,
        **numbers,
        "raw": distance(model.sample(len(labels), seed, labels, ema=False)),
        "samples": distance(model.sample(len(labels), seed, labels)),
        **(levels_of(model, seed) if chained else {}),
    }


def draw(model, chained):
    """Draws a column for each letter.

    For LAPGAN: two samples of the chain from 8 to 32 pixels; then real images of 16 pixels, unchanged, upsampled, with
    details, and at 32 pixels.
    """
    from kerasgan.pictures.images import grid, write_png

    letters = np.arange(LETTERS)
    if not chained:
        images = model.sample(4 * LETTERS, 0, np.tile(letters, 4))
        write_png(RESULTS / "lapgan_cgan.png", grid(images, columns=LETTERS))
        return
    rows = [stage for seed in range(2) for stage in model.stages(LETTERS, seed, letters)]
    _, _, _, others, labels = glyphs()
    real = others[[np.flatnonzero(labels == letter)[0] for letter in letters]]
    coarse = np.asarray(model.pyramid.down(real))
    rows += [coarse, np.asarray(model.pyramid.up(coarse)), model.refine(coarse, 0, letters), real]
    rows = [np.repeat(np.repeat(row, 32 // row.shape[1], axis=1), 32 // row.shape[1], axis=2) for row in rows]
    write_png(RESULTS / "lapgan.png", grid(np.clip(np.concatenate(rows), -1.0, 1.0), columns=LETTERS))


def report(rows, single):
    """Returns rows of a table, medians over the seeds, and whether the requirements are met."""

    def median(pick, some=rows):
        return float(np.median([pick(row) for row in some]))

    base = {name: median(lambda row, n=name: row["baselines"][n]) for name in rows[0]["baselines"]}
    head = ", ".join(
        f"{name}: {some[0]['weights']:,} weights, {some[0]['steps']} steps, {median(lambda r: r['minutes'], some):.1f} "
        "CPU-minutes"
        for name, some in (("LAPGAN", rows), ("CGAN", single))
    )
    lines = [head, f"{'Fréchet distance, median of ' + str(len(rows)) + ' seeds':52}{'':10}   each seed"]

    def line(name, values):
        each = ", ".join(f"{value:.3f}" for value in values)
        lines.append(f"{name:52}{np.median(values):10.3f}   {each}")

    lines.append(f"{'real images (ceiling)':52}{base['real']:10.3f}")
    for what, level in (("once", "of 16 pixels"), ("twice", "of 8 pixels")):
        lines.append(f"{f'real images {level}, enlarged (baseline)':52}{base[f'enlarged {what}']:10.3f}")
        line("    with details, untrained (control)", [row["untrained"][f"refined {what}"] for row in rows])
        line("    with details", [row[f"refined {what}"] for row in rows])
    line("one CGAN, untrained", [row["untrained"]["samples"] for row in single])
    line("one CGAN, raw weights", [row["raw"] for row in single])
    line("one CGAN (baseline)", [row["samples"] for row in single])
    line("chain, untrained (control)", [row["untrained"]["samples"] for row in rows])
    line("chain, raw weights", [row["raw"] for row in rows])
    line("chain", [row["samples"] for row in rows])
    lines.append("||d(I~_k) - I~_(k+1)|| / ||I~_(k+1)||")
    for place, level in enumerate(("32 to 16 pixels", "16 to 8 pixels")):
        line(f"    {level}, real coarse images", [row["change of real coarse images"][place] for row in rows])
        line(f"    {level}, the chain's own", [row["change of the chain's own"][place] for row in rows])
    cgan_distance = median(lambda row: row["samples"], single)
    checks = {
        f"the pyramid is undone within 1e-6 (error {base['inversion error']:.1e})": base["inversion error"] < 1e-6,
        "details of one level <= half the baseline": median(lambda r: r["refined once"]) <= base["enlarged once"] / 2,
        "of two levels likewise": median(lambda r: r["refined twice"]) <= base["enlarged twice"] / 2,
        "the chain is nearer than one CGAN": median(lambda row: row["samples"]) < cgan_distance,
        "untrained details fail": all(r["untrained"]["refined once"] > base["enlarged once"] / 2 for r in rows),
        "the untrained chain fails": all(row["untrained"]["samples"] > cgan_distance for row in rows),
    }
    return [*lines, *(f"{'met' if met else 'NOT MET'}: {name}" for name, met in checks.items())], all(checks.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the steps, to see that it runs")
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    arguments = parser.parse_args()
    steps = arguments.steps // (100 if arguments.quick else 1)
    journal = Journal("lapgan_quick" if arguments.quick else "lapgan", arguments.fresh)
    rows, single = (
        [
            journal.once(
                lambda n=name, s=seed: run(n, s, steps, not arguments.quick), model=name, seed=seed, asked=steps
            )
            for seed in range(arguments.seeds)
        ]
        for name in MODELS
    )
    lines, good = report(rows, single)
    print("\n".join(lines), flush=True)
    (RESULTS / f"{journal.path.stem}.txt").write_text("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
