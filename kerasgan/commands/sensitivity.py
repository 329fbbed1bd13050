"""`kerasgan sensitivity`."""

import argparse
from pathlib import Path

from kerasgan.commands.adder import adder
from kerasgan.commands.evaluate import FEATURES

MIXTURES = (
    "ring",
    "ring2",
    "grid",
    "line",
    "uneven",
    "s_curve",
)  # same as kerasgan.data.builders.gaussians.MIXTURES, which needs an engine


def add_parser(commands):
    """Adds `sensitivity` to the sub-commands of a parser."""
    one = adder(commands)(sensitivity, "sensitivity")
    one.add_argument("family", metavar="FAMILY", help="class of kerasgan.models in lower case, such as dcgan")
    one.add_argument("--data", required=True, metavar="NAME", help=f"{', '.join(MIXTURES)}, or as for `kerasgan train`")
    one.add_argument(
        "--updates",
        type=_positive,
        default=20_000,
        metavar="N",
        help="updates of both players per cell (default: 20000)",
    )
    one.add_argument("--seeds", type=_positive, default=3, metavar="N", help="number of seeds per setting (default: 3)")
    one.add_argument(
        "--rate", type=float, metavar="R", help="base learning rate of the grid (default: 1e-3; images 2e-4)"
    )
    one.add_argument("--threshold", type=float, metavar="T", help="largest metric of a successful cell")
    one.add_argument(
        "--features",
        choices=FEATURES,
        default="pixels",
        metavar="NAME",
        help=f"features for images: {', '.join(FEATURES)}",
    )
    one.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="settings, as for `kerasgan train`"
    )
    one.add_argument("--out", metavar="DIR", help="folder of the study, resumed where it stopped")


def sensitivity(arguments):
    """Trains a grid of learning rates, decays and critic steps at equal compute; reports how many cells succeed."""
    from kerasgan.commands import settings
    from kerasgan.commands.families import family_of
    from kerasgan.studies.sensitivity.report import number
    from kerasgan.studies.sensitivity.study import Study

    family = family_of(arguments.family)
    chosen, changes = settings.split(family, arguments.set)
    chosen = settings.with_reward(chosen, arguments.data)
    study = Study(
        family,
        arguments.data,
        arguments.updates,
        chosen,
        changes,
        arguments.rate,
        arguments.threshold,
        arguments.features,
        seeds=arguments.seeds,
    )
    folder = arguments.out or f"runs/sensitivity-{arguments.family}-{arguments.data.strip('/').replace('/', '-')}"
    report = _with_progress(study, folder)
    print(
        f"success in {report['success']:.0%} of {report['cells']} cells (up to {number(report['threshold'])}), median "
        f"{number(report['median'])}, quartiles {' to '.join(map(number, report['quartiles']))}"
    )
    print(Path(folder) / "report.md")


def _with_progress(study, folder):
    from rich.progress import Progress

    from kerasgan.studies.sensitivity.folder import measure
    from kerasgan.studies.sensitivity.report import number

    with Progress() as bar:
        task = bar.add_task("")

        def show(rows, cells):
            last = f", last metric {number(rows[-1]['metric'])}" if rows else ""
            bar.update(task, completed=len(rows), total=cells, description=f"{len(rows)} of {cells} cells{last}")

        return measure(study, folder, show)


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value
