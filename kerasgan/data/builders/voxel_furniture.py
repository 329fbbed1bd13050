"""Furniture of eight classes as small voxel grids; a few integers define each object."""

import zlib
from typing import NamedTuple

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Compressed, Tensor

SIDE = 32
_HALF = SIDE // 2

# For each class, the inclusive ranges of half the width, half the depth, surface, rise, leg, board and style.
_RANGES = {
    "chair": ((5, 9), (5, 8), (8, 13), (9, 18), (1, 3), (1, 3), (0, 5)),
    "table": ((10, 15), (7, 13), (12, 18), (0, 0), (1, 3), (1, 3), (0, 2)),
    "stool": ((5, 9), (5, 9), (8, 16), (0, 0), (1, 2), (1, 3), (0, 3)),
    "bench": ((11, 15), (3, 5), (7, 12), (0, 0), (1, 2), (1, 3), (0, 2)),
    "shelf": ((6, 12), (3, 5), (18, 31), (0, 0), (1, 2), (1, 2), (0, 7)),
    "sofa": ((10, 15), (5, 8), (5, 8), (6, 11), (2, 4), (2, 4), (0, 3)),
    "bed": ((7, 11), (12, 15), (6, 9), (3, 10), (1, 3), (1, 2), (0, 3)),
    "lamp": ((6, 10), (6, 10), (12, 20), (6, 11), (1, 2), (1, 2), (0, 2)),
}
CLASSES = tuple(_RANGES)
_LOW, _HIGH = np.array(list(_RANGES.values())).transpose(2, 0, 1)
_SPAN = _HIGH - _LOW + 1

# The styles of a class that are round when seen from above: their depth is their width.
_ROUND = {"table": (1,), "stool": (1, 3), "lamp": (0, 1, 2)}


class _Parameters(NamedTuple):
    """The factors of an object; see `VoxelFurniture`."""

    width: int
    depth: int
    height: int
    surface: int
    leg: int
    board: int
    style: int

    @property
    def side(self):
        return self.width // 2

    @property
    def front(self):
        return _HALF - self.depth // 2

    @property
    def back(self):
        return _HALF + self.depth // 2


