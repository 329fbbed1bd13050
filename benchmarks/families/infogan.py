"""InfoGAN: the meaning that codes acquire without labels.

    python -m benchmarks.families.infogan [--seeds 5] [--data digits sprites] [--quick]

Digits, trained on one half: the information L_I of the ten-valued code must reach 0.9 ln 10. Q predicts the code of the
real digits of the other half; with its ten values matched to the classes, the accuracy must be 0.85 for the best seed
and 0.787 (k-means has 0.77 to 0.81) for the median. Sprites at 24 pixels: each continuous code must rank generated
images like a factor (position or size), |Spearman| >= 0.9; a regressor trained on drawn sprites measures the factors.

Negative control, as in figure 1 of the paper: Q is trained in the same way, but the generator does not use its loss.
Its L_I must be below 0.3 and its best |Spearman| below 0.4.
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings
from benchmarks.journal import RESULTS
from kerasgan import InfoGAN, LatentModel
from kerasgan.run import set_random_seed

CLASSES, FACTORS = 10, ("x", "y", "scale")
RUNS = {
    "digits": {
        "arguments": {"noise_dim": 30, "width": 32, "units": 256},
        "recipe": {"batch_size": 64, "steps_per_execution": 14},
        "steps": 5000,
        "seeds": 5,
    },
    # Most of an image is empty: batch normalization, of real and of generated images apart, would hide that from the
    # discriminator, and the generator would stay empty. The codes' information weighs more than in the paper, for the
    # generator to prefer them to the noise.
    "sprites": {
        "arguments": {
            "noise_dim": 8,
            "categorical": (),
            "width": 16,
            "units": 128,
            "discriminator_normalization": None,
        },
        "recipe": {
            "batch_size": 64,
            "steps_per_execution": 10,
            "continuous_information": 20.0,
        },
        "steps": 12_000,
        "seeds": 3,
    },
}


class Uninformed(InfoGAN):
    """The control: the generator minimises the plain GAN loss."""

    generator_loss = LatentModel.generator_loss


def build(data, image_shape, seed, informed, recipe=None):
    """Returns an InfoGAN, or the control."""
    set_random_seed(seed)
    model = (InfoGAN if informed else Uninformed)(image_shape, seed=seed, **RUNS[data]["arguments"])
    model.compile(**{**RUNS[data]["recipe"], **(recipe or {})})
    return model


def code_information(model, seed, ema, count=2000):
    """Returns L_I of the first code in nats, of new samples with the trained Q."""
    from scipy.special import log_softmax

    size = model.categorical[0]
    codes = np.full((count, len(model.categorical) + model.continuous), np.nan)
    codes[:, 0] = np.arange(count) % size
    told = model.read_head("codes", model.sample(count, seed, codes=codes, ema=ema))[:, :size]
    return float(np.log(size) + log_softmax(told, axis=1)[np.arange(count), np.arange(count) % size].mean())


def matched_accuracy(found, labels, classes=CLASSES):
    """Returns the accuracy of a clustering whose clusters are matched one to one to the classes."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((classes, classes))
    np.add.at(table, (found.astype(int), labels), 1)
    return float(table[linear_sum_assignment(-table)].sum() / len(labels))


def digits(model, seed, steps):
    from sklearn.cluster import KMeans
    from sklearn.svm import SVC

    from benchmarks.digits import halves, train

    train_x, test_x, train_y, test_y = halves(seed)
    untrained = matched_accuracy(model.infer_codes(test_x)[:, 0], test_y)
    minutes = train(model, train_x, None, steps) / 60
    flat_train, flat_test = train_x.reshape(len(train_x), -1), test_x.reshape(len(test_x), -1)
    clusters = KMeans(CLASSES, n_init=10, random_state=seed).fit(flat_train).predict(flat_test)
    return {
        "minutes": minutes,
        "information": code_information(model, seed, ema=False),
        "information of averaged weights": code_information(model, seed, ema=True),
        "accuracy": matched_accuracy(model.infer_codes(test_x)[:, 0], test_y),
        "untrained": untrained,
        "k-means": matched_accuracy(clusters, test_y),
        "supervised": float(SVC(C=10.0).fit(flat_train, train_y).score(flat_test, test_y)),
    }


