"""LSGAN: samples of digits between a Gaussian and real images; its rows of the ring are in benchmarks.modes2d.

python -m benchmarks.families.lsgan [--seeds 3]
"""

import argparse
import sys

from benchmarks.families.common import Journal, digits_of, print_and_write


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--fresh", action="store_true")
    arguments = parser.parse_args()
    rate = {"class_name": "adam", "config": {"learning_rate": 2e-4, "beta_1": 0.5}}
    recipe = {
        "batch_size": 64,
        "steps_per_execution": 14,
        "discriminator_optimizer": rate,
        "generator_optimizer": rate,
    }
    sizes = {"width": 16, "latent_dim": 64, "kernel_size": 4}
    table, picture = digits_of("LSGAN", sizes, recipe, arguments.steps, range(arguments.seeds), Journal("lsgan"))
    print_and_write("lsgan", table, picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
