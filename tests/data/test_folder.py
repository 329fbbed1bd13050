"""Folders of pictures: every format, colour, size and way of being broken."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kerasgan.data import from_folder, load
from kerasgan.data.picture import Reader, _Image, inside, part_of

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


def write_png16(path, levels, colours):
    """A PNG file of 16 bits in colours that Pillow does not write: 2 is RGB, 4 grey and alpha, 6 RGBA."""
    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, colours, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def write_tiff16(path, levels, order="<", packed=False, planes=1):
    """A TIFF file of 16-bit RGB, which Pillow does not write."""
    height, width, channels = levels.shape
    data = levels.astype(order + "u2").tobytes()
    data = zlib.compress(data) if packed else data
    tags = {256: width, 257: height, 258: None, 259: 8 if packed else 1, 262: 2, 273: None, 277: channels}
    tags |= {278: height, 279: len(data), 284: planes}
    bits = struct.pack(order + f"{channels}H", *[16] * channels)
    tags[258] = 8 + 2 + 12 * len(tags) + 4
    tags[273] = tags[258] + len(bits)
    entries = b"".join(
        struct.pack(order + "HHII", tag, 4 if tag != 258 else 3, channels if tag == 258 else 1, value)
        for tag, value in tags.items()
    )
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(tags))
    path.write_bytes(start + entries + struct.pack(order + "I", 0) + bits + data)


DEEP = np.random.default_rng(0).integers(0, 65536, (5, 7, 4)).astype("uint16")


def test_sixteen_bits_of_grey_keep_their_levels(tmp_path):
    levels = np.array([[0, 1, 128, 129, 257, 32768, 65279, 65535]], "uint16")
    save(tmp_path / "a.png", levels)
    save(tmp_path / "b.tif", levels)
    pictures = from_folder(tmp_path)
    assert pictures.images.dtype == np.float32 and pictures.value_range == (0, 65535)
    for image in pictures.images:
        np.testing.assert_array_equal(image[..., 0], levels)
    np.testing.assert_allclose(load(tmp_path, as_numpy=True)[0, ..., 0], levels / 32767.5 - 1, atol=1e-7)


def test_sixteen_bits_of_colour_keep_their_levels(tmp_path):
    """Pillow alone would keep the upper eight."""
    write_png16(tmp_path / "a.png", DEEP[..., :3], 2)
    write_tiff16(tmp_path / "b.tif", DEEP[..., :3], "<")
    write_tiff16(tmp_path / "c.tif", DEEP[..., :3], ">")
    write_tiff16(tmp_path / "d.tif", DEEP[..., :3], packed=True)
    for image in read(tmp_path):
        np.testing.assert_array_equal(image, DEEP[..., :3])
    write_tiff16(tmp_path / "e.tif", DEEP[..., :3], planes=2)
    with pytest.raises(ValueError, match=r"e.tif cannot be read .*in planes"):
        from_folder(tmp_path)


def test_sixteen_bits_with_alpha(tmp_path):
    write_png16(tmp_path / "a.png", DEEP, 6)
    np.testing.assert_allclose(read(tmp_path, channels=4)[0], DEEP, atol=0.01)
    colours, alpha = DEEP[..., :3] / 65535, DEEP[..., 3:] / 65535
    expected = alpha * colours + (1 - alpha)
    np.testing.assert_allclose(read(tmp_path, value_range=(0, 65535))[0] / 65535, expected, atol=1e-6)
    (tmp_path / "a.png").unlink()
    write_png16(tmp_path / "a.png", DEEP[..., :2], 4)
    np.testing.assert_allclose(read(tmp_path, channels=2)[0], DEEP[..., :2], atol=0.01)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_sixteen_bit_files_that_hold_fewer_bits(tmp_path, caplog, bits):
    """A depth camera's 12 bits in a 16-bit file must not come out nearly black."""
    levels = np.linspace(0, 2**bits - 1, 32 * 32).astype("uint16").reshape(32, 32)
    save(tmp_path / "a.png", levels)
    x = load(tmp_path, as_numpy=True)
    assert x.min() == -1 and x.max() == 1 and len(np.unique(x)) == len(np.unique(levels))
    assert f"the highest of {bits} bits" in caplog.text and "value_range=(low, high)" in caplog.text
    caplog.clear()
    assert load(tmp_path, as_numpy=True, value_range=(0, 65535)).max() < 0 and not caplog.text


