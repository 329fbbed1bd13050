"""Trained networks that come with the package: a folder each, which is read only if it is as it was written.

`config.json` (what to build), `model.weights.h5`, `metadata.json` (data, numbers, the command that made it, SHA-256 of
the two others) and `README.md`. Nothing of it is code: weights and JSON only.
"""

import dataclasses
import hashlib
import json
from pathlib import Path

from kerasgan.files import replacing, write_json

ROOT = Path(__file__).parent
CHECKED = ("config.json", "model.weights.h5")


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset whose files are as its metadata say.

    Args:
        name: of the preset.
        weights: path of its weights.
        config: content of its `config.json`.
        metadata: content of its `metadata.json`.
    """

    name: str
    weights: Path
    config: dict
    metadata: dict


def names():
    """Names of the presets that come with the package, sorted."""
    return sorted(path.parent.name for path in ROOT.glob("*/metadata.json"))


def read(name, root=ROOT):
    """Finds a preset and checks its files.

    Args:
        name: of the preset, such as "classifier-digits-v1".
        root: folder of the presets' folders.

    Returns:
        The `Preset`.

    Raises:
        ValueError: if there is no such preset, or a file of it is missing, damaged or changed.
    """
    folder = Path(root) / name
    known = sorted(path.parent.name for path in Path(root).glob("*/metadata.json"))
    if name not in known:
        raise ValueError(f"There is no preset {name!r}; expected one of {', '.join(known) or 'none'}.")
    metadata = _read_json(folder / "metadata.json")
    for file in CHECKED:
        expected, found = metadata["files"][file], sha256_of(folder / file)
        if found != expected:
            raise ValueError(
                f"{folder / file} is not the file that was published: its SHA-256 is {found}, expected {expected}. "
                "Install kerasgan again."
            )
    return Preset(name, folder / "model.weights.h5", _read_json(folder / "config.json"), metadata)


def write(folder, network, config, metadata, readme):
    """Writes a preset.

    Args:
        folder: its folder.
        network: Keras model whose weights it holds.
        config: JSON-ready: what to build, for `config.json`.
        metadata: JSON-ready: what is known about it; the number of parameters and the SHA-256 are added.
        readme: text of its card.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config)
    network.save_weights(folder / "model.weights.h5")
    sums = {file: sha256_of(folder / file) for file in CHECKED}
    write_json(folder / "metadata.json", {**metadata, "parameters": network.count_params(), "files": sums})
    with replacing(folder / "README.md") as file:
        file.write(readme.encode())


def sha256_of(path):
    """SHA-256 of a file, in hexadecimal digits.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); expected a file.") from error


def _read_json(path):
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}. Install kerasgan again.") from error
