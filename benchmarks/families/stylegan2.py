"""StyleGAN2: are its sprites better than a DCGAN's, are its styles even and untangled, and can they be found again?

    python -m benchmarks.families.stylegan2 [--seeds 1] [--quick]

Grey sprites of known factors (shape, scale, orientation, x and y) at 32 pixels, without labels, for models that see the
same number of images in batches of the same size: StyleGAN2 with the path length's penalty, the same without it, and
DCGANs whose networks have about as many parameters, without and with R1. The published classifier of sprites, which was
trained on drawn ones, gives the features of all distances and reads the factors of pictures. Requirements:

1. The Fréchet distance to held-out sprites is at most that of the better DCGAN.
2. The coefficient of variation of |J^T y| over samples is at most 0.7 times that of the model without the penalty.
3. A linear regression explains at least as much of the factors from w as from z, which have the same length.
4. As truncation goes from 1 over 0.7 to 0.4, precision rises and recall falls.
5. Pictures that the model generated are found again from W with 30 dB, and held-out sprites are reproduced better from
   W+ than from W, and better from W than from Z.
6. Of the 16 first directions of SeFa, and of GANSpace, some move one factor at least 3 times as far as any other, for
   at least 3 factors. A move is the absolute mean of the changes of the factor, in its standard deviations, from one
   standard deviation of the codes before their place to one behind it; moves below a quarter do not count. Of 16 random
   directions fewer than 3 factors are expected.

Trained models are kept in `runs/benchmarks`, so that an interrupted benchmark can be resumed.
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings, kept
from benchmarks.journal import RESULTS

STEPS, BATCH, SIZE, TRAIN = 5000, 32, 32, 40_000
STYLES = {"latent_dim": 32, "style_dim": 32, "channel_base": 256, "channel_max": 64, "depth": 2}
# Without normalization in the discriminator, which would hide from it how much of an image is empty.
CONVOLUTIONS = {"latent_dim": 32, "width": 24, "generator_width": 16, "discriminator_normalization": None}
MODELS = ("regularized", "plain", "DCGAN", "DCGAN with R1")
JUDGED, NEIGHBOURS = 5000, 2000  # samples of Fréchet distances, and of precision and recall
DIRECTIONS, CODES = 16, 100
FACTORS = ("shape", "scale", "orientation", "x", "y")


def sprites(split):
    """Sprites of 32 pixels, and their factors."""
    from kerasgan.data import load

    names = ("label", "scale", "orientation", "x", "y", "symmetry")
    return load("sprites/grey", split, SIZE, features=names, as_numpy=True)


def spelled(name):
    return name.lower().replace(" ", "_")


def build(name, seed):
    """A compiled model."""
    from kerasgan import DCGAN, StyleGAN2
    from kerasgan.objectives.penalties import R1
    from kerasgan.run import set_random_seed

    set_random_seed(seed)
    if name.startswith("DCGAN"):
        model = DCGAN((SIZE, SIZE, 1), seed=seed, **CONVOLUTIONS)
        model.compile(batch_size=BATCH, penalties=(R1(0.1, interval=4),) if name == "DCGAN with R1" else ())
        return model
    model = StyleGAN2((SIZE, SIZE, 1), seed=seed, **STYLES)
    model.compile(recipe="small", batch_size=BATCH, path_weight=2.0 if name == "regularized" else 0.0)
    return model


def trained(name, seed, steps):
    """A trained model, and the minutes of processor time that it took."""

    def fit(model, steps):
        x, count = sprites("train")[0][:TRAIN], steps * BATCH
        model.fit(x[:count], epochs=max(1, round(count / len(x))), verbose=0)

    return kept("stylegan2", name, seed, steps, lambda: build(name, seed), fit)


# Factors of pictures -------------------------------------------------------------------------------------------------


def read(judge, images):
    """The factors of pictures as the classifier sees them, {name: array of shape (count, ...)}.

    Scale, x and y are the means of what it holds for possible, the shape is its probabilities, and of the orientation
    there is the phase, in turns of the shape's symmetry: all that can be seen.
    """
    from kerasgan.data.builders.sprites import ORIENTATIONS, SYMMETRIES
    from kerasgan.metrics.features.network import softmax

    told = {
        name: softmax(logits) for name, logits in judge.outputs(np.clip(images, -1, 1)).items() if name != "features"
    }
    found = {name: told[name] @ np.linspace(0, 1, told[name].shape[1]) for name in ("scale", "x", "y")}
    symmetry = np.array(SYMMETRIES)[told["label"].argmax(axis=1)]
    return {**found, "shape": told["label"], "orientation": told["orientation"].argmax(1) * symmetry / ORIENTATIONS % 1}


def columns(factors):
    """The factors as columns for a regression: the orientation's phase by its cosine and sine."""
    phase = 2 * np.pi * factors["orientation"]
    turned = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    return {**{name: np.reshape(factors[name], (len(phase), -1)) for name in FACTORS}, "orientation": turned}


