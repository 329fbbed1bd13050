"""Measures the data sets that are read from packages, for kerasgan/data/builders/facts.json, and draws their sheets.

    python tools/measure_data.py [--sheets] NAME...

NAME is a name or name/config as in `kerasgan data list`; a name alone stands for all its configs. The packages must be
those that tools/install_data_packages.sh pins.

Of each split: the number of examples, that of each class, and the SHA-256 of the prepared files. Near duplicates are
looked for between a fifth of the test split and a fifth of the training split; the same between two fifths of the
training split is the control, which says how much alike two examples of the data are anyway.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from kerasgan.data import cache
from kerasgan.data.builders import DATASETS
from kerasgan.data.builders.base import FACTS
from kerasgan.data.builders.features import Audio, Characters, Image

SHEETS = Path(__file__).parents[1] / "docs" / "data"
LARGEST_SHEET = 200_000  # bytes
MOST = 8000  # examples of a fifth, at most
NEAR = 0.03


def thumbnails(images):
    """Images in [0, 1] of at most 32 pixels a side, as vectors."""
    images = np.asarray(images, "float32") / 255
    while images.shape[1] > 32 and images.shape[1] % 2 == 0:
        images = (images[:, ::2] + images[:, 1::2]) / 2
        images = (images[:, :, ::2] + images[:, :, 1::2]) / 2
    return images.reshape(len(images), -1)


def spectrograms(sound):
    """Pictures of sound in [0, 1], as vectors: 64 frequencies and 62 times, averaged over 2 x 2."""
    from kerasgan.data.builders.sound import spectrogram

    pictures = np.stack([spectrogram(one[:16000]) for one in sound]).astype("float32") / 255
    return pictures[:, :, :124].reshape(len(sound), 64, 2, 62, 2).mean((2, 4)).reshape(len(sound), -1)


def nearest(some, others, itself=False):
    """Root mean square distance of each vector to the nearest of the others."""
    found = []
    norms = (others**2).sum(1)
    for start in range(0, len(some), 256):
        part = some[start : start + 256]
        squares = (part**2).sum(1)[:, None] + norms - 2 * part @ others.T
        found.append(np.sqrt(np.maximum(squares.min(1), 0) / some.shape[1]))
    return np.concatenate(found)


def unlikeness(some, others):
    """One minus the intersection over union of each binary vector with the most similar of the others."""
    found = []
    sizes = others.sum(1)
    for start in range(0, len(some), 256):
        part = some[start : start + 256]
        common = part @ others.T
        found.append(1 - (common / (part.sum(1)[:, None] + sizes - common)).max(1))
    return np.concatenate(found)


def one_letter(some, others):
    """0 where a text is among the others, 1 where one letter more, less or other makes it one of them, else 2."""

    def fewer(text):
        return {text[:k] + text[k + 1 :] for k in range(len(text))}

    def wild(text):
        return {text[:k] + "?" + text[k + 1 :] for k in range(len(text))}

    whole = set(others)
    shorter = set().union(*map(fewer, others))
    patterns = set().union(*map(wild, others))
    return np.array(
        [
            0 if text in whole else 1 if text in shorter or fewer(text) & whole or wild(text) & patterns else 2
            for text in some
        ]
    )


def compared(dataset, arrays, parts):
    """Distances of the rows of one part to those of another, by what the samples are; and which count as near."""
    feature = dataset.features[dataset.sample]
    columns = [arrays[split][dataset.sample][rows] for split, rows in parts]
    identical = len({one.tobytes() for one in columns[0]} & {one.tobytes() for one in columns[1]})
    if isinstance(feature, Characters):
        texts = map(feature.decode, columns)
        return identical, one_letter(*texts), 1.5, "at most one letter apart"
    if isinstance(feature, Image):
        return identical, nearest(*map(thumbnails, columns)), NEAR, f"closer than RMS {NEAR} at 32 pixels"
    if isinstance(feature, Audio):
        return identical, nearest(*map(spectrograms, columns)), NEAR, f"closer than RMS {NEAR} in spectrograms"
    flat = [np.asarray(column, "float32").reshape(len(column), -1) for column in columns]
    return identical, unlikeness(*flat), 0.05, "intersection over union above 0.95"


def near_duplicates(dataset, arrays):
    sizes = {split: len(columns[dataset.sample]) for split, columns in arrays.items()}
    order = {split: np.random.RandomState(0).permutation(size) for split, size in sizes.items()}
    fifth = {split: np.sort(rows[: min(MOST, max(1, len(rows) // 5))]) for split, rows in order.items()}
    second = np.sort(order["train"][len(fifth["train"]) :][: len(fifth["test"])])
    facts = {"compared": f"{len(fifth['test'])} test with {len(fifth['train'])} training examples"}
    for name, parts in (
        ("test_to_train", (("test", fifth["test"]), ("train", fifth["train"]))),
        ("train_to_train", (("train", second), ("train", fifth["train"]))),
    ):
        identical, distances, near, means = compared(dataset, arrays, parts)
        facts[name] = f"{int((distances < near).sum())} of {len(distances)} {means}, {identical} identical" + (
            f"; median {np.median(distances):.3f}" if near < 1 else ""
        )
    return facts


def measure(dataset):
    """The facts of a data set."""
    dataset.check_requirements()
    for package in dataset.packages:
        if dataset.cached and package.found_version() != package.version:
            raise SystemExit(f"{package.name} is of version {package.found_version()}; expected {package.version}.")
    splits = cache.counts(dataset)
    arrays = {split: cache.arrays(dataset, split) for split in splits}
    facts = {"version": dataset.version, "counts": splits, "sha256": {}}
    if dataset.class_names is not None and len(dataset.class_names) <= 60:
        counted = {
            split: np.bincount(columns["label"], minlength=len(dataset.class_names))
            for split, columns in arrays.items()
        }
        facts["classes"] = {
            name: [int(counted[split][number]) for split in splits] for number, name in enumerate(dataset.class_names)
        }
    for split, columns in arrays.items():
        digest = hashlib.sha256()
        for name in dataset.features:
            column = columns[name]
            digest.update("\n".join(column.tolist()).encode() if column.dtype.kind == "U" else column.tobytes())
        facts["sha256"][split] = digest.hexdigest()
    facts["near_duplicates"] = near_duplicates(dataset, arrays)
    return facts


def write_sheet(dataset, path):
    """The contact sheet, in as many colours as fit into the size."""
    from PIL import Image as Picture

    picture = Picture.fromarray(dataset.sheet(cache.some(dataset, "train", dataset.sheet_count)))
    for colours in (None, 256, 128, 64, 32, 16):
        (picture if colours is None else picture.quantize(colours, dither=0)).save(path, optimize=True)
        if path.stat().st_size <= LARGEST_SHEET:
            return
    raise SystemExit(f"{path} has {path.stat().st_size} bytes; expected at most {LARGEST_SHEET}: lower sheet_count.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheets", action="store_true", help="only draw the sheets of docs/data")
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args()
    for full in options.names:
        name, _, config = full.partition("/")
        kind = DATASETS[name]
        if options.sheets:
            write_sheet(kind(config or None), SHEETS / f"{name}.png")
            continue
        for one in [config] if config else kind.configs or (None,):
            dataset = kind(one)
            measured = measure(dataset)
            facts = json.loads(FACTS.read_text(encoding="utf-8"))  # as late as this, as others may measure too
            facts[dataset.full_name] = measured
            FACTS.write_text(
                json.dumps(dict(sorted(facts.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            print(dataset.full_name, json.dumps(facts[dataset.full_name]["near_duplicates"]), flush=True)


if __name__ == "__main__":
    main()
