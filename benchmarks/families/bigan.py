"""BiGAN: does the encoder invert the generator, and what do its features contain that pixels do not?

    python -m benchmarks.families.bigan [--seeds 3] [--data digits sizes sprites glyphs] [--quick]

Digits, trained on one half and evaluated on the other: the distance between images in [0, 1] and their reconstructions,
divided by the distance to the reconstruction of another image, for real images (EGr / EGr_b, at most 0.70) and
generated images (EGg / EGg_b, at most 0.65). The official log has 0.62 and 0.57 on MNIST, and 1 for an untrained
encoder, the negative control.

Sizes, sprites of 24 pixels with any shape, size, position and orientation, with the perceptrons of the digits: the
nearest of 1000 neighbours in the encoder's features must predict the size of an unseen sprite, one of six, 10 points
better than in pixels, better than in an untrained encoder's features, and as well as with the features of a latent
regressor: the same encoder, trained after the GAN to predict z from G(z). The discriminator has five times the learning
rate of the others.

Sprites of one size, 24 pixels: do features predict the shape (square, ellipse or heart), with convolutions and 300
neighbours? With 1000 neighbours pixels are already good: on seed 100 the features had 0.46 and the pixels 0.42 (chance
0.33), with 1000 neighbours 0.58 and 0.59; the features improved from 0.38 and 0.46 over the last third of the training,
when the learning rate had decayed.

Glyphs, the same task with more classes: the ten figures of many fonts, 8 pixels high, anywhere in an image of 20
pixels; 1000 neighbours.
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings
from benchmarks.journal import RESULTS

# With batch normalization, of real and of generated pairs apart, the discriminator does not see that images are mostly
# empty, and nothing is learned: EGr / EGr_b was 0.94 on glyphs and 0.99 on sprites, both smaller in a wider image.
MOVED = {"units": 256, "convolutional": True, "width": 32, "discriminator_normalization": None}
RUNS = {
    "digits": {"steps": 8000, "sizes": {"latent_dim": 16, "units": 512}},
    "sizes": {
        "steps": 6000,
        "sizes": {"latent_dim": 5, "units": 512, "discriminator_normalization": None},
        "rate": 2e-4,
        "discriminator_rate": 1e-3,
        "gamma": 10.0,
        "neighbours": 1000,
    },
    "sprites": {"steps": 24_000, "sizes": {"latent_dim": 8, **MOVED}, "rate": 5e-4, "gamma": 3.0, "neighbours": 300},
    "glyphs": {"steps": 12_000, "sizes": {"latent_dim": 16, **MOVED}, "neighbours": 1000},
}
BATCH = 64
SIDE, REACH, COPIES = 8, 6, 8
EPOCH = 14  # steps of a compiled call


def build(data, shape, seed, steps):
    """Returns a compiled BiGAN whose learning rate decays over the second half of the steps."""
    import keras

    from kerasgan import BiGAN
    from kerasgan.models.bigan import bigan_adam
    from kerasgan.objectives import penalties

    keras.utils.set_random_seed(seed)
    settings = RUNS[data]
    model = BiGAN(shape, seed=seed, **settings["sizes"])
    rate = settings.get("rate", 2e-4)
    adams = [bigan_adam(r, kimg=steps * BATCH / 2000) for r in (settings.get("discriminator_rate", rate), rate)]
    model.compile(
        batch_size=BATCH,
        steps_per_execution=EPOCH,
        penalties=(penalties.R1(settings["gamma"]),) if "gamma" in settings else (),
        discriminator_optimizer=adams[0],
        generator_optimizer=adams[1],
    )
    return model


def inversion(model, real, seed):
    """Returns EGr / EGr_b of real images and EGg / EGg_b of generated images."""

    def ratio(images):
        again = model.reconstruct(images)
        axes = tuple(range(1, images.ndim))
        own, other = (np.sqrt(np.square(x - again).sum(axes)).mean() for x in (images, np.roll(images, -1, axis=0)))
        return float(own / other)

    return {"EGr / EGr_b": ratio(real), "EGg / EGg_b": ratio(model.sample(len(real), seed))}


def digits(seed, steps):
    """Trains on one half of the digits and evaluates both directions on the other."""
    from benchmarks.digits import halves, train
    from kerasgan.metrics import nearest_neighbour_probe

    train_x, test_x, train_y, test_y = halves(seed)
    model = build("digits", (8, 8, 1), seed, steps)

    def known(change):
        return nearest_neighbour_probe(change(train_x), train_y, change(test_x), test_y)

    projection = np.random.default_rng(seed).normal(size=(64, 50))
    results = {"untrained": inversion(model, test_x, seed), "1-NN, untrained E(x)": known(model.encode)}
    train(model, train_x, None, steps)
    results |= {
        "ours": inversion(model, test_x, seed),
        "1-NN, E(x)": known(model.encode),
        "1-NN, features": known(model.features),
        "1-NN, pixels": known(lambda x: x),
        "1-NN, random projection": known(lambda x: x.reshape(len(x), -1) @ projection),
    }
    if seed == 0 and steps == RUNS["digits"]["steps"]:
        draw(model, test_x, "bigan_digits")
    return results


def draw(model, images, name):
    """Draws rows of real images, each with their reconstructions below, and then samples."""
    from kerasgan.pictures.images import grid, write_png

    pairs = [rows for x in np.split(images[:30], 3) for rows in (x, model.reconstruct(x))]
    write_png(RESULTS / f"{name}.png", grid(np.concatenate([*pairs, model.sample(40, 0)]), columns=10))


def cut(glyph):
    """Crops a glyph of shape (height, width) in [-1, 1] and scales its lit part to a height of SIDE pixels."""
    from PIL import Image

    rows, columns = (np.flatnonzero((glyph > -0.5).any(axis=axis)) for axis in (1, 0))
    part = Image.fromarray(glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    width = int(np.clip(round(part.width * SIDE / part.height), 2, SIDE))
    left = (SIDE - width) // 2
    small = np.full((SIDE, SIDE), -1.0, "float32")
    small[:, left : left + width] = part.resize((width, SIDE), Image.Resampling.BOX)
    return small


def glyphs(split, copies, seed):
    """Returns figures of the fonts of a split at random positions: images of 20 pixels in [-1, 1], and the figures."""
    from kerasgan.data import load

    x, y = load("glyphs/32", split, as_numpy=True)
    seen = (y >= 52) & (x > -0.5).any(axis=(1, 2, 3))
    small, y = np.stack([cut(glyph) for glyph in x[seen][..., 0]])[..., None], y[seen] - 52
    random = np.random.default_rng(seed)
    order = random.permutation(np.repeat(np.arange(len(small)), copies))
    size = SIDE + 2 * REACH
    images = np.full((len(order), size, size, 1), -1.0, "float32")
    places = random.integers(0, 2 * REACH + 1, (len(order), 2))
    for image, source, (row, column) in zip(images, order, places, strict=True):
        image[row : row + SIDE, column : column + SIDE] = small[source]
    return images, y[order]


def latent_regressor(model, steps, seed):
    """Returns the features of a new encoder that is trained to predict z from images of the averaged generator."""
    import keras
    from keras import ops

    encoder = keras.models.clone_model(model.encoder)
    encoder.compile(keras.optimizers.Adam(1e-3), "mse", jit_compile=False)
    count, batch = 50 * 64, 64
    for part in range(max(1, steps // 50)):
        latents = model.draw_latents(count, 1000 * (seed + 1) + part)
        encoder.fit(model.generate(latents, batch_size=256), ops.convert_to_numpy(latents), batch, verbose=0)
    return keras.Model(encoder.input, encoder.get_layer("features").output)


def sprites(split, known):
    """Returns sprites of a split, images of 24 pixels in [-1, 1] (the inner 48 of 64, halved), and their classes.

    Args:
        split: Split, "train" or "test".
        known: Class to return, "size" (one of six) or "shape" (one of three, of the largest sprites only).
    """
    from kerasgan.data import load

    x, y = load("sprites/grey", split, features=("label", "scale"), as_numpy=True)
    scales, size = np.unique(y["scale"], return_inverse=True)
    chosen = slice(40_000) if known == "size" else size == len(scales) - 1
    x = x[chosen][:, 8:56, 8:56].reshape(-1, 24, 2, 24, 2, 1).mean(axis=(2, 4))
    return np.ascontiguousarray(x), (size if known == "size" else y["label"])[chosen].astype(int)


def moved(data, seed, steps):
    """Trains on sprites or glyphs at random positions and compares the accuracy of features on unseen ones."""
    from benchmarks.digits import train
    from kerasgan.metrics import nearest_neighbour_probe

    if data == "glyphs":
        (train_x, train_y), (test_x, test_y) = glyphs("train", COPIES, seed), glyphs("test", 1, seed + 100)
    else:
        known = "size" if data == "sizes" else "shape"
        (train_x, train_y), (test_x, test_y) = sprites("train", known), sprites("test", known)
    model = build(data, train_x.shape[1:], seed, steps)
    few = RUNS[data]["neighbours"]

    def known(change):
        return nearest_neighbour_probe(change(train_x[:few]), train_y[:few], change(test_x[:2000]), test_y[:2000])

    results = {"untrained": inversion(model, test_x[:1000], seed), "1-NN, untrained features": known(model.features)}
    train(model, train_x, None, steps)
    regressor = latent_regressor(model, steps // 4, seed)
    results |= {
        "ours": inversion(model, test_x[:1000], seed),
        "1-NN, features": known(model.features),
        "1-NN, E(x)": known(model.encode),
        "1-NN, pixels": known(lambda x: x),
        "1-NN, latent regressor's features": known(lambda x: regressor.predict(x, batch_size=256, verbose=0)),
        "1-NN, pixels without the shift": known(unshifted),
        "small classifier with all labels, 3 epochs": supervised(train_x, train_y, test_x, test_y, seed),
    }
    if seed == 0 and steps == RUNS[data]["steps"]:
        draw(model, test_x, f"bigan_{data}")
    return results


def supervised(train_x, train_y, test_x, test_y, seed):
    """Returns the accuracy of a small convolutional network that is trained with all labels, as an upper bound."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    convolutions = [layers.Conv2D(width, 3, 2, "same", activation="relu") for width in (16, 32, 64)]
    network = keras.Sequential([*convolutions, layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)])
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    network.fit(train_x, train_y, batch_size=64, epochs=3, verbose=0)
    return float(network.evaluate(test_x[:2000], test_y[:2000], verbose=0)[1])