def changes(before, after):
    """Absolute means of the changes of each factor, in standard deviations of uniformly distributed ones."""
    from kerasgan.data.builders.sprites import PLACES, SCALES

    moved = {name: abs(np.mean(after[name] - before[name])) for name in ("scale", "x", "y")}
    levels = {"scale": SCALES, "x": PLACES, "y": PLACES}
    moved = {name: value / np.linspace(0, 1, levels[name]).std() for name, value in moved.items()}
    moved["shape"] = np.abs((after["shape"] - before["shape"]).mean(axis=0)).max() / np.sqrt(2 / 9)
    same = after["shape"].argmax(axis=1) == before["shape"].argmax(axis=1)
    turned = (after["orientation"] - before["orientation"] + 0.5) % 1 - 0.5
    moved["orientation"] = abs(turned[same].mean()) * np.sqrt(12) if same.any() else 0.0
    return {name: float(moved[name]) for name in FACTORS}


# Measurements --------------------------------------------------------------------------------------------------------


def path_variation(model, seed, count=2000, batch=100):
    """Mean and coefficient of variation of |J^T y| over samples."""
    from keras import ops

    from kerasgan.latent_space import LatentSpace
    from kerasgan.objectives.regularizers import path_lengths

    codes, random = LatentSpace(model, "w").draw(count, seed), np.random.default_rng(seed)
    generator = model.inference(model.ema_generator)

    def lengths(styles, noise):
        return path_lengths(lambda each: generator.graph(each, 0, 1.0, True), model.spread(styles), noise)

    compiled, found = model.compiled_function(lengths), []
    for begin in range(0, count, batch):
        noise = random.normal(size=(batch, *model.image_shape)).astype("float32")
        parts = (ops.convert_to_tensor(each) for each in (codes[begin : begin + batch], noise))
        found.append(ops.convert_to_numpy(compiled(*parts)))
    found = np.concatenate(found)
    return {"path length": float(found.mean()), "variation": float(found.std() / found.mean())}


def explained(model, judge, seed, count=10_000):
    """The share of each factor's variance that a linear regression explains from z and from w, of unseen samples."""
    from sklearn.linear_model import LinearRegression

    from kerasgan.latent_space import LatentSpace

    spaces = {space: LatentSpace(model, space) for space in ("z", "w")}
    codes = {space: each.draw(count, seed) for space, each in spaces.items()}
    targets = columns(read(judge, spaces["w"].images(codes["w"])))
    half = count // 2
    return {
        f"from {space}": {
            name: float(LinearRegression().fit(x[:half], y[:half]).score(x[half:], y[half:]))
            for name, y in targets.items()
        }
        for space, x in codes.items()
    }


def truncated(model, judge, test, seed):
    """Precision and recall of truncated samples."""
    from kerasgan import metrics

    found = {}
    for psi in (1.0, 0.7, 0.4):
        samples = np.clip(model.sample(NEIGHBOURS, seed, truncation=psi), -1, 1)
        scores = metrics.precision_recall_density_coverage(test[:NEIGHBOURS], samples, features=judge)
        found[str(psi)] = {"precision": scores.precision, "recall": scores.recall}
    return found


def decibels(images, found):
    """The median peak signal-to-noise ratio of pictures in [-1, 1]."""
    errors = np.square(np.clip(found, -1, 1) - images).mean(axis=(1, 2, 3))
    return float(np.median(10 * np.log10(4 / np.maximum(errors, 1e-12))))