def moments(images):
    """Returns mass, centre, spread and skewness of the brightness of images of shape (count, size, size, 1)."""
    light = np.clip(images[..., 0].astype("float64") / 2 + 0.5, 0, 1)
    mass = light.sum((1, 2)) + 1e-6
    place = np.linspace(-1, 1, light.shape[1])
    x, y = (light.sum(axis) @ place / mass for axis in (1, 2))
    right, down = place[None, None, :] - x[:, None, None], place[None, :, None] - y[:, None, None]
    powers = [(i, j) for i in range(5) for j in range(5) if 2 <= i + j <= 4]
    central = [(light * right**i * down**j).sum((1, 2)) / mass for i, j in powers]
    return np.stack([np.sqrt(mass), x, y, *central], axis=1)


class FactorReader:
    """Predicts position and scale of sprites by boosted trees on moments. `ceiling` is its score on unseen sprites."""

    def __init__(self, train_x, train_factors, test_x, test_factors):
        from scipy.stats import spearmanr
        from sklearn.ensemble import HistGradientBoostingRegressor

        known = moments(train_x)
        self.regressors = {
            name: HistGradientBoostingRegressor(random_state=0).fit(known, train_factors[name]) for name in FACTORS
        }
        found = self(test_x)
        self.ceiling = {name: abs(float(spearmanr(found[name], test_factors[name])[0])) for name in FACTORS}
        self.errors = {name: float(np.abs(found[name] - test_factors[name]).mean()) for name in FACTORS}

    def __call__(self, images):
        known = moments(images)
        return {name: regressor.predict(known) for name, regressor in self.regressors.items()}


def load_sprites(split, count):
    """Returns sprites, the inner 48 of 64 pixels at half the size, and their factors."""
    from kerasgan.data import load

    x, y = load("sprites/grey", split, features=FACTORS, as_numpy=True)
    x = x[:count, 8:56, 8:56].reshape(-1, 24, 2, 24, 2, 1).mean(axis=(2, 4))
    return x, {name: values[:count] for name, values in y.items()}


def rank_correlations(model, reader, seed, count=2000):
    """Returns |Spearman| between codes and factors of the generated images, of shape (codes, factors)."""
    from scipy.stats import spearmanr

    codes = np.full((count, len(model.categorical) + model.continuous), np.nan)
    codes[:, len(model.categorical) :] = np.random.default_rng(seed).uniform(-1, 1, (count, model.continuous))
    factors = reader(model.sample(count, seed, codes=codes))
    return np.abs([[spearmanr(c, factors[name])[0] for name in FACTORS] for c in codes.T[len(model.categorical) :]])


def sprites(model, seed, steps):
    from benchmarks.digits import train

    train_x, train_factors = load_sprites("train", 20_000)
    few = 6_000  # are enough for the regressor
    drawn = {name: values[:few] for name, values in train_factors.items()}
    reader = FactorReader(train_x[:few], drawn, *load_sprites("test", 2_000))
    untrained = rank_correlations(model, reader, seed).max(axis=1)
    minutes = train(model, train_x, None, steps) / 60
    found = rank_correlations(model, reader, seed)
    return {
        "minutes": minutes,
        "correlations": found.tolist(),
        "best of each code": found.max(axis=1).tolist(),
        "untrained": untrained.tolist(),
        "ceiling": reader.ceiling,
        "errors": reader.errors,
    }


