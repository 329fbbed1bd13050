"""Training from the disk: its cost beside arrays in memory, and a folder that is larger than the memory.

    python -m benchmarks.disk                    # both, with 100,000 pictures of 128 px (some 6 GB of disk)
    python -m benchmarks.disk --count 0          # the cost only
    python -m benchmarks.disk --rounds 0         # the folder only

The cost is the time of `fit` of a DCGAN at 64 px, in alternating rounds, relative to `fit` on arrays. The files of the
rounds are in the system's memory then, as they are in an epoch that is not the first where they fit into it.

The large folder is read by separate processes: the first makes the cache, is killed (SIGKILL) in the middle of an
epoch, and the next starts from there; one that is not disturbed shows what the batches should be. The resident memory
is that at the peak, beside the same training on 256 of the pictures.
"""

import argparse
import hashlib
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.paired import paired, ratios
from benchmarks.worker import peak_megabytes

BATCH_SIZE, EPOCH, STEPS = 64, 1, 12  # the large folder is trained on for these steps of its second epoch
MOST_COST, MOST_MEGABYTES = 0.10, 2000.0


def draw(seed, size):
    """A JPEG file of some kilobytes: smooth colours with edges."""
    from PIL import Image

    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype="uint8"))
    pixels = np.array(small.resize((size, size), Image.Resampling.BICUBIC))
    row, column = random.integers(size, size=2)
    pixels[row:, :column] = 255 - pixels[row:, :column]
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "JPEG", quality=80)
    return kept.getvalue()


def make_folder(folder, count, size, distinct=2000):
    """Writes pictures of ten classes, of which the first `distinct` differ."""
    for number in range(10):
        (folder / f"class-{number}").mkdir(parents=True)
    drawn = [draw(number, size) for number in range(min(count, distinct))]
    for number in range(count):
        (folder / f"class-{number % 10}" / f"{number:06d}.jpg").write_bytes(drawn[number % distinct])


# The cost of `fit` ---------------------------------------------------------------------------------------------------


def fit_variants(folder, count, width):
    """`fit` of an epoch of the same pictures from arrays, from the cache of rows, and decoded from tar files."""
    import keras

    import kerasgan
    from kerasgan.data import source

    pictures = folder / "pictures"
    make_folder(pictures, count, 64)
    for shard in range(4):
        with tarfile.open(folder / f"shard-{shard}.tar", "w") as tar:
            for path in sorted(pictures.rglob("*.jpg"))[shard::4]:
                about = tarfile.TarInfo(path.name)
                about.size = path.stat().st_size
                tar.addfile(about, io.BytesIO(path.read_bytes()))
    keras.utils.set_random_seed(0)
    model = kerasgan.DCGAN(image_shape=(64, 64, 3), width=width)
    model.compile(batch_size=BATCH_SIZE)
    arrays = source(pictures, labels=False, cache=False).arrays()
    sources = {
        "arrays in memory": arrays,
        "cache of rows": source(pictures, labels=False, cache=True).batches(BATCH_SIZE),
        "tar files, decoded": source(folder / "shard-{0..3}.tar", labels=False, cache="decode").batches(BATCH_SIZE),
    }
    return {name: lambda x=x: model.fit(x, epochs=1, verbose=0) for name, x in sources.items()}


