"""Electronic parts as small voxel grids: resistors, plugs, chips, relays."""

import re
from collections import Counter

import numpy as np

from kerasgan.data.builders.base import PackagedDataset, shuffled
from kerasgan.data.builders.features import ClassLabel, Compressed, Tensor, Text
from kerasgan.data.builders.packages import Package

SIDE = 32
KICAD = Package("kicad-packages3d", "6.0.10-1", "usr/share/kicad/3dmodels")
FAMILIES = (
    *("Battery", "Button", "Buzzer", "Capacitor", "Connector", "Converter", "Crystal", "Diode", "Display", "Ferrite"),
    *("Filter", "Fuse", "Heatsink", "Inductor", "LED", "Module", "Mounting", "OptoDevice", "Oscillator", "Package"),
    *("Potentiometer", "RF", "Relay", "Resistor", "Sensor", "TerminalBlock", "TestPoint", "Transformer", "Transistor"),
    *("Valve", "Varistor"),
)
ALIKE = 0.95  # intersection over union above which a part is omitted
_NUMBERS = r"\[([^\]]*)\]"
_MESHES = re.compile(
    rf"coordIndex\s*{_NUMBERS}[^\[\]]*?coord\s+Coordinate\s*\{{\s*point\s*{_NUMBERS}"
    rf"|point\s*{_NUMBERS}[^\[]*?coordIndex\s*{_NUMBERS}"
)


