"""Paired study, with controls, of whether generated images help a classifier with few real images.

For each number of real images per class and each seed, a small classifier is trained on the same real images:

- "real": without others,
- "classical": with random shifts, contrasts and optionally mirroring (the control),
- "generated": with generated images, whose share is the best of several on a validation split,
- "both": with the classical augmentation and the same share of generated images.

The number of steps and the initial weights are the same. Accuracies on the test images are compared in pairs.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan.data.kinds import Images
from kerasgan.metrics.intervals import paired_interval
from kerasgan.pictures.files import replacing, write_json
from kerasgan.pictures.images import write_png
from kerasgan.pictures.plots import intervals

ARMS = ("real", "classical", "generated", "both")
GAINS = {
    "generated": ("generated", "real"),
    "classical": ("classical", "real"),
    "both beyond classical": ("both", "classical"),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of a study.

    Args:
        per_class: Numbers of real images per class.
        seeds: Number of seeds, at least 2.
        shares: Shares of generated images among the training images, between 0 and 1.
        steps: Number of training steps of each classifier.
        batch_size: Number of images per step.
        flip: Whether the classical augmentation mirrors images left to right.
        shift: Largest shift of the classical augmentation, as a fraction of the sides.
        contrast: Largest relative change of the contrast.
        classifier: "cnn", a small convolutional network, or "svm", a support vector machine on the pixels.
        truncation: Truncation of the generated images; see the model's `sample`.

    Raises:
        ValueError: For invalid values.
    """

    per_class: tuple = (10, 50, 200)
    seeds: int = 10
    shares: tuple = (0.25, 0.5, 0.75)
    steps: int = 400
    batch_size: int = 64
    flip: bool = False
    shift: float = 0.1
    contrast: float = 0.2
    classifier: str = "cnn"
    truncation: float | None = None

    def __post_init__(self):
        object.__setattr__(self, "per_class", tuple(int(n) for n in self.per_class))
        object.__setattr__(self, "shares", tuple(sorted(float(share) for share in self.shares)))
        if self.seeds < 2:
            raise ValueError(f"`seeds` is {self.seeds}; expected at least 2 for a confidence interval.")
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise ValueError(f"`shares` is {self.shares}; expected numbers between 0 and 1.")
        if not self.per_class or min(self.per_class) < 1:
            raise ValueError(f"`per_class` is {self.per_class}; expected positive numbers.")
        if self.classifier not in CLASSIFIERS:
            raise ValueError(f"`classifier` is {self.classifier!r}; expected one of {', '.join(CLASSIFIERS)}.")


