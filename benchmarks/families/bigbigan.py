"""BigBiGAN: what do the features of its encoder know of clothes that they were learned on without labels?

    python -m benchmarks.families.bigbigan [--seeds 1] [--quick]

Fashion-MNIST at 32 pixels, 12,000 pictures without labels. Requirements:

1. A linear classifier of the encoder's pooled features is at least as accurate on unseen pictures as one of the pixels,
   and of as many of their principal components, and 5 points better than one of the same encoder's features before
   training.
2. 70% of the reconstructions of unseen pictures are of the picture's class, as the published classifier sees them.
   Control: reconstructions of other pictures.
3. Without the score of images alone the samples are worse, in the Fréchet distance of the published classifier's
   features after as many images (the ablation of the paper's table 1).

Trained models are kept in `runs/benchmarks`, so that an interrupted benchmark can be resumed.
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings, kept
from benchmarks.journal import RESULTS

BATCH, EPOCH = 32, 375  # steps in which all 12,000 pictures are seen
EPOCHS, SHORT = 8, 4  # of the main training, and of both sides of the ablation
SIZES = {
    "latent_dim": 40,
    "generator_widths": (64, 64, 32, 16),
    "discriminator_widths": (16, 32, 64, 64),
    "units": 128,
    "blocks": 2,
    "encoder_widths": (8, 16, 32),
    "encoder_depths": (1, 1, 1),
    "encoder_units": 128,
    "encoder_blocks": 1,
}
MODELS = {"all": None, "without images": ("latents", "joint")}
FITTED = 5000  # labelled pictures of the probes


def clothes(split):
    """Pictures and classes."""
    from kerasgan.data import load

    return load("fashion", split, 32, as_numpy=True)


def build(name, seed):
    """A compiled model."""
    from kerasgan import BigBiGAN
    from kerasgan.run import set_random_seed

    set_random_seed(seed)
    model = BigBiGAN((32, 32, 1), seed=seed, **SIZES)
    model.compile(recipe="cpu32", batch_size=BATCH, **({"scores": MODELS[name]} if MODELS[name] else {}))
    return model


def trained(name, seed, steps):
    """A trained model, and the minutes of processor time that it took. Goes on from a shorter training, if there is."""

    def fit(model, steps):
        x = clothes("train")[0]
        model.fit(x[: steps * BATCH], epochs=max(1, steps * BATCH // len(x)), verbose=2)

    return kept("bigbigan", name, seed, steps, lambda: build(name, seed), fit, goes_on=True)


def run(name, whole, seed, steps):
    """Trains and evaluates one model; `whole` tells whether features and reconstructions are looked at."""
    from kerasgan import metrics
    from kerasgan.metrics.features.classifier import Classifier
    from kerasgan.pictures.images import grid, write_png
    from kerasgan.studies.probe import probe_scores

    model, minutes = trained(name, seed, steps)
    judge, train, (test, classes) = Classifier("classifier-fashion-v1"), clothes("train"), clothes("test")
    samples = model.sample(len(test), seed)

    def distance(x):
        return metrics.frechet_distance(test, x, features=judge)

    results = {
        "minutes": minutes,
        "parameters": {part: getattr(model, part).count_params() for part in model.parts},
        "frechet_distance": distance(samples),
        "real": distance(train[0][: len(test)]),
    }
    sheet = [test[:40], samples[:60]]
    if whole:
        again = model.reconstruct(test)
        seen = judge.classify(again).argmax(axis=1)
        few = np.random.default_rng(seed).permutation(len(train[0]))[:FITTED]
        results |= {
            "class kept": float((seen == classes).mean()),
            "class of others kept": float((np.roll(seen, 1) == classes).mean()),
            "class of real ones": float((judge.classify(test).argmax(axis=1) == classes).mean()),
            "probe": probe_scores(model, tuple(each[few] for each in train), (test, classes)),
        }
        sheet = [rows for part in range(2) for rows in (test[20 * part :][:20], again[20 * part :][:20])]
        sheet.append(samples[:60])
    if seed == 0 and steps % EPOCH == 0:
        suffix = "" if whole else f"_short_{name.replace(' ', '_')}"
        write_png(RESULTS / f"bigbigan{suffix}.png", grid(np.concatenate(sheet), 20))
    return results


def main():
    asked = Trainings.asked_for(__doc__, "bigbigan", ["fashion"])
    short = {
        name: asked.rows(functools.partial(run, name, False), SHORT * EPOCH, seeds=1, model=name, whole=False)
        for name in MODELS
    }
    rows = asked.rows(functools.partial(run, "all", True), EPOCHS * EPOCH, seeds=1, model="all", whole=True)

    def median(rows, pick):
        return float(np.median([pick(row) for row in rows]))

    lines = [
        f"Fashion-MNIST, 32 pixels, 12,000 pictures: {len(rows)} seed(s), {rows[0]['steps']} steps of {BATCH} images, "
        f"{median(rows, lambda row: row['minutes']):.1f} minutes of processor time, "
        f"{sum(rows[0]['parameters'].values()):,} parameters",
        f"{'linear and nearest-neighbour accuracy of':44}{'linear':>9}{'nearest':>9}{'numbers':>9}",
    ]
    linear = {}
    for kind in ("features", "pixels", "pca", "untrained"):
        accuracy, nearest, size = (
            median(rows, lambda row, k=kind, w=which: row["probe"][k][w])
            for which in ("linear", "nearest_neighbour", "size")
        )
        linear[kind] = accuracy
        lines.append(f"{kind:44}{accuracy:9.3f}{nearest:9.3f}{size:9.0f}")
    kept = median(rows, lambda row: row["class kept"])
    lines += [
        f"reconstructions of the picture's class: {kept:.3f}; of another picture's (control): "
        f"{median(rows, lambda row: row['class of others kept']):.3f}; "
        f"real pictures (ceiling): {median(rows, lambda row: row['class of real ones']):.3f}",
        f"Fréchet distance: {median(rows, lambda row: row['frechet_distance']):.2f}; "
        f"real pictures (ceiling): {median(rows, lambda row: row['real']):.2f}",
    ]
    with_all, without = (median(short[name], lambda row: row["frechet_distance"]) for name in MODELS)
    lines.append(
        f"after {short['all'][0]['steps']} steps: Fréchet distance with all scores {with_all:.2f}, without that of "
        f"images {without:.2f}"
    )
    checks = {
        "features classify as well as pixels": linear["features"] >= linear["pixels"],
        "features classify as well as principal components": linear["features"] >= linear["pca"],
        "features classify 5 points better than untrained ones": linear["features"] >= linear["untrained"] + 0.05,
        "70% of the reconstructions keep the class": kept >= 0.7,
        "without the score of images the Fréchet distance is larger": without > with_all,
    }
    return asked.report("fashion", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
