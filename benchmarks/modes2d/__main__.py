"""Command line of `benchmarks.modes2d`."""

import argparse
import json
import sys

import benchmarks.modes2d
from benchmarks.journal import RESULTS, Journal
from benchmarks.modes2d import DATASETS, LONG, METHODS, run, whole_steps
from benchmarks.modes2d.pictures import movie, sheet
from benchmarks.modes2d.table import table


def report():
    """Writes the table and the plots of all runs so far."""
    from kerasgan.pictures.images import write_png

    text = table(Journal("modes2d").rows())
    (RESULTS / "modes2d.md").write_text(text)
    for label, name in (("short", "modes2d.png"), (str(LONG), "modes2d_long.png")):
        picture = sheet(label)
        if picture is not None:
            write_png(RESULTS / name, picture)
    for dataset in DATASETS:
        movie(dataset, RESULTS / f"modes2d_{dataset}.gif")
    return text


def main():
    parser = argparse.ArgumentParser(description=benchmarks.modes2d.__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="updates of the discriminator; by default the method's")
    parser.add_argument("--long", action="store_true", help=f"{LONG:,} steps and one seed")
    parser.add_argument("--report", action="store_true", help="train nothing, write the report of what is there")
    arguments = parser.parse_args()
    steps, seeds = (LONG, 1) if arguments.long else (arguments.steps, arguments.seeds)
    journal = Journal("modes2d")
    for seed in range(0 if arguments.report else seeds):
        for dataset in arguments.datasets:
            for key in arguments.methods:
                if journal.rows(dataset=dataset, method=key, seed=seed, steps=whole_steps(METHODS[key], steps)):
                    continue
                record = run(dataset, key, seed, steps)
                journal.add(record)
                print(json.dumps(record), flush=True)
    print(report())
    return 0


if __name__ == "__main__":
    sys.exit(main())
