"""Rules of valence on known molecules, and keys of graphs against exchanges of nodes."""

import numpy as np
import pytest

from kerasgan.data.builders.molecules import ATOMS, graph
from kerasgan.metrics import DrugLikeness, ValidMolecules, canonical_graphs, molecule_metrics
from kerasgan.metrics.molecules import _fingerprints

VALID = [
    *("C", "C#N", "O=C=O", "CC(F)(F)F", "CS(=O)(=O)N", "ClCBr"),
    *("c1ccccc1", "c1ccncc1", "c1cc[nH]c1", "c1ccsc1", "O=c1cccc[nH]1", "c1ccc2ccccc2c1", "Cn1cnc2cncnc21"),
]
INVALID = [
    *("C=C(C)(C)C", "FC#N=O", "N(C)(C)(C)C", "OCl=C"),
    *("c1cccc1", "cc", "c1ccccc1=O"),  # carbons that no division into single and double bonds fits
]


def graphs_of(texts, size=18):
    nodes, edges = zip(*(graph(text, size) for text in texts), strict=True)
    return {"nodes": np.stack(nodes).astype("int32"), "edges": np.stack(edges).astype("int32")}


def shuffled(graphs, seed=0):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(graphs["nodes"].shape[1]) for _ in graphs["nodes"]]
    nodes = [nodes[order] for nodes, order in zip(graphs["nodes"], orders, strict=True)]
    edges = [edges[np.ix_(order, order)] for edges, order in zip(graphs["edges"], orders, strict=True)]
    return {"nodes": np.stack(nodes), "edges": np.stack(edges)}


def test_known_molecules():
    valid = ValidMolecules(ATOMS)
    found = valid(shuffled(graphs_of(VALID)))
    assert found.dtype == "float32" and dict(zip(VALID, found.tolist(), strict=True)) == dict.fromkeys(VALID, 1.0)
    found = valid(shuffled(graphs_of(INVALID)))
    assert dict(zip(INVALID, found.tolist(), strict=True)) == dict.fromkeys(INVALID, 0.0)


def test_what_is_no_molecule():
    graphs = graphs_of(["CO"] * 6, size=3)
    nodes, edges = graphs["nodes"], graphs["edges"]
    nodes[1] = 0  # bonds without atoms
    nodes[2], edges[2] = 0, 0  # nothing
    nodes[3, 2] = 1  # an atom apart
    edges[4, 0, 1] = 2  # not symmetric
    edges[5, 0, 0] = 1  # an atom bound to itself
    assert ValidMolecules()(graphs).tolist() == [1, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="`atoms`"):
        ValidMolecules(("C", "N"))


def test_keys_do_not_depend_on_the_order_of_nodes():
    texts = [*VALID, "C1CCC2CCCCC2C1", "C1CCC(C1)C1CCCC1", "FC(F)(F)C(F)(F)C(F)(F)F"]
    keys = [canonical_graphs(shuffled(graphs_of(texts), seed)) for seed in range(3)]
    assert keys[0] == keys[1] == keys[2] and len(set(keys[0])) == len(texts)


def test_equal_molecules_have_equal_fingerprints():
    """Of all sizes of arrays, and almost no others do, so that few keys must be computed."""
    texts = [*VALID, "C1CCC2CCCCC2C1", "CCOC", "COCC", "CC(C)O"]
    found = [_fingerprints(shuffled(graphs_of(texts, size), size)) for size in (12, 15, 18)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert len(set(found[0].tolist())) == len(texts) - 1


def test_metrics():
    generated = shuffled(graphs_of(["CO", "OC", "CC", "CN", "OCl=C"]))
    found = molecule_metrics(generated, graphs_of(["CO", "CCC"]), ValidMolecules(ATOMS))
    assert found == {"validity": 0.8, "uniqueness": 0.75, "novelty": 0.5}
    nothing = {name: part[4:] for name, part in generated.items()}
    assert molecule_metrics(nothing, valid=ValidMolecules(ATOMS)) == {"validity": 0.0, "uniqueness": 0.0}


@pytest.mark.data
def test_rdkit_reads_the_same_molecules():
    from kerasgan.data.builders.packages import import_module
    from kerasgan.metrics.molecules import to_rdkit

    chemistry, qed = import_module("rdkit.Chem"), import_module("rdkit.Chem.QED").qed
    molecules = [chemistry.MolFromSmiles(text) for text in VALID]
    graphs = shuffled(graphs_of(VALID))
    found = [chemistry.MolToSmiles(molecule) for molecule in to_rdkit(graphs, ATOMS)]
    assert found == [chemistry.MolToSmiles(molecule) for molecule in molecules]
    np.testing.assert_allclose(DrugLikeness(ATOMS)(graphs), list(map(qed, molecules)), rtol=1e-6)
    assert DrugLikeness(ATOMS)(graphs_of(INVALID)).tolist() == [0.0] * len(INVALID)
