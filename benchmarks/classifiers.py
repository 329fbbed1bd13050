"""Trains the classifiers whose features and predictions are used by metrics, and writes them as presets.

    python -m benchmarks.classifiers digits glyphs sprites fashion fashion-judge emoji avatars solar-cells parts

Each classifier is trained on the split "train" of its data and tested on "test", which has unseen font families for
glyphs and unseen factors for sprites. The training takes a quarter of an hour on one core. "fashion-judge" has another
architecture and another seed than "fashion": a second opinion, which no training and no choice of a setting sees.
"""

import argparse
import hashlib
import sys
import time
from pathlib import Path

import numpy as np

SEED = 0
# Demanded of the label's accuracy on "test".
SETTINGS = {
    "digits": {
        "data": "digits",
        "arguments": {"image_shape": (8, 8, 1), "heads": {"label": 10}, "widths": (32, 64), "features": 64},
        "dropout": 0.3,
        "batch": 64,
        "epochs": 150,
        "demanded": 0.985,
    },
    "glyphs": {
        "data": "glyphs/32",
        "arguments": {"image_shape": (32, 32, 1), "heads": {"label": 62}, "widths": (24, 48, 96), "features": 128},
        "dropout": 0.3,
        "batch": 128,
        "epochs": 8,
        "demanded": 0.95,
    },
    "sprites": {
        "data": "sprites/grey",
        "arguments": {
            "image_shape": (32, 32, 1),  # a quarter of the work, and all factors can still be seen
            "heads": {"label": 3, "scale": 6, "orientation": 40, "x": 32, "y": 32},
            "widths": (12, 24, 48),
            "features": 128,
        },
        "dropout": 0.0,  # it would blur places and angles
        "batch": 64,
        "epochs": 4,
        "demanded": 0.99,
    },
    "fashion": {
        "data": "fashion/full",
        "arguments": {"image_shape": (32, 32, 1), "heads": {"label": 10}, "widths": (16, 32, 64), "features": 128},
        "dropout": 0.3,
        "batch": 128,
        "epochs": 10,
        "demanded": 0.92,
    },
    "fashion-judge": {
        "data": "fashion/full",
        "arguments": {
            "image_shape": (32, 32, 1),
            "heads": {"label": 10},
            "widths": (20, 40, 80),
            "features": 96,
            "architecture": "residual",
        },
        "dropout": 0.2,
        "batch": 96,
        "epochs": 9,
        "seed": 1,
        "demanded": 0.92,
    },
    # Of the following there is little to demand before it was measured: the test pictures are of unseen concepts,
    # unseen combinations of attributes and other modules. The demand is to be better than the most frequent class.
    "emoji": {
        "data": "emoji/noto",
        "arguments": {"image_shape": (32, 32, 3), "heads": {"label": 10}, "widths": (24, 48, 96), "features": 96},
        "dropout": 0.5,
        "batch": 64,
        "epochs": 24,
        "unseen": ", unseen concepts",
    },
    "avatars": {
        "data": "avatars/avataaars",
        "arguments": {"image_shape": (64, 64, 3), "heads": {}, "widths": (12, 24, 48, 64), "features": 128},
        "attributes": ("top", "haircolor", "mouth", "eyes", "accessories", "clothing", "clothescolor", "skincolor"),
        "dropout": 0.2,
        "batch": 64,
        "epochs": 3,
        "unseen": ", unseen combinations of attributes",
    },
    "solar-cells": {
        "data": "solar_cells/64",
        "arguments": {
            "image_shape": (64, 64, 1),
            "heads": {"label": 4, "kind": 2},
            "widths": (16, 32, 48, 64),
            "features": 96,
        },
        "attributes": ("label", "kind"),
        "dropout": 0.4,
        "batch": 64,
        "epochs": 24,
        "unseen": ", cells of other modules",
    },
    # Of solids a classifier sees pictures.
    "parts": {
        "data": "parts",
        "drawing": "views",
        "arguments": {"image_shape": (32, 32, 3), "heads": {"label": 31}, "widths": (24, 48, 96), "features": 96},
        "dropout": 0.5,
        "batch": 64,
        "epochs": 24,
        "unseen": ", unseen series",
    },
}


def images_of(name, split):
    """Returns the images of a split in [-1, 1], at the size of the classifier."""
    from kerasgan.metrics.features.classifier import drawn
    from kerasgan.metrics.features.drawn import DRAWINGS

    settings = SETTINGS[name]
    if "drawing" in settings:
        return drawn(DRAWINGS[f"{settings['drawing']}-conv-seed0"][0], samples_of(name, split))
    return samples_of(name, split)


