"""`kerasgan evaluate --probe`: probes a model's features for labels that it was not trained with, with controls."""

from pathlib import Path

import keras
import numpy as np

from kerasgan.metrics.linear_probe import linear_probe
from kerasgan.metrics.nearest_neighbour_probe import nearest_neighbour_probe
from kerasgan.pictures.files import write_json
from kerasgan.studies.evaluate import model_source, real_samples

MOST = 5000  # default maximum number of samples per split


def probe(arguments, options=None):
    """Runs `kerasgan evaluate --probe`.

    Args:
        arguments: Arguments of the command.
        options: Options of `kerasgan.data.load` for pictures that differ from those of the training.

    Raises:
        ValueError: For a model without features, or data without labels.
    """
    model, trained = _model(arguments.samples)
    if not hasattr(model, "features"):
        raise ValueError(
            f"{type(model).__name__} has no features to probe. Use a model with an encoder, such as BiGAN."
        )
    data = arguments.data or (trained or {}).get("name")
    if not data:
        raise ValueError(f"{arguments.samples} does not say what it was trained on; expected --data NAME with it.")
    source = model_source(model, data, arguments.seed, {}, trained, options=options)
    source = source._replace(labels=True, kind=model.data_specs()[0], trained_on=())
    test, train, name = real_samples(source, arguments.split)
    chosen = np.random.default_rng(arguments.seed)
    if train is None:
        train, test = _halves(test, chosen)
    most = arguments.count or MOST
    train, test = (_some(each, most, chosen) for each in (train, test))
    scores = probe_scores(model, train, test, not arguments.raw)
    about = {"model": str(arguments.samples), "data": name, "train": len(train[0]), "test": len(test[0])}
    write_json(arguments.out, {**about, "probe": scores})
    _print(scores)
    print(arguments.out)


def probe_scores(model, train, test, ema=True):
    """Accuracies of linear and nearest-neighbour classifiers on a model's features and on untrained baselines.

    Args:
        model: A model with `features`.
        train: Images and labels that the classifiers are fitted to.
        test: Images and labels that the classifiers are tested on.
        ema: Whether to use the averaged encoder.

    Returns:
        `{"features", "pixels", "pca", "untrained": {"linear", "nearest_neighbour", "size"}}`: the features, the pixels,
        as many of their principal components as there are features (or fewer, if necessary), and the features of the
        same network with new initial weights.
    """
    from sklearn.decomposition import PCA

    (train_x, train_y), (test_x, test_y) = train, test
    pixels = [np.reshape(x, (len(x), -1)) for x in (train_x, test_x)]
    found = [model.features(x, ema) for x in (train_x, test_x)]
    size = min(found[0].shape[1], *pixels[0].shape)
    components = PCA(size, random_state=0).fit(pixels[0])
    config = keras.saving.serialize_keras_object(model)["config"]
    untrained = type(model).from_config(config)
    kinds = {
        "features": found,
        "pixels": pixels,
        "pca": [components.transform(x) for x in pixels],
        "untrained": [untrained.features(x, False) for x in (train_x, test_x)],
    }
    return {
        kind: {
            "linear": linear_probe(of_train, train_y, of_test, test_y),
            "nearest_neighbour": nearest_neighbour_probe(of_train, train_y, of_test, test_y),
            "size": of_train.shape[1],
        }
        for kind, (of_train, of_test) in kinds.items()
    }


def _model(name):
    """The model of a run or a preset, and its training data."""
    if (Path(name) / "run.json").exists():
        from kerasgan.run import load_run

        run = load_run(name)
        return run.model, run.entries.get("data")
    from kerasgan import zoo

    return zoo.load(name), zoo.find(name).metadata.get("data")


def _halves(data, rng):
    order = rng.permutation(len(data[0]))
    middle = len(order) // 2
    return tuple(tuple(each[part] for each in data) for part in (order[:middle], order[middle:]))


def _some(data, most, rng):
    chosen = rng.permutation(len(data[0]))[:most]
    return tuple(each[chosen] for each in data)


def _print(scores):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for title in ("accuracy on", "linear", "nearest neighbour", "numbers"):
        table.add_column(title, no_wrap=True, justify="left" if title == "accuracy on" else "right")
    titles = {
        "features": "features",
        "pixels": "pixels",
        "pca": "principal components",
        "untrained": "untrained network",
    }
    for kind, entry in scores.items():
        table.add_row(titles[kind], f"{entry['linear']:.4g}", f"{entry['nearest_neighbour']:.4g}", str(entry["size"]))
    Console().print(table)