def augment(model, train, test, settings=None, *, seen=None, folder=None, progress=None, **facts):
    """Trains classifiers with and without a model's images and reports the gain with confidence intervals.

    Training and validation images are drawn from `train`, in equal numbers. Test images are only used for the leak
    check and the reported accuracies.

    Args:
        model: A class-conditional `kerasgan.GenerativeModel` of images, or a function of (labels, seed) that returns
            images.
        train: Real images and labels (x, y), in [-1, 1].
        test: Real images and labels that the model has not seen.
        settings: `Settings`.
        seen: Images that the model was trained on, to verify that no test image is among them. `None` if they are
            unknown, which the report states.
        folder: Folder for `report.json`, `report.md` and `gains.png`. `None` writes no files.
        progress: Function of (number of finished trainings, total number).
        **facts: Additional JSON-ready entries of the report, such as the name of the preset.

    Returns:
        The report, a dictionary: `settings`, `rows` (one dictionary per training), `gains` (mean, interval, shares and
        verdict for each number of images) and `leaks`.

    Raises:
        ValueError: If a test image is among the training images or the images that the model has seen, if a class has
            too few images, or if the data have another shape.
    """
    settings = settings or Settings()
    (x, y), (test_x, test_y) = _checked(train, "train"), _checked(test, "test")
    classes = int(max(y.max(), test_y.max())) + 1
    leaks = check_leaks(test_x, x, seen)
    draw = _drawer(model, settings)
    learner = CLASSIFIERS[settings.classifier](x.shape[1:], classes, settings)
    members = [np.flatnonzero(y == label) for label in range(classes)]
    fewest = min(map(len, members))
    if 2 * max(settings.per_class) > fewest:
        raise ValueError(
            f"`per_class` is {settings.per_class}, but the smallest class has {fewest} images; expected at most "
            f"{fewest // 2}, because the same number of images is used for validation."
        )
    rows: list[dict[str, Any]] = []
    copied = 0
    trainings = len(settings.per_class) * settings.seeds * (len(settings.shares) + 3)
    for count in settings.per_class:
        for seed in range(settings.seeds):
            random = np.random.default_rng([seed, count])
            chosen = np.array([random.choice(indices, 2 * count, replace=False) for indices in members])
            real, validation = chosen[:, :count].ravel(), chosen[:, count:].ravel()
            made, labels = _generated(draw, classes, count, settings, seed)
            copied += len(shared_images(made, test_x))

            def run(arm, share, classical, count=count, seed=seed, real=real, made=made, labels=labels, val=validation):
                extra = _first_of_each(labels, generated_count(count, share), classes)
                images, targets = np.concatenate([x[real], made[extra]]), np.concatenate([y[real], labels[extra]])
                predict = learner.train(images, targets, seed, classical)
                row = {"per_class": count, "seed": seed, "arm": arm, "share": share}
                row["validation"] = float((predict(x[val]) == y[val]).mean())
                rows.append(row)
                if progress:
                    progress(len(rows), trainings)
                return predict, row

            tried = [run("tried", share, False) for share in settings.shares]
            best, row = max(tried, key=lambda each: each[1]["validation"])  # the smallest share in case of a tie
            finished = [run("real", 0.0, False), run("classical", 0.0, True), run("both", row["share"], True)]
            row["arm"] = "generated"
            for predict, each in ((best, row), *finished):
                each["test"] = float((predict(test_x) == test_y).mean())
    leaks["generated_test_images"] = copied
    report = {
        **facts,
        "settings": dataclasses.asdict(settings),
        "counts": {"train": len(x), "test": len(test_x), "classes": classes},
        "leaks": leaks,
        "gains": [summarize(rows, count) for count in settings.per_class],
        "rows": rows,
    }
    if folder is not None:
        write_report(folder, report)
    return report


def generated_count(real, share):
    """Number of generated images per class for a given share of the training images."""
    return round(real * share / (1.0 - share))


def summarize(rows, count):
    """Paired gains in test accuracy for a number of real images per class."""
    here = [row for row in rows if row["per_class"] == count and "test" in row]
    by_arm = {arm: {row["seed"]: row["test"] for row in here if row["arm"] == arm} for arm in ARMS}
    chosen = [row["share"] for row in here if row["arm"] == "generated"]
    found: dict[str, Any] = {
        "per_class": count,
        "accuracy": {arm: float(np.mean(list(values.values()))) for arm, values in by_arm.items()},
        "shares": chosen,
    }
    for name, (arm, control) in GAINS.items():
        differences = [by_arm[arm][seed] - by_arm[control][seed] for seed in sorted(by_arm[arm])]
        found[name] = paired_interval(differences)._asdict() | {"differences": differences}
    gain = found["generated"]
    found["verdict"] = "helps" if gain["low"] > 0 else "harms" if gain["high"] < 0 else "no difference shown"
    found["recommended_share"] = float(np.median(chosen)) if gain["low"] > 0 else 0.0
    return found


# Leaks ----------------------------------------------------------------------------------------------------------------


def check_leaks(test_x, train_x, seen=None):
    """Checks that test images do not occur among other images.

    Args:
        test_x: Test images in [-1, 1].
        train_x: Images that classifiers are trained and validated on.
        seen: Images that the generator was trained on, or `None`.

    Returns:
        A JSON-ready dictionary of the numbers of images compared and shared.

    Raises:
        ValueError: If an image is shared.
    """
    found: dict[str, Any] = {"test_images": len(test_x)}
    for name, images in (("train", train_x), ("seen by the generator", seen)):
        if images is None:
            found[name] = None
            continue
        shared = shared_images(test_x, images)
        if len(shared):
            raise ValueError(
                f"`test` has {len(shared)} images that are also among those {name}, the first one at {shared[0]}. "
                "Accuracies on them would say nothing: choose another split."
            )
        found[name] = {"images": len(images), "shared": 0}
    return found


def shared_images(images, others):
    """Indices of images that also occur among others, to the nearest of 256 levels."""
    known = set(map(_key, np.asarray(others)))
    return np.array([place for place, image in enumerate(np.asarray(images)) if _key(image) in known], "int64")


