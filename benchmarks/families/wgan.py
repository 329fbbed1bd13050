"""WGAN: the critic's estimate of a known distance, its weights, and samples of digits.

    python -m benchmarks.families.wgan [--seeds 3]

Two Gaussians at a distance d have the Wasserstein distance d. For d = 0.5, 1, 2, 4 the estimate of the clipped critic
must be proportional to d, and its weights must accumulate at the ends of the allowed interval. Negative control: a
critic without clipping, whose estimate and weights are not bounded.
"""

import sys

import numpy as np

from benchmarks.families.common import arguments_of, digits_of, print_and_write, short_recipe, two_gaussians
from benchmarks.journal import Journal

DISTANCES = (0.5, 1.0, 2.0, 4.0)
LIMIT = 0.05


def critic(seed, clip):
    from keras import ops

    from kerasgan.models.wgan import rmsprop

    estimates, share = [], 0.0
    for distance in DISTANCES:
        options = {"clip_weights": LIMIT if clip else None, "discriminator_optimizer": rmsprop(learning_rate=1e-3)}
        model, estimate = two_gaussians(distance, 1000, seed=seed, **options)
        estimates.append(estimate)
        sizes = np.abs(ops.convert_to_numpy(model.discriminator.layers[2].kernel)) / LIMIT
        share = float(np.mean((sizes > 0.98) & (sizes < 1.02)))
    return {
        "estimates": estimates,
        "correlation": float(np.corrcoef(DISTANCES, estimates)[0, 1]),
        "at the limit": share,
    }


def main():
    from kerasgan.models.wgan import rmsprop

    arguments = arguments_of(__doc__, steps=12_000)
    journal = Journal("wgan", arguments.fresh)
    lines = ["WGAN on N(d, 1) against N(0, 1), d = " + ", ".join(map(str, DISTANCES))]
    lines.append(f"{'':28}{'correlation':>12}{'at +-c':>9}   estimates")
    rows = {True: [], False: []}
    for clip, name in ((True, f"weights within {LIMIT}"), (False, "not clipped (control)")):
        for seed in range(arguments.seeds):
            row = journal.once(lambda seed=seed, clip=clip: critic(seed, clip), kind="critic", clip=clip, seed=seed)
            lines.append(
                f"{name + f', seed {seed}':28}{row['correlation']:12.4f}{row['at the limit']:9.2f}   "
                + ", ".join(f"{value:.4g}" for value in row["estimates"])
            )
            rows[clip].append(row)
    correlation = np.median([row["correlation"] for row in rows[True]])
    here, control = (np.median([row["at the limit"] for row in rows[clip]]) for clip in (True, False))
    good = correlation >= 0.99 and here >= 0.5 > control
    lines.append(
        f"demanded of the medians: correlation >= .99, is {correlation:.4f}; most weights at +-c, {here:.2f}, and not "
        f"so in the control, {control:.2f}"
    )
    sizes = {"width": 32, "kernel_size": 4}
    recipe = short_recipe(rmsprop(learning_rate=5e-4))
    table, picture = digits_of("WGAN", sizes, recipe, arguments.steps, range(arguments.seeds), journal)
    lines += ["", *table, "DEMANDS MET" if good else "DEMANDS NOT MET"]
    print_and_write("wgan", lines, picture)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
