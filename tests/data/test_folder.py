"""Folders of pictures: every format, colour, size and way of being broken."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kerasgan.data import from_folder, load

RAMP = np.arange(48, dtype="uint8").reshape(6, 8) * 5
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP.T.reshape(6, 8)], axis=-1)


def save(path, array, mode=None, **options):
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array)
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture if mode is None else picture.convert(mode)).save(path, **options)


def read(folder, **arguments):
    return from_folder(folder, **arguments).images


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_exact_formats(tmp_path):
    save(tmp_path / "a.png", COLOUR)
    save(tmp_path / "b.webp", COLOUR, lossless=True)
    save(tmp_path / "c.PNG", COLOUR)
    pictures = from_folder(tmp_path)
    assert pictures.images.shape == (3, 6, 8, 3) and pictures.images.dtype == np.uint8
    assert [path.name for path in pictures.paths] == ["a.png", "b.webp", "c.PNG"]
    assert pictures.labels is None and pictures.class_names == () and pictures.skipped == []
    for image in pictures.images:
        np.testing.assert_array_equal(image, COLOUR)


def test_jpeg(tmp_path):
    save(tmp_path / "a.jpg", COLOUR, quality=100, subsampling=0)
    save(tmp_path / "b.jpeg", COLOUR, quality=100, subsampling=0)
    assert np.abs(read(tmp_path).astype(int) - COLOUR).max() <= 4


def test_grey_stays_grey_unless_there_is_colour(tmp_path):
    save(tmp_path / "a.png", RAMP)
    np.testing.assert_array_equal(read(tmp_path), RAMP[None, ..., None])
    save(tmp_path / "b.png", COLOUR)
    images = read(tmp_path)
    np.testing.assert_array_equal(images[0], np.repeat(RAMP[..., None], 3, axis=-1))
    np.testing.assert_array_equal(images[1], COLOUR)
    np.testing.assert_array_equal(
        read(tmp_path, channels=1)[1, ..., 0], np.asarray(Image.fromarray(COLOUR).convert("L"))
    )


def test_one_bit(tmp_path):
    save(tmp_path / "a.png", Image.fromarray(RAMP > 100))
    np.testing.assert_array_equal(read(tmp_path)[0, ..., 0], (RAMP > 100) * 255)


def test_sixteen_bits_are_rounded_to_eight(tmp_path):
    levels = np.array([[0, 127, 128, 129, 257, 32768, 65279, 65535]], "uint16")
    save(tmp_path / "a.png", levels)
    assert Image.open(tmp_path / "a.png").mode.startswith("I")
    np.testing.assert_array_equal(read(tmp_path)[0, ..., 0], np.rint(levels / 257))


def test_sixteen_bits_of_colour(tmp_path):
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in COLOUR.astype("uint16") * 257)
    header = struct.pack(">IIBBBBB", 8, 6, 16, 2, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    np.testing.assert_array_equal(read(tmp_path)[0], COLOUR)


def test_palette(tmp_path):
    image = Image.fromarray(COLOUR).quantize(16)
    save(tmp_path / "a.png", image)
    np.testing.assert_array_equal(read(tmp_path)[0], np.asarray(image.convert("RGB")))


def test_transparent_palette_shows_the_background(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    save(tmp_path / "a.png", image, transparency=1)
    assert read(tmp_path, background=(0, 255, 0))[0].tolist() == [[[255, 0, 0], [0, 255, 0]]]
    assert read(tmp_path, channels=4)[0, 0, :, 3].tolist() == [255, 0]


def test_alpha_blends_into_the_background(tmp_path):
    save(tmp_path / "a.png", np.array([[[200, 100, 0, 255], [200, 100, 0, 51], [200, 100, 0, 0]]], "uint8"))
    blended = [[200, 100, 0], [244, 224, 204], [255, 255, 255]]  # 51 is a fifth
    assert read(tmp_path)[0].tolist() == [blended]
    assert read(tmp_path, background=0)[0, 0, 1].tolist() == [40, 20, 0]
    assert read(tmp_path, channels=4)[0, 0, 1].tolist() == [200, 100, 0, 51]


def test_grey_with_alpha(tmp_path):
    save(tmp_path / "a.png", Image.fromarray(np.array([[[100, 255], [100, 0]]], "uint8"), "LA"))
    assert read(tmp_path)[0].tolist() == [[[100], [255]]]
    assert read(tmp_path, background=(9, 8, 7))[0].tolist() == [[[100, 100, 100], [9, 8, 7]]]


def test_cmyk(tmp_path):
    flat = np.full((16, 16, 3), (255, 0, 128), "uint8")
    save(tmp_path / "a.jpg", flat, "CMYK", quality=100)
    assert Image.open(tmp_path / "a.jpg").mode == "CMYK"
    assert np.abs(read(tmp_path)[0].astype(int) - flat).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.T,
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].T,
        8: lambda a: np.rot90(a),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "a.png", RAMP, exif=exif)
    np.testing.assert_array_equal(read(tmp_path)[0, ..., 0], turns[orientation](RAMP))


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(read(tmp_path)[0], COLOUR)


@pytest.mark.parametrize("crop", ["centre", "random", "none"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 5)])
def test_tiny_and_long_pictures(tmp_path, crop, shape):
    save(tmp_path / "a.png", np.full((*shape, 3), 77, "uint8"))
    image = read(tmp_path, image_size=(8, 12), crop=crop, background=77)
    np.testing.assert_array_equal(image, np.full((1, 8, 12, 3), 77))


def halves(shape):
    """Black on the left, white on the right."""
    array = np.zeros(shape, "uint8")
    array[:, shape[1] // 2 :] = 255
    return array


def test_crop_policies(tmp_path):
    thirds = np.repeat(np.array([[10, 100, 200]], "uint8"), 30, axis=1).repeat(30, axis=0)  # 30 x 90
    save(tmp_path / "a.png", thirds)
    np.testing.assert_array_equal(read(tmp_path, image_size=30)[0, ..., 0], np.full((30, 30), 100))
    padded = read(tmp_path, image_size=30, crop="none", background=0)[0, ..., 0]
    assert (padded[:10] == 0).all() and (padded[20:] == 0).all() and padded[15, [2, 15, 27]].tolist() == [10, 100, 200]
    stretched = read(tmp_path, image_size=30, crop="none", fit="stretch")[0, ..., 0]
    assert stretched[0, [2, 15, 27]].tolist() == stretched[29, [2, 15, 27]].tolist() == [10, 100, 200]


def test_random_crops_are_drawn_by_seed_and_file(tmp_path):
    wide = np.arange(0, 250, dtype="uint8")[None].repeat(10, axis=0)
    for name in "abcdefgh":
        save(tmp_path / f"{name}.png", wide)
    crops = read(tmp_path, image_size=10, crop="random")[:, 0, 0, 0].tolist()
    assert len(set(crops)) > 4 and min(crops) >= 0 and max(crops) <= 240
    assert read(tmp_path, image_size=10, crop="random", workers=1)[:, 0, 0, 0].tolist() == crops
    assert read(tmp_path, image_size=10, crop="random", seed=1)[:, 0, 0, 0].tolist() != crops
    (tmp_path / "a.png").unlink()
    assert read(tmp_path, image_size=10, crop="random")[:, 0, 0, 0].tolist() == crops[1:]


def test_shrinking_is_antialiased(tmp_path):
    """A fine chequerboard becomes grey, where picking pixels would leave black or white."""
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype("uint8")
    save(tmp_path / "a.png", board)
    assert np.abs(read(tmp_path, image_size=32).astype(int)[:, 2:-2, 2:-2] - 127.5).max() <= 1


def test_a_large_jpeg_shrinks_to_the_same_as_a_png(tmp_path):
    y, x = np.indices((900, 1200)) / 100
    smooth = np.uint8(127 + 100 * np.sin(3 * x) * np.cos(2 * y))
    save(tmp_path / "a.jpg", smooth, quality=95)
    save(tmp_path / "b.png", smooth)
    jpeg, png = read(tmp_path, image_size=64).astype(int)
    assert np.abs(jpeg - png).max() <= 4


def test_labels_from_sub_folders(tmp_path):
    for name, level in (("cat/1.png", 1), ("cat/deep/2.png", 2), ("ant/3.png", 3), ("dog/4.png", 4)):
        save(tmp_path / name, np.full((2, 2), level, "uint8"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    save(tmp_path / "dog" / "._4.png", RAMP)
    save(tmp_path / ".thumbnails" / "4.png", RAMP)
    os.symlink(tmp_path, tmp_path / "dog" / "loop")
    pictures = from_folder(tmp_path)
    assert pictures.class_names == ("ant", "cat", "dog")
    assert pictures.labels.tolist() == [0, 1, 1, 2] and pictures.images[:, 0, 0, 0].tolist() == [3, 1, 2, 4]
    save(tmp_path / "5.png", np.full((2, 2), 5, "uint8"))
    assert from_folder(tmp_path).labels is None


def broken_files():
    png, jpeg, webp = io.BytesIO(), io.BytesIO(), io.BytesIO()
    noise = Image.fromarray(np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype="uint8"))
    noise.save(png, "PNG"), noise.save(jpeg, "JPEG"), noise.save(webp, "WEBP")
    return {
        "truncated.png": png.getvalue()[:5000],
        "truncated.jpg": jpeg.getvalue()[:2000],
        "truncated.webp": webp.getvalue()[:1500],
        "text.png": b"not a picture",
        "empty.jpg": b"",
        "flipped.png": png.getvalue()[:60] + b"\0\0\0\0" + png.getvalue()[64:],
    }


@pytest.mark.parametrize("name", broken_files())
def test_broken_files_are_named_or_skipped(tmp_path, name, caplog):
    save(tmp_path / "good.png", np.zeros((64, 64, 3), "uint8"))
    (tmp_path / name).write_bytes(broken_files()[name])
    with pytest.raises(ValueError, match=rf"{name} cannot be read as a picture.*on_error='skip'"):
        from_folder(tmp_path)
    pictures = from_folder(tmp_path, on_error="skip")
    assert len(pictures.images) == 1 and [path.name for path in pictures.paths] == ["good.png"]
    assert [path.name for path, _ in pictures.skipped] == [name]
    assert "Skipped 1 of 2 files" in caplog.text
    (tmp_path / "good.png").unlink()
    with pytest.raises(ValueError, match="None of the 1 pictures"):
        from_folder(tmp_path, on_error="skip")


def test_a_skipped_file_takes_its_label_along(tmp_path):
    for name in ("a/1.png", "b/2.png", "c/3.png"):
        save(tmp_path / name, RAMP)
    (tmp_path / "b" / "2.png").write_bytes(b"")
    assert from_folder(tmp_path, on_error="skip").labels.tolist() == [0, 2]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("limit", [47, 20])  # Pillow warns of the first, and refuses the second
def test_decompression_bombs(tmp_path, monkeypatch, limit):
    save(tmp_path / "bomb.png", RAMP)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=rf"bomb.png has more than the {limit} pixels .*MAX_IMAGE_PIXELS higher"):
        from_folder(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert len(read(tmp_path)) == 1


def test_different_sizes_need_a_size(tmp_path):
    save(tmp_path / "a.png", RAMP)
    save(tmp_path / "b.png", RAMP.T)
    with pytest.raises(ValueError, match=r"b.png has the size \(8, 6\) .*pass image_size"):
        from_folder(tmp_path)
    assert read(tmp_path, image_size=4).shape == (2, 4, 4, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop": "center"}, "expected 'centre' or 'random' or 'none'"),
        ({"channels": 2}, "expected None or 1 or 3 or 4"),
        ({"on_error": "ignore"}, "expected 'raise' or 'skip'"),
        ({"fit": "cover"}, "expected 'pad' or 'stretch'"),
        ({"image_size": 0}, "positive integer"),
        ({"image_size": (4, 4, 3)}, "positive integer"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        from_folder(tmp_path, **arguments)


def test_no_pictures(tmp_path):
    with pytest.raises(ValueError, match="holds no pictures"):
        from_folder(tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        from_folder(tmp_path / "missing")


def test_load_reads_a_folder(tmp_path):
    for name in ("train/a/1.png", "train/b/2.png", "test/a/3.png"):
        save(tmp_path / name, halves((8, 16)))
    x, y = load(tmp_path, image_size=8, as_numpy=True, crop="none", fit="stretch")
    assert x.shape == (2, 8, 8, 1) and x.dtype == np.float32 and y.tolist() == [0, 1]
    assert x[0, 0, 0, 0] == -1 and x[0, 0, -1, 0] == 1
    assert load(str(tmp_path / "test"), as_numpy=True)[0].shape == (1, 8, 16, 1)
    first, second = load(tmp_path, ("train", "test"), as_numpy=True)
    assert len(first) == 2 and len(second) == 1
    with pytest.raises(ValueError, match="no sub-folder of this name"):
        load(tmp_path, "validation")
    with pytest.raises(TypeError, match="corp"):
        load(tmp_path, corp="none")


def test_load_of_a_folder_without_classes(tmp_path):
    save(tmp_path / "1.png", COLOUR)
    assert load(tmp_path, as_numpy=True).shape == (1, 6, 8, 3)
    with pytest.raises(ValueError, match="expected 'label' among them: pass labels=False"):
        load(tmp_path, labels=True, as_numpy=True)
