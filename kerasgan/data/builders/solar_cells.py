"""Electroluminescence images of solar cells, with the probability of a defect."""

import functools

import numpy as np

from kerasgan.data.builders.base import PackagedDataset
from kerasgan.data.builders.features import ClassLabel, Image, Tensor
from kerasgan.data.builders.packages import Package

PACKAGE = Package("elpv-dataset", "1.0.0.post1", "data", "pypi", "elpv_dataset")
LABELS = ("functional", "probably functional", "probably defective", "defective")
PROBABILITIES = (0.0, 1 / 3, 2 / 3, 1.0)
KINDS = ("mono", "poly")
# Indices of the test runs, in the order of the package. Together they have about as many defective cells of either kind
# as the other runs.
TEST_RUNS = (0, 1, 6, 8, 9)


class SolarCells(PackagedDataset):
    """2,624 solar cells, cropped from electroluminescence photographs of 44 modules: the ELPV data set.

    A current makes a cell glow; cracks, broken contacts and defective material stay dark. Experts have judged each cell
    as functional or defective, and stated whether they were sure. The cells are made of monocrystalline or
    polycrystalline silicon.

    Configs: `"64"`, `"128"` and `"300"` pixels, grey; the first two are downscaled from the source's 300 pixels.

    Factors: `label`, the judgement; `probability` of a defect, 0, 1/3, 2/3 or 1; `kind`, "mono" or "poly"; `number` of
    the cell in the source, from 1.

    Splits: by module. The source does not identify the modules, but it lists their cells consecutively, and each module
    is made of one kind of silicon: wherever the kind changes, a new module starts. Five of the ten runs of one kind,
    660 cells, are for testing.

    The data may not be used commercially, and derived works are under the same licence. kerasgan does not contain them.

    Raises:
        FileNotFoundError: If the package elpv-dataset is not installed; the message says how to get it.
    """

    name = "solar_cells"
    version = "1.0.0"
    description = (
        "2,624 solar cells under electroluminescence, grey, with the probability of a defect (0, 1/3, 2/3, 1) and the "
        "kind of silicon; the splits have no module in common."
    )
    citation = """@inproceedings{buerhop2018benchmark,
        author = {Buerhop-Lutz, Claudia and Deitsch, Sergiu and Maier, Andreas and Gallwitz, Florian and Berger, Stephan
            and Doll, Bernd and Hauch, Jens and Camus, Christian and Brabec, Christoph J.},
        title = {A Benchmark for Visual Identification of Defective Solar Cells in Electroluminescence Imagery},
        booktitle = {European PV Solar Energy Conference and Exhibition},
        year = {2018},
        doi = {10.4229/35thEUPVSEC20182018-5CV.3.15}
    }"""
    license = "CC BY-NC-SA 4.0 (not for commercial use; what is made from it is under the same licence)"
    homepage = "https://github.com/zae-bayern/elpv-dataset"
    source = "PyPI package elpv-dataset"
    packages = (PACKAGE,)
    configs = ("64", "128", "300")
    image_sizes = range(8, 301, 4)

    @property
    def size(self):
        """Side of a picture in pixels."""
        return int(self.config)

    @property
    def features(self):
        return {
            "image": Image((self.size, self.size, 1), doc="a cell; bright is what works"),
            "label": ClassLabel(LABELS, doc="the experts' judgement"),
            "probability": Tensor((), "float32", doc="of a defect: 0, 1/3, 2/3 or 1"),
            "kind": ClassLabel(KINDS, doc="monocrystalline or polycrystalline silicon"),
            "number": Tensor((), "int64", doc="of the cell in the source, from 1"),
        }

    def listed(self):
        return _listed(PACKAGE.place())

    def example(self, rng, split, index):
        from PIL import Image as Picture

        number, file, probability, kind = self.items[split][index]
        with Picture.open(PACKAGE.place() / file) as picture:
            grey = picture.convert("L")
            if grey.size != (self.size, self.size):
                grey = grey.resize((self.size, self.size), Picture.Resampling.LANCZOS)
            image = np.array(grey)[..., None]
        label = int(np.abs(np.array(PROBABILITIES) - probability).argmin())
        return {
            "image": image,
            "label": np.int64(label),
            "probability": np.float32(PROBABILITIES[label]),
            "kind": np.int64(KINDS.index(kind)),
            "number": np.int64(number),
        }

    def sheet(self, arrays):
        """Draws the cells in the order of their probability of a defect."""
        order = np.argsort(arrays["label"], kind="stable")
        return super().sheet({name: column[order] for name, column in arrays.items()})


@functools.cache
def _listed(folder):
    """The tuples `(number, file, probability, kind)` of the cells of each split, in random order."""
    lines = (folder / "labels.csv").read_text(encoding="utf-8").split("\n")
    rows = [line.split() for line in lines if line.strip()]
    split: dict[str, list] = {"train": [], "test": []}
    run, before = -1, None
    for number, (file, probability, kind) in enumerate(rows, 1):
        run, before = run + (kind != before), kind
        split["test" if run in TEST_RUNS else "train"].append((number, file, float(probability), kind))
    # RandomState, because NumPy guarantees that its streams never change.
    return {
        name: [cells[place] for place in np.random.RandomState(0).permutation(len(cells))]
        for name, cells in split.items()
    }
