"""Validity, uniqueness and novelty of generated molecules, by valence rules or with RDKit.

Molecules are graphs (`kerasgan.data.kinds.Graphs`): a dictionary of integers `nodes` (batch, nodes), the types of atoms
without hydrogen, and `edges` (batch, nodes, nodes), the types of bonds: 0 none, 1 single, 2 double, 3 triple, 4
aromatic. Atom type 0 is "none". Hydrogens fill the remaining valence of each atom.
"""

import dataclasses

import keras
import numpy as np

from kerasgan.data.builders import DATASETS
from kerasgan.data.builders.qm9 import ATOMS as QM9_ATOMS
from kerasgan.objectives.losses import Configured

# Largest number of bonds of an uncharged atom.
VALENCES = {"B": 3, "C": 4, "N": 3, "O": 2, "F": 1, "P": 5, "S": 6, "Cl": 1, "Br": 1, "I": 1}
DOUBLE, TRIPLE, AROMATIC = 2, 3, 4


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class ValidMolecules(Configured):
    """Checks which graphs are molecules by valence rules: 1 or 0 for each; usable as the reward of `MolGAN`.

    A molecule has at least one atom and is connected, and no atom has more bonds than its valence. Bonds are symmetric
    and join two different atoms; none ends at a node without an atom. Aromatic bonds must be divisible into single and
    double ones. There are no charges, so that a nitro group, for example, is invalid.

    Args:
        atoms: Symbols of the atom types, the first of which is "none". Those of the data set "molecules" are
            `kerasgan.data.builders.molecules.ATOMS`.
    """

    atoms: tuple = QM9_ATOMS

    def __post_init__(self):
        unknown = [symbol for symbol in self.atoms[1:] if symbol not in VALENCES]
        if unknown or not self.atoms or self.atoms[0] in VALENCES:
            raise ValueError(f"`atoms` is {self.atoms!r}; expected 'none', followed by some of {', '.join(VALENCES)}.")
        object.__setattr__(self, "atoms", tuple(self.atoms))

    def __call__(self, graphs):
        """Validity, a float32 array of shape (batch,)."""
        nodes, edges = np.asarray(graphs["nodes"]), np.array(graphs["edges"])
        there, bonds = nodes > 0, edges > 0
        both = there[:, :, None] & there[:, None, :]
        valid = there.any(1) & (edges == np.swapaxes(edges, 1, 2)).all((1, 2)) & ~(bonds & ~both).any((1, 2))
        valid &= ~np.diagonal(bonds, axis1=1, axis2=2).any(1) & _connected(there, bonds)
        for place in np.flatnonzero(valid & (edges == AROMATIC).any((1, 2))):
            divided = kekulized(nodes[place], edges[place], self.atoms)
            valid[place] = divided is not None
            edges[place] = 0 if divided is None else divided
        valences = np.array([0, *(VALENCES[symbol] for symbol in self.atoms[1:])])[nodes]
        return (valid & (edges.sum(2) <= valences).all(1)).astype("float32")


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class DrugLikeness(Configured):
    """Quantitative estimate of drug-likeness (Bickerton et al. 2012) of RDKit, in [0, 1]; a reward of `MolGAN`.

    Graphs that are not molecules score 0. RDKit is in the extra `chem`: `pip install kerasgan[chem]`.

    Args:
        atoms: See `ValidMolecules`.
    """

    atoms: tuple = QM9_ATOMS

    def __post_init__(self):
        object.__setattr__(self, "atoms", ValidMolecules(self.atoms).atoms)

    def __call__(self, graphs):
        """QED, a float32 array of shape (batch,)."""
        qed = _rdkit("rdkit.Chem.QED").qed
        found = [molecule and qed(molecule) for molecule in to_rdkit(graphs, self.atoms)]
        return np.array([value or 0.0 for value in found], "float32")


REWARDS = {"valid": ValidMolecules, "qed": DrugLikeness}


def reward_of(name, atoms=QM9_ATOMS):
    """Returns a reward of `MolGAN` by name: "valid" or "qed".

    Args:
        name: Name of the reward.
        atoms: See `ValidMolecules`.

    Raises:
        ValueError: If there is no reward of that name.
        ModuleNotFoundError: If RDKit is needed and missing.
    """
    if name not in REWARDS:
        raise ValueError(f"`reward` is {name!r}; expected {' or '.join(map(repr, REWARDS))}.")
    if name == "qed":
        _rdkit("rdkit.Chem.QED")
    return REWARDS[name](atoms)


def atoms_of(data):
    """Symbols of the atom types of a data set; those of QM9 unless it defines its own.

    Args:
        data: Name of the data, as for `kerasgan.data.load`.
    """
    return getattr(DATASETS.get(data.partition("/")[0]), "atoms", QM9_ATOMS)


