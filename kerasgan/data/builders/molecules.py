"""Drug-like molecules of MOSES as SMILES, and the small ones among them as graphs."""

import gzip
import re
from typing import Any

import numpy as np

from kerasgan.data.builders.base import PackagedDataset, shuffled
from kerasgan.data.builders.features import Characters, Tensor
from kerasgan.data.builders.packages import Package, has_module, import_module
from kerasgan.data.builders.words import written

MOSES = Package("molsets", "0.3.1", "dataset/data", "pypi", "moses")
ALPHABET = "\0#()-123456=BCFHNOS[]clnors"
LONGEST = 57
SMALL = 18  # maximum number of heavy atoms
ATOMS = ("none", "C", "N", "O", "F", "S", "Cl", "Br")
BONDS = ("none", "single", "double", "triple", "aromatic")
_FILES = {"train": "train.csv.gz", "test": "test_scaffolds.csv.gz", "test_random": "test.csv.gz"}
_TOKENS = re.compile(r"\[(?:nH|H)\]|Cl|Br|[CNOFScnos]|[-=#()]|[1-9]")
_HEAVY = re.compile(r"Cl|Br|\[nH\]|[CNOFScnos]")


class Molecules(PackagedDataset):
    """Drug-like molecules: the benchmark MOSES (Polykovskiy et al. 2020), a selection of ZINC's clean leads.

    Configs:

    * `"moses"`: all 1.6 million training molecules, as SMILES of at most 57 characters from an alphabet of 26.
      `kerasgan.data.load` returns one-hot vectors of shape (57, 27); character 0 is the end.
      `dataset.features["characters"].decode` converts generated vectors to SMILES;
    * `"small"`: the molecules with at most 18 heavy atoms, about as many as in QM9, with their graphs: `atoms`, shape
      (18,), indices into `ATOMS`, and `bonds`, shape (18, 18), symmetric, indices into `BONDS`; atoms are in the order
      of the SMILES. With `samples="graphs"`, or for a family of graphs, these are the samples.

    Splits: those of MOSES. Molecules in "test" have scaffolds that occur neither in "train" nor in "test_random"; these
    two are a random division of the other molecules.

    Raises:
        FileNotFoundError: If the package molsets is not installed; the message says how to get it.
    """

    name = "molecules"
    version = "1.0.0"
    description = (
        "Drug-like molecules of MOSES as SMILES, or those of at most 18 heavy atoms as SMILES and graphs; no scaffold "
        "of the test split is in the training split."
    )
    citation = """@article{polykovskiy2020molecular,
        author = {Polykovskiy, Daniil and Zhebrak, Alexander and Sanchez-Lengeling, Benjamin and others},
        title = {Molecular Sets (MOSES): A Benchmarking Platform for Molecular Generation Models},
        journal = {Frontiers in Pharmacology},
        year = {2020}
    }"""
    license = "MIT (Insilico Medicine); molecules from ZINC"
    homepage = "https://github.com/molecularsets/moses"
    source = "PyPI package molsets"
    packages = (MOSES,)
    configs = ("moses", "small")
    form_configs = {"graphs": "small"}
    atoms = ATOMS
    sample = "characters"
    sheet_count = 24
    alone = True

    @property
    def features(self):
        features: dict[str, Any] = {"characters": Characters(LONGEST, ALPHABET, doc="SMILES")}
        if self.config == "small":
            features["atoms"] = Tensor((SMALL,), "uint8", doc=f"numbers of {', '.join(ATOMS)}")
            features["bonds"] = Tensor((SMALL, SMALL), "uint8", doc=f"numbers of {', '.join(BONDS)}; symmetric")
        return features

    @property
    def forms(self):
        from kerasgan.data.kinds import Graphs

        kind = Graphs(SMALL, len(ATOMS), len(BONDS))
        graphs = {"graphs": (kind, {"nodes": "atoms", "edges": "bonds"})} if self.config == "small" else {}
        return {**super().forms, **graphs}

    def listed(self):
        found = {}
        for split, file in _FILES.items():
            with gzip.open(MOSES.place() / file, "rt", encoding="ascii") as lines:
                texts = lines.read().split()[1:]
            if self.config == "small":  # a few write a hydrogen explicitly
                texts = [text for text in texts if len(_HEAVY.findall(text)) <= SMALL and "[H]" not in text]
            found[split] = shuffled(texts)
        return found

    def splits(self):
        return dict.fromkeys(_FILES, 0) if self.requires() else super().splits()

    def example(self, rng, split, index):
        return {name: column[0] for name, column in self._made(split, [index]).items()}

    def _made(self, split, indices):
        texts = [self.items[split][index] for index in indices]
        columns = {"characters": self.features["characters"].encode(texts)}
        if self.config == "small":
            graphs = [graph(text, SMALL) for text in texts]
            columns["atoms"] = np.stack([atoms for atoms, _ in graphs])
            columns["bonds"] = np.stack([bonds for _, bonds in graphs])
        return columns

    def sheet(self, arrays):
        """Draws the molecules with RDKit if it is installed, otherwise their SMILES."""
        return drawn(self.features["characters"].decode(arrays["characters"]))


