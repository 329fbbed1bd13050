"""`kerasgan evaluate`: scores of the samples of a run or a preset, or of a folder of images, with controls."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasgan.data import load
from kerasgan.data.builders import DATASETS
from kerasgan.data.load import resolve, tfds_builder_of
from kerasgan.data.prepare import prepare
from kerasgan.metrics.evaluation import DEFAULT_METRICS, METRICS, Evaluator, largest_count
from kerasgan.metrics.features import NAMES
from kerasgan.pictures.files import write_json
from kerasgan.zoo import preset as presets

HELP = "Scores samples of a run or a preset, or a folder of images, beside a Gaussian and real images."
# Networks by the name of the data, trained on the split "train".
NETWORKS = {"digits": "classifier-digits-v1", "glyphs": "classifier-glyphs-v1", "sprites": "classifier-sprites-v1"}
# The better direction of each score.
BETTER = {
    "frechet_distance": "lower",
    "kernel_distance": "lower",
    "sliced_wasserstein": "lower",
    "different_bins": "lower",
    "class_histogram": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
    "label_fidelity": "higher",
    "classification_accuracy": "higher",
    "inception_score": "higher",
    "nearest_neighbour": "at 0.5",
    "nearest_neighbour_real": "at 0.5",
    "nearest_neighbour_fake": "at 0.5",
}


def add_parser(commands):
    """Adds `evaluate` to the subcommands of a parser."""
    one = commands.add_parser("evaluate", help=HELP, description=evaluate.__doc__)
    one.set_defaults(command=evaluate)
    one.add_argument("--debug", action="store_true", help="show the traceback of an error")
    one.add_argument(
        "samples", metavar="RUN|PRESET|FOLDER", help="folder of a run, name or address of a preset, or folder of images"
    )
    one.add_argument("--data", metavar="NAME", help="real images (default: the data that the run was trained on)")
    one.add_argument("--split", help="split of the data (default: test if it exists, otherwise train)")
    one.add_argument(
        "--metrics",
        nargs="+",
        default=DEFAULT_METRICS,
        metavar="METRIC",
        help=f"names from {', '.join(METRICS)}, or prefixes (default: {' '.join(DEFAULT_METRICS)})",
    )
    one.add_argument(
        "--features",
        choices=NAMES,
        metavar="FEATURES",
        help=f"one of {', '.join(NAMES)} (default: the data's classifier if it exists, otherwise random-conv-seed0)",
    )
    one.add_argument(
        "--count",
        type=int,
        metavar="N",
        help="number of samples of each set (default: all, at most 5000)",
    )
    one.add_argument(
        "--seed",
        type=int,
        default=0,
        help="random seed of the samples, the choice of real samples and the metrics",
    )
    one.add_argument(
        "--raw",
        action="store_true",
        help="evaluate the generator in training instead of the averaged one",
    )
    one.add_argument("-o", "--out", default="evaluate.json", metavar="FILE", help="JSON file (default: evaluate.json)")


def evaluate(arguments):
    """Scores samples of a run or a preset, or a folder of images, beside a Gaussian and real images.

    The column "control" shows the scores of a Gaussian fitted to further real images (per class for a conditional
    model), "ceiling" the scores of these real images. They are from the split "train" for the default split "test",
    otherwise from the other half of the split.
    """
    source = _source(arguments)
    real, other, name = real_samples(source, arguments.split)
    features = arguments.features or features_of(source)
    count = arguments.count or min(largest_count(real, other), source.most)
    if count > source.most:
        raise ValueError(f"--count {count}, but {arguments.samples} has only {source.most} images.")
    evaluator = Evaluator(real, other, arguments.metrics, features, count, arguments.seed, name)
    samples = source.draw(count, evaluator.labels)
    report = evaluator.report(evaluator(samples, evaluator.labels))
    write_json(arguments.out, {**source.about, **report})
    _print(report["scores"], evaluator.protocol)
    print(arguments.out)


class Source(NamedTuple):
    """A source of generated samples.

    Attributes:
        data: Name of the real images.
        shape: Shape of a sample.
        labels: Whether samples can be generated for given labels.
        most: Largest number of samples.
        draw: Function from a number and labels to samples.
        about: Entries of the JSON file.
        trained_on: Splits that the generator has seen.
    """

    data: str
    shape: tuple
    labels: bool
    most: float
    draw: Callable
    about: dict
    trained_on: tuple = ()


def _source(arguments):
    folder, seed = Path(arguments.samples), arguments.seed
    if (folder / "run.json").exists():
        return _run(folder, seed, arguments)
    if (folder / presets.METADATA).exists() or not folder.is_dir():
        return _preset(arguments)
    if not arguments.data:
        raise ValueError(f"{folder} contains no run. Pass the real images by --data NAME.")
    images = load(folder, labels=False, as_numpy=True)

    def draw(count, labels):
        return images[np.random.default_rng(seed).permutation(len(images))[:count]]

    return Source(arguments.data, images.shape[1:], False, len(images), draw, {"folder": str(folder)})


def _run(folder, seed, arguments):
    from kerasgan.run import load_run

    run = load_run(folder)
    trained, ema = run.entries["data"], not arguments.raw
    about = {"run": str(folder), "epoch": run.epoch, "weights": "ema" if ema else "raw"}
    return model_source(run.model, arguments.data or trained["name"], seed, about, trained, ema)


def _preset(arguments):
    from kerasgan import zoo

    name = arguments.samples
    model, trained = zoo.load(name), zoo.find(name).metadata.get("data")
    if not (arguments.data or trained):
        raise ValueError(f"The preset {name} does not name its training data. Pass the real images by --data NAME.")
    return model_source(model, arguments.data or trained["name"], arguments.seed, {"preset": name}, trained)


def model_source(model, data, seed, about=None, trained=None, ema=True):
    """Returns the samples of a model as a `Source`.

    Args:
        model: Model with a method `sample`.
        data: Name of the real images.
        seed: Random seed of the samples.
        about: Entries of the JSON file.
        trained: Training data of the model, a dictionary with name and split.
        ema: Whether to use the averaged generator.
    """
    if not hasattr(model, "sample"):
        raise ValueError(
            f"{type(model).__name__} does not generate samples from latents. Write its images into a folder, and pass "
            "the folder."
        )

    def draw(count, labels):
        samples = model.sample(count, seed, labels, ema=ema)
        return np.clip(samples, -1, 1) if samples.ndim == 4 else samples

    seen = tuple(trained["split"].split("+")) if trained and data == trained["name"] else ()
    return Source(data, model.image_shape, bool(model.num_classes), np.inf, draw, about or {}, seen)


def real_samples(source, split):
    """Returns real samples, further real samples or None, and the name of the former."""
    splits = _splits(source.data)
    split = split or ("test" if "test" in splits else "train")
    if set(split.split("+")) & set(source.trained_on):
        warnings.warn(
            f"the model was trained on {split!r} of {source.data}, so copies of its training data score well",
            stacklevel=2,
        )
    real = _loaded(source, split)
    other = _loaded(source, "train") if "train" in splits and "train" not in split else None
    return real, other, f"{source.data}/{split}"


def _splits(data):
    kind, found = resolve(data)
    if kind == "own":
        name, config = found
        return list(DATASETS[name](config).splits())
    if kind == "folder":
        # The subfolders that `load` uses as splits.
        return [each for each in ("train", "test") if (Path(data) / each).is_dir()]
    return list(tfds_builder_of(data).info.splits)


def _loaded(source, split) -> Any:
    """Returns samples of a split at the size of the generated samples, with labels if the source has labels."""
    options = {"channels": source.shape[-1]} if len(source.shape) == 3 and resolve(source.data)[0] == "folder" else {}
    data = load(source.data, split, labels=source.labels, as_numpy=True, **options)
    x, y = data if source.labels else (data, None)
    if len(source.shape) == 3 and x.ndim == 4:
        x = prepare(x, source.shape[:2], (-1, 1))
    if x.shape[1:] != tuple(source.shape):
        raise ValueError(
            f"{source.data} has samples of shape {x.shape[1:]} and the generated ones have {tuple(source.shape)}; "
            "expected the same channels. Pass the data of the run by --data."
        )
    return x if y is None else (x, y)


def features_of(source):
    """Returns the default features."""
    if len(source.shape) != 3 or source.shape[-1] not in (1, 3):
        return "pixels"
    network = NETWORKS.get(source.data.partition("/")[0])
    return network if network and source.shape[-1] == 1 else "random-conv-seed0"


def _print(scores, protocol):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("score", no_wrap=True)
    for title in ("control", "ours", "ceiling"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("better", no_wrap=True)
    for score, entry in scores.items():
        values = (f"{entry[column]:.4g}" for column in ("control", "ours", "ceiling"))
        table.add_row(entry["title"], *values, BETTER.get(score, ""))
    console = Console()
    if not console.is_terminal:
        console.width = 200  # lines in a pipe are not wrapped
    console.print(table)
    console.print(str(protocol), highlight=False, soft_wrap=True)
