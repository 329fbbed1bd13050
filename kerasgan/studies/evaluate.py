"""`kerasgan evaluate`: scores of the samples of a run or a preset, or of a folder of images, with controls."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasgan.data import cache, load
from kerasgan.data.builders import DATASETS
from kerasgan.data.kinds import Images, Kind, kind_of
from kerasgan.data.load import resolve, tfds_builder_of
from kerasgan.data.packed import splits_of
from kerasgan.data.prepare import prepare
from kerasgan.data.tables import hub_splits
from kerasgan.metrics.evaluation import FEWEST, Evaluator, largest_count
from kerasgan.metrics.features import DRAWN
from kerasgan.pictures.files import write_json
from kerasgan.studies.own_scores import own_scores
from kerasgan.zoo import preset as presets

# Classifiers of the data with this name, or of one of its configurations, trained on the split "train", and what they
# take: images with this number of channels, or another kind of samples.
NETWORKS = {
    "digits": ("classifier-digits-v1", 1),
    "glyphs": ("classifier-glyphs-v1", 1),
    "sprites": ("classifier-sprites-v1", 1),
    "fashion": ("classifier-fashion-v1", 1),
    "parts": ("classifier-parts-v1", "voxels"),
}
FITTED = 50_000_000  # largest number of numbers in the sounds, films or solids that the control is fitted to
PICTURES = ("folder", "packed")  # kinds of data of which `kerasgan.data.load` takes options for pictures
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
    **dict.fromkeys(("psnr", "ssim", "luma_psnr", "luma_ssim"), "higher"),
    "validity": "higher",
    "uniqueness": "higher",
    "novelty": "higher",
    "real": "higher",
    "real_unseen": "higher",
    "different": "higher",
    "triples": "lower",
    "self_bleu": "as the ceiling",
    "negative_log_likelihood": "lower",
    "psnr_later": "higher",
    "gradient_energy": "at 1",
    "nearest_neighbour": "at 0.5",
    "nearest_neighbour_real": "at 0.5",
    "nearest_neighbour_fake": "at 0.5",
}


def evaluate(arguments, options=None):
    """Does what `kerasgan evaluate` is asked for.

    Args:
        arguments: Those of the command.
        options: How pictures are read, as for `kerasgan.data.load`, where it is not as for the training.
    """
    found = _trained(arguments)
    if found is not None and hasattr(found[0], "translate"):
        model, about, trained = found
        evaluate_translations(arguments, model, about, trained, options or {})
        return
    source = _source(arguments, options or {}, found)
    own = own_scores(source)
    if own:
        scored = own(source, arguments.split or "test", arguments.count, arguments.seed)
        write_json(arguments.out, {**source.about, "protocol": scored.about, "scores": scored.scores})
        _print(scored.scores, scored.about)
        print(arguments.out)
        return
    real, other, name = real_samples(source, arguments.split)
    features = arguments.features or features_of(source)
    count = arguments.count or min(largest_count(real, other), source.most)
    if count > source.most:
        raise ValueError(f"--count {count}, but {arguments.samples} has only {source.most} images.")
    if count < FEWEST:
        raise ValueError(
            f"There are {count} samples of each set to compare ({arguments.samples} has {source.most}, {name} "
            f"{_count(real)}); expected {FEWEST} or more, and hundreds for a score that means something."
        )
    evaluator = Evaluator(real, other, arguments.metrics, features, count, arguments.seed, name)
    samples = source.draw(count, evaluator.labels)
    report = evaluator.report(evaluator(samples, evaluator.labels))
    write_json(arguments.out, {**source.about, **report})
    _print(report["scores"], evaluator.protocol)
    print(arguments.out)


def evaluate_translations(arguments, model, about, trained, options):
    """Scores the translations of unseen images, as on the card of a preset: see `kerasgan.studies.measure.measure`.

    Args:
        arguments: Those of the command.
        model: A `TranslationModel`.
        about: Entries of the JSON file.
        trained: Training data of the model, or None.
        options: How pictures are read, where it is not as for the training.
    """
    from kerasgan.studies.measure import measure

    if arguments.raw:
        raise ValueError("--raw was passed, but translations are scored with the averaged weights. Leave it out.")
    data = arguments.data or trained["name"]
    options = {**recorded_options(trained, data), **options}
    options.pop("class_names", None)
    report = measure(model, data, arguments.split, None, arguments.count, arguments.seed, options, trained)
    write_json(arguments.out, {**about, **report})
    _print(report["scores"], report["about"])
    print(arguments.out)


def _count(samples):
    return len(samples[0] if isinstance(samples, tuple) else samples)


class Source(NamedTuple):
    """A source of generated samples.

    Attributes:
        data: Name of the real images.
        kind: Kind of the samples.
        labels: Whether samples can be generated for given labels.
        most: Largest number of samples.
        draw: Function from a number and labels to samples.
        about: Entries of the JSON file.
        trained_on: Splits that the generator has seen.
        options: Options of `kerasgan.data.load` for the real images.
        model: The model itself, where there is one.
        ema: Whether the averaged generator draws.
    """

    data: str
    kind: Kind
    labels: bool
    most: float
    draw: Callable
    about: dict
    trained_on: tuple = ()
    options: dict = {}
    model: Any = None
    ema: bool = True


def _source(arguments, options, found=None):
    folder, seed = Path(arguments.samples), arguments.seed
    found = found or _trained(arguments)
    if found is not None:
        model, about, trained = found
        ema = "run" not in about or not arguments.raw  # a preset has no other weights
        return model_source(model, arguments.data or trained["name"], seed, about, trained, ema, options)
    if not arguments.data:
        raise ValueError(f"{folder} contains no run. Pass the real images by --data NAME.")
    images = load(folder, labels=False, as_numpy=True, **options)

    def draw(count, labels):
        return images[np.random.default_rng(seed).permutation(len(images))[:count]]

    return Source(
        arguments.data, kind_of(images.shape[1:]), False, len(images), draw, {"folder": str(folder)}, (), options
    )


def _trained(arguments):
    """Model, entries of the JSON file and training data of a run or a preset; None for a folder of images."""
    folder = Path(arguments.samples)
    if (folder / "run.json").exists():
        from kerasgan.run import load_run

        run = load_run(folder)
        about = {"run": str(folder), "epoch": run.epoch, "weights": "raw" if arguments.raw else "ema"}
        model, trained, missing = run.model, run.entries.get("data"), f"The run {folder} does not say what it was"
    elif (folder / presets.METADATA).exists() or not folder.is_dir():
        from kerasgan import zoo

        name = arguments.samples
        model, about, trained = zoo.load(name), {"preset": name}, zoo.find(name).metadata.get("data")
        missing = f"The preset {name} does not say what it was"
    else:
        return None
    if not (arguments.data or trained):
        raise ValueError(f"{missing} trained on; expected --data NAME with it.")
    return model, about, trained


def model_source(model, data, seed, about=None, trained=None, ema=True, options=None):
    """Returns the samples of a model as a `Source`.

    Args:
        model: Model with a method `sample`.
        data: Name of the real images.
        seed: Random seed of the samples.
        about: Entries of the JSON file.
        trained: Training data of the model, as returned by `kerasgan.data.description.Description.entries()`.
        ema: Whether to use the averaged generator.
        options: Options of `kerasgan.data.load` for the real images that differ from those of the training.
    """
    if not (model.generates or hasattr(model, "continue_video")):
        raise ValueError(
            f"{type(model).__name__} does not generate samples from latents. Write its images into a folder, and pass "
            "the folder."
        )

    def draw(count, labels):
        samples = model.sample(count, seed, ema=ema, **model.conditions.named(labels))
        return np.clip(samples, -1, 1) if np.ndim(samples) == 4 else samples

    same = bool(trained) and data == trained["name"]
    seen = tuple(trained["split"].split("+")) if same and isinstance(trained["split"], str) else ()
    chosen = {**recorded_options(trained, data), **(options or {})}
    labels = bool(model.generates and model.conditions.classes)
    return Source(data, model.sample_kind, labels, np.inf, draw, about or {}, seen, chosen, model, ema)


def recorded_options(trained, data):
    """How a training read its data, as arguments of `kerasgan.data.load` for these data or others.

    Args:
        trained: The entry `data` of a run or a preset; None if it says nothing.
        data: Name of the data that are read now.
    """
    options = dict((trained or {}).get("options", {}))
    if trained and data == trained["name"]:
        return options
    if trained and resolve(data)[0] in PICTURES and resolve(trained["name"])[0] in PICTURES:
        return {name: value for name, value in options.items() if name not in ("columns", "count", "streaming")}
    return {name: value for name, value in options.items() if name == "degrade"}


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
    if other is not None and source.kind.name in DRAWN:  # films fill the memory
        most = max(_count(real), FITTED // math.prod(source.kind.shape))
        other = tuple(part[:most].copy() for part in other) if isinstance(other, tuple) else other[:most].copy()
    return real, other, f"{source.data}/{split}"


def _splits(data):
    kind, found = resolve(data)
    if kind == "own":
        name, config = found
        return list(cache.counts(DATASETS[name](config)))
    if kind == "folder":
        # The subfolders that `load` uses as splits.
        return [each for each in ("train", "test") if (Path(data) / each).is_dir()]
    if kind == "packed":
        return hub_splits(found) if found.startswith("hf://") else splits_of(found)
    return list(tfds_builder_of(data).info.splits)


def _loaded(source, split) -> Any:
    """Samples of a split as the generator's were read, at their size, with their labels if these count."""
    images, options = isinstance(source.kind, Images), dict(source.options)
    if images and resolve(source.data)[0] in PICTURES:
        options = {"channels": source.kind.shape[-1], **options, "image_size": tuple(source.kind.shape[:2])}
    if not source.labels:
        options.pop("class_names", None)
    data = load(source.data, split, labels=source.labels, as_numpy=True, **options)
    x, y = data if source.labels else (data, None)
    if images and x.ndim == 4 and x.shape[1:3] != tuple(source.kind.shape[:2]):
        x = prepare(x, source.kind.shape[:2], (-1, 1))
    if x.shape[1:] != tuple(source.kind.shape):
        raise ValueError(
            f"{source.data} has samples of shape {x.shape[1:]} and the generated ones have {tuple(source.kind.shape)}; "
            "expected the same channels. Pass the data of the run by --data."
        )
    return x if y is None else (x, y)


def features_of(source):
    """Returns the default features."""
    pictures = isinstance(source.kind, Images)
    seen = source.kind.shape[-1] if pictures else source.kind.name
    name, _, config = source.data.partition("/")
    if not config and name in DATASETS:
        config = DATASETS[name]().config
    network, knows = NETWORKS.get(f"{name}/{config}") or NETWORKS.get(name) or (None, None)
    if network and knows == seen:
        return network
    return "random-conv-seed0" if pictures and seen in (1, 3) else DRAWN.get(source.kind.name, "pixels")


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
        given = (entry[column] for column in ("control", "ours", "ceiling"))
        values = ("" if value is None else f"{value:.4g}" for value in given)
        name = score.removesuffix("_back")
        better = "lower" if name.endswith("_error") else BETTER.get(name, "")
        table.add_row(entry["title"], *values, better)
    console = Console()
    if not console.is_terminal:
        console.width = 200  # lines in a pipe are not wrapped
    console.print(table)
    console.print(str(protocol), highlight=False, soft_wrap=True)