def drawn(texts):
    """A picture of molecules, uint8: drawn with RDKit if it is installed, otherwise the SMILES as text."""
    if not has_module("rdkit"):
        return written(texts, columns=2, width=360)
    from kerasgan.data.prepare import prepare
    from kerasgan.pictures.images import grid

    chemistry, draw = import_module("rdkit.Chem"), import_module("rdkit.Chem.Draw")
    pictures = [draw.MolToImage(chemistry.MolFromSmiles(text), size=(160, 120)).convert("RGB") for text in texts]
    return grid(prepare(np.stack([np.asarray(picture) for picture in pictures])), columns=6)


def graph(smiles, size):
    """Converts the SMILES of a MOSES molecule to a graph.

    Args:
        smiles: SMILES without charges, isotopes or stereochemistry, as in MOSES.
        size: Maximum number of atoms other than hydrogen.

    Returns:
        `(atoms, bonds)`: uint8 arrays of shape (size,) and (size, size), indices into `ATOMS` and `BONDS`.

    Raises:
        ValueError: If there are more atoms, or characters that MOSES does not use.
    """
    tokens = _TOKENS.findall(smiles)
    if "".join(tokens) != smiles:
        raise ValueError(
            f"{smiles!r} contains characters that are not in the alphabet of MOSES; expected {ALPHABET[1:]!r}."
        )
    atoms, bonds = np.zeros(size, "uint8"), np.zeros((size, size), "uint8")
    aromatic: list[bool] = []
    before, order = None, 0
    branches: list = []
    rings: dict[str, tuple] = {}

    def bind(one, other, given):
        bonds[one, other] = bonds[other, one] = given or (4 if aromatic[one] and aromatic[other] else 1)

    for token in tokens:
        if token == "[H]":
            raise ValueError(f"{smiles!r} contains an explicit hydrogen atom; expected heavy atoms only.")
        if token == "(":
            branches.append(before)
        elif token == ")":
            before = branches.pop()
        elif token in "-=#":
            order = 1 + "-=#".index(token)
        elif token.isdigit():
            if token in rings:
                other, given = rings.pop(token)
                bind(before, other, order or given)
            else:
                rings[token] = (before, order)
            order = 0
        else:
            number = len(aromatic)
            if number == size:
                raise ValueError(f"{smiles!r} has more than {size} heavy atoms; expected at most {size}.")
            symbol = token.strip("[]H")
            aromatic.append(symbol.islower())
            atoms[number] = ATOMS.index(symbol.capitalize())
            if before is not None:
                bind(number, before, order)
            before, order = number, 0
    return atoms, bonds
