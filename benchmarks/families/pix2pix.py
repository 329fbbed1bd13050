"""Pix2Pix: texture that L1 blurs, and colours that L1 turns grey.

    python -m benchmarks.families.pix2pix [--seeds 3] [--quick]

Scenes: a map of three materials, 32x32 pixels, is translated to an image of sky, grass (noise) and bricks (of any
phase). The map does not determine the details of the texture. Gradient: mean squared difference of neighbouring pixels,
relative to the target images. Recognised: fraction of pixels whose material is recognised by a network trained on
target images, relative to its accuracy on the target images of the test set.

Colorization: sprites on a meadow are red or blue, independent of their shape; the input is the lightness, the output is
a and b of Lab. Intersection: of the histograms of a and b on the pixels of the sprites, 1 for equal histograms. Chroma:
its mean, relative to the true sprites.

Negative controls: an untrained generator, and the same training without a discriminator (L1 only), which must fail.
Ceiling: target images of the same maps with other textures, and the true colours of another draw.
"""

import argparse
import sys

import numpy as np

from benchmarks.journal import RESULTS, Journal

SIZE, TRAIN, TEST = 32, 2000, 256
SIZES = {"width": 16, "discriminator_depth": 1}
# The averaged weights are those of the last twentieth or so; the paper has none.
RECIPE = {"batch_size": 4, "jitter": 0.0, "flip": False, "ema_half_life": 1000.0, "steps_per_execution": 25}
STEPS = {"scenes": 8000, "colours": 4000}
VARIANTS = {"L1 alone (control)": {"adversarial_weight": 0.0}, "L1 + GAN": {}}
HEADS = {"scenes": ("gradient", "recognised", "psnr"), "colours": ("a", "b", "chroma")}


# The data ------------------------------------------------------------------------------------------------------------


