"""Invalid data of every kind, with a part of the expected error messages."""

import keras
import numpy as np

from kerasgan.data.kinds import Graphs, Images, Kind, Labels, Vectors


def mistakes(spec, value):
    """Returns [(description, part of the error message, invalid value)] for valid data of a spec."""

    def spoiled(change, dtype=None):
        bad = value.astype(dtype or value.dtype)
        bad.flat[0] = change
        return bad

    if isinstance(spec, Images):
        return [
            ("NaN", "NaN", spoiled(np.nan)),
            ("values in [0, 255]", "to 255", (value - value.min()) / np.ptp(value) * 255.0),
            ("uint8", "dtype uint8", value.astype("uint8")),
            ("an axis missing", "one axis too few", value[..., 0]),
            ("an axis too many", "rank 5", value[..., None]),
            ("wrong channels", "channel", np.concatenate([value, value], axis=-1)),
            ("wrong size", "image_size", value[:, 1:]),
            ("empty set", "is empty", value[:0]),
        ]
    if isinstance(spec, Vectors):
        return [
            ("NaN", "NaN", spoiled(np.nan)),
            ("integers", "dtype int32", value.astype("int32")),
            ("an axis too many", "rank 3", value[..., None]),
            ("wrong size", "component", np.concatenate([value, value], axis=-1)),
            ("empty set", "is empty", value[:0]),
        ]
    if isinstance(spec, Labels):
        return [
            ("a label out of range", f"to {spec.num_classes}", spoiled(spec.num_classes)),
            ("a negative label", "from -1", spoiled(-1)),
            ("float labels", "dtype float32", value.astype("float32")),
            ("one-hot labels", "one-hot", np.eye(spec.num_classes, dtype="int32")[value]),
            ("one class only", "one class only", np.zeros_like(value)),
        ]
    if isinstance(spec, Graphs):
        nodes, edges = value["nodes"], value["edges"]
        return [
            ("an unknown type of node", "expected 0 to", {"nodes": nodes + spec.node_types, "edges": edges}),
            ("an unknown type of edge", "expected 0 to", {"nodes": nodes, "edges": edges + spec.edge_types}),
            ("float edges", "dtype", {"nodes": nodes, "edges": edges.astype("float32")}),
            ("nodes without edges", "`edges`", {"nodes": nodes}),
            ("a node too few", "shape", {"nodes": nodes[:, 1:], "edges": edges[:, 1:, 1:]}),
            ("empty set", "is empty", {"nodes": nodes[:0], "edges": edges[:0]}),
        ]
    if isinstance(spec, Kind) and isinstance(value, np.ndarray):
        wrong_type = ("another dtype", "dtype", value.astype("complex64"))
        return [wrong_type, ("empty set", "is empty", value[:0]), ("an axis too many", "shape", value[..., None])]
    return []


class OneBatch(keras.utils.PyDataset):
    """A dataset of a single batch."""

    def __init__(self, x, y):
        super().__init__()
        self.batch = x if y is None else (x, y)

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


def refusal(attempt):
    """Returns the message of the ValueError that a call raises, or None."""
    try:
        attempt()
    except ValueError as error:
        return str(error)
    return None
