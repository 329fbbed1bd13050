"""A small data set with every kind of feature, for the tests; worker processes import it from here."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import Audio, ClassLabel, Compressed, Image, Tensor, Text


class Toy(ProceduralDataset):
    """Random numbers; the options make it fail, stall or end its process at an example."""

    name = "toy"
    version = "1.2.3"
    description = "Random numbers."
    license = "CC0 1.0"
    configs = ("plain", "other")
    pair = ("image", "target")
    counts = {"train": 40, "test": 7}
    option_names = ("fail_at", "die_at", "stall_at", "marker", "facts", "requires")
    features = {
        "image": Image((4, 6, 3)),
        "target": Image((4, 6, 3), value_range=(0, 16)),
        "label": ClassLabel(("x", "y", "z")),
        "size": Tensor((), "float32", "size in pixels"),
        "mask": Tensor((4, 6, 1), "bool"),
        "text": Text(),
        "sound": Audio(20, 16000),
        "voxels": Compressed((4, 4, 4), "uint8"),
    }

    def example(self, rng, split, index):
        if index == self.options.get("fail_at"):
            raise ZeroDivisionError(f"example {index}")
        if index == self.options.get("die_at"):
            os._exit(3)
        if index == self.options.get("stall_at"):
            Path(self.options["marker"]).write_text(str(os.getpid()))
            time.sleep(600)
        return {
            "image": rng.integers(256, size=(4, 6, 3), dtype="uint8"),
            "target": rng.integers(17, size=(4, 6, 3), dtype="uint8"),
            "label": int(rng.integers(3)),
            "size": np.float32(rng.random()),
            "mask": rng.random((4, 6, 1)) < 0.5,
            "text": "Grüße\n" * int(rng.integers(4)),
            "sound": rng.integers(-32768, 32768, size=20, dtype="int16"),
            "voxels": rng.integers(2, size=(4, 4, 4), dtype="uint8"),
        }

    def metadata(self):
        return {"facts": self.options.get("facts", [])}

    def requires(self):
        return self.options.get("requires")


# The package without Keras, which would take each of these processes seconds.
LIGHT = """
import sys, types
for name, folder in (("kerasgan", "kerasgan"), ("kerasgan.data", "kerasgan/data")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from kerasgan.data import cache
from tests.data.toy import Toy
"""


def start(program, **environment):
    """A process that runs a program with `cache` and `Toy`."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", LIGHT + program]
    return subprocess.Popen(command, cwd=root, env={**os.environ, **environment}, start_new_session=True)
