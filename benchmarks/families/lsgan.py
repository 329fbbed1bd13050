"""LSGAN: samples of digits, compared with a Gaussian and real images. The ring is part of benchmarks.modes2d.

python -m benchmarks.families.lsgan [--seeds 3]
"""

import sys

from benchmarks.families.common import arguments_of, digits_of, print_and_write, short_recipe
from benchmarks.journal import Journal


def main():
    arguments = arguments_of(__doc__, steps=5000)
    journal = Journal("lsgan", arguments.fresh)
    # With equal rates the generator, five layers against two at 8 pixels, leaps from one prototype to another.
    fast, slow = ({"class_name": "adam", "config": {"learning_rate": rate, "beta_1": 0.5}} for rate in (4e-4, 4e-5))
    recipe = {**short_recipe(fast), "generator_optimizer": slow}
    sizes = {"width": 32, "generator_width": 16, "latent_dim": 64, "kernel_size": 4}
    settings = (sizes, recipe, arguments.steps, range(arguments.seeds), journal)
    table, picture = digits_of("LSGAN", *settings)
    control, _ = digits_of("LSGAN", sizes, short_recipe(fast), arguments.steps, [0], journal, kind="equal rates")
    rows = (line for line in control if line.startswith(("raw", "averaged")))
    print_and_write("lsgan", [*table, "At equal rates (control, one seed):", *rows], picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