def _key(image):
    levels = np.rint(np.clip((np.asarray(image, "float32") + 1.0) * 127.5, 0, 255)).astype("uint8")
    return hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).digest()


# Data -----------------------------------------------------------------------------------------------------------------


def _checked(data, name):
    x, y = np.asarray(data[0], "float32"), np.ravel(data[1]).astype("int64")
    Images(x.shape[1:]).check(x, f"{name} images")
    if len(x) != len(y):
        raise ValueError(f"`{name}` has {len(x)} images and {len(y)} labels; expected equal numbers.")
    return x, y


def _drawer(model, settings):
    """Returns a function of (labels, seed) that generates images."""
    if not getattr(model, "generates", False):
        return model
    if not getattr(model, "num_classes", None):
        raise ValueError(
            f"`model` is an unconditional {type(model).__name__}; expected a class-conditional model, which generates "
            "images of given labels."
        )
    return lambda labels, seed: model.sample(len(labels), seed, labels, truncation=settings.truncation)


def _generated(draw, classes, count, settings, seed):
    """Generates enough images of each class for the largest share; returns them with their labels."""
    most = max(generated_count(count, share) for share in settings.shares)
    labels = np.repeat(np.arange(classes), most)
    images = np.clip(np.asarray(draw(labels, 1_000_000 + seed), "float32"), -1.0, 1.0)
    return images, labels


def _first_of_each(labels, count, classes):
    """Indices of the first `count` images of each class."""
    return np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(classes)])


def vary(images, random, settings):
    """Classical augmentation: shifts with repeated edges, contrasts, mirror images.

    Args:
        images: Array of shape (count, height, width, channels).
        random: `numpy.random.Generator`.
        settings: `Settings`.
    """
    height, width = images.shape[1:3]
    reach = round(settings.shift * height), round(settings.shift * width)
    padded = np.pad(images, ((0, 0), (reach[0],) * 2, (reach[1],) * 2, (0, 0)), mode="edge")
    rows, columns = (random.integers(0, 2 * each + 1, len(images)) for each in reach)
    moved = np.stack([image[r : r + height, c : c + width] for image, r, c in zip(padded, rows, columns, strict=True)])
    if settings.flip:
        mirrored = random.random(len(images)) < 0.5
        moved[mirrored] = moved[mirrored][:, :, ::-1]
    factors = random.uniform(1 - settings.contrast, 1 + settings.contrast, (len(images), 1, 1, 1))
    centers = moved.mean(axis=(1, 2, 3), keepdims=True)
    return np.clip(centers + factors * (moved - centers), -1.0, 1.0).astype("float32")


# Classifiers ----------------------------------------------------------------------------------------------------------


