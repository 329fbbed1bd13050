"""Presets: one folder per trained model, which is only read if its files are unchanged, and never executed.

A preset contains `config.json` (the configuration of the model), `model.weights.h5`, `metadata.json` (data, scores, the
command that created it, size and SHA-256 of the other files), `README.md` (the card), `samples.png` and, for sounds and
films, `samples.wav` or `samples.gif`.
"""

import dataclasses
import hashlib
import json
import math
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

import numpy as np

from kerasgan.pictures.files import write_json
from kerasgan.zoo.nearest import nearest

# Package data of an installed kerasgan; in a checkout, a link to its folder.
_BUNDLED = Path(__file__).parent / "presets"
ROOT = _BUNDLED if _BUNDLED.is_dir() else Path(__file__).parents[2] / "zoo"
FORMAT = 1  # version of config.json and metadata.json
CONFIG, WEIGHTS, METADATA, CARD, SAMPLES = (
    "config.json",
    "model.weights.h5",
    "metadata.json",
    "README.md",
    "samples.png",
)
FILES = (CONFIG, WEIGHTS, CARD, SAMPLES)  # files listed in metadata.json
MEDIA = ("samples.wav", "samples.gif")  # additional files, for sounds and films
ALLOWED = (*FILES, *MEDIA)
LARGEST = 200_000_000  # maximum size of a file in bytes
SMALL_MODEL, MANY_TIMES = 50_000_000, 20  # size, or multiple of the stored size, up to which a model is not suspicious
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# Modules of the classes in a configuration. Keras would load others too, some of which execute their arguments.
MODULES = (
    "keras.layers",
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
    "keras.activations",
    "kerasgan",
)
CLASSES = ("DTypePolicy", "Functional", "Sequential", "SeedGenerator")  # from other Keras modules
REFUSED = ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset whose files match its metadata.

    Args:
        name: Name of the preset.
        folder: Folder of the files.
        config: Contents of the `config.json`.
        metadata: Contents of the `metadata.json`.
    """

    name: str
    folder: Path
    config: dict
    metadata: dict

    @property
    def weights(self):
        """Path of the weights."""
        return self.folder / WEIGHTS


def names(root=ROOT):
    """Sorted names of the presets in a folder; by default, of those that come with the package."""
    return sorted(path.parent.name for path in Path(root).glob(f"*/{METADATA}"))


def read(name, root=ROOT):
    """Finds a preset and checks its files.

    Args:
        name: Name of the preset, such as "classifier-digits-v1", or the path of a preset's folder.
        root: Folder that contains the presets, if a name is given.

    Returns:
        The `Preset`.

    Raises:
        ValueError: If there is no such preset, if it has another format, or if one of its files is missing, damaged,
            changed or not allowed.
    """
    folder = Path(name)
    if not (os.sep in str(name) and (folder / METADATA).is_file()):
        known = names(root)
        if name not in known:
            raise ValueError(
                f"There is no preset {str(name)!r}; expected one of {', '.join(known) or 'none'}, or the path of a "
                f"folder that holds one (./folder).{nearest(name, known)}"
            )
        folder = Path(root) / name
    metadata = read_json(folder / METADATA)
    if metadata.get("format") != FORMAT or not isinstance(metadata.get("files"), dict):
        raise ValueError(
            f"{folder / METADATA} has the format {metadata.get('format')!r}, expected {FORMAT}. The preset was made "
            "for another version of kerasgan."
        )
    for file in (CONFIG, WEIGHTS):
        if file not in metadata["files"]:
            raise ValueError(f"{folder / METADATA} does not list {file}. Get the preset again.")
    for file, entry in metadata["files"].items():
        check_file(folder, file, entry)
    config = read_json(folder / CONFIG)
    check_config(config, folder / CONFIG)
    return Preset(folder.resolve().name, folder, config, metadata)


def write(folder, network, config, metadata, card, samples=None, media=None):
    """Writes a preset, which replaces an existing one when it is complete.

    Args:
        folder: Folder of the preset, whose name becomes that of the preset.
        network: Keras model with the weights. None keeps the existing weights, picture and media.
        config: JSON-ready configuration for `config.json`.
        metadata: JSON-ready metadata; name, format, number of parameters, sizes and SHA-256 are added.
        card: Text of the card.
        samples: Array of a picture for `samples.png`, as for `kerasgan.pictures.images.write_png`.
        media: `{file: contents in bytes}` for files of `MEDIA`.

    Raises:
        ValueError: For an invalid name, or a configuration that could not be read again.
        FileExistsError: If the folder contains anything but a preset.
    """
    folder = Path(folder)
    if not NAME.fullmatch(folder.resolve().name):
        raise ValueError(
            f"{folder.name!r} is not a valid preset name: expected a-z, 0-9, - and _, such as dcgan_digits."
        )
    check_config(config, CONFIG)
    foreign = sorted(p.name for p in folder.iterdir() if p.name not in (*ALLOWED, METADATA)) if folder.exists() else []
    if foreign:
        raise FileExistsError(
            f"{folder} contains files that do not belong to a preset: {', '.join(foreign[:5])}. Choose a new folder."
        )
    name = folder.resolve().name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as beside:
        new = Path(beside) / "new"  # the temporary folder itself is not accessible to other users
        new.mkdir()
        write_json(new / CONFIG, config)
        if network is None:
            for file in (WEIGHTS, SAMPLES, *MEDIA):
                if (folder / file).exists():
                    shutil.copyfile(folder / file, new / file)
        else:
            network.save_weights(new / WEIGHTS)
            metadata = {**metadata, "parameters": sum(math.prod(v.shape) for v in network.variables)}
        (new / CARD).write_text(card, "utf-8")
        if samples is not None:
            from kerasgan.pictures.images import write_png

            write_png(new / SAMPLES, samples)
        for file, content in (media or {}).items():
            (new / file).write_bytes(content)
        about = {"name": name, "format": FORMAT, **metadata}
        write_json(new / METADATA, {**about, "files": entries(new)})
        if folder.exists():
            os.replace(folder, Path(beside) / "old")
        os.replace(new, folder)


def entries(folder):
    """The dictionary `{file: {"bytes", "sha256"}}` of a preset's files."""
    there = [file for file in ALLOWED if (Path(folder) / file).exists()]
    return {f: {"bytes": (Path(folder) / f).stat().st_size, "sha256": sha256_of(Path(folder) / f)} for f in there}


