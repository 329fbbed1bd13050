"""`kerasgan evaluate`: what the samples of a run or a preset, or a folder's images, score between controls."""

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

HELP = "Scores samples of a run or a preset, or a folder of images, between a Gaussian and real images."
# By the name of the data: nets that were trained on their split "train".
NETWORKS = {"digits": "classifier-digits-v1", "glyphs": "classifier-glyphs-v1", "sprites": "classifier-sprites-v1"}
# Which scores are better.
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
    """Adds `evaluate` to the sub-commands of a parser."""
    one = commands.add_parser("evaluate", help=HELP, description=evaluate.__doc__)
    one.set_defaults(command=evaluate)
    one.add_argument("--debug", action="store_true", help="show the traceback of an error")
    one.add_argument(
        "samples", metavar="RUN|PRESET|FOLDER", help="folder of a run, name or address of a preset, or folder of images"
    )
    one.add_argument("--data", metavar="NAME", help="the real images (default: those that the run was trained on)")
    one.add_argument("--split", help="part of the data (default: test where there is one, else train)")
    one.add_argument(
        "--metrics",
        nargs="+",
        default=DEFAULT_METRICS,
        metavar="METRIC",
        help=f"some of {', '.join(METRICS)}, or their beginnings (default: {' '.join(DEFAULT_METRICS)})",
    )
    one.add_argument(
        "--features",
        choices=NAMES,
        metavar="FEATURES",
        help=f"one of {', '.join(NAMES)} (default: the data's classifier where there is one, else random-conv-seed0)",
    )
    one.add_argument("--count", type=int, metavar="N", help="samples of each set (default: all, at most 5000)")
    one.add_argument("--seed", type=int, default=0, help="of the samples, the choice of real ones and the metrics")
    one.add_argument("--raw", action="store_true", help="the generator in training instead of the averaged one")
    one.add_argument("-o", "--out", default="evaluate.json", metavar="FILE", help="JSON file (default: evaluate.json)")


def evaluate(arguments):
    """Scores samples of a run or a preset, or a folder of images, between a Gaussian and real images.

    The column "control" is a Gaussian fitted to further real images (of each class, for a conditional model), "ceiling"
    these images themselves: those of the split "train" for the default split "test", else the other half of the split.
    """
    source = _source(arguments)
    real, other, name = real_samples(source, arguments.split)
    features = arguments.features or features_of(source)
    count = arguments.count or min(largest_count(real, other), source.most)
    if count > source.most:
        raise ValueError(f"--count is {count}, but {arguments.samples} has only {source.most} images.")
    evaluator = Evaluator(real, other, arguments.metrics, features, count, arguments.seed, name)
    samples = source.draw(count, evaluator.labels)
    report = evaluator.report(evaluator(samples, evaluator.labels))
    write_json(arguments.out, {**source.about, **report})
    _print(report["scores"], evaluator.protocol)
    print(arguments.out)


class Source(NamedTuple):
    """Where generated samples come from.

    Attributes:
        data: Name of the real images.
        shape: Shape of a sample.
        labels: Whether samples can be asked for by label.
        most: How many there are.
        draw: Function of a number and labels to samples.
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
        raise ValueError(f"{folder} holds no run; expected --data NAME with it, the real images.")
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
        raise ValueError(f"The preset {name} does not say what it was trained on; expected --data NAME with it.")
    return model_source(model, arguments.data or trained["name"], arguments.seed, {"preset": name}, trained)


def model_source(model, data, seed, about=None, trained=None, ema=True):
    """The samples of a model as a `Source`.

    Args:
        model: one that can `sample`.
        data: name of the real images.
        seed: of the samples.
        about: entries of the JSON file.
        trained: what it was trained on, a dictionary with name and split.
        ema: use the averaged generator.
    """
    if not hasattr(model, "sample"):
        raise ValueError(
            f"{type(model).__name__} makes no samples of latents; write the images that it makes into a folder, and "
            "give that one."
        )

    def draw(count, labels):
        samples = model.sample(count, seed, labels, ema=ema)
        return np.clip(samples, -1, 1) if samples.ndim == 4 else samples

    seen = tuple(trained["split"].split("+")) if trained and data == trained["name"] else ()
    return Source(data, model.image_shape, bool(model.num_classes), np.inf, draw, about or {}, seen)


def real_samples(source, split):
    """Real samples, others to compare them with or None, and what the first are called."""
    splits = _splits(source.data)
    split = split or ("test" if "test" in splits else "train")
    if set(split.split("+")) & set(source.trained_on):
        warnings.warn(f"the run was trained on {split!r} of {source.data}: copies would score well", stacklevel=2)
    real = _loaded(source, split)
    other = _loaded(source, "train") if "train" in splits and "train" not in split else None
    return real, other, f"{source.data}/{split}"


def _splits(data):
    kind, found = resolve(data)
    if kind == "own":
        name, config = found
        return list(DATASETS[name](config).splits())
    if kind == "folder":
        # What `load` takes for splits.
        return [each for each in ("train", "test") if (Path(data) / each).is_dir()]
    return list(tfds_builder_of(data).info.splits)


def _loaded(source, split) -> Any:
    """Samples of a split at the size of the generated ones, with their labels if these count."""
    options = {"channels": source.shape[-1]} if len(source.shape) == 3 and resolve(source.data)[0] == "folder" else {}
    data = load(source.data, split, labels=source.labels, as_numpy=True, **options)
    x, y = data if source.labels else (data, None)
    if len(source.shape) == 3 and x.ndim == 4:
        x = prepare(x, source.shape[:2], (-1, 1))
    if x.shape[1:] != tuple(source.shape):
        raise ValueError(
            f"{source.data} has samples of shape {x.shape[1:]} and the generated ones have {tuple(source.shape)}; "
            "expected the same channels: give the data of the run with --data."
        )
    return x if y is None else (x, y)


def features_of(source):
    """The features by default."""
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
        console.width = 200  # the lines of a pipe are for searching
    console.print(table)
    console.print(str(protocol), highlight=False, soft_wrap=True)
