"""GAN3D: are its solids whole, of all kinds and not blurred, and what do its discriminator's features know?

    python -m benchmarks.families.gan3d [--seeds 1] [--quick]

Five kinds of solids (boxes, ellipsoids, cylinders, cones, rings) of random proportions, turned about the upright axis,
in cubes of 16 voxels; no labels are used in training. Requirements for samples of the averaged generator: a classifier
of voxels, fitted to real solids, finds all five kinds, with a divergence of the kinds' frequencies from those of the
data of at most 0.2; 95% of the occupied voxels are in the largest connected part of their solid (100% of real ones);
at most 5% of the voxels have occupancies from 0.3 to 0.7; and at most 1% of the solids are empty. A linear SVM on the
discriminator's features must classify unseen solids as well as on as many principal components of the voxels, and 5
points better than on the features of an untrained discriminator. Controls: real solids, and the untrained generator,
which must fail.

The trained model is kept in `runs/benchmarks`, so that an interrupted benchmark can be resumed.
"""

import sys

import numpy as np

from benchmarks.families.common import Trainings, kept

SIDE = 16
KINDS = ("box", "ellipsoid", "cylinder", "cone", "ring")
# Until step 2000 or so all samples are alike; a discriminator with batch normalization did not get beyond that.
STEPS, BATCH = 6000, 32
SIZES = {"latent_dim": 16, "width": 8, "discriminator_normalization": None}
TRAIN, TEST, SAMPLES = 4000, 1000, 500
FITTED = 500  # labelled solids of the SVMs


def solids(count, seed):
    """Solids of shape (count, 16, 16, 16, 1), 0 or 1, axes right, up and back, and their kinds."""
    random = np.random.default_rng(seed)
    kinds = random.integers(len(KINDS), size=count)
    low, high = np.array([[3.0, 3.0, 3.0], [6.5, 7.0, 6.5]])
    half, turn = random.uniform(low, high, (count, 3)), random.uniform(0, np.pi, count)
    place = np.arange(SIDE) + 0.5 - SIDE / 2
    right, up, back = np.meshgrid(place, place, place, indexing="ij")
    made = np.zeros((count, SIDE, SIDE, SIDE, 1), "float32")
    for solid, kind, (a, b, c), angle in zip(made, kinds, half, turn, strict=True):
        x, z = right * np.cos(angle) + back * np.sin(angle), back * np.cos(angle) - right * np.sin(angle)
        u, v, w = x / a, up / b, z / c
        across = np.hypot(u, w)
        inside = {
            "box": np.maximum(abs(u), abs(w)) * 1.3 <= 1,
            "ellipsoid": across**2 + v**2 <= 1,
            "cylinder": across <= 1,
            "cone": across <= (1 - v) / 2,
            "ring": (across - 0.7) ** 2 + (0.5 * v) ** 2 <= 0.25**2,
        }[KINDS[kind]]
        solid[..., 0] = inside & (abs(v) <= 1)
    return made, kinds


