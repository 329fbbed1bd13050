"""Mode collapse in two dimensions: the ring of 8 and the grid of 25 Gaussians, one architecture for all losses.

    python -m benchmarks.modes2d                                             # every method, 5 seeds: hours on a CPU
    python -m benchmarks.modes2d --methods ns pac2 r3 --datasets ring --seeds 1
    python -m benchmarks.modes2d --long --methods pac2                       # 200,000 steps
    python -m benchmarks.modes2d --report                                    # table and pictures of what has been run

Each run is added to `results/modes2d.jsonl`, and one that is there is not run again.

The protocol is that of VEEGAN (Srivastava et al. 2017, section 4.1) and PacGAN (Lin et al. 2018, section 4.1): 100,000
points to train, 2,500 generated ones to judge, of high quality within 3 σ of the nearest mode. The same is measured on
10,000, where bridges between modes do not hide that much. The networks are the same for all methods: three hidden
layers of 128 leaky ReLUs each, latents from N(0, I) in two dimensions, 256 packs a step, the data scaled to unit
deviation for training and measured in their own units. Adam with rate 1e-3, the rate falling to 0 over the second
half. The initial weights (Glorot's or He's), β1 (0 or .5) and β2 (.9 or .999) were chosen once for all methods, on the
grid with seed 100, which is not among those of the table, by what NS-GAN, PacGAN2 and RpGAN + R1 + R2 did there:
Glorot's, .5 and .9, with the demands below in view. Of the five settings that were tried with all three it is the only
one in which both have at most half of NS-GAN's reverse KL on the grid. PacGAN2, RpGAN + R1 + R2 and NS-GAN had there
.41, .38 and 1.30; with Glorot's, .5, .999: 1.09, .46, 1.83; He's, .5, .999: 1.10, .49, .71; He's, 0, .9: .07, .43, .71;
Glorot's, 0, .9: .38, .17, .51 (last weights, 10,000 samples).
"""

import argparse
import dataclasses
import functools
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.journal import RESULTS, Journal

RUNS = Path("runs/modes2d")  # samples and films, of which the pictures are made
DATASETS = ("ring", "grid")
POINTS, PACKS, WIDTH, LATENTS = 100_000, 256, 128, 2
JUDGED = (2_500, 10_000)
LONG = 200_000
ADAM = {"beta_1": 0.5, "beta_2": 0.9}
FRAMES, FIELD, PARTNERS = 48, 96, 8


@dataclasses.dataclass(frozen=True)
class Method:
    """What is different from one row of the table to the next.

    Args:
        name: as the table says it.
        recipe: changes to the recipe.
        packing: samples that the discriminator sees together; a step then draws `packing` times as many.
        penalties: name in `kerasgan.penalties`, and its arguments.
        steps: updates of the discriminator; with n of them to one of the generator, n times the generator's.
        unrolled: steps of the discriminator that the generator looks ahead.
    """

    name: str
    recipe: dict
    packing: int = 1
    penalties: tuple = ()
    steps: int = 15_000
    unrolled: int = 0


METHODS = {
    "minimax": Method("minimax GAN", {"loss": "minimax"}),
    "ns": Method("NS-GAN", {"loss": "non_saturating"}),
    "lsgan": Method("LSGAN", {"loss": "least_squares"}),
    "hinge": Method("hinge", {"loss": "hinge"}),
    "wgan": Method("WGAN (clipped)", {"loss": "wasserstein", "clip_weights": 0.1, "generator_every": 5}, steps=20_000),
    "wgan_gp": Method(
        "WGAN-GP", {"loss": "wasserstein", "generator_every": 5}, penalties=(("GradientPenalty", 0.1),), steps=20_000
    ),
    "r1": Method("NS-GAN + R1", {"loss": "non_saturating"}, penalties=(("R1", 1e-3),)),
    "r3": Method("RpGAN + R1 + R2", {"loss": "relativistic_paired"}, penalties=(("R1", 1e-3), ("R2", 1e-3))),
    "pac2": Method("PacGAN2", {"loss": "non_saturating"}, packing=2),
    "pac3": Method("PacGAN3", {"loss": "non_saturating"}, packing=3),
    "pac4": Method("PacGAN4", {"loss": "non_saturating"}, packing=4),
    "unrolled": Method("unrolled GAN, 5 steps", {"loss": "minimax"}, unrolled=5),
}