class _Batches(keras.utils.PyDataset):
    """Random batches of a training set with constant size, each a function of the seed and its index."""

    def __init__(self, images, labels, seed, settings, classical):
        super().__init__()
        self.images, self.labels, self.seed = images, labels, seed
        self.settings, self.classical = settings, classical
        random = np.random.default_rng([seed, 2])
        self.order = np.concatenate([random.permutation(len(images)) for _ in range(self._passes())])

    def _passes(self):
        return -(-self.settings.steps * self.settings.batch_size // len(self.images))

    def __len__(self):
        return self.settings.steps

    def __getitem__(self, index):
        size = self.settings.batch_size
        chosen = self.order[index * size : (index + 1) * size]
        images = self.images[chosen]
        if self.classical:
            images = vary(images, np.random.default_rng([self.seed, 3, index]), self.settings)
        return images, self.labels[chosen]


class SmallNetwork:
    """A classifier of 3x3 convolutions and halvings, which is trained from new weights each time.

    Args:
        image_shape: Shape of the images.
        classes: Number of classes.
        settings: `Settings`.
    """

    def __init__(self, image_shape, classes, settings):
        self.settings = settings
        images = x = keras.Input(image_shape)
        for filters in (16, 32, 64):
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
            x = keras.layers.MaxPooling2D(2, padding="same")(x)
        x = keras.layers.Flatten()(x)
        x = keras.layers.Dense(classes)(keras.layers.Dense(64, "relu")(x))
        self.network = keras.Model(images, x)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.network.compile(keras.optimizers.Adam(1e-3), loss)
        self.network.optimizer.build(self.network.trainable_variables)
        self.rule = [(v, np.array(keras.ops.convert_to_numpy(v))) for v in self.network.optimizer.variables]

    def train(self, images, labels, seed, classical):
        """Trains from the initial weights of a seed; returns a function from images to labels."""
        random = np.random.default_rng([seed, 1])
        for variable in self.network.trainable_variables:
            fan = int(np.prod(variable.shape[:-1]))
            kernel = len(variable.shape) > 1
            variable.assign(random.normal(0, np.sqrt(2 / fan), variable.shape) if kernel else np.zeros(variable.shape))
        for variable, start in self.rule:
            variable.assign(start)
        self.network.fit(_Batches(images, labels, seed, self.settings, classical), shuffle=False, verbose=0)
        weights = self.network.get_weights()

        def predict(images):
            self.network.set_weights(weights)
            return self.network.predict(images, batch_size=256, verbose=0).argmax(axis=-1)

        return predict


class VectorMachine:
    """A support vector machine on the pixels, as in `kerasgan.metrics.classification_accuracy_score`.

    Args:
        image_shape: Shape of the images.
        classes: Number of classes.
        settings: `Settings`.
    """

    copies = 4  # number of copies of each image in the classical augmentation

    def __init__(self, image_shape, classes, settings):
        self.settings = settings

    def train(self, images, labels, seed, classical):
        """Trains the machine; returns a function from images to labels."""
        from sklearn.svm import SVC

        if classical:
            random = np.random.default_rng([seed, 1])
            varied = [vary(images, random, self.settings) for _ in range(self.copies)]
            images, labels = np.concatenate([images, *varied]), np.tile(labels, 1 + self.copies)
        machine = SVC(C=10.0, kernel="rbf", gamma="scale").fit(images.reshape(len(images), -1), labels)
        return lambda images: machine.predict(images.reshape(len(images), -1))


CLASSIFIERS: dict[str, Any] = {"cnn": SmallNetwork, "svm": VectorMachine}


# The report -----------------------------------------------------------------------------------------------------------


def write_report(folder, report):
    """Writes `report.json`, `report.md` and `gains.png`.

    Args:
        folder: Folder of the report.
        report: Report returned by `augment`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "report.json", json.loads(json.dumps(report)))
    values = [[[gain[name][key] for key in ("mean", "low", "high")] for name in GAINS] for gain in report["gains"]]
    groups = [f"{gain['per_class']} a class" for gain in report["gains"]]
    write_png(folder / "gains.png", intervals(groups, list(GAINS), values, "gain in accuracy, 95% intervals"))
    with replacing(folder / "report.md") as file:
        file.write(markdown(report).encode())


def markdown(report):
    """The report as Markdown."""
    settings, counts, leaks = report["settings"], report["counts"], report["leaks"]
    lines = ["# Generated images as training data", ""]
    lines += [f"{name}: {report[name]}  " for name in ("preset", "data", "trained_on") if report.get(name)]
    lines += [
        "",
        f"A {settings['classifier']} is trained for {settings['steps']} steps of {settings['batch_size']} on n real "
        f"images per class, {settings['seeds']} paired seeds, and tested on {counts['test']:,} real images. The share "
        f"of generated images is chosen among {', '.join(f'{share:g}' for share in settings['shares'])} on as many "
        "validation images as there are training images. Gains are differences in accuracy with 95% intervals "
        "(Student's t, over the seeds; they do not cover other trainings of the generator).",
        "",
        "| n | real | classical | generated | both | gain by generated | gain by classical | both beyond classical "
        "| share | verdict |",
        "|---:|---:|---:|---:|---:|---|---|---|---:|---|",
    ]
    for gain in report["gains"]:
        cells = [str(gain["per_class"]), *(f"{gain['accuracy'][arm]:.3f}" for arm in ARMS)]
        cells += [f"{gain[k]['mean']:+.3f} ({gain[k]['low']:+.3f} to {gain[k]['high']:+.3f})" for k in GAINS]
        cells += [f"{gain['recommended_share']:g}", gain["verdict"]]
        lines.append(f"| {' | '.join(cells)} |")
    seen = leaks["seen by the generator"]
    told = f"0 of {seen['images']:,} images that it was trained on" if seen else "unknown: its data were not compared"
    lines += [
        "",
        f"Test images among the generator's training images: {told}. Among those of the classifiers: 0 of "
        f"{counts['train']:,}. Generated images that equal a test image: {leaks['generated_test_images']}.",
        "",
        "![gains](gains.png)",
        "",
    ]
    return "\n".join(lines)
