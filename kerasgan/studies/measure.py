"""Scores of a preset's model, measured when the preset is written and again when it is verified."""

import hashlib
import warnings
from pathlib import Path

import numpy as np

from kerasgan import metrics
from kerasgan.bases.translation import as_rgb
from kerasgan.data import load
from kerasgan.data.builders import DATASETS
from kerasgan.data.degradation import enlarged
from kerasgan.data.degradation import get as get_degradation
from kerasgan.data.load import resolve
from kerasgan.metrics.evaluation import Evaluator, largest_count
from kerasgan.studies import evaluate
from kerasgan.studies.own_scores import PAIRS, own_scores, pair_scores
from kerasgan.zoo.card import SAMPLES as CALLED

SAMPLES = ("frechet_distance", "precision_recall", "nearest_neighbour")
MOST = 2000  # largest number of samples of each set, so that measuring takes less than minutes
ENLARGEMENTS = {"luma_psnr": "PSNR of luma, dB", "luma_ssim": "SSIM of luma"}
LOOKS = "random-conv-seed0"  # features for translations into arbitrary domains
TOLERANCE = 0.02
NOISE = 0.002  # absolute tolerance for scores near 0


def measure(model, data, split=None, features=None, count=None, seed=0, options=None, trained=None, **_):
    """Scores a model on real data that it has not seen, with a control and a ceiling.

    Args:
        model: A `LatentModel`, scored by its samples, or a `TranslationModel`, scored against the targets of its
            inputs. Models that enlarge images are scored against the large images, models that refine images by a
            regression trained on the results.
        data: Name of the data, as for `kerasgan.data.load`.
        split: Split of the data. Defaults to "test" if it exists.
        features: Features, as for `kerasgan evaluate`. Defaults to the data's classifier if it exists.
        count: Number of samples or pairs. Defaults to all, at most 2000.
        seed: Random seed of the generated samples and of the choice of real samples.
        options: Options of `kerasgan.data.load`. Defaults to those of the training.
        trained: Training data of the model, as in `run.json`.

    Returns:
        A JSON-serialisable dictionary of the arguments, `scores` (as in `Evaluator.report`), `about` (a sentence) and
        `sha256` of the real images.
    """
    options = evaluate.recorded_options(trained, data) if options is None else options
    samples = model.generates
    if samples or hasattr(model, "continue_video"):
        found = _of_samples
    else:
        found = _of_enlargements if hasattr(model, "factor") else _of_pairs
        found = _of_refinements if hasattr(model, "refine") else found
    split = as_split(split) if split else None if samples else _unseen(data, trained)
    scores = found(model, data, split, features, count, seed, options)
    return {**scores, **({"options": options} if options else {})}


def as_split(split):
    """Converts one or two splits from a record to an argument of `kerasgan.data.load`."""
    parts = split.split(",") if isinstance(split, str) else list(split)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _unseen(data, trained):
    """The split or splits that a translator is measured on."""
    split = as_split(trained["split"]) if trained and data == trained["name"] else "test"
    if isinstance(split, str) or resolve(data)[0] != "folder":
        return "test"
    others = tuple(each.replace("train", "test") for each in split)
    if all((Path(data) / each).is_dir() for each in others):
        return others
    warnings.warn(f"{data} has no {' and '.join(others)}: scores are of the training images", stacklevel=3)
    return split


def differences(before, after, tolerance=TOLERANCE):
    """Returns the differences of two `scores` beyond a relative tolerance: `["coverage was 0.9 and is 0.8", ...]`."""
    lines = []
    for score in before.keys() | after.keys():
        was, now = (each.get(score, {}).get("ours", np.nan) for each in (before, after))
        if not abs(was - now) <= max(tolerance * abs(was), NOISE):
            lines.append(f"{score} was {was:.4g} and is {now:.4g}")
    return sorted(lines)


def _of_samples(model, data, split, features, count, seed, options):
    source = evaluate.model_source(model, data, seed, options=options)
    own = own_scores(source)
    if own:
        scored = own(source, split or "test", count, seed)
        settings = {"data": data, "split": split or "test", "count": scored.number, "seed": seed}
        return {**settings, "scores": scored.scores, "about": scored.about, "sha256": _sha256(*scored.real)}
    real, other, name = evaluate.real_samples(source, split)
    features = features or evaluate.features_of(source)
    chosen = (*SAMPLES, "label_fidelity") if source.labels and features.startswith("classifier") else SAMPLES
    count = count or min(largest_count(real, other), MOST)
    evaluator = Evaluator(real, other, chosen, features, count, seed, name)
    report = evaluator.report(evaluator(source.draw(count, evaluator.labels), evaluator.labels))
    scores = {
        score: {key: entry[key] for key in ("title", "control", "ours", "ceiling")}
        for score, entry in report["scores"].items()
    }
    of = "of each class " if source.labels else ""
    called = CALLED.get(source.kind.name, ("samples",))[0]
    about = f"Control: a Gaussian {of}fitted to real {called}; ceiling: other real {called}. {evaluator.protocol}."
    settings = {"data": data, "split": name.rpartition("/")[2], "features": features, "count": count, "seed": seed}
    return {**settings, "scores": scores, "about": about, "sha256": _sha256(real, other)}