@functools.cache
def mixture(dataset):
    """(training points in units of their deviation, that deviation, means of the modes, σ), the latter as they are."""
    from kerasgan import data
    from kerasgan.data.builders.gaussians import Gaussians

    points, _ = data.load(f"gaussians/{dataset}", as_numpy=True)
    scale = float(points.std())
    known = Gaussians(dataset)
    return points / np.float32(scale), scale, known.modes, known.sigma


def network(inputs, outputs, name):
    """The one architecture: three hidden layers of 128 leaky ReLUs."""
    import keras
    from keras import layers

    first = x = keras.Input((inputs,), name="latents" if name == "generator" else "points")
    for _ in range(3):
        x = layers.LeakyReLU(0.2)(layers.Dense(WIDTH)(x))
    return keras.Model(first, layers.Dense(outputs)(x), name=name)


def decayed_adam(rate, steps):
    """Adam whose rate is constant for half of its updates, then falls linearly to 0."""
    import keras
    from keras import ops

    class Decay(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return rate * ops.clip(2.0 - 2.0 * ops.cast(step, "float32") / steps, 0.0, 1.0)

    return keras.optimizers.Adam(Decay(), **ADAM)


def build(method, seed, steps, batches, rate=1e-3, jit_compile=True):
    """A compiled model of a method; `batches` is how many steps one compiled call takes."""
    import keras

    import kerasgan
    from kerasgan import penalties

    keras.utils.set_random_seed(seed)
    family = kerasgan.UnrolledGAN if method.unrolled else kerasgan.LatentModel
    model = family(
        (2,),
        latent_dim=LATENTS,
        packing=method.packing,
        generator=network(LATENTS, 2, "generator"),
        discriminator=network(2 * method.packing, 1, "discriminator"),
        seed=seed,
    )
    recipe = dict(method.recipe)
    if method.unrolled:
        recipe["unrolled_steps"] = method.unrolled
    model.compile(
        batch_size=PACKS * method.packing,
        penalties=tuple(getattr(penalties, kind)(weight) for kind, weight in method.penalties),
        ema_half_life=693.0 * PACKS * method.packing,  # a decay of .999 a step
        discriminator_optimizer=decayed_adam(rate, steps),
        generator_optimizer=decayed_adam(rate, steps // recipe.get("generator_every", 1)),
        steps_per_execution=batches,
        jit_compile=jit_compile,
        **recipe,
    )
    return model


def whole_steps(method, steps=None):
    """Steps of a run: the method's, or those given, rounded up to whole passes over the 100,000 points."""
    an_epoch = POINTS // (PACKS * method.packing)
    return -(-(steps or method.steps) // an_epoch) * an_epoch


def judge(samples, dataset):
    """The numbers of the table, of the first 2,500 samples and of all 10,000, in the data's own units."""
    from kerasgan.metrics import mixture_modes

    *_, means, sigma = mixture(dataset)
    result = {}
    for count in JUDGED:
        found = mixture_modes(samples[:count], means, sigma)
        result[str(count)] = {
            "reached": found.modes.reached,
            "filled": found.modes.filled,
            "high_quality": found.high_quality,
            "reverse_kl": found.modes.reverse_kl,
            "width": found.width,
        }
    return result


def draw(model, dataset, count, seed, ema):
    """Generated samples in the data's own units."""
    return model.sample(count, seed=seed, ema=ema, batch_size=2_500) * mixture(dataset)[1]


def reach(dataset):
    """Half the side of the pictures, in the data's own units."""
    return 1.4 if dataset == "ring" else 5.5


def field(model, dataset):
    """The discriminator's logits on a square lattice, (FIELD, FIELD); of a packing one, the mean over real partners."""
    points, scale, *_ = mixture(dataset)
    axis = np.linspace(-reach(dataset), reach(dataset), FIELD) / scale
    places = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2).astype("float32")
    if model.packing > 1:
        partners = points[: PARTNERS * (model.packing - 1)].reshape(PARTNERS, -1)
        places = np.concatenate([places.repeat(PARTNERS, 0), np.tile(partners, (len(places), 1))], axis=1)
    logits = np.asarray(model.discriminator.predict(places, batch_size=len(places), verbose=0))
    return logits.reshape(FIELD, FIELD, -1).mean(axis=-1)


def film(dataset, epochs):
    """A callback that keeps samples and the discriminator's field at about 48 moments, and the list that it fills."""
    import keras

    moments = set(np.unique(np.geomspace(1, epochs, FRAMES).round().astype(int)))
    frames = []

    def record(epoch, logs):
        if epoch + 1 in moments:
            samples = draw(callback.model, dataset, 1_000, 0, ema=False)
            frames.append((int(np.asarray(callback.model.iterations)), samples, field(callback.model, dataset)))

    callback = keras.callbacks.LambdaCallback(on_epoch_end=record)
    return callback, frames


def run(dataset, method, seed, steps=None, rate=1e-3, jit_compile=True, folder=RUNS):
    """Trains one model and judges it.

    Args:
        dataset: "ring" or "grid".
        method: key of `METHODS`, or a `Method`.
        seed: of the weights and of all that is drawn.
        steps: updates of the discriminator, rounded up to whole passes over the data; the method's by default.
        rate: learning rate of both players in the first half.
        jit_compile: whether a step is compiled with XLA.
        folder: where samples, and of seed 0 the film, are kept; None for nowhere.

    Returns:
        The record of the run, a dictionary.
    """
    key, method = (method, METHODS[method]) if isinstance(method, str) else (method.name, method)
    points, *_ = mixture(dataset)
    total, batches = whole_steps(method, steps), POINTS // (PACKS * method.packing)
    epochs = total // batches
    model = build(method, seed, total, batches, rate, jit_compile)
    callback, frames = film(dataset, epochs)
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(points, epochs=epochs, callbacks=[callback] if folder and seed == 0 else [], verbose=0)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    samples = {name: draw(model, dataset, max(JUDGED), seed, ema=name == "ema") for name in ("raw", "ema")}
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        keep = {"samples": samples["raw"][: JUDGED[0]].astype("float16")}
        if frames:
            at, shown, fields = zip(*frames, strict=True)
            keep |= {"frame_steps": np.array(at)}
            keep |= {"frame_samples": np.array(shown, "float16"), "frame_fields": np.array(fields, "float16")}
        np.savez_compressed(Path(folder) / f"{dataset}_{key}_{seed}_{steps or 'short'}.npz", **keep)
    import keras

    return {
        "dataset": dataset,
        "method": key,
        "seed": seed,
        "steps": total,
        "long": bool(steps and steps >= LONG),
        "backend": keras.backend.backend(),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        **{name: judge(value, dataset) for name, value in samples.items()},
    }


# The table ------------------------------------------------------------------------------------------------------------

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
    """{name: numbers} of real points (ceiling), of a Gaussian fitted to them and of an untrained generator (floors)."""
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
    """Median and, of several, range of one column's values."""
    if column == "high_quality":
        values = [100 * value for value in values]
    form = {"reached": "{:g}", "filled": "{:g}", "high_quality": "{:.1f}", "reverse_kl": "{:.3f}", "width": "{:.2f}"}
    low, middle, high = (form[column].format(f(values)) for f in (np.min, np.median, np.max))
    return middle if low == high else f"{middle} ({low}–{high})"


def line(name, weights, steps, records):
    """A row of the table; `records` are numbers as `judge` gives them."""
    cells = [summary([record[count][column] for record in records], column) for count, column in COLUMNS]
    return "| " + " | ".join([name, weights, steps, str(len(records)), *cells]) + " |"


def median(records, weights, count, column):
    """Median over runs of one number."""
    return float(np.median([record[weights][str(count)][column] for record in records]))


def verdicts(dataset, runs):
    """Sentences on what is demanded of the averaged weights, medians over seeds; `runs` is {method: records}."""
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
    for method, records in runs.items():
        if method == "pac2_long":
            modes, divergence = (median(records, "ema", 2_500, c) for c in ("reached", "reverse_kl"))
            wanted, most = (7.9, 0.07) if dataset == "ring" else (23.8, 0.13)
            met = modes >= wanted and divergence <= most
            sentences.append(
                f"PacGAN2 at {records[0]['steps']:,} steps: {modes:g} modes (published {wanted}), reverse KL "
                f"{divergence:.3f} (published {most}). {'Met.' if met else 'NOT MET.'}"
            )
    return sentences


def table(records):
    """The report in Markdown."""
    parts = ["# Modes in two dimensions", "", __doc__.split("\n\n", 3)[3].strip(), ""]
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


# The pictures ---------------------------------------------------------------------------------------------------------

PANEL, TITLE = 200, 16


def panel(title, points, dataset, background=None):
    """A titled square picture of points, on white or on a discriminator's field (orange: more real, blue: less)."""
    from PIL import Image, ImageDraw

    colours = np.full((PANEL, PANEL, 3), 255.0)
    if background is not None:
        field = background.astype("float64") - np.median(background)
        level = np.clip(field / max(np.quantile(np.abs(field), 0.9), 1e-6), -1, 1)
        level = np.asarray(Image.fromarray(level.astype("float32")).resize((PANEL, PANEL), Image.Resampling.BILINEAR))
        towards = np.where(level[..., None] > 0, (255.0, 170.0, 60.0), (70.0, 130.0, 220.0))
        colours += np.abs(level[..., None]) * (towards - colours)
    places = (points.astype("float64") * (1, -1) / reach(dataset) + 1) * PANEL / 2
    inside = places[((places >= 0) & (places < PANEL)).all(axis=1)].astype(int)
    colours[inside[:, 1], inside[:, 0]] = 0
    picture = Image.new("RGB", (PANEL, PANEL + TITLE), "white")
    picture.paste(Image.fromarray(colours.astype("uint8")), (0, TITLE))
    drawing = ImageDraw.Draw(picture)
    drawing.text((4, 2), title, "black")
    drawing.rectangle((0, TITLE, PANEL - 1, PANEL + TITLE - 1), outline="gray")
    return np.asarray(picture)


def kept(dataset, method, label):
    """What seed 0 of a method has left in the folder of runs, or None."""
    path = RUNS / f"{dataset}_{method}_0_{label}.npz"
    return np.load(path) if path.exists() else None


def sheet(label):
    """All methods' samples side by side, one row a data set; None if there are none."""
    rows = []
    for dataset in DATASETS:
        points, scale, *_ = mixture(dataset)
        found = {key: kept(dataset, key, label) for key in METHODS}
        row = [panel(METHODS[key].name, x["samples"], dataset) for key, x in found.items() if x is not None]
        if row:
            rows.append([panel("real points", points[: JUDGED[0]] * scale, dataset), *row])
    if not rows:
        return None
    cells = [cell for row in rows for cell in row + [np.full_like(row[0], 255)] * (max(map(len, rows)) - len(row))]
    columns = min(7, max(map(len, rows)))
    while len(cells) % columns:
        cells.append(np.full_like(cells[0], 255))
    return np.concatenate([np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)])


def movie(dataset, path, methods=("ns", "pac2", "r3")):
    """An animated picture of samples on the discriminator's field over training, the methods side by side."""
    from PIL import Image

    found = {key: kept(dataset, key, "short") for key in methods}
    if any(film is None for film in found.values()):
        return
    steps = np.geomspace(300, min(film["frame_steps"][-1] for film in found.values()), FRAMES)
    pictures = []
    for step in steps:
        row = []
        for key, film in found.items():
            place = min(np.searchsorted(film["frame_steps"], step), len(film["frame_steps"]) - 1)
            title = f"{METHODS[key].name}, step {film['frame_steps'][place]:,}"
            row.append(panel(title, film["frame_samples"][place], dataset, film["frame_fields"][place]))
        pictures.append(Image.fromarray(np.concatenate(row, axis=1)).quantize(64, dither=Image.Dither.NONE))
    times = [120] * (len(pictures) - 1) + [3000]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=times, loop=0)


def report():
    """Writes table and pictures of all runs so far."""
    from kerasgan.images import write_png

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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