def test_eight_bits_beside_sixteen(tmp_path):
    save(tmp_path / "a.png", np.array([[0, 65535]], "uint16"))
    save(tmp_path / "b.png", np.array([[0, 51]], "uint8"))
    assert read(tmp_path)[..., 0].tolist() == [[[0, 65535]], [[0, 13107]]]  # a fifth of white


def test_floats(tmp_path):
    unit = np.linspace(0, 1, 12, dtype="float32").reshape(3, 4)
    save(tmp_path / "a.tif", unit)
    pictures = from_folder(tmp_path)
    assert pictures.value_range == (0, 1)
    np.testing.assert_array_equal(pictures.images[0, ..., 0], unit)
    save(tmp_path / "b.tif", unit * 300)
    with pytest.raises(ValueError, match=r"levels from 0 to 300, which do not tell their range.*pass value_range"):
        from_folder(tmp_path)
    assert from_folder(tmp_path, value_range=(0, 300)).images.max() == 300
    save(tmp_path / "b.tif", np.full((3, 4), np.nan, "float32"))
    with pytest.raises(ValueError, match=r"b.tif cannot be read .*it has NaN"):
        from_folder(tmp_path)


def test_deep_pictures_are_turned_cropped_padded_and_made_grey(tmp_path):
    ramp = np.arange(48, dtype="uint16").reshape(6, 8) * 1300
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.png", ramp, exif=exif)
    np.testing.assert_array_equal(read(tmp_path)[0, ..., 0], np.rot90(ramp, -1))
    assert read(tmp_path, image_size=4, value_range=(0, 65535)).shape == (1, 4, 4, 1)
    padded = read(tmp_path, image_size=8, crop="none", background=51, value_range=(0, 65535))[0, ..., 0]
    np.testing.assert_array_equal(padded[:, 0], np.full(8, 13107))
    np.testing.assert_allclose(padded[:, 1:7], np.rot90(ramp, -1))
    (tmp_path / "a.png").unlink()
    write_png16(tmp_path / "a.png", DEEP[..., :3], 2)
    luma = DEEP[..., :3] @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(read(tmp_path, channels=1)[0, ..., 0], luma, atol=0.02)


def test_the_reference_of_formats(tmp_path):
    """TIFF, BMP, GIF, JFIF, PPM and files without an ending are read as their PNG is."""
    picture = Image.fromarray(COLOUR)
    for name in ("1.png", "2.tif", "3.tiff", "4.bmp", "5.ppm"):
        save(tmp_path / name, picture)
    save(tmp_path / "6.webp", picture, lossless=True)
    save(tmp_path / "7", picture, format="PNG")
    save(tmp_path / "8.png_large", picture, format="PNG")
    pictures = from_folder(tmp_path)
    assert len(pictures.images) == 8 and not pictures.left_out
    for image in pictures.images:
        np.testing.assert_array_equal(image, COLOUR)
    save(tmp_path / "9.jfif", picture, format="JPEG", quality=100, subsampling=0)
    save(tmp_path / "91.gif", picture)
    images = read(tmp_path).astype(int)
    assert len(images) == 10 and np.abs(images[8] - COLOUR).max() <= 4


def test_a_grey_gif_is_grey(tmp_path):
    save(tmp_path / "a.gif", RAMP)
    np.testing.assert_array_equal(read(tmp_path), RAMP[None, ..., None])