def _of_pairs(model, data, split, features, count, seed, options):
    count = count or MOST
    options = {"image_size": model.image_shape[0], **options}
    x, y = load(data, split, labels=False, as_numpy=True, as_pairs=bool(model.as_pairs), **options)
    if not isinstance(split, str) and model.as_pairs == "unpaired":
        return _of_domains(model, data, split, x[:count], y[:count], seed)
    x, y = x[:count], y[:count]
    name = split if isinstance(split, str) else ",".join(split)
    about = f"Control: the input itself; ceiling: the target. {len(x)} pairs of {data}/{name}, seed {seed}."
    both = len(model.translators) > 1
    made = model.translate(x) if both else model.translate(x, seed)
    scores = _direction(x, y, made)
    if both:
        made_back = model.translate(y, to="x")
        scores = _likeness(x, y, made) | scores
        for score, entry in (_likeness(y, x, made_back) | _direction(y, x, made_back)).items():
            scores[f"{score}_back"] = {**entry, "title": f"{entry['title']}, back"}
        about += (
            f" Fréchet distance: features {LOOKS}, half of the translations against the other half's targets. What a "
            "translation has to invent differs from the target's, which the scores of pairs count as an error."
        )
    settings = {"data": data, "split": name, "count": len(x), "seed": seed}
    return {**settings, "scores": scores, "about": about, "sha256": _sha256(x, y)}


def _of_refinements(model, data, split, features, count, seed, options):
    """Scores of refined images: similarity to real ones, value for a regression on real ones, and their change."""
    options = {"image_size": model.image_shape[0], **options}
    x, y = load(data, split, labels=False, as_numpy=True, as_pairs=bool(model.as_pairs), **options)
    name = split if isinstance(split, str) else ",".join(split)
    fewest = min(count or MOST, len(x), len(y))
    if fewest < evaluate.FEWEST:
        raise ValueError(f"{data} has {len(x)} and {len(y)} images in {name}; expected {evaluate.FEWEST} or more.")
    x, y = x[:fewest], y[:fewest]
    made, half = model.refine(x), fewest // 2
    scores = _likeness(x, y, made)
    for factor, values in _factors(data, split, options).items():
        errors = {
            key: float(np.mean(np.abs(regressed(images[:half], values[:half], y[half:]) - values[half:fewest])))
            for key, images in (("control", x), ("ours", made), ("ceiling", y))
        }
        scores[f"{factor}_error"] = {"title": f"mean absolute error of {factor}", **errors}
    change = float(np.mean(np.abs(made - x)))
    scores["change"] = {
        "title": "mean absolute change, in [-1, 1]",
        "control": 0.0,
        "ours": change,
        "ceiling": float(np.mean(np.abs(y - x))) if isinstance(split, str) else None,
    }
    about = (
        f"Control: the synthetic images themselves; ceiling: real ones. {fewest} images of each side of {data}/{name}, "
        f"seed {seed}. Fréchet distance: features {LOOKS}, half of the refined images against the other half of the "
        "real ones. Errors: of a kernel regression that is fitted to one half of the images and has to read real images"
        " of the other half; where refined images lose what their labels say, it is larger."
    )
    settings = {"data": data, "split": name, "count": fewest, "seed": seed}
    return {**settings, "scores": scores, "about": about, "sha256": _sha256(x, y)}


def _factors(data, split, options):
    """The numeric factors of a data set of the package, {name: array of shape (count,)}."""
    kind, found = resolve(data)
    if kind != "own" or not isinstance(split, str):
        return {}
    dataset = DATASETS[found[0]](found[1])
    names = tuple(name for name, each in dataset.features.items() if each.dtype == "float32" and each.shape == ())
    plain = {name: value for name, value in options.items() if name != "degrade"}
    return load(data, split, features=names, as_numpy=True, **plain)[1] if names else {}