def projected(model, test, seed, count=16):
    """Peak signal-to-noise ratios of pictures found again, and the pictures: real ones, then those of Z, W and W+."""
    from kerasgan.latent_space import LatentSpace

    real, rows, found = test[:count], [test[:count]], {}
    for name in ("z", "w", "w+"):
        space = LatentSpace(model, name)
        rows.append(space.project(real, seed=seed).images)
        found[f"real from {name}"] = decibels(real, rows[-1])
        if name == "w":
            own = np.clip(space.images(space.draw(count, 1000 + seed)), -1, 1)
            found["generated from w"] = decibels(own, space.project(own, seed=seed).images)
    return found, np.clip(np.concatenate(rows), -1, 1)


def moves(model, judge, seed):
    """How far directions move the factors: {method: list of {factor: move}}."""
    from kerasgan.latent_space import LatentSpace

    space = LatentSpace(model, "w")
    vectors = {name: space.directions(name, DIRECTIONS, seed=seed).vectors for name in ("sefa", "ganspace")}
    random = np.random.default_rng(seed).normal(size=(DIRECTIONS, model.style_dim))
    vectors["random"] = random / np.linalg.norm(random, axis=1, keepdims=True)
    codes, spread = space.draw(CODES, 2000 + seed), space.draw(2000, seed)

    def move(vector):
        length = (spread @ vector).std()
        return changes(*(read(judge, images_of(space, codes, vector, way * length)) for way in (-1.0, 1.0)))

    return {method: [move(vector) for vector in each] for method, each in vectors.items()}


def images_of(space, codes, vector, strength):
    return np.clip(space.images(space.edit(codes, vector, strength)), -1, 1)


def selected(rows, lead=3.0, least=0.25):
    """The factors that some direction moves so many times as far as any other: {factor: (direction, lead)}."""
    found = {}
    for number, row in enumerate(rows):
        name = max(row, key=lambda each: row[each])
        ahead = row[name] / max(max(value for other, value in row.items() if other != name), 1e-9)
        if row[name] >= least and ahead >= max(lead, found.get(name, (0, 0.0))[1]):
            found[name] = (number, ahead)
    return found