def samples_of(name, split):
    """Returns the images, sounds or solids of a split."""
    from kerasgan.data.load import load

    settings = SETTINGS[name]
    size = None if "drawing" in settings else settings["arguments"]["image_shape"][0]
    return load(settings["data"], split, size, labels=False, as_numpy=True)


def targets(name, split):
    """Returns the targets of a split, `{head: integers of shape (n,)}`."""
    from kerasgan.data.load import load

    data = SETTINGS[name]["data"]
    if "attributes" in SETTINGS[name]:
        return load(data, split, features=SETTINGS[name]["attributes"], as_numpy=True)[1]
    if name != "sprites":
        return {"label": load(data, split, as_numpy=True)[1]}
    names = ("label", "scale", "orientation", "x", "y", "symmetry")
    return sprite_targets(load(data, split, features=names, as_numpy=True)[1])


def sprite_targets(factors):
    """Returns the index of each sprite's value of each factor."""
    from kerasgan.data.builders.sprites import ORIENTATIONS, PLACES, SCALES

    turns = np.rint(factors["orientation"] * ORIENTATIONS / (2 * np.pi)).astype("int64")
    return {
        "label": factors["label"],
        "scale": np.rint((factors["scale"] - 0.5) * 2 * (SCALES - 1)).astype("int64"),
        # What can be seen of a turn: modulo the shape's symmetry.
        "orientation": turns % (ORIENTATIONS // factors["symmetry"]),
        "x": np.rint(factors["x"] * (PLACES - 1)).astype("int64"),
        "y": np.rint(factors["y"] * (PLACES - 1)).astype("int64"),
    }


def jittered(images, random, turn, stretch, shift, mirror=False):
    """Returns images rotated by up to `turn` radians, stretched up to `1 + stretch`, shifted up to `shift` pixels, and
    mirrored half of the time if `mirror`."""
    from scipy.ndimage import affine_transform

    moved = np.empty_like(images)
    centre = (np.array(images.shape[1:3]) - 1) / 2
    for image, out in zip(images, moved, strict=True):
        angle, (rows, columns) = random.uniform(-turn, turn), 1 + random.uniform(-stretch, stretch, 2)
        cosine, sine = np.cos(angle), np.sin(angle)
        matrix = np.array([[cosine * rows, -sine], [sine, cosine * columns]])
        offset = centre - matrix @ centre + random.uniform(-shift, shift, 2)
        if mirror and random.random() < 0.5:
            image = image[:, ::-1]
        for channel in range(image.shape[-1]):
            background = image[0, 0, channel]
            affine_transform(image[..., channel], matrix, offset, output=out[..., channel], order=1, cval=background)
    return moved


JITTER = {
    "digits": {"turn": 0.15, "stretch": 0.1, "shift": 0.5},
    "glyphs": {"turn": 0.05, "stretch": 0.05, "shift": 0.5},
    "fashion": {"turn": 0.05, "stretch": 0.08, "shift": 1.5, "mirror": True},
    "fashion-judge": {"turn": 0.05, "stretch": 0.08, "shift": 1.5, "mirror": True},
    "emoji": {"turn": 0.15, "stretch": 0.1, "shift": 2.0, "mirror": True},
    "solar-cells": {"turn": 0.02, "stretch": 0.03, "shift": 1.5, "mirror": True},
    "parts": {"turn": 0.05, "stretch": 0.1, "shift": 1.5, "mirror": True},
}


def train(name):
    """Trains a classifier.

    Returns:
        The trained Keras model, and the test accuracy of each head.
    """
    import keras

    from kerasgan.metrics.features import classifier

    settings = SETTINGS[name]
    seed = settings.get("seed", SEED)
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    arguments, epochs = settings["arguments"], settings["epochs"]
    x = images_of(name, "train")
    y = targets(name, "train")
    if not arguments["heads"]:
        arguments["heads"] = {head: int(values.max()) + 1 for head, values in y.items()}
    network = classifier.build(**arguments, initializer="he_normal", dropout=settings["dropout"])
    batch = settings["batch"]
    steps = epochs * (len(x) // batch)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=2e-3, warmup_steps=steps // 20)
    trained = keras.Model(network.input, {head: network.output[head] for head in arguments["heads"]})
    trained.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-3),
        loss={head: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for head in arguments["heads"]},
    )
    began = time.process_time()
    for epoch in range(epochs):
        images = jittered(x, random, **JITTER[name]) if name in JITTER else x
        order = random.permutation(len(x))[: len(x) // batch * batch]
        targets_now = {head: values[order] for head, values in y.items()}
        history = trained.fit(images[order], targets_now, batch_size=batch, shuffle=False, verbose=0).history
        if (epoch + 1) % max(1, epochs // 10) == 0:
            spent = time.process_time() - began
            print(f"{name} epoch {epoch + 1}/{epochs}: loss {history['loss'][-1]:.4f}, {spent:.0f} CPU-s", flush=True)
    final = classifier.build(**arguments)
    for layer in final.layers:
        layer.set_weights(network.get_layer(layer.name).get_weights())
    return final, accuracies(final, name)


def accuracies(network, name):
    """Returns `{head: accuracy on the split "test"}`."""
    logits = network.predict(images_of(name, "test"), batch_size=256, verbose=0)
    y = targets(name, "test")
    return {head: float((logits[head].argmax(axis=1) == values).mean()) for head, values in y.items()}


def most_frequent(name):
    """Returns the share of the most frequent class of each head in the split "test"."""
    return {head: float(np.bincount(values).max() / len(values)) for head, values in targets(name, "test").items()}


CARD = """# {name}

A classifier of the data set `{data}`, for the features and class probabilities of metrics
(`kerasgan evaluate ... --features {name}`). {parameters:,} parameters, {seen}.

Trained on the split "train" ({train:,} {samples}); accuracy on "test" ({test:,} {samples}{unseen}): {accuracy}.

Made by `{command}` with seed {seed}. Licence of the data: {licence}. Not for use on other data: it knows nothing
but this data set.
"""
COMMAND = "python -m benchmarks.classifiers"


def publish(name, network, accuracy, minutes, root):
    """Writes a trained classifier as a preset and returns its folder."""
    import keras

    from kerasgan import __version__
    from kerasgan.data.builders import DATASETS
    from kerasgan.zoo import preset as presets

    settings = SETTINGS[name]
    preset, data = f"classifier-{name}-v1", settings["data"]
    train_x, test_x = (samples_of(name, split) for split in ("train", "test"))
    command, drawing, arguments = f"{COMMAND} {name}", settings.get("drawing"), settings["arguments"]
    shape = "x".join(map(str, arguments["image_shape"]))
    seen = f"{drawing} of {shape}" if drawing else f"images of {shape} in [-1, 1]"
    metadata = {
        "versions": {"kerasgan": __version__, "keras": keras.__version__},
        "data": {
            "name": data,
            "train": len(train_x),
            "train_sha256": hashlib.sha256(train_x.tobytes()).hexdigest(),
            "test": len(test_x),
            "test_sha256": hashlib.sha256(test_x.tobytes()).hexdigest(),
        },
        "seed": settings.get("seed", SEED),
        "epochs": settings["epochs"],
        "cpu_minutes": round(minutes, 1),
        "test_accuracy": {head: round(value, 4) for head, value in accuracy.items()},
        "command": command,
    }
    card = CARD.format(
        name=preset,
        data=data,
        parameters=network.count_params(),
        seen=seen,
        samples={"spectrograms": "sounds", "views": "solids"}.get(drawing, "images"),
        train=len(train_x),
        test=len(test_x),
        unseen={"glyphs": ", faces of unseen font families", "sprites": ", unseen pictures"}.get(
            name, settings.get("unseen", "")
        ),
        accuracy=", ".join(f"{head} {value:.4f}" for head, value in accuracy.items()),
        command=command,
        seed=metadata["seed"],
        licence=DATASETS[data.partition("/")[0]].license,
    )
    folder = Path(root) / preset
    arguments = arguments | ({"drawing": drawing} if drawing else {})
    presets.write(folder, network, {"class": "Classifier", "arguments": arguments}, metadata, card)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=list(SETTINGS), metavar="NAME", help=", ".join(SETTINGS))
    parser.add_argument("--root", help="folder of the presets (default: that of the package)")
    arguments = parser.parse_args()
    from kerasgan.zoo import preset as presets

    good = True
    for name in arguments.names:
        began = time.process_time()
        network, accuracy = train(name)
        folder = publish(name, network, accuracy, (time.process_time() - began) / 60, arguments.root or presets.ROOT)
        demanded = SETTINGS[name].get("demanded")
        met = (
            accuracy["label"] >= demanded
            if demanded
            else all(accuracy[head] > most_frequent(name)[head] for head in accuracy)
        )
        good &= met
        print(
            f"{folder}: {accuracy}, {'as' if met else 'NOT as'} demanded: {demanded or most_frequent(name)}", flush=True
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