def to_rdkit(graphs, atoms=QM9_ATOMS):
    """Converts graphs to RDKit molecules, `rdkit.Chem.Mol`; `None` if invalid by `ValidMolecules` or for RDKit.

    Args:
        graphs: Dictionary of `nodes` and `edges`.
        atoms: See `ValidMolecules`.
    """
    chemistry = _rdkit("rdkit.Chem")
    kinds = chemistry.BondType
    orders = {1: kinds.SINGLE, DOUBLE: kinds.DOUBLE, TRIPLE: kinds.TRIPLE}
    found = []
    for valid, nodes, edges in zip(ValidMolecules(atoms)(graphs), graphs["nodes"], graphs["edges"], strict=True):
        molecule = chemistry.RWMol()
        if valid:
            places = {place: molecule.AddAtom(chemistry.Atom(atoms[nodes[place]])) for place in np.flatnonzero(nodes)}
            divided = kekulized(nodes, edges, atoms)
            for one, other in zip(*np.nonzero(np.triu(divided)), strict=True):
                molecule.AddBond(places[one], places[other], orders[int(divided[one, other])])
            wrong = chemistry.SanitizeMol(molecule, catchErrors=True)
            valid = wrong == chemistry.SanitizeFlags.SANITIZE_NONE
        found.append(molecule.GetMol() if valid else None)
    return found


def _rdkit(name):
    from kerasgan.data.builders.packages import has_module, import_module

    if not has_module("rdkit"):
        raise ModuleNotFoundError("QED and drawings need RDKit: pip install 'kerasgan[chem]'.")
    return import_module(name)


def _connected(there, bonds):
    """Whether the atoms of each graph are connected."""
    reached = there & (np.cumsum(there, axis=1) == 1)
    for _ in range(there.shape[1]):
        reached = reached | ((reached[:, None, :] & bonds).any(2) & there)
    return (reached == there).all(1)


def kekulized(nodes, edges, atoms=QM9_ATOMS):
    """Replaces the aromatic bonds of a molecule with single and double bonds; `None` if that is impossible.

    Each aromatic carbon without a double bond gets one to an aromatic neighbour: another such carbon, or a nitrogen
    with two neighbours.

    Args:
        nodes: Types of the atoms, shape (nodes,).
        edges: Types of the bonds, shape (nodes, nodes).
        atoms: See `ValidMolecules`.
    """
    edges = np.array(edges)
    aromatic = edges == AROMATIC
    degrees = aromatic.sum(1)
    if (degrees == 1).any():
        return None
    symbols = [atoms[node] for node in nodes]
    plain = (edges == DOUBLE).any(1) | (edges == TRIPLE).any(1)
    needy = {i for i, symbol in enumerate(symbols) if degrees[i] and symbol == "C" and not plain[i]}
    able = needy | {i for i, symbol in enumerate(symbols) if degrees[i] and symbol == "N" and (edges[i] > 0).sum() == 2}

    def pairs(needy, able):
        if not needy:
            return []
        one = min(needy, key=lambda i: sum(aromatic[i, j] for j in able))
        for other in np.flatnonzero(aromatic[one]):
            if other in able:
                rest = pairs(needy - {one, other}, able - {one, other})
                if rest is not None:
                    return [(one, other), *rest]
        return None

    chosen = pairs(needy, able)
    if chosen is None:
        return None
    edges[aromatic] = 1
    for one, other in chosen:
        edges[one, other] = edges[other, one] = DOUBLE
    return edges


def independent_graphs(graphs, count, seed=0):
    """Trivial baseline: draws nodes and edges independently, with the frequencies of given graphs.

    Args:
        graphs: Dictionary of `nodes` and `edges`, such as training molecules.
        count: Number of graphs.
        seed: Random seed.

    Returns:
        A dictionary of int32 `nodes` and symmetric `edges` without edges from a node to itself.
    """
    random, size = np.random.default_rng(seed), graphs["nodes"].shape[1]
    pairs = np.triu_indices(size, 1)

    def drawn(values, shape):
        frequencies = np.bincount(values.ravel()) / values.size
        return random.choice(len(frequencies), shape, p=frequencies)

    edges = np.zeros((count, size, size), "int32")
    edges[:, pairs[0], pairs[1]] = drawn(np.asarray(graphs["edges"])[:, pairs[0], pairs[1]], (count, len(pairs[0])))
    nodes = drawn(np.asarray(graphs["nodes"]), (count, size)).astype("int32")
    return {"nodes": nodes, "edges": edges + edges.swapaxes(1, 2)}


# Equal molecules ------------------------------------------------------------------------------------------------------


