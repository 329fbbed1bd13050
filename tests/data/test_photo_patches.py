"""Patches of photos: cut where they say, textured, split by photo; and clear words where there are no photos."""

import numpy as np
import pytest
from PIL import Image

from kerasgan.data.builders import photo_patches
from kerasgan.data.builders.photo_patches import PACKAGES, PHOTOS, PhotoPatches, textured_patches


def texture(height, width, seed, channels=3):
    """Coarse noise: a picture whose every patch is textured."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, channels), "uint8")
    return small.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten photos, of several kinds, in a folder and its sub-folder."""
    root = tmp_path_factory.mktemp("photos")
    (root / "sub").mkdir()
    for number in range(7):
        Image.fromarray(texture(200, 264, number)).save(root / f"{number}.png")
    Image.fromarray(texture(200, 264, 7, 1)[..., 0]).save(root / "sub" / "grey.PNG")
    Image.fromarray(texture(1600, 2000, 8)).save(root / "sub" / "large.webp", lossless=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by 90 degrees.
    Image.fromarray(texture(264, 400, 9)).save(root / "turned.jpg", quality=95, exif=exif)
    (root / "notes.txt").write_text("no photo")
    return root


@pytest.fixture(scope="module")
def dataset(folder):
    return PhotoPatches(photo_dirs=folder)


def test_a_patch_is_what_the_photo_shows_at_its_place(dataset, folder):
    files = [photo["file"] for photo in dataset.metadata()["photos"]]
    assert files == [*(f"{number}.png" for number in range(7)), "sub/grey.PNG", "sub/large.webp", "turned.jpg"]
    pictures = {}
    for number, name in enumerate(files):
        picture = Image.open(folder / name)
        if name == "turned.jpg":
            picture = picture.transpose(Image.Transpose.ROTATE_270)
        picture = picture.convert("RGB")
        if name == "sub/large.webp":
            picture = picture.resize((1280, 1024), Image.Resampling.LANCZOS)
        pictures[number] = np.asarray(picture)
    assert pictures[9].shape == (400, 264, 3)
    arrays = dataset.arrays("train+test")
    assert set(arrays["photo"]) == set(range(10))
    for image, photo, row, column in zip(*(arrays[k] for k in ("image", "photo", "row", "column")), strict=True):
        np.testing.assert_array_equal(image, pictures[photo][row : row + 64, column : column + 64])


def test_the_grid_is_centred_and_complete_and_has_no_overlap(dataset):
    arrays = dataset.arrays("train+test")
    corners = {(row, column) for row, column in zip(arrays["row"], arrays["column"], strict=True)}
    first = arrays["photo"] == 0
    expected = [(4 + 64 * row, 4 + 64 * column) for row in range(3) for column in range(4)]
    assert sorted(zip(arrays["row"][first], arrays["column"][first], strict=True)) == expected
    assert len(corners) < len(first)  # Several photos have the same grid.
    large = arrays["photo"] == 8
    assert large.sum() == len(set(zip(arrays["row"][large], arrays["column"][large], strict=True)))
    assert large.sum() > 0.9 * (1024 // 64) * (1280 // 64)


def test_patches_without_texture_are_left_out():
    picture = texture(256, 256, 0)
    picture[:, :128] = 90  # Sky.
    picture[:128, 128:] = np.linspace(0, 255, 128)[:, None, None]  # A gradient: contrast without texture.
    assert textured_patches(picture, 64).tolist() == [[128, 128], [128, 192], [192, 128], [192, 192]]


@pytest.mark.parametrize("config", PhotoPatches.configs)
def test_the_splits_are_by_photo_whatever_the_size(folder, config):
    dataset = PhotoPatches(config, photo_dirs=str(folder))
    splits = [photo["split"] for photo in dataset.metadata()["photos"]]
    assert [number for number, split in enumerate(splits) if split == "test"] == [2, 7]
    for split, count in dataset.splits().items():
        arrays = dataset.arrays(split)
        assert arrays["image"].shape == (count, int(config), int(config), 3) and arrays["image"].dtype == np.uint8
        assert {splits[photo] for photo in arrays["photo"]} == {split}


def test_the_order_is_random_but_the_same_for_the_same_photos(dataset, folder):
    first, second = dataset.arrays("train"), PhotoPatches(photo_dirs=[folder]).arrays("train", workers=2)
    for name in dataset.features:
        np.testing.assert_array_equal(first[name], second[name])
    assert (np.diff(first["photo"]) != 0).mean() > 0.2
    some = PhotoPatches(photo_dirs=folder, count=9)
    assert some.splits() == {"train": 9, "test": 9}
    np.testing.assert_array_equal(some.arrays("train")["image"], first["image"][:9])


def test_photo_dirs_that_will_not_do_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"photo_dirs names .*nowhere, which is not a folder"):
        PhotoPatches(photo_dirs=tmp_path / "nowhere").generate("train")
    with pytest.raises(FileNotFoundError, match=r"photo_dirs has 0 photos .*at least 5"):
        PhotoPatches(photo_dirs=tmp_path).generate("train")
    for number in range(6):
        Image.fromarray(texture(64, 64, 0) // 20).save(tmp_path / f"{number}.png")
    with pytest.raises(ValueError, match="No photo of the split 'train' has a textured patch of 64 pixels"):
        PhotoPatches(photo_dirs=tmp_path).generate("train")
    whole = (tmp_path / "3.png").read_bytes()
    (tmp_path / "3.png").write_bytes(whole[: len(whole) // 2])  # The same name: what was read before is not used.
    with pytest.raises(ValueError, match=r"3\.png cannot be read"):
        PhotoPatches(photo_dirs=tmp_path).generate("train")


def test_without_photos_the_error_names_the_packages_and_the_option(monkeypatch):
    monkeypatch.setattr(photo_patches, "installed", lambda *paths: [])
    dataset = PhotoPatches()
    with pytest.raises(FileNotFoundError, match=r"lomiri-wallpapers.*mate-backgrounds.*plasma-workspace.*photo_dirs="):
        dataset.generate("train")
    assert dataset.splits() == {"train": 0, "test": 0}


def test_a_package_that_is_missing_changes_no_photos_split(monkeypatch, tmp_path):
    monkeypatch.setattr(photo_patches, "installed", lambda *paths: [tmp_path / paths[0]])
    every = {name: split for name, _, split in PhotoPatches()._photos}
    monkeypatch.setattr(photo_patches, "installed", lambda *paths: [p for p in paths if "backgrounds/mate" in p])
    some = {name: split for name, _, split in PhotoPatches()._photos}
    assert len(some) == 12 and some.items() <= every.items()


def test_the_list_of_photos():
    assert len(PHOTOS) == len(set(PHOTOS)) == 38 and len(PACKAGES) == 4


@pytest.mark.slow
@pytest.mark.skipif(len(PhotoPatches()._photos) < 38, reason="the wallpaper packages are not installed")
def test_the_packaged_photos_give_hundreds_of_patches():
    for config, train, test in (("64", 3000, 600), ("96", 1300, 280), ("128", 750, 150)):
        splits = PhotoPatches(config).splits()
        assert splits["train"] > train and splits["test"] > test