def run(name, seed, steps):
    """Trains and evaluates one model, and draws pictures of the first seed."""
    from kerasgan import metrics
    from kerasgan.metrics.features.classifier import Classifier
    from kerasgan.pictures.images import grid, write_png

    model, minutes = trained(name, seed, steps)
    judge, (test, factors), quick = Classifier("classifier-sprites-v1"), sprites("test"), steps < STEPS
    samples = model.sample(JUDGED, seed)

    def distance(x):
        return metrics.frechet_distance(test[:JUDGED], np.clip(x, -1, 1), features=judge)

    known = read(judge, test[:JUDGED])
    results = {
        "minutes": minutes,
        "parameters": {part: getattr(model, part).count_params() for part in model.parts},
        "frechet_distance": distance(samples),
        "untrained": distance(build(name, seed).sample(JUDGED, seed)),
        "real": distance(test[-JUDGED:]),
        "reading errors": {n: float(np.abs(known[n] - factors[n][:JUDGED]).mean()) for n in ("x", "y")},
    }
    if not quick and seed == 0:
        write_png(
            RESULTS / f"stylegan2_{spelled(name)}.png",
            grid(np.clip(np.concatenate([test[:20], samples[:80]]), -1, 1), 20),
        )
    if name.startswith("DCGAN"):
        return results
    results |= path_variation(model, seed) | explained(model, judge, seed)
    if name == "plain":
        return results
    results["truncation"] = truncated(model, judge, test, seed)
    results["psnr"], rows = projected(model, test, seed)
    results["moves"] = moves(model, judge, seed)
    if not quick and seed == 0:
        write_png(RESULTS / "stylegan2_projections.png", grid(rows, len(rows) // 4))
        write_png(RESULTS / "stylegan2_directions.png", grid(walks(model, results["moves"], seed), 10))
    return results


def walks(model, found, seed):
    """A row for each factor and method: pictures along the direction that moves it furthest ahead of the others."""
    from kerasgan.latent_space import LatentSpace

    space, rows = LatentSpace(model, "w"), []
    code, spread = space.draw(1, 2000 + seed), space.draw(2000, seed)
    for method in ("sefa", "ganspace"):
        vectors = space.directions(method, DIRECTIONS, seed=seed).vectors
        for number, _ in selected(found[method], lead=0.0).values():
            length = (spread @ vectors[number]).std()
            rows.append(images_of(space, np.repeat(code, 10, 0), vectors[number], np.linspace(-2, 2, 10) * length))
    return np.concatenate(rows)


def main():
    asked = Trainings.asked_for(__doc__, "stylegan2", ["sprites"])
    rows = {name: asked.rows(functools.partial(run, name), STEPS, seeds=1, model=name) for name in MODELS}
    ours = rows["regularized"]
    steps = ours[0]["steps"]
    lines = [f"sprites of {SIZE} pixels: {len(ours)} seed(s), {steps} steps of {BATCH} images, medians"]
    lines.append(f"{'':44}{'StyleGAN2':>12}{'no penalty':>12}{'DCGAN':>12}{'DCGAN, R1':>12}")

    def line(title, pick, models=MODELS):
        values = [float(np.median([pick(row) for row in rows[name]])) for name in models]
        lines.append(f"{title:44}" + "".join(f"{value:12.4g}" for value in values))
        return values

    line("parameters", lambda row: sum(row["parameters"].values()))
    line("minutes of processor time", lambda row: row["minutes"])
    distance, _, *theirs = line("Fréchet distance", lambda row: row["frechet_distance"])
    line("of the untrained generator (control)", lambda row: row["untrained"])
    line("of other held-out sprites (ceiling)", lambda row: row["real"])
    both = MODELS[:2]
    line("mean of |J^T y|", lambda row: row["path length"], both)
    even, uneven = line("coefficient of variation of |J^T y|", lambda row: row["variation"], both)
    shares = {}
    for space in ("z", "w"):
        for factor in FACTORS:
            line(f"R^2 of {factor} from {space}", lambda row, f=factor, s=space: row[f"from {s}"][f], both)
        shares[space] = line(
            f"mean R^2 from {space}", lambda row, s=space: np.mean(list(row[f"from {s}"].values())), both
        )
    cut = {
        psi: [np.median([row["truncation"][psi][key] for row in ours]) for key in ("precision", "recall")]
        for psi in ("1.0", "0.7", "0.4")
    }
    lines += [f"truncation {psi}: precision {p:.3f}, recall {r:.3f}" for psi, (p, r) in cut.items()]
    psnr = {key: float(np.median([row["psnr"][key] for row in ours])) for key in ours[0]["psnr"]}
    lines += [f"{key}: {value:.1f} dB" for key, value in psnr.items()]
    counts = {}
    for method in ours[0]["moves"]:
        found = [selected(row["moves"][method]) for row in ours]
        counts[method] = float(np.median([len(each) for each in found]))
        told = ", ".join(f"{name} {lead:.1f} times (direction {n})" for name, (n, lead) in found[0].items())
        lines.append(f"{method}: factors moved 3 times as far as others: {told or 'none'}")
        nearest = selected(ours[0]["moves"][method], lead=0.0)
        lines.append("    furthest ahead: " + ", ".join(f"{name} {lead:.1f}" for name, (_, lead) in nearest.items()))
    precisions, recalls = zip(*cut.values(), strict=True)
    checks = {
        "Fréchet distance <= the better DCGAN's": distance <= min(theirs),
        "variation of |J^T y| <= 0.7 of that without the penalty": even <= 0.7 * uneven,
        "R^2 of the factors from w >= from z": shares["w"][0] >= shares["z"][0],
        "truncation: precision rises": precisions[0] < precisions[1] < precisions[2],
        "truncation: recall falls": recalls[0] > recalls[1] > recalls[2],
        "generated pictures are found again from W: PSNR >= 30 dB": psnr["generated from w"] >= 30,
        "real ones are nearer from W+ than from W than from Z": psnr["real from w+"]
        > psnr["real from w"]
        > psnr["real from z"],
        "SeFa: 3 factors are moved 3 times as far as any other": counts["sefa"] >= 3,
        "GANSpace: 3 factors are moved 3 times as far as any other": counts["ganspace"] >= 3,
        "random directions: fewer than 3 (control)": counts["random"] < 3,
    }
    return asked.report("sprites", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