def canonical_graphs(graphs):
    """Computes a key of each graph, `bytes`, equal if and only if graphs differ only in the order of their nodes.

    Nodes are partitioned by refining their types with those of their neighbours; where several nodes remain
    indistinguishable, each is tried as the first one, and the smallest result is the key.

    Args:
        graphs: Dictionary of `nodes` and `edges`.
    """
    keys = []
    for nodes, edges in zip(np.asarray(graphs["nodes"]), np.asarray(graphs["edges"]), strict=True):
        there = np.flatnonzero((nodes > 0) | (edges > 0).any(1))
        keys.append(_key(nodes[there], edges[np.ix_(there, there)], nodes[there].tolist()))
    return keys


def _key(nodes, edges, colors):
    colors = _refined(edges, colors)
    cells: dict[int, list[int]] = {}
    for node, color in enumerate(colors):
        cells.setdefault(color, []).append(node)
    alike = [(len(cell), color) for color, cell in cells.items() if len(cell) > 1]
    if not alike:
        order = np.argsort(colors)
        return nodes[order].astype("uint8").tobytes() + edges[np.ix_(order, order)].astype("uint8").tobytes()
    tried: list[int] = []
    for node in cells[min(alike)[1]]:
        if not any(_twins(edges, node, other) for other in tried):
            tried.append(node)
    return min(_key(nodes, edges, [2 * c - (i == node) for i, c in enumerate(colors)]) for node in tried)


def _twins(edges, one, other):
    """Whether exchanging two nodes changes nothing."""
    rest = np.ones(len(edges), bool)
    rest[[one, other]] = False
    return np.array_equal(edges[one, rest], edges[other, rest])


def _refined(edges, colors):
    """Colors refined until nodes of the same color have equal numbers of neighbours of each color and edge type."""
    neighbours = [np.flatnonzero(row).tolist() for row in edges]
    count = 0
    while True:
        signs = [
            (color, sorted((int(edges[node, other]), colors[other]) for other in neighbours[node]))
            for node, color in enumerate(colors)
        ]
        different = sorted({repr(sign): sign for sign in signs}.values())
        places = {repr(sign): place for place, sign in enumerate(different)}
        colors = [places[repr(sign)] for sign in signs]
        if len(different) == count:
            return colors
        count = len(different)


def _fingerprints(graphs, rows=10_000):
    """A number for each graph that does not depend on the order of its nodes: equal graphs have equal numbers.

    Three times, the number of each node is mixed with those of its neighbours, for `rows` graphs at once.
    """
    nodes, edges = np.asarray(graphs["nodes"]), np.asarray(graphs["edges"])
    blocks = [slice(start, start + rows) for start in range(0, len(nodes), rows)]
    return np.concatenate([np.zeros(0, "uint64"), *(_mixed(nodes[block], edges[block]) for block in blocks)])


def _mixed(nodes, edges):
    nodes, edges = nodes.astype("uint64"), edges.astype("uint64")
    bonds = edges > 0
    there = (nodes > 0) | bonds.any(2)  # graphs with fewer node slots can equal those with more
    nodes, edges = _scattered(nodes), _scattered(edges)
    for _ in range(3):
        sent = _scattered(nodes[:, None, :] + edges) * bonds
        nodes = _scattered(3 * nodes + sent.sum(2, dtype="uint64"))
    return (nodes * there).sum(1, dtype="uint64")


def _scattered(numbers):
    """A bijection of 64-bit numbers: the finaliser of MurmurHash3 (A. Appleby, public domain)."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(33))


def molecule_metrics(graphs, training=None, valid=None):
    """Validity, uniqueness and novelty of generated molecules (De Cao & Kipf 2018, section 5.1).

    Args:
        graphs: Dictionary of `nodes` and `edges`.
        training: Training molecules, in the format of `graphs`. `None` omits the novelty.
        valid: Function of graphs that returns whether each is valid. Defaults to `ValidMolecules()`.

    Returns:
        A dictionary: `validity`, the share of valid graphs; `uniqueness`, the number of different valid graphs divided
        by that of valid ones; and `novelty`, the share of the valid ones that are not in `training`. They are 0 if no
        graph is valid. A high validity means little if uniqueness is low: the paper's 98% come with 10%.
    """
    is_valid = np.asarray((valid or ValidMolecules())(graphs)) > 0
    keys = canonical_graphs({name: np.asarray(graphs[name])[is_valid] for name in ("nodes", "edges")})
    found = {"validity": float(is_valid.mean()), "uniqueness": len(set(keys)) / max(1, len(keys))}
    if training is not None and not keys:
        found["novelty"] = 0.0
    elif training is not None:  # keys are expensive, and only graphs with equal fingerprints can be equal
        alike = np.flatnonzero(np.isin(_fingerprints(training), _fingerprints(graphs)[is_valid]))
        known = set(canonical_graphs({name: np.asarray(training[name])[alike] for name in ("nodes", "edges")}))
        found["novelty"] = sum(key not in known for key in keys) / max(1, len(keys))
    return found