def run(data, informed, seed, steps, recipe=None):
    """Trains and evaluates one seed, and draws walks along the codes of the first seed."""
    from kerasgan.pictures.images import grid, write_png

    shape, judge = ((8, 8, 1), digits) if data == "digits" else ((24, 24, 1), sprites)
    model = build(data, shape, seed, informed, recipe)
    numbers = judge(model, seed, steps)
    if seed == 0:
        first = len(model.categorical)
        walks = [model.walk(code, np.resize(np.arange(size), 10)) for code, size in enumerate(model.categorical)]
        walks += [model.walk(first + code, rows=5, seed=1) for code in range(model.continuous)]
        suffix = "" if informed else "_control"
        write_png(RESULTS / f"infogan_{data}{suffix}.png", grid(np.concatenate(walks), columns=10))
    return {"trained_steps": int(np.asarray(model.iterations)), **numbers}


def report_digits(rows, controls):
    full = np.log(CLASSES)
    accuracy, information = ([row[key] for row in rows] for key in ("accuracy", "information"))
    lines = [
        _head("digits", rows),
        f"{'':44}{'median':>9}{'best':>9}   each seed",
    ]

    def line(name, values):
        each = ", ".join(f"{value:.3f}" for value in values)
        lines.append(f"{name:44}{np.median(values):9.3f}{max(values):9.3f}   {each}")

    line("L_I in nats (ceiling ln 10 = 2.303)", information)
    line("L_I, averaged weights", [row["information of averaged weights"] for row in rows])
    line("L_I, generator not led (control)", [row["information"] for row in controls])
    line("accuracy of codes on real digits", accuracy)
    line("accuracy, generator not led", [row["accuracy"] for row in controls])
    line("accuracy, untrained", [row["untrained"] for row in rows])
    line("k-means (baseline)", [row["k-means"] for row in rows])
    line("SVC with labels (ceiling)", [row["supervised"] for row in rows])
    checks = {
        "L_I >= .9 ln 10": np.median(information) >= 0.9 * full,
        "control's L_I < .3 (median)": np.median([row["information"] for row in controls]) < 0.3,
        "best accuracy >= .85": max(accuracy) >= 0.85,
        "median accuracy >= .787": np.median(accuracy) >= 0.787,
    }
    return lines, checks


def report_sprites(rows, controls):
    lines = [
        _head("sprites", rows),
        f"regressor on unseen sprites (ceiling), |Spearman|: {_named(rows[0]['ceiling'])}; "
        f"mean error: {_named(rows[0]['errors'])}",
        f"{'|Spearman| of each code with ' + ', '.join(FACTORS):48}",
    ]
    for name, some in (("InfoGAN", rows), ("generator not led (control)", controls)):
        for row in some:
            table = "   ".join(", ".join(f"{value:.3f}" for value in code) for code in row["correlations"])
            what = f"{name}, seed {row['seed']}"
            lines.append(f"{what:48}{table}")
    lines.append(f"{'untrained':48}" + "   ".join(f"{value:.3f}" for value in rows[0]["untrained"]))
    worst = [min(row["best of each code"]) for row in rows]
    checks = {
        "|Spearman| >= .9 of each code (median of seeds)": np.median(worst) >= 0.9,
        "control's best < .4": max(max(row["best of each code"]) for row in controls) < 0.4,
    }
    return lines, checks


def _head(data, rows):
    minutes = np.median([row["minutes"] for row in rows])
    return f"{data}: {len(rows)} seeds, {rows[0]['trained_steps']} steps, {minutes:.1f} CPU-minutes"


def _named(values):
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def main():
    trainings, good = Trainings.asked_for(__doc__, "infogan", RUNS), True
    for data in trainings.data:
        rows, controls = (
            trainings.rows(
                functools.partial(run, data, informed),
                RUNS[data]["steps"],
                RUNS[data]["seeds"],
                data=data,
                informed=informed,
            )
            for informed in (True, False)
        )
        good &= trainings.report(data, *(report_digits if data == "digits" else report_sprites)(rows, controls))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