def regressed(images, values, others, ridge=0.01):
    """Predicts values of other images by ridge regression with a Gaussian kernel on pixels, in closed form.

    The kernel is `exp(-|a - b|**2 / m)`, where m is the mean squared distance of two of the images.

    Args:
        images: Array of shape (count, ...) that the regression is fitted to.
        values: Values of these images, of shape (count,).
        others: Images whose values are predicted, of shape (others, ...).
        ridge: Weight of the squared norm.

    Returns:
        A float64 array of shape (others,).
    """
    fitted, asked = (each.reshape(len(each), -1).astype("float64") for each in (images, others))
    mean = fitted.mean(axis=0)
    fitted, asked = fitted - mean, asked - mean
    squares = 2 * (fitted**2).mean(axis=0).sum()

    def kernel(a, b):
        return np.exp(-((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T) / squares)

    middle = np.mean(values, dtype="float64")
    weights = np.linalg.solve(kernel(fitted, fitted) + ridge * np.eye(len(fitted)), values - middle)
    return kernel(asked, fitted) @ weights + middle


def _of_enlargements(model, data, split, features, count, seed, options):
    """Scores of large images that are reduced by the recipe's degradation and enlarged again."""
    options = {"image_size": model.image_shape[0], **options}
    large = load(data, split, labels=False, as_numpy=True, **options)[: count or MOST]
    degradation = get_degradation(model.recipe.degradation)
    small = degradation.apply(large, model.factor, np.arange(len(large)), seed)
    ours, control = model.translate(small), enlarged(small, model.factor)
    scores = {}
    for score, title in ENLARGEMENTS.items():
        found = [getattr(metrics, score)(large, images, (-1, 1), border=4) for images in (control, ours)]
        values = dict(zip(("control", "ours"), (float(np.mean(each)) for each in found), strict=True))
        scores[score] = {"title": title, **values, "ceiling": None if score == "luma_psnr" else 1.0}
    about = (
        f"Control: bicubic enlargement; ceiling: the large images. {len(large)} images of {data}/{split}, made "
        f"small by {type(degradation).__name__}, seed {seed}, 4 pixels of each edge cut off."
    )
    settings = {"data": data, "split": split, "count": len(large), "seed": seed}
    return {**settings, "scores": scores, "about": about, "sha256": _sha256(large)}


def _of_domains(model, data, split, x, y, seed):
    """Scores of translations without targets: the distance from the other domain."""
    fewest = min(len(x), len(y))
    if fewest < evaluate.FEWEST:
        raise ValueError(
            f"{data} has {len(x)} and {len(y)} images in {' and '.join(split)}; expected {evaluate.FEWEST} or more."
        )
    x, y = x[:fewest], y[:fewest]
    both = len(model.translators) > 1
    scores = _likeness(x, y, model.translate(x) if both else model.translate(x, seed))
    if both:
        back = _likeness(y, x, model.translate(y, to="x"))
        scores |= {f"{score}_back": {**entry, "title": f"{entry['title']}, back"} for score, entry in back.items()}
    about = (
        f"Features {LOOKS}, half of the translations against the other half of the domain that they should be of; "
        f"control: the input itself; ceiling: that domain. {fewest} images of each of {data}/{','.join(split)}, seed "
        f"{seed}."
    )
    settings = {"data": data, "split": ",".join(split), "count": fewest, "seed": seed}
    return {**settings, "scores": scores, "about": about, "sha256": _sha256(x, y)}


def _sha256(*arrays):
    """Returns the joint SHA-256 of arrays and tuples of arrays."""
    digest = hashlib.sha256()
    for each in arrays:
        for array in each if isinstance(each, tuple) else (each,):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _direction(x, y, made):
    """Returns the scores of translations of x with targets y."""
    copied = x if x.shape == y.shape else np.repeat(x.mean(axis=-1, keepdims=True), y.shape[-1], axis=-1)
    ours, control, ceiling = (pair_scores(images, y) for images in (made, copied, y))
    return {
        score: {"title": title, "control": control[score], "ours": ours[score], "ceiling": ceiling[score]}
        for score, title in PAIRS.items()
    }


def _likeness(x, y, made):
    """Returns the distance of translations from the domain y, {"frechet_distance": ...}."""
    half = len(x) // 2
    found = {
        key: float(metrics.frechet_distance(y[half:], images, features=LOOKS))
        for key, images in (("control", x[:half]), ("ours", np.clip(made[:half], -1, 1)), ("ceiling", y[:half]))
    }
    return {"frechet_distance": {"title": "Fréchet distance", **found}}


def panel(model, x, y, count=8):
    """Returns the image of a translation preset: rows of inputs, outputs and targets."""
    from kerasgan.pictures.images import grid

    count = min(count, len(x), len(x if y is None else y))
    rows = model.panel(x[:count], None if y is None else y[:count])
    return grid(np.concatenate([as_rgb(row) for row in rows]), columns=count)


def continued(model, films, count=6):
    """The film of a preset that continues films: the films above, their first frames and predictions below.

    Args:
        model: Model with `continue_video`.
        films: Array of shape (number, frames, height, width, channels).
        count: Number of films.

    Returns:
        `{"samples.gif": content}`.
    """
    films, context = np.asarray(films[:count], "float32"), model.context
    made = model.continue_video(films[:, :context], films.shape[1] - context)
    below = np.concatenate([films[:, :context], made], axis=1)
    ending, content = model.sample_kind.recorded(np.concatenate([films, below]), len(films))
    return {f"samples.{ending}": content}