class Parts(PackagedDataset):
    """Electronic parts of KiCad's libraries as 32x32x32 occupancy grids.

    `voxels[x, y, z, 0]` is 1 inside the part: x runs to the right, y up, z to the back. The longest side of each part
    fills 30 voxels, so that sizes of different parts cannot be compared; `length` is that side in millimetres. Surfaces
    are closed and filled.

    Of parts whose grids have an intersection over union above 0.95, only one is kept.

    Factors: `label`, the family, such as "Connector"; `library`, such as "Connector_JST"; `part`, its name; `length`.

    Splits: by series (the name of a part up to its first digit, such as "PinHeader"); small series with an eighth of
    the parts are for testing.

    Raises:
        FileNotFoundError: If the Debian package kicad-packages3d is not installed; the message says how to get it.
    """

    name = "parts"
    version = "1.0.0"
    description = (
        "Electronic parts of KiCad's libraries as 32x32x32 occupancy grids, without near duplicates, with family, "
        "library and name; the splits have no series in common."
    )
    license = "CC BY-SA 4.0 with an exception for use in designs (KiCad)"
    homepage = "https://kicad.github.io/packages3d"
    source = "Debian package kicad-packages3d"
    packages = (KICAD,)
    sample = "voxels"
    alone = True
    features = {
        "voxels": Compressed((SIDE, SIDE, SIDE, 1), doc="1 inside; axes: right, up, back, channel"),
        "label": ClassLabel(FAMILIES, doc="family of parts"),
        "library": Text(doc="KiCad's library"),
        "part": Text(doc="name of the part"),
        "length": Tensor((), "float32", doc="longest side, millimetres"),
    }

    def listed(self):
        found = []
        for folder in sorted(KICAD.place().glob("*.3dshapes")):
            library = folder.name.removesuffix(".3dshapes")
            if _family(library) not in FAMILIES:
                continue
            parts = []
            for path in sorted(folder.glob("*.wrl")):
                triangles = read_vrml(path.read_text(encoding="utf-8", errors="replace"))
                if len(triangles):
                    # KiCad's unit is a tenth of an inch.
                    length = 2.54 * float(np.ptp(triangles.reshape(-1, 3), axis=0).max())
                    parts.append((library, path.stem, np.packbits(voxels(triangles)), length))
            found += parts
        found = shuffled(_without_lookalikes(found), key=lambda part: f"{part[0]}/{part[1]}")
        reserved = _reserved([series(part[1]) for part in found])
        return {
            "train": [part for part in found if series(part[1]) not in reserved],
            "test": [part for part in found if series(part[1]) in reserved],
        }

    def example(self, rng, split, index):
        library, part, packed, length = self.items[split][index]
        return {
            "voxels": np.unpackbits(packed).reshape(SIDE, SIDE, SIDE, 1),
            "label": np.int64(FAMILIES.index(_family(library))),
            "library": library,
            "part": part,
            "length": np.float32(length),
        }

    def sheet(self, arrays):
        """Draws isometric views of the parts from the right, the front and above."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid
        from kerasgan.pictures.solids import isometric

        pictures = grid(prepare([isometric(part) for part in arrays["voxels"][..., 0]]))
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))


def series(part):
    """The name of a part up to its first digit, in lower case."""
    return re.split(r"\d", part)[0].strip("_-.").lower() or part.lower()


def _family(library):
    family = library.split("_")[0]
    return "Mounting" if family.startswith("Mounting") else family


def read_vrml(text):
    """Reads the triangles of a VRML 2 file of KiCad's libraries: meshes without transformations.

    Args:
        text: Contents of the file.

    Returns:
        A float32 array of shape (count, 3, 3): triangle, corner, coordinate.
    """
    triangles = []
    for first_faces, first_points, points, faces in _MESHES.findall(text):
        corners = np.array((first_points or points).replace(",", " ").split(), "float32").reshape(-1, 3)
        numbers = np.array((first_faces or faces).replace(",", " ").split(), "int64")
        ends = np.flatnonzero(numbers == -1)
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(int)
        for size in np.unique(ends - starts):  # faces with more than three corners become triangle fans
            polygons = numbers[starts[ends - starts == size][:, None] + np.arange(size)]
            triangles += [corners[polygons[:, [0, k, k + 1]]] for k in range(1, size - 1)]
    return np.concatenate(triangles) if triangles else np.zeros((0, 3, 3), "float32")


def voxels(triangles):
    """Computes the voxels inside and on a surface.

    Args:
        triangles: Array of shape (count, 3, 3), axes right, back, up.

    Returns:
        A bool array of shape (32, 32, 32), axes right, up, back; the longest side is 30 voxels.
    """
    from scipy.ndimage import binary_fill_holes

    low, high = triangles.min((0, 1)), triangles.max((0, 1))
    # Slightly less than 30 voxels, because rounding would scatter a face on a voxel boundary over both voxels.
    scale = (SIDE - 2.03) / max(float((high - low).max()), 1e-9)
    triangles = (triangles - (low + high) / 2) * scale + SIDE / 2
    edges = np.linalg.norm(triangles - triangles[:, [1, 2, 0]], axis=-1).max(axis=1)
    steps = np.ceil(edges * 2.5).astype(int).clip(1, 128)
    grid = np.zeros((SIDE, SIDE, SIDE), bool)
    for count in np.unique(steps):  # points at most 0.4 voxels apart
        row, column = (part.ravel() for part in np.meshgrid(*[np.arange(count + 1)] * 2))
        inside = row + column <= count
        weights = np.stack([row, column, count - row - column], axis=-1)[inside] / count
        points = np.einsum("pk,tkc->tpc", weights, triangles[steps == count]).reshape(-1, 3)
        x, y, z = np.floor(points).astype(int).clip(0, SIDE - 1).T
        grid[x, z, y] = True
    return binary_fill_holes(grid)


def _reserved(names):
    """Selects the test series: small ones, in the order of their SHA-256, until an eighth of the parts is reached.

    Args:
        names: Names of the series of all parts.
    """
    counts = Counter(names)
    chosen: set[str] = set()
    for name in shuffled(counts):
        if sum(counts[other] for other in chosen) * 8 >= len(names):
            break
        if counts[name] * 40 <= len(names) or len(counts) < 40:
            chosen.add(name)
    return chosen


def _without_lookalikes(parts):
    """The parts without those that look like an earlier one."""
    grids = np.stack([np.unpackbits(packed) for _, _, packed, _ in parts]).astype("float32")
    sizes = grids.sum(axis=1)
    kept: list[int] = []
    for start in range(0, len(parts), 256):
        # The block's parts against all parts up to its end.
        common = grids[start : start + 256] @ grids[: start + 256].T
        alike = common > ALIKE * (sizes[start : start + 256, None] + sizes[: start + 256] - common)
        for row in range(len(alike)):
            if not alike[row, kept].any():
                kept.append(start + row)
    return [parts[number] for number in kept]
