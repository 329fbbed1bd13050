"""What imports what: no circles, downwards only, no TensorFlow under JAX."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "kerasgan"
# A room may import from itself and from the floors below it.
FLOORS = [
    {"pictures", "distribute"},
    {"data", "zoo"},
    {"game"},
    {"objectives"},
    {"layers"},
    {"augment", "metrics", "export"},
    {"callbacks"},
    {"bases"},
    {"models"},
    {"run", "testing", "latent_space"},
    {"studies"},
    {"commands"},
    {"__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }


def imported(path, top_level_only):
    """Modules of the package that a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    known = modules()
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "kerasgan")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "kerasgan":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in known else node.module


def test_no_circles():
    graph = {name: set(imported(path, True)) - {name} for name, path in modules().items()}
    done = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    assert set(graph) == done, f"in a circle, or behind one: {sorted(set(graph) - done)}"


def room_of(module):
    """The folder or top-level module of the package that a module is in; "" for the package itself."""
    return [*module.split("."), ""][1]


def test_imports_run_downwards():
    wrong = []
    for name, path in modules().items():
        for other in imported(path, False):
            room, below = room_of(name), room_of(other)
            if room and below and FLOOR[below] >= FLOOR[room] and below != room:
                wrong.append(f"{name} imports {other}")
    assert not wrong, wrong


def test_every_room_has_a_floor():
    rooms = {room_of(name) for name in modules()} - {""}
    assert rooms <= set(FLOOR), rooms - set(FLOOR)


WITHOUT_TENSORFLOW = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
import kerasgan
from kerasgan import callbacks, metrics
from kerasgan.commands import main as cli

x, y = kerasgan.data.load("digits", as_numpy=True)
model = kerasgan.CGAN(image_shape=(8, 8, 1), num_classes=10, latent_dim=4, units=(4, 4, 4), maxout_units=(4, 4, 4))
model.compile()
model.fit(x, y, batch_size=256, epochs=1, verbose=0)
assert model.sample(5, seed=0).shape == (5, 8, 8, 1)
assert not {"tensorflow", "tensorflow_datasets"} & set(sys.modules)
"""


@pytest.mark.tensorflow  # once: the processes it starts choose their engine
def test_jax_needs_no_tensorflow(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(PACKAGE.parent)}
    subprocess.run([sys.executable, "-c", WITHOUT_TENSORFLOW], env=environment, cwd=tmp_path, check=True)
