"""Trainings of the zoo on a machine that is there for minutes at a time: `--train NAME --data FILE --checkpoint DIR`.

The training is that of `kerasgan.run`, in a folder of its own that is lost with the machine. What the next piece needs
is kept in the checkpoint's folder: the state in parts of at most 15 MB, `state.json` with their sums, `run.json`,
`history.csv` and the newest picture of samples.

A state of at most 60 MB is kept as it is, and training goes on as if it had not been interrupted. Of a larger one the
weights, their averages and all counters are kept as they are (float32), the second moments of Adam in bfloat16, and the
first moments in bfloat16 as well, or not at all where beta_1 is 0: the next update overwrites them.
"""

import hashlib
import importlib.util
import json
import math
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import numpy as np

MOST, PART = 60_000_000, 15_000_000
STATE = "state.json"
RESERVE = 40.0  # seconds to keep the state in
KEPT_FILES = ("run.json", "history.csv")

# family, constructor arguments, arguments of compile, thousands of images in all.
RECIPES: dict[str, tuple] = {
    "stylegan2_avatars128": (
        "StyleGAN2",
        {
            "image_shape": (128, 128, 3),
            "channel_base": 8192,
            "channel_max": 192,
            "latent_dim": 256,
            "style_dim": 256,
            "depth": 2,
        },
        {"recipe": "auto", "batch_size": 64, "views": ("ada",)},
        4000,
    ),
    "biggan_fashion": (
        "BigGAN",
        {"image_shape": (32, 32, 1), "num_classes": 10, "width": 32, "embedding": 32},
        {"recipe": "cpu32", "batch_size": 256},
        12_000,
    ),
}
TINY: dict[str, dict] = {
    "stylegan2_avatars128": {"image_shape": (8, 8, 3), "channel_base": 64, "channel_max": 8, "latent_dim": 8},
    "biggan_fashion": {
        "image_shape": (8, 8, 1),
        "generator_widths": (16, 8),
        "discriminator_widths": (8, 16),
        "latent_dim": 8,
    },
}
TINY_COMPILE = {"batch_size": 8}


def pack_data(name, path, size=None):
    """Writes the training images of a data set as uint8, and their labels if there are any, to an .npz file.

    Args:
        name: As for `kerasgan.data.load`.
        path: Path of the file.
        size: Height and width. `None` for the data set's.
    """
    from kerasgan import data
    from kerasgan.pictures.files import replacing

    found = data.load(name, image_size=size, as_numpy=True)
    images, labels = found if isinstance(found, tuple) else (found, None)
    columns = {"images": np.round((images + 1.0) * 127.5).astype("uint8")}
    columns |= {} if labels is None else {"labels": np.asarray(labels, "int32")}
    with replacing(path) as file:
        np.savez_compressed(file, **columns)
    print(f"{path}: {len(images):,} images of {images.shape[1:]}, {Path(path).stat().st_size / 1e6:.1f} MB")
    return 0


def read_data(path, image_shape, conditional):
    """The images in [-1, 1] and the labels, or `None`, of an .npz file or of a folder of images."""
    from kerasgan import data

    if str(path).endswith(".npz"):
        with np.load(path) as file:
            columns = {name: file[name] for name in file.files}
        source = (columns["images"], columns["labels"]) if "labels" in columns else columns["images"]
    else:
        source = os.fspath(path)
    found = data.load(source, image_size=image_shape[0], as_numpy=True)
    x, y = found if isinstance(found, tuple) else (found, None)
    return x, y if conditional else None


def build(name, tiny=False):
    """The compiled model of a recipe."""
    import kerasgan
    from kerasgan.run import set_random_seed

    family, arguments, changes, _ = RECIPES[name]
    set_random_seed(0)
    model = getattr(kerasgan, family)(**{**arguments, **(TINY[name] if tiny else {})}, seed=0, dtype="mixed_bfloat16")
    model.compile(**{**changes, **(TINY_COMPILE if tiny else {})})
    return model


def train(name, data, folder, minutes, tiny=False):
    """Trains for some minutes, from the state of the folder if there is one, and keeps the state there.

    Args:
        name: Name of the recipe.
        data: Path of the data.
        folder: Folder of the state.
        minutes: Minutes from now, within which the state is kept as well.
        tiny: Whether the networks are tiny, for a rehearsal.
    """
    start = time.monotonic()
    os.environ.setdefault("KERAS_BACKEND", "jax")
    from kerasgan import run
    from kerasgan.callbacks import Interrupted, latest_checkpoint

    if importlib.util.find_spec("PIL") is None:
        print("Pillow, which writes the pictures of samples, is not installed here: carry its wheel as well.")
        return 1
    deadline = start + 60 * minutes - min(RESERVE, 12 * minutes)
    folder = Path(folder)
    model = build(name, tiny)
    x, y = read_data(data, model.image_shape, bool(model.conditions))
    epochs = math.ceil(1000 * RECIPES[name][3] / len(x))
    facts = {"data": {"name": name, "images": len(x)}}
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "run"
        position, before = run.START, 0.0
        if (folder / STATE).exists():
            before = unpack(model, folder, own)
            position = run.resume(own, model, **facts)
        finished = True
        try:
            run.train(
                own,
                model,
                x,
                y,
                epochs=epochs,
                position=position,
                sample_every=epochs,
                checkpoint_every=epochs,  # and where it stops
                keep=1,
                callbacks=[until(deadline)],
                **facts,
            )
        except Interrupted:
            finished = False
        spent = before + (time.monotonic() - start) / 60
        size, kept = pack(model, latest_checkpoint(own / "checkpoints"), own, folder, spent)
    seen = int(np.asarray(model.images_seen))
    print(
        f"{name}: {seen:,} images of {epochs * len(x):,} after {spent:.1f} minutes{', finished' if finished else ''}; "
        f"{folder} holds a state of {size / 1e6:.1f} MB, {kept}."
    )
    return 0


