"""Data sets that are made on the spot or come with a package: nothing has to be downloaded."""

from kerasgan.data.builders.base import ClassLabel, Image, LocalDataset, tfds_builder
from kerasgan.data.builders.digits import Digits

DATASETS: dict[str, type[LocalDataset]] = {dataset.name: dataset for dataset in (Digits,)}

__all__ = ["DATASETS", "ClassLabel", "Digits", "Image", "LocalDataset", "tfds_builder"]