def layouts(count, rng):
    """Returns maps of materials (0 sky, 1 grass, 2 bricks), integers of shape (count, SIZE, SIZE)."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    maps = np.zeros((count, SIZE, SIZE), int)
    for one in maps:
        one[:] = rows > rng.uniform(8, 18) + rng.uniform(-0.3, 0.3) * (columns - SIZE / 2)
        for top, left, height, width in rng.integers((2, 2, 10, 10), (16, 16, 20, 20), (2, 4)):
            one[top : top + height, left : left + width] = 2
    return maps


def painted(maps, rng):
    """Returns images of maps, with random textures and light."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    pictures = np.empty((*maps.shape, 3), "float32")
    for one, picture in zip(maps[..., None], pictures, strict=True):
        grass = np.array((-0.5, 0.1, -0.7)) + 0.3 * rng.standard_normal((SIZE, SIZE, 1))
        row, column = rows + rng.integers(6), columns + rng.integers(8)
        mortar = (row % 6 == 0) | ((column + 4 * (row // 6 % 2)) % 8 == 0)
        bricks = np.where(mortar[..., None], 0.6, np.array((0.3, -0.5, -0.7)))
        picture[:] = np.where(one == 0, np.array((-0.3, 0.2, 0.8)), np.where(one == 1, grass, bricks))
        picture += rng.uniform(-0.1, 0.1)
    return np.clip(pictures, -1, 1)


def sprites(count, split, rng):
    """Returns (lightness, masks) of shapes. The lightness of a shape does not determine its colour."""
    from kerasgan.data.builders.sprites import Sprites

    masks = Sprites().some(split, count)["image"][:, 12:52, 12:52].astype("float32") / 255.0
    masks = masks.repeat(4, axis=1).repeat(4, axis=2).reshape(count, SIZE, 5, SIZE, 5, 1).mean(axis=(2, 4))
    noise = rng.uniform(-1, 1, (count, 8, 8, 1)).repeat(4, axis=1).repeat(4, axis=2)
    return (np.where(masks > 0.5, 0.1, -0.3) + 0.15 * noise).astype("float32"), masks


def coloured(masks, rng):
    """Returns a and b, divided by 110, of red or blue sprites on green."""
    red = rng.random((len(masks), 1, 1, 1)) < 0.5
    colour = np.where(red, (60.0, 45.0), (10.0, -60.0)) + rng.normal(0, 4.0, (len(masks), 1, 1, 2))
    return ((masks * colour + (1 - masks) * np.array((-25.0, 25.0))) / 110.0).astype("float32")


# What is measured ----------------------------------------------------------------------------------------------------


def gradient_energy(images):
    """Returns the mean squared difference of neighbouring pixels."""
    return np.square(np.diff(images, axis=1)).mean() + np.square(np.diff(images, axis=2)).mean()


def recogniser(pictures, maps):
    """Trains a network on target images, and returns its accuracy for the materials of pixels as a function."""
    import keras
    from keras import layers

    network = keras.Sequential([keras.Input((SIZE, SIZE, 3))])
    for width in (16, 16, 16):
        network.add(layers.Conv2D(width, 5, padding="same", activation="relu"))
    network.add(layers.Conv2D(3, 1))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(2e-3), loss)
    network.fit(pictures, maps, batch_size=16, epochs=3, verbose=0)
    return lambda images, maps: float(np.mean(network.predict(images, verbose=0).argmax(-1) == maps))


def intersections(fakes, colours, masks):
    """Returns the intersections of histograms, and the ratio of chroma, on the pixels of sprites."""
    fakes, colours = fakes[masks], colours[masks]
    pairs = [[np.histogram(x[:, i], 44, (-1, 1))[0] / len(x) for x in (fakes, colours)] for i in range(2)]
    a, b = (float(np.minimum(*pair).sum()) for pair in pairs)
    return {"a": a, "b": b, "chroma": float(np.hypot(*fakes.T).mean() / np.hypot(*colours.T).mean())}


class Scenes:
    """Translation of maps to images."""

    def __init__(self, seed):
        from kerasgan.metrics import psnr

        rng = np.random.default_rng(seed)
        train, test = layouts(TRAIN, rng), layouts(TEST, rng)
        self.x, self.test_x = (2.0 * np.eye(3, dtype="float32")[maps] - 1.0 for maps in (train, test))
        self.y, self.test_y, self.another = (painted(maps, rng) for maps in (train, test, test))
        recognised = recogniser(self.y, train)
        true = recognised(self.test_y, test)
        self.judge = lambda fakes: {
            "gradient": float(gradient_energy(fakes) / gradient_energy(self.test_y)),
            "recognised": recognised(fakes, test) / true,
            "psnr": float(psnr(self.test_y, fakes, (-1, 1)).mean()),
        }

    def pictures(self, images):
        return images


class Colours:
    """Translation of lightness to colour."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        (self.x, masks), (self.test_x, test_masks) = sprites(TRAIN, "train", rng), sprites(TEST, "test", rng)
        self.y, self.test_y, self.another = (coloured(each, rng) for each in (masks, test_masks, test_masks))
        self.judge = lambda fakes: intersections(fakes, self.test_y, test_masks[..., 0] > 0.9)

    def pictures(self, images):
        from kerasgan.pictures.color import colorized

        x = self.test_x[: len(images)]
        return np.repeat(x, 3, axis=-1) if images.shape[-1] == 1 else colorized(x, images)


TASKS = {"scenes": Scenes, "colours": Colours}


def run(task, variant, seed, steps, draw=True):
    """Returns the scores of one training, and optionally writes rows of images to a file."""
    from kerasgan import Pix2Pix
    from kerasgan.pictures.images import grid, write_png
    from kerasgan.run import set_random_seed

    set_random_seed(seed)
    data = TASKS[task](seed)
    model = Pix2Pix(data.x.shape[1:], data.y.shape[-1], seed=seed, **SIZES)
    numbers = {"untrained": data.judge(model.translate(data.test_x))}
    model.compile(**RECIPE, **VARIANTS[variant])
    model.fit(data.x, data.y, epochs=-(-steps // (TRAIN // RECIPE["batch_size"])), verbose=0)
    found = model.translate(data.test_x)
    numbers |= {"found": data.judge(found), "raw weights": data.judge(model.translate(data.test_x, ema=False))}
    rows = [data.pictures(images[:12]) for images in (data.test_x, found, data.test_y)]
    if draw:
        suffix = "_l1" if VARIANTS[variant] else ""
        write_png(RESULTS / f"pix2pix_{task}{suffix}.png", grid(np.concatenate(rows), columns=12))
    return {**numbers, "ceiling": data.judge(data.another)}


def met(task, control, ours):
    """Returns whether medians meet the requirements."""
    if task == "scenes":
        return 0.8 <= ours["gradient"] <= 1.2 and control["gradient"] < 0.7 and ours["recognised"] >= 0.9
    gains = [ours[name] - control[name] for name in "ab"]
    return min(gains) >= 0.08 and control["chroma"] <= 0.7


DEMANDS = {
    "scenes": "demanded: gradient within .8 and 1.2 where L1 alone is below .7; recognised >= .9",
    "colours": "demanded: a and b each >= L1 alone + .08; chroma of L1 alone <= .7",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the steps, to see that it runs")
    parser.add_argument("--fresh", action="store_true")
    arguments = parser.parse_args()
    journal, lines, good = Journal("pix2pix" + "_quick" * arguments.quick, arguments.fresh), [], True
    for task, steps in STEPS.items():
        steps, medians, cpu_seconds = steps // 100 if arguments.quick else steps, {}, []
        for variant in VARIANTS:
            rows = [
                journal.once(
                    lambda task=task, variant=variant, seed=seed, steps=steps: run(
                        task, variant, seed, steps, draw=not arguments.quick
                    ),
                    task=task,
                    variant=variant,
                    seed=seed,
                    steps=steps,
                )
                for seed in range(arguments.seeds)
            ]
            cpu_seconds += [row["cpu_seconds"] for row in rows]
            names = {"untrained": "untrained (control)", "found": variant, "ceiling": "other true pictures (ceiling)"}
            for key, name in (names | {"raw weights": f"{variant}, raw weights"}).items():
                values = {head: float(np.median([row[key][head] for row in rows])) for head in HEADS[task]}
                medians[name] = values
        lines.append(
            f"Pix2Pix, {task}: {steps} steps of {RECIPE['batch_size']}, median of {arguments.seeds} seeds, "
            f"{np.median(cpu_seconds) / 60:.1f} CPU-minutes a training"
        )
        lines.append(f"{'':34}" + "".join(f"{head:>12}" for head in HEADS[task]))
        for name, values in medians.items():
            lines.append(f"{name:34}" + "".join(f"{value:12.3f}" for value in values.values()))
        passed = met(task, *(medians[variant] for variant in VARIANTS))
        good &= passed
        lines += [DEMANDS[task], "All demands met." if passed else "DEMANDS NOT MET.", ""]
    text = "\n".join(lines)
    print(text)
    if not arguments.quick:
        (RESULTS / "pix2pix.txt").write_text(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