class VoxelFurniture(ProceduralDataset):
    """Chairs, tables, stools, benches, shelves, sofas, beds and lamps as 32×32×32 occupancy grids.

    `voxels[x, y, z, 0]` is 1 inside the object: x runs from left to right, y from the floor (0) up, z from the front to
    the back. Every object stands on the floor in the middle of the grid, is connected (through the faces of its voxels)
    and is its own mirror image in x, `voxels[::-1]`.

    The factors are integers in voxels, drawn uniformly and independently within the range of the class: `width` and
    `depth` (even) and `height` are the sides of the bounding box; `surface` is the height of the upper face of a seat,
    table or mattress, of the top of a shelf and of the lower edge of a lamp's shade; `leg` is the thickness of legs, of
    a sofa's arms and a shelf's sides, and the radius of the column of a lamp or table; `board` is the thickness of
    seats, tops, boards and of the backs of sofas and beds. `style` is the variant within the class:

    * chair: back solid (0), of slats (1) or of rungs (2); plus 3 with arms;
    * table: four legs (0), round on a column (1), two trestles with a bar (2);
    * stool: square (0) or round (1); plus 2 with bars between the legs;
    * bench: four legs (0), two side panels (1), four legs with a bar (2);
    * shelf: open (0) or with a back (1); plus 2 for each compartment beyond the second;
    * sofa: on the floor (0) or raised (1); plus 2 with high arms;
    * bed: without (0) or with a footboard (1); plus 2 with two pillows instead of one;
    * lamp: shade a cylinder (0), a cone (1) or a dome (2).

    A hash of its voxels determines the split of an object, so that the splits have no object in common. The dataset is
    a substitute for the furniture that 3D-GAN was trained on (Wu et al. 2016, arXiv:1610.07584).
    """

    name = "voxel_furniture"
    version = "1.0.0"
    description = (
        "Furniture of eight classes as 32x32x32 occupancy grids, from seven integer parameters each; the splits "
        "have no object in common."
    )
    license = "CC0 1.0 (made by the package)"
    sample = "voxels"
    counts = {"train": 8192, "test": 1024}
    features = {
        "voxels": Compressed((SIDE, SIDE, SIDE, 1), doc="1 inside; axes: right, up, back, channel"),
        "label": ClassLabel(CLASSES, doc="class of the furniture"),
        "width": Tensor((), "int64", doc="extent in x, voxels, 10 to 30, even"),
        "depth": Tensor((), "int64", doc="extent in z, voxels, 6 to 30, even"),
        "height": Tensor((), "int64", doc="extent in y, voxels, 7 to 31"),
        "surface": Tensor((), "int64", doc="height of the seat, top or mattress, voxels, 5 to 31"),
        "leg": Tensor((), "int64", doc="thickness of the upright parts, voxels, 1 to 4"),
        "board": Tensor((), "int64", doc="thickness of the boards, voxels, 1 to 4"),
        "style": Tensor((), "int64", doc="variant within the class, 0 to 7"),
    }

    def example(self, rng, split, index):
        while True:
            label, parameters = _draw(rng)
            voxels = _voxels(label, parameters)
            if (zlib.crc32(voxels) % 8 == 0) == (split == "test"):
                break
        return {"voxels": voxels[..., None], "label": label, **parameters._asdict()}

    def sheet(self, arrays):
        """Draws isometric views of the objects from the right, the front and above."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid
        from kerasgan.pictures.solids import isometric

        pictures = grid(prepare([isometric(voxels) for voxels in arrays["voxels"][..., 0]]))
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))


def _draw(rng):
    # One call for all eight numbers, because a call costs more than a number.
    uniform = rng.random(8)
    label = int(uniform[7] * len(CLASSES))
    side, half_depth, surface, rise, leg, board, style = (_LOW[label] + uniform[:7] * _SPAN[label]).astype(int).tolist()
    if style in _ROUND.get(CLASSES[label], ()):
        half_depth = side
    return label, _Parameters(2 * side, 2 * half_depth, surface + rise, surface, leg, board, style)


def _voxels(label, parameters):
    # Only the right half is drawn, with x counted from the middle, so that the mirror image always fits.
    right = np.zeros((_HALF, SIDE, SIDE), "uint8")
    _DRAW[label](right, parameters)
    return np.concatenate([right[::-1], right])


def _disks():
    x, z = np.arange(_HALF) + 0.5, np.arange(SIDE) + 0.5 - _HALF
    return [x[:, None] ** 2 + z**2 <= radius**2 for radius in range(_HALF + 1)]


_DISKS = _disks()


def _disk(right, radius, bottom, top):
    right[:, bottom:top] |= _DISKS[radius][:, None]


def _legs(right, side, front, back, thickness, top):
    right[side - thickness : side, :top, front : front + thickness] = 1
    right[side - thickness : side, :top, back - thickness : back] = 1


def _top(right, p):
    right[: p.side, p.surface - p.board : p.surface, p.front : p.back] = 1


def _chair(right, p):
    _legs(right, p.side, p.front, p.back, p.leg, p.surface)
    _top(right, p)
    rest = right[: p.side, p.surface : p.height, p.back - p.leg : p.back]
    back, arms = p.style % 3, p.style >= 3
    if back == 0:
        rest[:] = 1
    elif back == 1:
        rest[::-3] = 1
        rest[:, -2:] = 1
    else:
        rest[-p.leg :] = 1
        rest[:, ::-4] = 1
    if arms:
        right[p.side - 1 : p.side, p.surface : p.surface + 5, p.front : p.front + p.leg] = 1
        right[p.side - 1 : p.side, p.surface + 4 : p.surface + 6, p.front : p.back] = 1


def _table(right, p):
    if p.style == 1:
        _disk(right, p.side, p.surface - p.board, p.surface)
        _disk(right, p.leg, 0, p.surface)
        _disk(right, p.side // 2, 0, 2)
        return
    _top(right, p)
    if p.style == 0:
        _legs(right, p.side, p.front, p.back, p.leg, p.surface)
    else:
        right[p.side - 2 - p.leg : p.side - 2, : p.surface, p.front + 2 : p.back - 2] = 1
        right[: p.side - 2, p.surface // 2 : p.surface // 2 + 2, _HALF - 1 : _HALF + 1] = 1


def _stool(right, p):
    side, front, back = p.side, p.front, p.back
    if p.style % 2 == 0:
        _top(right, p)
    else:
        _disk(right, p.side, p.surface - p.board, p.surface)
        side = int(p.side * 0.7)  # The square within the round seat.
        front, back = _HALF - side, _HALF + side
    _legs(right, side, front, back, p.leg, p.surface)
    if p.style >= 2:
        bar = p.surface // 3
        right[side - p.leg : side, bar : bar + 1, front:back] = 1
        right[:side, bar : bar + 1, front : front + p.leg] = 1
        right[:side, bar : bar + 1, back - p.leg : back] = 1


def _bench(right, p):
    _top(right, p)
    if p.style == 1:
        right[p.side - p.leg : p.side, : p.surface, p.front : p.back] = 1
        return
    _legs(right, p.side, p.front, p.back, p.leg, p.surface)
    if p.style == 2:
        right[p.side - p.leg : p.side, 2:4, p.front : p.back] = 1
        right[: p.side, 2:4, _HALF - 1 : _HALF + 1] = 1


def _shelf(right, p):
    right[p.side - p.leg : p.side, : p.height, p.front : p.back] = 1
    compartments = 2 + p.style // 2
    for bottom in np.linspace(0, p.height - p.board, compartments + 1).round().astype(int):
        right[: p.side, bottom : bottom + p.board, p.front : p.back] = 1
    if p.style % 2:
        right[: p.side, : p.height, p.back - 1 : p.back] = 1


def _sofa(right, p):
    clearance = 2 * (p.style % 2)
    right[: p.side, clearance : p.surface, p.front : p.back] = 1
    right[: p.side, clearance : p.height, p.back - p.board : p.back] = 1
    right[p.side - p.leg : p.side, : p.surface + (5 if p.style >= 2 else 2), p.front : p.back] = 1


def _bed(right, p):
    _legs(right, p.side, p.front, p.back, p.leg, p.surface)
    right[: p.side, p.surface - 4 : p.surface, p.front : p.back] = 1
    right[: p.side, : p.height, p.back - p.board : p.back] = 1
    if p.style % 2:
        right[: p.side, : p.surface + 2, p.front : p.front + p.board] = 1
    between = 1 if p.style >= 2 else 0
    right[between : p.side - 2, p.surface : p.surface + 1, p.back - p.board - 6 : p.back - p.board - 1] = 1


def _lamp(right, p):
    _disk(right, p.side // 2 + 1, 0, p.board)
    _disk(right, p.leg, 0, p.height)
    tall = p.height - p.surface
    for layer in range(tall):
        share = layer / tall
        narrowing = (1.0, 1.0 - 0.6 * share, np.sqrt(1.0 - share**2))[p.style]
        _disk(right, max(p.leg, round(p.side * narrowing)), p.surface + layer, p.surface + layer + 1)


_DRAW = (_chair, _table, _stool, _bench, _shelf, _sofa, _bed, _lamp)