def test_pictures_of_other_formats_are_counted_and_named(tmp_path, caplog):
    save(tmp_path / "a.png", COLOUR)
    for name in ("b.heic", "c.heic", "d.svg", "notes.txt", "labels.csv"):
        (tmp_path / name).write_bytes(b"something")
    pictures = from_folder(tmp_path)
    assert [path.name for path, _ in pictures.left_out] == ["b.heic", "c.heic", "d.svg"]
    assert "3 of 4 pictures" in caplog.text and "2 .heic, 1 .svg" in caplog.text and "b.heic" in caplog.text
    (tmp_path / "a.png").unlink()
    with pytest.raises(ValueError, match=r"holds no pictures .*of 3 in formats that are not read"):
        from_folder(tmp_path)


def test_further_frames_are_counted_and_named(tmp_path, caplog):
    frames = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.tif", save_all=True, append_images=frames[1:])
    for image in read(tmp_path):
        np.testing.assert_array_equal(image[..., 0], RAMP)
    assert "2 of 2 pictures" in caplog.text and "several frames or pages" in caplog.text


def test_only_the_allowed_formats_are_opened(tmp_path):
    """A name says nothing: an EPS file would go to Ghostscript."""
    save(tmp_path / "good.png", COLOUR)
    Image.fromarray(COLOUR).save(tmp_path / "bad.png", format="EPS")
    with pytest.raises(ValueError, match=r"bad.png cannot be read .*PNG, JPEG"):
        from_folder(tmp_path)
    (tmp_path / "bad.png").unlink()
    os.mkfifo(tmp_path / "pipe.png")  # would be waited for
    with pytest.raises(ValueError, match=r"pipe.png is not a regular file"):
        from_folder(tmp_path)


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


def test_every_size_is_cropped_in_whole_pixels():
    """Floats gave an offset of -1e-14 for one square in fifteen, which Pillow refuses."""
    sides = range(1, 1101)
    for size in ((64, 64), (48, 64), (1, 1), (7, 3), (1024, 1024)):
        for shapes in (zip(sides, sides, strict=True), ((side, 331) for side in sides), ((97, side) for side in sides)):
            for height, width in shapes:
                for place in (0.0, 0.5, 1 - 2**-32):
                    top, left, rows, columns = part_of((height, width), size, place)
                    assert 0 <= top <= top + rows <= height and 0 <= left <= left + columns <= width
                    assert rows >= 1 and columns >= 1 and (rows == height or columns == width)
                    assert abs(rows * size[1] - columns * size[0]) <= max(size) or 1 in (rows, columns)
                rows, columns = inside((height, width), size)
                assert 1 <= rows <= size[0] and 1 <= columns <= size[1] and (rows == size[0] or columns == size[1])


def test_every_size_from_1_to_1100_is_resized(tmp_path):
    readers = [Reader(tmp_path, (64, 64), crop, "pad", (255,) * 3, 0, 1) for crop in ("centre", "random", "none")]
    sizes = [(side, side) for side in range(1, 260)]
    sizes += [size for side in range(260, 1101) for size in ((side, 5), (5, side))]
    for number, size in enumerate(sizes):
        image = _Image(Image.new("L", size, 9))
        assert readers[number % 3 if min(size) == 5 else 0].finished(image, tmp_path / "a.png").shape == (64, 64, 1)


def test_a_mistake_of_ours_is_no_broken_file(tmp_path, monkeypatch):
    save(tmp_path / "a.png", COLOUR)

    def wrong(*_):
        raise ValueError("box offset can't be negative")

    monkeypatch.setattr("kerasgan.data.picture.part_of", wrong)
    for on_error in ("raise", "skip"):
        with pytest.raises(ValueError, match="box offset") as caught:
            from_folder(tmp_path, image_size=4, on_error=on_error)
        assert "a mistake in kerasgan, not in the file" in caught.value.__notes__[0]


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


