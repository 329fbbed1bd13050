"""What augmentation of the discriminator's images is worth on 1,000 photographs of clothes.

    python -m benchmarks.small_data [--seeds 3] [--kimg 480] [--fresh]

A DCGAN of 32x32 pixels sees equally many images without views, with DiffAugment (Zhao et al. 2020) and with ADA (Karras
et al. 2020). Its samples are compared with the 2,000 test images: Fréchet distance in the features of
`classifier-fashion-v1` (floor: 2,000 other training images; control: the 1,000 training images themselves, which a
generator that copies would reach), and `r_v`, how far the discriminator takes unseen photographs for generated ones: 0
for none of the way from the training images, 1 for all of it.
"""

import argparse
import sys

import numpy as np

from benchmarks.journal import RESULTS, Journal

IMAGES = 1000
FEATURES = "classifier-fashion-v1"
DEMANDED = 0.75  # of the distance without views, by the better of the two
OVERFITTED, SOUND = 0.5, 0.3  # r_v without views, and with


def views_of(name):
    """The views of a kind of training."""
    from kerasgan.augment.adaptive import Adaptive

    # 100 kimg as the authors' code does for short trainings: with 500 this one would end before ADA acts.
    return {"none": (), "diffaugment": ("diffaugment",), "ada": (Adaptive(kimg=100.0, limit=0.8),)}[name]


def data():
    """1,000 training images, 100 of each class; 2,000 further ones; 2,000 test images."""
    import kerasgan

    x, y = kerasgan.data.load("fashion", "train", 32, as_numpy=True)
    test = kerasgan.data.load("fashion", "test", 32, labels=False, as_numpy=True)
    places = [np.flatnonzero(y == label) for label in range(10)]
    few, others = (np.concatenate([place[part] for place in places]) for part in (slice(100), slice(100, 300)))
    return x[few], x[others], test


def run(views, seed, kimg):
    """Trains one model and scores it four times on the way."""
    import keras

    import kerasgan
    from kerasgan import metrics
    from kerasgan.callbacks import GANHealth
    from kerasgan.pictures.images import grid, write_png

    few, _, test = data()
    keras.utils.set_random_seed(seed)
    model = kerasgan.DCGAN(few.shape[1:], width=16, generator_width=32, kernel_size=4, seed=seed)
    model.compile(batch_size=64, update="alternating", views=views_of(views), steps_per_execution=15)
    epochs, found = round(1000 * kimg / (len(few) // 64 * 64)), {}
    quarter = epochs // 4
    health = GANHealth(few, validation_data=test[:512], every_steps=quarter * (len(few) // 64), budget=None)
    for part in range(4):
        model.fit(few, epochs=(part + 1) * quarter, initial_epoch=part * quarter, callbacks=[health], verbose=0)
        samples = np.clip(model.sample(len(test), seed=1, batch_size=250), -1, 1)
        found[f"distance_{part + 1}"] = float(metrics.frechet_distance(test, samples, features=FEATURES))
        found[f"r_v_{part + 1}"] = float(health.history[-1].get("overfitting", float("nan")))
    probability = [float(keras.ops.convert_to_numpy(getattr(model, name))) for name in model.states if "prob" in name]
    if seed == 0:
        write_png(RESULTS / f"small_data_{views}.png", grid(samples[:64], columns=8))
    return {"distance": found["distance_4"], "r_v": found["r_v_4"], **found, "probability": max(probability, default=0)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kimg", type=float, default=480)
    parser.add_argument("--fresh", action="store_true", help="forget the runs so far")
    arguments = parser.parse_args()
    from kerasgan import metrics

    journal = Journal("small_data", arguments.fresh)
    few, others, test = data()
    floor, copies = (float(metrics.frechet_distance(test, each, features=FEATURES)) for each in (others, few))
    lines = [
        "| views | distance, median (each seed) | r_v, median (each seed) | p of ADA | CPU minutes |",
        "|---|---|---|---|---|",
    ]
    rows_of: dict[str, list] = {"none": [], "diffaugment": [], "ada": []}
    for seed in range(arguments.seeds):
        for views, rows in rows_of.items():
            key = {"views": views, "seed": seed, "kimg": arguments.kimg}
            rows.append(journal.once(lambda key=key: run(**key), **key))
            print(rows[-1], flush=True)
    medians = {}
    for views, rows in rows_of.items():
        texts = []
        for score, digits in (("distance", 2), ("r_v", 2)):
            values = [row[score] for row in rows]
            medians[views, score] = float(np.median(values))
            texts.append(f"{medians[views, score]:.{digits}f} ({', '.join(f'{v:.{digits}f}' for v in values)})")
        p = np.median([row["probability"] for row in rows])
        minutes = np.mean([row["cpu_seconds"] for row in rows]) / 60
        lines.append(f"| {views} | {texts[0]} | {texts[1]} | {p:.2f} | {minutes:.1f} |")
    best = min(("diffaugment", "ada"), key=lambda views: medians[views, "distance"])
    ratio = medians[best, "distance"] / medians["none", "distance"]
    good = ratio <= DEMANDED and medians["none", "r_v"] > OVERFITTED and medians[best, "r_v"] < SOUND
    lines += [
        "",
        f"Floor {floor:.2f} (2,000 other training images); the {IMAGES:,} training images themselves {copies:.2f}. "
        f"{best} has {ratio:.2f} of the distance without views (demanded: {DEMANDED}), and r_v falls from "
        f"{medians['none', 'r_v']:.2f} to {medians[best, 'r_v']:.2f} (demanded: from above {OVERFITTED} to below "
        f"{SOUND}): {'met' if good else 'NOT met'}. {arguments.kimg:g},000 images seen by each.",
    ]
    text = "\n".join(lines) + "\n"
    (RESULTS / "small_data.md").write_text(text, "utf-8")
    print(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
