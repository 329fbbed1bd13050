"""SimGAN: is a regressor that learns from refined images better on real ones, and do the labels remain right?

    python -m benchmarks.families.simgan [--seeds 3] [--quick]

Synthetic images: keys of random proportions and places, 24x24 pixels, at angles of -60 to 60 degrees, with the faint
grain of a renderer (from which the refiner, which has no noise input, can make noise). "Real" images: other keys of the
same generator through a sensor with blur, gain, offset, light from the left and noise; their angles are hidden. Both
are drawn by the functions of the data set `sensor_keys`, with a seed for each training.

Requirements: the mean absolute error, on unseen real images, of a small regressor of the angle that is trained on
refined images is at most 0.8 of that of the same regressor trained on the synthetic ones. An independent regressor
that is trained on clean and degraded keys finds the angles of refined images within 2 degrees on average. Without
self-regularisation this label error is larger. Without the memory of earlier images the refiner oscillates more (the
mean absolute change of refined images from one twentieth of the training to the next, over its second half), and the
regressor's error is larger. Controls: the regressor trained on synthetic images, also with noise of the sensor's
strength, and on real images with their angles (ceiling).
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings
from kerasgan.data.builders.sensor_keys import LIMIT, NOISE, PIXELS, keys, sensed

TRAIN, TEST, JUDGE = 4800, 1000, 16_000
STEPS, BATCH, PARTS = 3000, 32, 20
SIZES = {"width": 16, "blocks": 2, "discriminator_widths": (24, 32, 32, 16)}
# With a weight of 1 the label error was 3.1 degrees (one seed).
RECIPE = {"batch_size": BATCH, "regularization_weight": 4.0, "pool_size": 3200}
VARIANTS = {
    "SimGAN": {},
    "no self-regularisation": {"regularization_weight": 0.0},
    "no memory": {"pool_size": 0},
}


# What is measured ----------------------------------------------------------------------------------------------------


def regressor(images, angles, seed, epochs, width=16):
    """A small network that is trained to tell angles, as a function of images to degrees."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    convolution = functools.partial(layers.Conv2D, strides=2, padding="same", activation="relu")
    hidden = [convolution(width, 5), convolution(2 * width, 3), convolution(3 * width, 3)]
    top = [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(1)]
    network = keras.Sequential([keras.Input((PIXELS, PIXELS, 1)), *hidden, *top])
    steps = epochs * (len(images) // 64)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, max(1, steps))
    network.compile(keras.optimizers.Adam(rate), "mse", steps_per_execution=10, jit_compile=False)
    network.fit(images, angles / LIMIT, batch_size=64, epochs=epochs, verbose=0)
    return lambda x: LIMIT * network.predict(x, batch_size=250, verbose=0)[:, 0]


def epochs_of(steps):
    """Number of epochs of the regressors and of the independent one: one each where it is only seen that it runs."""
    return (25, 20) if steps >= STEPS else (1, 1)


def error(tell, images, angles):
    """Mean absolute error in degrees."""
    return float(abs(tell(images) - angles).mean())


@functools.cache
def independent_judge(seed, epochs):
    """A regressor of angles for clean and degraded keys, and its own errors on unseen ones of both kinds."""
    random = np.random.default_rng(10_000 + seed)
    images, angles = keys(JUDGE, random)
    tell = regressor(sensed(images, random, weakest=0.0), angles, 10_000 + seed, epochs, width=24)
    images, angles = keys(TEST, random)
    floor = {"clean": error(tell, images, angles), "real": error(tell, sensed(images, random), angles)}
    return tell, floor


class Data:
    """Synthetic images with angles, real ones with hidden angles, and unseen real ones.

    Args:
        seed: Random seed of the images and of the regressors that learn from them.
        epochs: Number of epochs of these regressors.
    """

    def __init__(self, seed, epochs):
        self.seed, self.epochs = seed, epochs
        random = np.random.default_rng(seed)
        self.x, self.angles = keys(TRAIN, random)
        clean, self.hidden = keys(TRAIN, random)
        self.y = sensed(clean, random)
        clean, self.test_angles = keys(TEST, random)
        self.test = sensed(clean, random)

    def error_with(self, images, angles):
        """Error on unseen real images of a regressor that is trained on images."""
        return error(regressor(images, angles, self.seed, self.epochs), self.test, self.test_angles)


def controls(seed, steps):
    """Errors of the regressors that need no refiner, and of the independent one."""
    data = Data(seed, epochs_of(steps)[0])
    noisy = np.clip(data.x + np.random.default_rng(seed).normal(0, NOISE, data.x.shape), -1, 1).astype("float32")
    _, floor = independent_judge(seed, epochs_of(steps)[1])
    return {
        "synthetic": data.error_with(data.x, data.angles),
        "synthetic with noise": data.error_with(noisy, data.angles),
        "real with their angles (ceiling)": data.error_with(data.y, data.hidden),
        "floor, clean": floor["clean"],
        "floor, real": floor["real"],
    }


def run(variant, seed, steps):
    """Trains a refiner and measures its images."""
    import keras

    from kerasgan import SimGAN
    from kerasgan.pictures.images import grid, write_png

    data = Data(seed, epochs_of(steps)[0])
    keras.utils.set_random_seed(seed)
    model = SimGAN((PIXELS, PIXELS, 1), seed=seed, **SIZES)
    spent = {"warm_up_steps": steps // 10, "discriminator_steps": steps // 50}
    model.compile(**RECIPE | VARIANTS[variant] | spent, steps_per_execution=3)
    each, before, changes = max(3, steps // PARTS // 3 * 3), None, []
    for part in range(PARTS):
        logs = model.fit(data.x, data.y, steps_per_epoch=each, initial_epoch=part, epochs=part + 1, verbose=0).history
        now = model.refine(data.x[:200], ema=False)
        if part > PARTS // 2:
            changes.append(float(abs(now - before).mean()))
        before = now
    refined = model.refine(data.x)
    tell, _ = independent_judge(seed, epochs_of(steps)[1])
    if seed == 0 and steps == STEPS:
        from benchmarks.journal import RESULTS

        rows = [data.x[:12], refined[:12], data.y[:12]]
        name = variant.lower().replace(" ", "_").replace("-", "_")
        write_png(RESULTS / f"simgan_keys_{name}.png", grid(np.concatenate(rows), columns=12, scale=2))
    return {
        "error": data.error_with(refined, data.angles),
        "label error": error(tell, refined[:TEST], data.angles[:TEST]),
        "oscillation": float(np.mean(changes)),
        "change of images": float(abs(refined - data.x).mean()),
        "contrast": float(refined.std() / data.y.std()),
        "logits": float(np.mean(logs["real_logits"]) - np.mean(logs["fake_logits"])) if "real_logits" in logs else 0.0,
    }


def main():
    asked = Trainings.asked_for(__doc__, "simgan", ["keys"])
    known = asked.rows(controls, STEPS, kind="controls")
    found = {name: asked.rows(functools.partial(run, name), STEPS, kind=name) for name in VARIANTS}

    def median(rows, head):
        return float(np.median([row[head] for row in rows]))

    spent = sum(median(rows, "cpu_seconds") for rows in (known, *found.values()))
    lines = [
        f"SimGAN on keys, {known[0]['steps']} steps of {BATCH}; medians of {len(known)} seed(s)",
        f"{spent / 60:.1f} CPU-minutes a seed; mean absolute errors in degrees",
    ]
    heads = [head for head in known[0] if head not in ("kind", "steps", "seed", "cpu_seconds")]
    plain = {head: median(known, head) for head in heads}
    lines += [f"{head:36}{value:8.2f}" for head, value in plain.items()]
    heads = [head for head in found["SimGAN"][0] if head not in ("kind", "steps", "seed", "cpu_seconds")]
    table = {name: {head: median(rows, head) for head in heads} for name, rows in found.items()}
    lines.append(f"{'':24}" + "".join(f"{head:>18}" for head in heads))
    lines += [f"{name:24}" + "".join(f"{x:18.3f}" for x in row.values()) for name, row in table.items()]
    for head in ("error", "label error", "oscillation"):
        each = (f"{name} " + ", ".join(f"{row[head]:.3f}" for row in rows) for name, rows in found.items())
        lines.append(f"{head} of each seed: " + "; ".join(each))
    full, free, forgetful = table.values()
    checks = {
        "error of refined images at most 0.8 of that of synthetic ones": full["error"] <= 0.8 * plain["synthetic"],
        "labels are kept within 2 degrees": full["label error"] <= 2,
        "without self-regularisation the label error is larger": free["label error"] > full["label error"],
        "without the memory the refiner oscillates more": forgetful["oscillation"] > full["oscillation"],
        "without the memory the error is larger": forgetful["error"] > full["error"],
    }
    return asked.report("keys", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