def svm(train_x, train_y, test_x, test_y):
    """Accuracy of a linear SVM on standardized features, its constant chosen by cross-validation."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    model = make_pipeline(StandardScaler(), SVC(kernel="linear"))
    search = GridSearchCV(model, {"svc__C": [1e-4, 1e-3, 1e-2, 1e-1]}, cv=3).fit(train_x, train_y)
    return float(search.score(test_x, test_y))


def shapes(samples, classifier, shares):
    """Number of kinds, divergence from the frequencies of the data, shares in largest parts and of half occupancies."""
    from scipy import ndimage

    found = np.bincount(classifier.predict(samples.reshape(len(samples), -1) > 0.5), minlength=len(KINDS))
    frequencies = found / found.sum()
    divergence = np.sum(frequencies * np.log(np.maximum(frequencies, 1e-12) / shares))
    whole, occupied = 0, 0
    for solid in samples[..., 0] > 0.5:
        parts, count = ndimage.label(solid)
        whole += np.bincount(parts.ravel())[1:].max() if count else 0
        occupied += solid.sum()
    return {
        "kinds": int((frequencies > 0.02).sum()),
        "divergence": float(divergence),
        "largest part": float(whole / max(occupied, 1)),
        "empty": float((samples <= 0.5).all(axis=(1, 2, 3, 4)).mean()),
        "half occupied": float(((samples > 0.3) & (samples < 0.7)).mean()),
    }


def build(seed):
    """A compiled model."""
    import keras

    from kerasgan import GAN3D

    keras.utils.set_random_seed(seed)
    model = GAN3D((SIDE, SIDE, SIDE, 1), seed=seed, **SIZES)
    model.compile(recipe="small", steps_per_execution=5)
    return model


def run(seed, steps):
    """Trains on solids without labels and evaluates samples and features."""
    from sklearn.decomposition import PCA
    from sklearn.svm import SVC

    from kerasgan.pictures.images import write_png

    (train_x, train_y), (test_x, test_y) = solids(TRAIN, seed), solids(TEST, 1000 + seed)
    shares = np.bincount(train_y, minlength=len(KINDS)) / len(train_y)
    classifier = SVC(C=10).fit(train_x.reshape(TRAIN, -1), train_y)
    model = build(seed)

    def known(read):
        return svm(read(train_x[:FITTED]), train_y[:FITTED], read(test_x), test_y)

    untrained = model.features(test_x[:1]).shape[1]
    components = PCA(min(untrained, FITTED)).fit(train_x[:FITTED].reshape(FITTED, -1))
    results = {
        "classifier": float(classifier.score(test_x.reshape(TEST, -1), test_y)),
        "real": shapes(test_x[:SAMPLES], classifier, shares),
        "untrained": shapes(model.sample(SAMPLES), classifier, shares),
        "SVM, components": known(lambda x: components.transform(x.reshape(len(x), -1))),
        "SVM, untrained features": known(lambda x: model.features(x, ema=False)),
    }

    def fit(model, steps):
        model.fit(train_x, epochs=max(1, steps * BATCH // TRAIN), verbose=0)

    model, results["minutes"] = kept("gan3d", "solids", seed, steps, lambda: build(seed), fit)
    samples = model.sample(SAMPLES)
    results |= {"ours": shapes(samples, classifier, shares), "SVM, features": known(model.features)}
    if seed == 0 and steps == STEPS:
        from benchmarks.journal import RESULTS

        kind = model.sample_kind
        write_png(RESULTS / "gan3d_solids.png", kind.sheet(np.concatenate([test_x[:10], samples[:30]]), 10))
    return results


def main():
    asked = Trainings.asked_for(__doc__, "gan3d", ["solids"])
    rows = asked.rows(run, STEPS, seeds=1, data="solids")
    lines = [f"GAN3D on five kinds of solids, {len(rows)} seed(s), {STEPS} steps"]
    for name in ("real", "ours", "untrained"):
        middle = {key: float(np.median([row[name][key] for row in rows])) for key in rows[0][name]}
        lines.append(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in middle.items()))
    plain = [key for key, value in rows[0].items() if isinstance(value, float)]
    median = {key: float(np.median([row[key] for row in rows])) for key in plain}
    lines += [f"{key}: {value:.3f}" for key, value in median.items()]

    def passes(name):
        return all(
            row[name]["kinds"] == len(KINDS)
            and row[name]["divergence"] <= 0.2
            and row[name]["largest part"] >= 0.95
            and row[name]["half occupied"] <= 0.05
            and row[name]["empty"] <= 0.01
            for row in rows
        )

    ours = median["SVM, features"]
    checks = {
        "real solids pass": passes("real"),
        "samples are of all kinds, whole and not blurred": passes("ours"),
        "the untrained generator fails": not passes("untrained"),
        "features classify as well as components": ours >= median["SVM, components"],
        "features classify 5 points better than untrained ones": ours >= median["SVM, untrained features"] + 0.05,
    }
    return asked.report("solids", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
