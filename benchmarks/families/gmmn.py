"""GMMN: all modes of a ring without a discriminator; GMMN+AE on digits, compared with held-out digits.

    python -m benchmarks.families.gmmn [--seeds 3] [--data ring digits] [--quick]

The ring of 8 Gaussians (with the protocol of benchmarks.modes2d): all 8 modes, a reverse KL of at most 0.02 and at
least 0.5 of the samples within three standard deviations of a mode. Digits, trained on one half: coverage of the other
half of at least 0.6, a squared discrepancy of at most 3 times that of the training images, and the p-value of the
permutation test of whether samples and held-out digits are distinguishable. The discrepancy is the biased estimate with
equal sample sizes, whose mean for two halves of real digits is not 0.

Negative controls: an untrained generator, and the same training with batches of 16, which are too small for a kernel.
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings
from benchmarks.journal import RESULTS

STEPS = {"ring": 1500, "digits": 15_000}
BATCHES, SMALL, EPOCH = {"ring": 1000, "digits": 449}, 16, 20  # of digits there are 898
RATE = 5e-3  # of the autoencoder's Adam
# The paper's dropout is for an autoencoder of 1024 units; this one of 256 blurs with it.
SIZES = {"latent_dim": 32, "units": (64, 256, 256), "code_dim": 32, "code_units": (256,), "dropout": (0.0, 0.0)}
CODE_BANDWIDTHS = (0.02, 0.05, 0.1, 0.3, 1.0, 3.0)  # two codes are 2 apart, squared, as the median
# In units of the variance of the points, from the width of a mode to the size of the ring.
BANDWIDTHS = (0.0002, 0.0025, 0.02, 0.15, 1.0, 4.0)


def adam(rate, steps):
    """Returns the configuration of Adam with a learning rate that decays to a hundredth along a cosine."""
    config = {"initial_learning_rate": rate, "decay_steps": steps, "alpha": 0.01}
    schedule = {"class_name": "CosineDecay", "config": config, "module": "keras.optimizers.schedules"}
    return {"class_name": "adam", "config": {"learning_rate": {**schedule, "registered_name": None}}}


def ring(seed, steps, batch_size):
    """Trains on the ring and evaluates 2,500 and 10,000 samples."""
    import keras

    from benchmarks.modes2d import draw, judge, mixture
    from kerasgan import GMMN

    points, *_ = mixture("ring")
    keras.utils.set_random_seed(seed)
    model = GMMN((2,), latent_dim=2, units=(128, 128, 128), seed=seed)
    model.compile(
        batch_size=batch_size,
        bandwidths=BANDWIDTHS,
        generator_optimizer=adam(1e-3, steps),
        ema_half_life=693.0 * batch_size,
        steps_per_execution=20,
        jit_compile=True,
    )
    untrained = judge(draw(model, "ring", 10_000, seed, ema=False), "ring")
    count = min(len(points), 20 * (len(points) // batch_size // 20) * batch_size)
    model.fit(points[:count], epochs=-(-steps * batch_size // count), verbose=0)
    samples = {name: draw(model, "ring", 10_000, seed, ema=name == "ema") for name in ("raw", "ema")}
    found = {name: judge(x, "ring") for name, x in samples.items()}
    return {"trained_steps": int(np.asarray(model.iterations)), "untrained": untrained, **found}


def biased(real, fake, bandwidth):
    """Returns the biased squared discrepancy of two sets over all pairs, float64 and never negative."""
    from kerasgan.metrics.distances import squared_distances

    kernels = [
        np.exp(squared_distances(a, b) / (-2 * bandwidth)) for a, b in ((real, real), (fake, fake), (real, fake))
    ]
    return float(kernels[0].mean() + kernels[1].mean() - 2 * kernels[2].mean())


def against_held_out(fakes, train_x, test_x):
    """Returns {"mmd": squared, biased, "ratio": to that of the training images, "p_value", "coverage", ...}."""
    from benchmarks.families.common import latent_quality
    from kerasgan import metrics
    from kerasgan.metrics.distances import squared_distances

    count = min(len(fakes), len(train_x), len(test_x))
    flat = [x[:count].reshape(count, -1).astype("float64") for x in (fakes, train_x, test_x)]
    bandwidth = float(np.median(squared_distances(flat[2], flat[2]))) / 2
    mmd, floor = (biased(x, flat[2], bandwidth) for x in flat[:2])
    p_value = metrics.mmd_test(flat[2], flat[0]).p_value
    return {"mmd": mmd, "ratio": mmd / floor, "p_value": p_value, **latent_quality(fakes, train_x, test_x)}


def digits(seed, steps, batch_size):
    """Trains GMMN+AE on one half of the digits and evaluates it on the other."""
    import keras

    from benchmarks.digits import halves, train
    from kerasgan import GMMNAE, metrics
    from kerasgan.pictures.images import grid, write_png

    train_x, test_x, _, _ = halves(seed)
    keras.utils.set_random_seed(seed)
    model = GMMNAE((8, 8, 1), seed=seed, **SIZES)
    first = steps // 3
    model.compile(
        batch_size=batch_size,
        bandwidths=CODE_BANDWIDTHS,
        autoencoder_steps=first,
        autoencoder_optimizer=adam(RATE, first),
        generator_optimizer=adam(1e-3, steps - first),
        steps_per_execution=EPOCH,
        jit_compile=True,
    )
    count = len(test_x)
    untrained = against_held_out(model.sample(count, seed), train_x, test_x)
    train(model, np.tile(train_x, (-(-EPOCH * batch_size // len(train_x)), 1, 1, 1))[: EPOCH * batch_size], None, steps)
    samples = model.sample(count, seed)
    flat = train_x.reshape(len(train_x), -1) / 2 + 0.5
    gaussian = 2 * metrics.controls.full_gaussian(flat, count, np.random.default_rng(seed)).reshape(test_x.shape) - 1
    decoded = model._in_batches(model.ema_decoder, keras.ops.convert_to_tensor(model.encode(test_x)), 256)
    if seed == 0 and batch_size > SMALL and steps == STEPS["digits"]:
        rows = [test_x[:30], decoded[:30], model.sample(100, 0)]
        write_png(RESULTS / "gmmn.png", grid(np.concatenate(rows), columns=10))
    return {
        "trained_steps": int(np.asarray(model.iterations)),
        "reconstruction_error": float(np.sqrt(np.mean((decoded - test_x) ** 2))) / 2,
        "untrained": untrained,
        "Gaussian": against_held_out(gaussian, train_x, test_x),
        "ours": against_held_out(samples, train_x, test_x),
        "real": against_held_out(train_x, train_x, test_x),
    }


def report_ring(rows, controls):
    from benchmarks.modes2d import judge
    from kerasgan import data

    real, _ = data.load("gaussians/ring", split="test", as_numpy=True)
    head = ("reached", "filled", "high_quality", "reverse_kl", "width")
    lines = [
        f"ring: {len(rows)} seeds, {rows[0]['steps']} steps of {BATCHES['ring']}, {_minutes(rows)} CPU-minutes a seed"
    ]
    lines.append(f"{'median, 2,500 samples':44}" + "".join(f"{name:>14}" for name in head))

    def line(name, some):
        values = [np.median([numbers["2500"][key] for numbers in some]) for key in head]
        lines.append(f"{name:44}" + "".join(f"{value:14.3f}" for value in values))

    line("untrained (negative control)", [row["untrained"] for row in rows])
    line(f"batches of {SMALL} (negative control)", [row["ema"] for row in controls])
    line("raw weights", [row["raw"] for row in rows])
    line("averaged weights", [row["ema"] for row in rows])
    line("real points (ceiling)", [judge(real, "ring")])

    def median(some, key):
        return np.median([row["ema"]["2500"][key] for row in some])

    checks = {
        "8 of 8 modes": median(rows, "reached") == 8,
        "reverse KL <= .02": median(rows, "reverse_kl") <= 0.02,
        "high quality >= .5": median(rows, "high_quality") >= 0.5,
        f"batches of {SMALL} fail": median(controls, "high_quality") < 0.5 or median(controls, "reverse_kl") > 0.02,
    }
    return lines, checks


def report_digits(rows, controls):
    head = ("mmd", "ratio", "p_value", "coverage", "recall", "frechet_distance", "nearest_neighbour")
    lines = [f"digits, GMMN+AE: {len(rows)} seeds, {rows[0]['steps']} steps, {_minutes(rows)} CPU-minutes a seed"]
    lines.append(f"{'median, against held-out digits':32}" + "".join(f"{name:>18}" for name in head))

    def line(name, some):
        values = [np.median([numbers[key] for numbers in some]) for key in head]
        lines.append(f"{name:32}" + "".join(f"{value:18.4f}" for value in values))

    line("untrained (negative control)", [row["untrained"] for row in rows])
    line(f"batches of {SMALL} (control)", [row["ours"] for row in controls])
    line("one full Gaussian", [row["Gaussian"] for row in rows])
    line("GMMN+AE", [row["ours"] for row in rows])
    line("real digits (ceiling)", [row["real"] for row in rows])
    errors = ", ".join(f"{row['reconstruction_error']:.3f}" for row in rows)
    lines.append(f"error of decoded codes of held-out digits, in [0, 1]: {errors}")
    lines.append("p-values of each seed: " + ", ".join(f"{row['ours']['p_value']:.3f}" for row in rows))

    def median(some, key):
        return np.median([row["ours"][key] for row in some])

    checks = {
        "squared discrepancy <= 3 times that of real digits": median(rows, "ratio") <= 3,
        "coverage >= .6": median(rows, "coverage") >= 0.6,
        f"batches of {SMALL} fail": median(controls, "ratio") > 3 or median(controls, "coverage") < 0.6,
    }
    return lines, checks


def _minutes(rows):
    return f"{np.median([row['cpu_seconds'] for row in rows]) / 60:.1f}"


def main():
    trainings, good = Trainings.asked_for(__doc__, "gmmn", STEPS), True
    for data in trainings.data:
        run, report = (ring, report_ring) if data == "ring" else (digits, report_digits)
        rows, controls = (
            trainings.rows(functools.partial(run, batch_size=batch), STEPS[data], data=data, batch=batch)
            for batch in (BATCHES[data], SMALL)
        )
        good &= trainings.report(data, *report(rows, controls))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
