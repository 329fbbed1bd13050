"""Furniture is what its factors say, stands on its legs, is whole and symmetric, and its class can be seen."""

import numpy as np
import pytest
from scipy import ndimage

from kerasgan.data import load
from kerasgan.data.builders.voxel_furniture import CLASSES, VoxelFurniture
from kerasgan.data.kinds import Voxels
from kerasgan.pictures.solids import isometric


@pytest.fixture(scope="module")
def objects():
    arrays = VoxelFurniture(count=1200).arrays("train")
    assert arrays["voxels"].shape == (1200, 32, 32, 32, 1) and arrays["voxels"].dtype == np.uint8
    return {**arrays, "voxels": arrays["voxels"][..., 0]}


def of_class(objects, *names):
    chosen = np.isin(objects["label"], [CLASSES.index(name) for name in names])
    return [{name: values[index] for name, values in objects.items()} for index in np.flatnonzero(chosen)]


def test_the_bounding_box_is_what_the_factors_say(objects):
    for voxels, width, height, depth in zip(*(objects[k] for k in ("voxels", "width", "height", "depth")), strict=True):
        x, y, z = np.nonzero(voxels)
        assert (x.min(), x.max() + 1) == (16 - width // 2, 16 + width // 2)
        assert (y.min(), y.max() + 1) == (0, height)
        assert (z.min(), z.max() + 1) == (16 - depth // 2, 16 + depth // 2)


def test_every_object_is_one_piece_and_its_own_mirror_image(objects):
    for voxels in objects["voxels"]:
        assert ndimage.label(voxels)[1] == 1
        np.testing.assert_array_equal(voxels, voxels[::-1])
    assert set(np.unique(objects["voxels"])) == {0, 1}


def test_legs_of_the_stated_thickness_reach_from_the_floor_to_the_surface(objects):
    legged = [item for item in of_class(objects, "chair", "table", "stool", "bench") if item["style"] == 0]
    assert {CLASSES[item["label"]] for item in legged} == {"chair", "table", "stool", "bench"}
    for item in legged:
        leg, surface, board = item["leg"], item["surface"], item["board"]
        columns = item["voxels"][:, :surface].all(axis=1)
        # Four square columns, and between floor and seat nothing else.
        assert ndimage.label(columns)[1] == 4 and columns.sum() == 4 * leg**2
        np.testing.assert_array_equal(item["voxels"][:, : surface - board].any(axis=1), columns)
        # The seat fills its box, and its thickness is `board`.
        assert item["voxels"][:, surface - board : surface].sum() == board * item["width"] * item["depth"]


def test_round_things_are_round(objects):
    tables = [item for item in of_class(objects, "table") if item["style"] == 1]
    assert tables
    for item in tables:
        top = item["voxels"][:, item["surface"] - 1]
        np.testing.assert_array_equal(top, top.T)
        assert top.sum() == pytest.approx(np.pi * item["width"] ** 2 / 4, rel=0.03)
        assert item["voxels"][16, : item["surface"], 16].all()  # The column.


def test_a_shelf_has_as_many_compartments_as_its_style_says(objects):
    for item in of_class(objects, "shelf"):
        column = item["voxels"][16, : item["height"], 16 - item["depth"] // 2]
        assert ndimage.label(1 - column)[1] == 2 + item["style"] // 2
        assert item["voxels"][16, : item["height"], 15 + item["depth"] // 2].all() == item["style"] % 2


def test_lamps_carry_their_shade_on_a_column(objects):
    for item in of_class(objects, "lamp"):
        layers = item["voxels"].sum(axis=(0, 2))
        between = layers[item["board"] : item["surface"]]
        assert (between == {1: 4, 2: 12}[int(item["leg"])]).all() and layers[item["surface"]] > between.max()
        shade = layers[item["surface"] : item["height"]].astype(int)
        assert (np.diff(shade) <= 0).all() and (shade[-1] < shade[0]) == (item["style"] > 0)


def test_the_class_can_be_recovered_from_the_voxels(objects):
    from sklearn.svm import SVC

    test = VoxelFurniture(count=400).arrays("test")
    classifier = SVC(C=10)

    def coarse(voxels):
        return voxels.reshape(-1, 8, 4, 8, 4, 8, 4).mean(axis=(2, 4, 6)).reshape(len(voxels), -1)

    classifier.fit(coarse(objects["voxels"]), objects["label"])
    assert classifier.score(coarse(test["voxels"]), test["label"]) > 0.98


def test_the_splits_have_no_object_in_common_and_the_objects_are_many(objects):
    train, test = (
        {voxels.tobytes() for voxels in arrays["voxels"]}
        for arrays in (objects, VoxelFurniture(count=300).arrays("test"))
    )
    assert not train & test
    assert len(train) > 0.95 * 1200
    assert len(np.unique(objects["label"])) == len(CLASSES)


def test_an_example_depends_on_its_split_and_index_alone(objects):
    dataset = VoxelFurniture()
    alone = dataset.example(dataset.random("train", 700), "train", 700)
    for name in dataset.features:
        np.testing.assert_array_equal(np.squeeze(alone[name]), objects[name][700])


def test_loaded_voxels_are_occupancies(objects):
    x, y = load("voxel_furniture", "train", as_numpy=True, count=8)
    Voxels((32, 32, 32, 1)).check(x)
    np.testing.assert_array_equal(x[..., 0], objects["voxels"][:8])
    np.testing.assert_array_equal(y, objects["label"][:8])


def test_an_isometric_picture_shows_three_faces_of_a_cube():
    cube = np.zeros((8, 8, 8))
    cube[2:6, 2:6, 2:6] = 1
    picture = isometric(cube, 64)
    levels, counts = np.unique(picture, return_counts=True)
    assert levels.tolist() == [0, 105, 165, 245]
    # In an isometric view each face has the area of the side times 1/sqrt(3).
    np.testing.assert_allclose(counts[1:], (4 * 64 / (1.7 * 8)) ** 2 / np.sqrt(3), rtol=0.06)
    middle = np.argwhere(picture == 245)[:, 0].mean(), np.argwhere(picture == 105)[:, 1].mean()
    assert middle[0] < 32 and middle[1] < 32  # The top is up, the front on the left.
