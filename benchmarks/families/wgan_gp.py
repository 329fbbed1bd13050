"""WGAN-GP: the critic's estimate of a known distance, its slope, and samples of digits.

    python -m benchmarks.families.wgan_gp [--seeds 3]

Two Gaussians d apart have the Wasserstein distance d. A linear critic of slope a has the loss -a d + lambda (a - 1)^2,
which is least at a = 1 + d / (2 lambda): the penalty does not hold the slope at one, it is a price. So the estimate is
demanded within 5 % of a d, with the slope a +- .05, for the paper's lambda = 10, and within 5 % of d itself, with the
slope 1 +- .05, for lambda = 100. Negative control: a penalty with the target 2, whose estimate must be off by a factor.
"""

import argparse
import sys

import numpy as np

from benchmarks.families.common import Journal, digits_of, print_and_write, two_gaussians

DISTANCES = (0.5, 1.0, 2.0, 4.0)


def critic(seed, weight, target):
    from keras import ops

    from kerasgan.penalties import GradientPenalty, squared_gradient_norms
    from kerasgan.recipe import optimizer

    estimates, slopes = [], []
    decay = {
        "module": "keras.optimizers.schedules",
        "class_name": "CosineDecay",
        "config": {"initial_learning_rate": 2e-3, "decay_steps": 2000},
    }
    for distance in DISTANCES:
        adam = optimizer("adam", learning_rate=decay, beta_1=0.0, beta_2=0.9)
        penalty = GradientPenalty(weight, target=target)
        model, estimate = two_gaussians(distance, 2000, seed=seed, penalties=(penalty,), discriminator_optimizer=adam)
        estimates.append(estimate)
        random = np.random.default_rng(seed)
        share = random.uniform(size=(5000, 1))
        between = share * random.normal(distance, 1.0, (5000, 1)) + (1 - share) * random.normal(size=(5000, 1))
        squares = squared_gradient_norms(model.discriminator, ops.convert_to_tensor(between, "float32"))
        slopes.append(float(ops.mean(ops.sqrt(squares))))
    best = [1 + d / (2 * weight) if weight < 100 else 1.0 for d in DISTANCES]
    worst = float(max(abs(e / (d * a) - 1) for e, d, a in zip(estimates, DISTANCES, best, strict=True)))
    steep = float(max(abs(found - a) for found, a in zip(slopes, best, strict=True)))
    return {"estimates": estimates, "slopes": slopes, "worst": worst, "steep": steep}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12_000, help="critic steps on digits")
    parser.add_argument("--fresh", action="store_true")
    arguments = parser.parse_args()
    journal = Journal("wgan_gp", arguments.fresh)
    lines = ["WGAN-GP on N(d, 1) against N(0, 1), d = " + ", ".join(map(str, DISTANCES))]
    lines.append(f"{'':28}{'worst error':>12}   estimates; mean slope at each d")
    good = True
    for weight, target, name in (
        (10.0, 1.0, "lambda 10"),
        (100.0, 1.0, "lambda 100"),
        (10.0, 2.0, "slope 2 (control)"),
    ):
        for seed in range(arguments.seeds):
            key = {"kind": "critic", "weight": weight, "target": target, "seed": seed}
            row = journal.once(lambda s=seed, w=weight, t=target: critic(s, w, t), **key)
            lines.append(
                f"{name + f', seed {seed}':28}{row['worst']:12.1%}   "
                + ", ".join(f"{value:.3f}" for value in row["estimates"])
                + "; "
                + ", ".join(f"{value:.3f}" for value in row["slopes"])
            )
            if target == 1.0:
                good &= row["worst"] <= 0.05 and row["steep"] <= 0.05
    lines.append("demanded: error <= 5 %, slope +- .05")
    sizes = {"width": 32, "kernel_size": 4}
    rate = {"class_name": "adam", "config": {"learning_rate": 5e-4, "beta_1": 0.0, "beta_2": 0.9}}
    recipe = {
        "batch_size": 64,
        "steps_per_execution": 14,
        "discriminator_optimizer": rate,
        "generator_optimizer": rate,
    }
    table, picture = digits_of("WGANGP", sizes, recipe, arguments.steps, range(arguments.seeds), journal)
    lines += ["", *table, "DEMANDS MET" if good else "DEMANDS NOT MET"]
    print_and_write("wgan_gp", lines, picture)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
