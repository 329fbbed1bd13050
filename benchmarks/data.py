"""Throughput of the dataset builders and of the input pipeline, compared with a training step.

    python -m benchmarks.data

A builder's rate is that of one process on one core; `kerasgan data prepare` runs a process on each core. The pipeline's
rates are those of `kerasgan.data.load` with batches of 64 shuffled images of 64x64x3, as in training. Memory maps are
read once beforehand, so that the disk is not measured. Run it on an idle machine.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

BATCH_SIZE = 64
COUNT = 4096
# DCGAN 64x64x3 on the two cores of results/speed.md: batches of 64 in 1.2 s.
CONSUMED = 53.0
DEMANDED = 5.0


def builder_rate(dataset, seconds):
    """Returns the examples per second of one process after the first block, which includes the setup."""
    blocks = dataset.blocks(next(iter(dataset.splits())))
    next(blocks)
    done, start = 0, time.perf_counter()
    for block in blocks:
        done += len(next(iter(block.values())))
        if time.perf_counter() - start > seconds:
            break
    return done / (time.perf_counter() - start)


def builder_rows(seconds):
    """Returns a row of the table for each dataset that this machine can generate."""
    from kerasgan.data.builders import DATASETS, ProceduralDataset

    for kind in DATASETS.values():
        if not issubclass(kind, ProceduralDataset):
            continue
        for config in kind.configs or (None,):
            dataset = kind(config)
            if dataset.requires():
                yield f"| {dataset.full_name} | – | not on this machine |"
                continue
            rate = builder_rate(dataset, seconds)
            total = sum(dataset.splits().values())
            yield f"| {dataset.full_name} | {rate:,.0f} | {total:,} examples in {total / rate:,.0f} s |"


def pipeline_rate(dataset, rounds=5):
    """Returns the median images per second over several epochs, after one epoch that fills caches."""
    rates = []
    for number in range(rounds + 1):
        start, images = time.perf_counter(), 0
        for x in itertools.islice(dataset, COUNT // BATCH_SIZE):
            images += len(x)
        if number:
            rates.append(images / (time.perf_counter() - start))
    return statistics.median(rates)


def pipelines(folder):
    """Returns name and dataset of each source of 64x64x3 images."""
    from PIL import Image

    from kerasgan.data import load

    pixels = np.random.default_rng(0).integers(256, size=(COUNT, 64, 64, 3), dtype="uint8")
    arguments = {"labels": False, "batch_size": BATCH_SIZE}
    yield "arrays in memory, 64x64", load(pixels, **arguments)
    yield (
        "prepared stacked_digits, 32x32 resized to 64x64",
        load("stacked_digits", image_size=64, count=COUNT, **arguments),
    )
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number}.png")
    yield "folder of PNG files, 64x64, once read", load(folder, image_size=64, **arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each builder")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "data.md")
    arguments = parser.parse_args()
    lines = [
        f"Builders, one process on one of {os.cpu_count()} CPU cores. `kerasgan data prepare` uses all.",
        "",
        "| data set | examples/s | all of it |",
        "| --- | ---: | --- |",
        *builder_rows(arguments.seconds),
        "",
        f"`kerasgan.data.load` in shuffled batches of {BATCH_SIZE} images 64x64x3, beside the {CONSUMED:.0f} images/s "
        "that the DCGAN step of speed.md takes on the same cores.",
        "",
        "| source | images/s | × the step |",
        "| --- | ---: | ---: |",
    ]
    slowest = np.inf
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["KERASGAN_DATA"] = f"{temporary}/prepared"
        folder = Path(temporary, "pictures")
        folder.mkdir()
        for name, dataset in pipelines(folder):
            rate = pipeline_rate(dataset)
            slowest = min(slowest, rate)
            lines.append(f"| {name} | {rate:,.0f} | {rate / CONSUMED:,.0f} |")
    text = "\n".join(lines)
    print(text)
    arguments.out.write_text(f"{text}\n", encoding="utf-8")
    if slowest < DEMANDED * CONSUMED:
        raise SystemExit(
            f"The slowest pipeline gives {slowest:.0f} images/s; expected {DEMANDED:.0f} times {CONSUMED:.0f}."
        )


if __name__ == "__main__":
    main()