def test_a_few_pictures_beside_class_folders_are_left_out_and_named(tmp_path, caplog):
    for name in ("cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png", "stray.png"):
        save(tmp_path / name, RAMP)
    pictures = from_folder(tmp_path)
    assert pictures.labels.tolist() == [0, 0, 1, 1] and [path.name for path, _ in pictures.left_out] == ["stray.png"]
    assert "1 pictures lie beside the class folders" in caplog.text and "stray.png" in caplog.text
    assert len(load(tmp_path, labels=False, as_numpy=True)) == 5
    x, y = load(tmp_path, as_numpy=True)
    assert len(x) == len(y) == 4


def test_folders_beside_many_pictures_are_no_classes(tmp_path, caplog):
    for name in ("1.png", "2.png", "3.png", "old/4.png", "new/5.png"):
        save(tmp_path / name, RAMP)
    pictures = from_folder(tmp_path)
    assert pictures.labels is None and len(pictures.images) == 5
    assert "3 pictures itself and 2 in folders (new, old): there are no classes" in caplog.text


def test_classes_that_are_numbers_are_in_their_order(tmp_path):
    for number in range(11):
        save(tmp_path / str(number) / "1.png", np.full((2, 2), number, "uint8"))
    pictures = from_folder(tmp_path)
    assert pictures.labels.tolist() == pictures.images[:, 0, 0, 0].tolist()
    assert pictures.class_names == tuple(map(str, range(11)))


def test_class_names_from_outside_decide_the_numbers(tmp_path):
    for name in ("owl/1.png", "cat/2.png"):
        save(tmp_path / name, RAMP)
    pictures = from_folder(tmp_path, class_names=("cat", "dog", "owl"))
    assert pictures.labels.tolist() == [0, 2] and pictures.class_names == ("cat", "dog", "owl")
    with pytest.raises(ValueError, match=r"class_names is cat, dog; .* has the class folders cat, owl"):
        from_folder(tmp_path, class_names=("cat", "dog"))


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
    with pytest.raises(ValueError, match=rf"{name} cannot be read.*on_error='skip' in Python"):
        from_folder(tmp_path)
    pictures = from_folder(tmp_path, on_error="skip")
    assert len(pictures.images) == 1 and [path.name for path in pictures.paths] == ["good.png"]
    assert [path.name for path, _ in pictures.skipped] == [name]
    assert "Skipped 1 of 2 files" in caplog.text
    (tmp_path / "good.png").unlink()
    with pytest.raises(ValueError, match="None of the 1 pictures"):
        from_folder(tmp_path, on_error="skip")


def test_all_broken_files_are_named_at_once(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02}.png").write_bytes(b"")
    save(tmp_path / "good.png", RAMP)
    with pytest.raises(ValueError, match=r"At least 10 of 21 files cannot be read. .*00.png .*09.png"):
        from_folder(tmp_path)


def test_a_file_that_may_not_be_opened_is_no_broken_picture(tmp_path):
    os.symlink(tmp_path / "gone.png", tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png cannot be opened .No such file"):
        from_folder(tmp_path)


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
    with pytest.raises(ValueError, match=rf"bomb.png has more than the {limit} pixels .*MAX_IMAGE_PIXELS"):
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
        ({"channels": 5}, "expected None or 1 or 2 or 3 or 4"),
        ({"halves": "AB"}, "expected None or 'AtoB' or 'BtoA'"),
        ({"value_range": (1, 0)}, "finite low < high"),
        ({"background": (0, 0, 256)}, "from 0 to 255"),
        ({"background": "white"}, "from 0 to 255"),
        ({"labels": "yes"}, "labels is 'yes'"),
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
    with pytest.raises(ValueError, match="is not a folder"):
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
    with pytest.raises(ValueError, match="no subfolder of this name"):
        load(tmp_path, "validation")
    with pytest.raises(ValueError, match="corp was passed; .*crop"):
        load(tmp_path, corp="none")


def test_load_of_a_folder_without_classes(tmp_path):
    save(tmp_path / "1.png", COLOUR)
    assert load(tmp_path, as_numpy=True).shape == (1, 6, 8, 3)
    with pytest.raises(ValueError, match="expected .label. among them. Pass labels=False"):
        load(tmp_path, labels=True, as_numpy=True)