# Checks --------------------------------------------------------------------------------------------------------------


def check_file(folder, file, entry):
    """Rejects a file that does not match `entry`, {"bytes", "sha256"}.

    Raises:
        ValueError: If they differ; the message says how.
    """
    if file not in (*ALLOWED, METADATA):
        raise ValueError(f"{folder} lists {file!r}, which is not a file of a preset; expected {', '.join(ALLOWED)}.")
    if not isinstance(entry, dict) or not isinstance(entry.get("bytes"), int) or entry["bytes"] > LARGEST:
        raise ValueError(f"{folder} declares {entry!r} for {file}; expected its sha256 and at most {LARGEST:,} bytes.")
    found = sha256_of(Path(folder) / file)
    if found != entry.get("sha256"):
        raise ValueError(
            f"{Path(folder) / file} is not the file that was published: its SHA-256 is {found}, expected "
            f"{entry.get('sha256')}. Get the preset again; if it came with the package, install kerasgan again."
        )


def check_config(config, source):
    """Rejects a configuration that would make Keras load anything but known layers.

    Args:
        config: Contents of a `config.json`.
        source: Name of the configuration in errors.

    Raises:
        ValueError: If a class is not allowed; the message names it.
    """
    if not isinstance(config, dict) or not isinstance(config.get("class"), str):
        raise ValueError(f"{source} does not name a class; expected an object with 'class'.")
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
            if "class_name" not in value:
                continue
            module, name = value.get("module") or "", value["class_name"]
            known = any(module == each or module.startswith(f"{each}.") for each in MODULES)
            known |= module.partition(".")[0] == "keras" and name in CLASSES
            registered = str(value.get("registered_name") or name)  # Keras checks this first
            known &= not str(name).startswith("__") and registered in (name, f"kerasgan>{name}")
            known |= not module and name == "__keras_tensor__"  # occurs between the layers of a Functional model
            if not known or name in REFUSED or not isinstance(name, str):
                raise ValueError(
                    f"{source} uses {module}.{name}, which is not allowed in a preset: it could run code. Allowed are "
                    "layers, initializers, regularizers, constraints and activations of Keras and kerasgan, without "
                    "Lambda."
                )
        elif isinstance(value, (list, tuple)):
            pending += value