def until(deadline):
    """A callback that asks the training to stop, as a signal does, when `time.monotonic()` has reached a moment.

    At least one step is made, so that calls that are too short for the compilation also get on.
    """
    import keras

    class Until(keras.callbacks.Callback):
        asked = False

        def on_train_begin(self, logs=None):
            self.start = int(self.model.iterations)

        def on_train_batch_end(self, batch, logs=None):
            # Batches before the place where the training goes on are skipped without a step.
            if not self.asked and time.monotonic() >= deadline and int(self.model.iterations) > self.start:
                self.asked = True
                signal.raise_signal(signal.SIGTERM)

    return Until()


def compact(model, state, most=MOST):
    """What is kept of a state, `{name: array}`, and how, in words.

    Args:
        model: Compiled model that it is of.
        state: All of it, by the names of a checkpoint.
        most: Bytes up to which all of it is kept.
    """
    import ml_dtypes

    if sum(array.nbytes for array in state.values()) <= most:
        return dict(state), "kept exactly"
    kept = {}
    for name, array in state.items():
        plain = name.partition("#")[0]  # without the number that tells variables of one name apart
        first, second = plain.endswith("_momentum"), plain.endswith("_velocity")
        if not (name.startswith("optimizers/") and (first or second)):
            kept[name] = array
        elif second or model.optimizer.players[name.split("/")[1]].beta_1:
            kept[name] = array.astype(ml_dtypes.bfloat16)
    return kept, "weights, averages and counters in float32, moments of Adam in bfloat16 (no first ones for beta_1 = 0)"


def expanded(model, kept):
    """The whole state of what `compact` kept: other moments are 0."""
    from kerasgan.callbacks.checkpoint import named_variables

    found = {}
    for name, variable in named_variables(model).items():
        dtype = np.asarray(variable).dtype
        found[name] = kept[name].astype(dtype) if name in kept else np.zeros(variable.shape, dtype)
    return found


def pack(model, checkpoint, own, folder, minutes):
    """Keeps a checkpoint, and the run's files, in a folder; returns its bytes and how it was kept."""
    from kerasgan.callbacks.checkpoint import read_checkpoint, write_checkpoint
    from kerasgan.pictures.files import replacing, write_json
    from kerasgan.pictures.images import write_png
    from kerasgan.zoo.saving import picture

    about, state = read_checkpoint(checkpoint)
    kept, how = compact(model, state)
    whole = own / "kept.npz"
    write_checkpoint(whole, about, kept)
    content = whole.read_bytes()
    whole.unlink()
    if len(content) > MOST + 1_000_000:
        print(f"The state takes {len(content) / 1e6:.1f} MB, more than {MOST / 1e6:.0f}: choose narrower networks.")
    iterations = about["position"]["iterations"]
    parts = [content[place : place + PART] for place in range(0, len(content), PART)]
    names = [f"state-{iterations:08d}-{place}.part" for place in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        with replacing(folder / name) as file:
            file.write(part)
    for name in KEPT_FILES:
        with replacing(folder / name) as file:
            file.write((own / name).read_bytes())
    write_png(folder / "samples.png", picture(model))
    digest = hashlib.sha256(content).hexdigest()
    write_json(folder / STATE, {"parts": names, "sha256": digest, "kept": how, "minutes": minutes, **about["position"]})
    for other in folder.glob("state-*.part"):
        if other.name not in names:
            other.unlink()
    return len(content), how


def unpack(model, folder, own):
    """Makes the run's folder from a kept state; returns the minutes of training so far.

    Raises:
        ValueError: If the parts are not what was kept.
    """
    from kerasgan.callbacks.checkpoint import read_checkpoint, write_checkpoint

    entries = json.loads((folder / STATE).read_text("utf-8"))
    content = b"".join((folder / name).read_bytes() for name in entries["parts"])
    if hashlib.sha256(content).hexdigest() != entries["sha256"]:
        raise ValueError(f"{folder} is damaged: its parts do not have the SHA-256 of {STATE}. Take an earlier copy.")
    own.mkdir(parents=True)
    whole = own / "kept.npz"
    whole.write_bytes(content)
    about, kept = read_checkpoint(whole)
    whole.unlink()
    checkpoints = own / "checkpoints"
    checkpoints.mkdir()
    write_checkpoint(checkpoints / f"step-{entries['iterations']:08d}.npz", about, expanded(model, kept))
    for name in KEPT_FILES:
        shutil.copyfile(folder / name, own / name)
    return float(entries["minutes"])


def write_preset(name, folder, target, tiny=False):
    """Writes the averaged networks of a kept state as a preset (`kerasgan.zoo`)."""
    from kerasgan.callbacks import restore_checkpoint
    from kerasgan.zoo.saving import save

    model = build(name, tiny)
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "run"
        minutes = unpack(model, Path(folder), own)
        restore_checkpoint(model, own / "checkpoints")
    command = f"python -m benchmarks.accelerator --train {name}"
    save(model, Path(target), command=command, seed=0, minutes=round(minutes, 1))
    return 0