def unshifted(images):
    """Returns the images with the lit part moved into a corner."""
    result = np.full_like(images, -1.0)
    for image, target in zip(images, result, strict=True):
        rows, columns = (np.flatnonzero((image[..., 0] > -0.5).any(axis=axis)) for axis in (1, 0))
        if not (rows.size and columns.size):  # too faint
            continue
        part = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        target[: part.shape[0], : part.shape[1]] = part
    return result


def report(data, rows):
    """Returns rows of a table with medians and each seed's values, and the checks."""
    minutes = np.median([row["cpu_seconds"] for row in rows]) / 60
    lines = [f"{data}: {len(rows)} seeds, {rows[0]['steps']} steps, {minutes:.1f} CPU-minutes a seed"]
    lines.append(f"{'':48}{'median':>8}   each seed")

    def line(name, values):
        lines.append(f"{name:48}{np.median(values):8.3f}   " + ", ".join(f"{value:.3f}" for value in values))
        return float(np.median(values))

    found = {}
    for key in ("EGr / EGr_b", "EGg / EGg_b"):
        before = [row["untrained"][key] for row in rows]
        found[f"{key}, untrained"] = line(f"{key}, untrained (negative control)", before)
        found[key] = line(key, [row["ours"][key] for row in rows])
    for key in (key for key in rows[-1] if key.startswith(("1-NN", "small classifier"))):
        found[key] = line(key, [row[key] for row in rows])
    if data == "digits":
        controls = min(found["EGr / EGr_b, untrained"], found["EGg / EGg_b, untrained"])
        return lines, {
            "EGr / EGr_b <= .70": found["EGr / EGr_b"] <= 0.70,
            "EGg / EGg_b <= .65": found["EGg / EGg_b"] <= 0.65,
            "an untrained encoder fails both": controls > 0.70,
        }
    features = found["1-NN, features"]
    return lines, {
        "features know 10 points more than pixels": features >= found["1-NN, pixels"] + 0.10,
        "and no less than a latent regressor's": features >= found["1-NN, latent regressor's features"],
        "and more than an untrained encoder's": features > found["1-NN, untrained features"],
    }


def main():
    trainings, good = Trainings.asked_for(__doc__, "bigan", RUNS), True
    for data in trainings.data:
        run = digits if data == "digits" else functools.partial(moved, data)
        rows = trainings.rows(run, RUNS[data]["steps"], data=data)
        good &= trainings.report(data, *report(data, rows))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