def check_size(preset, network, whole):
    """Rejects a preset whose configuration creates different, or many more, numbers than its weights file contains.

    Args:
        preset: The `Preset`.
        network: Keras model of the stored networks, whose variables need no values.
        whole: Total number of values of the model that the configuration creates.

    Raises:
        ValueError: If they do not match; the message gives both numbers.
    """
    numbers = sum(math.prod(v.shape) for v in network.variables)
    declared, size = preset.metadata.get("parameters"), os.path.getsize(preset.weights)
    if declared not in (None, numbers):
        raise ValueError(
            f"{preset.folder / CONFIG} creates networks with {numbers:,} values, but {METADATA} declares "
            f"{declared:,}. The preset was changed; get it again."
        )
    if whole > max(SMALL_MODEL, MANY_TIMES * numbers):
        raise ValueError(
            f"{preset.folder / CONFIG} creates a model with {whole:,} values for only {numbers:,} stored weights "
            f"({size:,} bytes); it is rejected because it would exhaust memory."
        )
    check_weights(preset.weights, network)


def check_weights(path, network):
    """Rejects a weights file that does not contain exactly the numbers of a network.

    Keras leaves layers unchanged if the file has no weights for them; here this is an error as well.

    Args:
        path: Path of the file.
        network: Built Keras model that the weights belong to.

    Raises:
        ValueError: For links out of the file, objects, or more or fewer numbers than the network has.
    """
    import h5py

    expected = sorted(tuple(v.shape) for v in network.variables if "seed_generator" not in v.path)
    found, seen = [], set()
    datasets: list[str] = []
    _check_regular(path)
    try:
        with h5py.File(path, "r") as file:
            groups = [file]
            while groups:
                group = groups.pop()
                for name in group:
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise ValueError(
                            f"{path} contains the link {name!r} to another place, which is not allowed in a preset."
                        )
                    item = group[name]
                    place = h5py.h5o.get_info(item.id).addr
                    if place in seen:
                        raise ValueError(f"{path} contains {name!r} twice, or within itself.")
                    seen.add(place)
                    if isinstance(item, h5py.Group):
                        groups += [item] if "seed_generator" not in name else []
                        continue
                    if item.dtype.kind not in "fiub" or item.external or item.is_virtual:
                        of = f"type {item.dtype}" if item.dtype.kind not in "fiub" else "another file"
                        raise ValueError(f"{path} contains {item.name} of {of}; expected numbers only.")
                    found.append(tuple(item.shape))
                    datasets.append(item.name)
    except OSError as error:
        raise ValueError(f"{path} is not an HDF5 file: {error}.") from error
    if sorted(found) != expected:
        raise ValueError(
            f"{path} contains {len(found)} arrays of {sum(map(math.prod, found)):,} values in all, but its networks "
            f"have {len(expected)} of {sum(map(math.prod, expected)):,}: it was not made for them."
        )
    with h5py.File(path, "r") as file:
        for name in datasets:
            if file[name].dtype.kind == "f" and not np.isfinite(file[name][()]).all():
                raise ValueError(f"{path} holds NaN or infinity in {name}: its model has diverged. Get another preset.")


def _check_regular(path):
    """Rejects anything but regular files: a link may lead anywhere, and a pipe may never end.

    Raises:
        ValueError: If the path is a link, a pipe, a device or a folder.
    """
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); expected a file.") from error
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise ValueError(f"{path} is {kind}; expected a file.")
    if os.path.getsize(path) > LARGEST:
        raise ValueError(f"{path} has {os.path.getsize(path):,} bytes; expected at most {LARGEST:,}.")


def sha256_of(path):
    """Computes the SHA-256 of a file in hexadecimal digits.

    Raises:
        ValueError: If the file cannot be read.
    """
    _check_regular(path)
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); expected a file.") from error


def read_json(path):
    """Reads a JSON file of a preset.

    Raises:
        ValueError: If the file is damaged or missing.
    """
    _check_regular(path)
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); expected a file.") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}. Get the preset again.") from error
