"""Surfaces of solids, whose area and volume are known, and their pictures."""

import numpy as np
import pytest

from kerasgan.data.kinds import Voxels
from kerasgan.pictures.solids import surface


def area_and_volume(vertices, triangles):
    """Area of a surface, and the volume that it encloses (divergence theorem; negative if it is inside out)."""
    a, b, c = (vertices[triangles[:, k]].astype(float) for k in range(3))
    normals = np.cross(b - a, c - a)
    return np.linalg.norm(normals, axis=1).sum() / 2, (a * normals).sum() / 6


def sides(solid):
    """Number of sides of voxels that no other voxel touches."""
    padded = np.pad(solid, 1).astype(int)
    return sum(np.abs(np.diff(padded, axis=axis)).sum() for axis in range(3))


@pytest.mark.parametrize("seed", range(3))
def test_a_surface_encloses_its_voxels(seed):
    solid = np.random.default_rng(seed).random((4, 5, 6)) < 0.4
    vertices, triangles = surface(solid)
    area, volume = area_and_volume(vertices, triangles)
    assert (area, volume) == (pytest.approx(sides(solid)), pytest.approx(solid.sum()))
    assert len(triangles) == 2 * sides(solid) and len(np.unique(vertices, axis=0)) == len(vertices)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    there, back = (sorted(map(tuple, pair)) for pair in (edges, edges[:, ::-1]))
    assert there == back  # closed: each edge is passed once in each direction
    assert area_and_volume(vertices, triangles[:, ::-1])[1] < 0


def test_axes():
    """Data have the axes right, up, back; meshes right, up, front; STL files right, back, up."""
    solid = np.zeros((4, 4, 4), bool)
    solid[0, 0, 0] = solid[1, 0, 0] = solid[0, 1, 0] = solid[0, 2, 0] = True  # low, left, in front; up to 3 voxels
    vertices, _ = surface(solid)
    np.testing.assert_array_equal([vertices.min(0), vertices.max(0)], [[0, 0, 3], [2, 3, 4]])
    assert surface(np.zeros((2, 2, 2)))[1].shape == (0, 3)


def test_files(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    kind = Voxels((8, 4, 6, 1))
    solid = np.zeros(kind.shape, "float32")
    solid[1:4, 0:2, 0:5] = 0.6
    solid[7, 3, 5] = 0.5  # not above one half
    mesh = kind.mesh(solid)
    assert mesh.is_watertight and mesh.volume == pytest.approx(30)
    np.testing.assert_array_equal(mesh.bounds, [[1, 0, 1], [4, 2, 6]])
    (tmp_path / "solid.stl").write_bytes(kind.encoded(solid, "stl"))
    printed = trimesh.load(tmp_path / "solid.stl")
    np.testing.assert_array_equal(printed.bounds - printed.bounds[0], [[0, 0, 0], [3, 5, 2]])
    assert printed.volume == pytest.approx(30)
    for ending in kind.file_types:
        assert kind.encoded(np.zeros(kind.shape), ending)


def test_pictures():
    kind = Voxels((16, 8, 12, 1))
    pictures = kind.pictures(np.stack([np.zeros(kind.shape), np.ones(kind.shape)]))
    assert pictures.shape == (2, 96, 96, 1) and pictures.dtype == np.float32
    assert set(np.unique(pictures[0])) == {-1.0} and len(np.unique(pictures[1])) == 4
    rows, columns = np.nonzero(pictures[1, ..., 0] > -1)
    assert rows.min() > 0 and rows.max() < 95 and columns.min() > 0 and columns.max() < 95