def cost(rounds, count, width):
    """Lines on the cost of `fit` from the disk, and whether that of the cache of rows is within the limit."""
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["KERASGAN_DATA"] = f"{temporary}/prepared"
        seconds = paired(fit_variants(Path(temporary), count, width), rounds, warmup=1)
    speeds = ratios(seconds, "arrays in memory")
    lines = [
        f"`fit` of a DCGAN of width {width} at 64x64x3, {count // BATCH_SIZE} steps of {BATCH_SIZE}, median of "
        f"{rounds} alternating rounds on {os.cpu_count()} CPU cores:",
        "",
        "| source | ms per step | time beside arrays |",
        "| --- | ---: | ---: |",
    ]
    for name, values in seconds.items():
        step = 1e3 * statistics.median(values) / (count // BATCH_SIZE)
        lines.append(f"| {name} | {step:.0f} | {100 / speeds[name] - 100:+.1f} % |")
    return lines, 1 / speeds["cache of rows"] - 1 <= MOST_COST


# A large folder ------------------------------------------------------------------------------------------------------


def read(folder, first, kill_at):
    """A process that trains on the batches from `first` on: a JSON line with seconds, digests and memory."""
    import kerasgan
    from kerasgan.data import source

    imported, busy = time.perf_counter(), time.process_time()
    found = source(folder, labels=False)
    batches = found.batches(BATCH_SIZE, shuffle_seed=3, initial_epoch=EPOCH)
    order, digests = batches.order(), []
    batches.take(order[first])
    times = {"seconds": time.perf_counter() - imported, "cpu": time.process_time() - busy}
    for number in range(first, min(STEPS, len(order))):
        digests.append(hashlib.sha256(batches.take(order[number]).tobytes()).hexdigest()[:16])
        if number == kill_at:
            print(json.dumps({**times, "digests": digests, "peak": peak_megabytes()}), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    model = kerasgan.DCGAN(image_shape=batches.first(1).shape[1:], width=4)
    model.compile(batch_size=BATCH_SIZE)
    model.fit(batches, epochs=EPOCH + 1, initial_epoch=EPOCH, steps_per_epoch=min(STEPS, len(order)), verbose=0)
    print(json.dumps({**times, "digests": digests, "peak": peak_megabytes()}), flush=True)


def process(folder, cache, first=0, kill_at=-1):
    """Runs `read` in a process of its own and returns what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.disk", "--read", str(folder), str(first), str(kill_at)],
        env={**os.environ, "KERASGAN_DATA": str(cache)},
        capture_output=True,
        text=True,
    )
    expected = -signal.SIGKILL if kill_at >= 0 else 0
    if done.returncode != expected:
        raise RuntimeError(f"A reading process ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def large_folder(count, size):
    """Lines on a folder of many pictures, and whether its batches resume and its memory is within the limit."""
    middle = STEPS // 2
    with tempfile.TemporaryDirectory() as temporary:
        folder, few = Path(temporary, "pictures"), Path(temporary, "few")
        began = time.perf_counter()
        make_folder(folder, count, size)
        make_folder(few, 4 * BATCH_SIZE, size)
        written = time.perf_counter() - began
        files = sum(path.stat().st_size for path in folder.rglob("*.jpg"))
        small = process(few, Path(temporary, "few-cache"))
        killed = process(folder, Path(temporary, "cache"), kill_at=middle)
        resumed = process(folder, Path(temporary, "cache"), first=middle + 1)
        whole = process(folder, Path(temporary, "cache"))
        rows = sum(path.stat().st_size for path in Path(temporary, "cache").rglob("rows.bin"))
    same = killed["digests"] + resumed["digests"] == whole["digests"] and len(set(whole["digests"])) == STEPS
    data = whole["peak"] - small["peak"]
    lines = [
        f"A folder of {count:,} JPEG files of {size} px ({files / 1e9:.2f} GB, written in {written:.0f} s), "
        f"{rows / 1e9:.2f} GB of cache, on {os.cpu_count()} CPU cores:",
        "",
        f"* first start, to the first batch: {killed['seconds']:.0f} s, {killed['cpu']:.0f} s of them of a CPU core, "
        f"{killed['peak']:,.0f} MB of resident memory;",
        f"* second start: {resumed['seconds']:.1f} s ({resumed['cpu']:.1f} of a core), third {whole['seconds']:.1f} s "
        f"({whole['cpu']:.1f});",
        f"* peak resident memory of the training: {whole['peak']:,.0f} MB, of the same on {4 * BATCH_SIZE} pictures "
        f"{small['peak']:,.0f} MB: {data:,.0f} MB for the data (limit {MOST_MEGABYTES:,.0f});",
        f"* killed after {middle + 1} batches and resumed: {'the same' if same else 'OTHER'} batches.",
    ]
    return lines, same and data <= MOST_MEGABYTES


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="pictures of the large folder; 0: none")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=6, help="0: do not measure the cost")
    parser.add_argument("--images", type=int, default=1024, help="of an epoch in the measurement of the cost")
    parser.add_argument("--width", type=int, default=32, help="of the DCGAN in the measurement of the cost")
    parser.add_argument("--read", nargs=3, metavar=("FOLDER", "FIRST", "KILL_AT"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "disk.md")
    arguments = parser.parse_args()
    if arguments.read:
        folder, first, kill_at = arguments.read
        return read(folder, int(first), int(kill_at))
    parts = []
    if arguments.rounds:
        parts.append(cost(arguments.rounds, arguments.images, arguments.width))
    if arguments.count:
        parts.append(large_folder(arguments.count, arguments.size))
    text = "\n\n".join("\n".join(lines) for lines, _ in parts)
    print(text)
    arguments.out.write_text(f"{text}\n", encoding="utf-8")
    return int(not all(met for _, met in parts))


if __name__ == "__main__":
    sys.exit(main())
