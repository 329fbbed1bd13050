"""`kerasgan translate`: folders of pictures of any size, with opacity and 16 bits."""

import numpy as np
import pytest
from PIL import Image

from kerasgan import SRGAN, CycleGAN, Pix2Pix
from kerasgan.commands.main import main
from kerasgan.data.degradation import resized
from kerasgan.pictures.color import colorization_pairs, colorized
from kerasgan.pictures.png import PNGWriter
from kerasgan.studies.translate import in_units, read

SMALL = {"image_shape": (16, 16, 3), "factor": 2, "width": 4, "blocks": 1, "stages": 1, "units": 2}


def write(path, levels):
    """A PNG file of levels (height, width, channels), uint8 or uint16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        writer = PNGWriter(file, levels.shape[1], levels.shape[0], levels.shape[2], levels.dtype.itemsize * 8)
        writer.write(levels)
        writer.close()


def levels(height, width, channels, bits=8, seed=0):
    return np.random.default_rng(seed).integers(0, 2**bits, (height, width, channels)).astype(f"uint{bits}")


def levels_of(made, bits=8):
    return np.rint((np.clip(made, -1, 1) + 1) * ((2**bits - 1) / 2))


@pytest.fixture
def preset(tmp_path):
    model = SRGAN(**SMALL, seed=0)
    model.ema_generator.set_weights([1.2 * weight for weight in model.ema_generator.get_weights()])
    model.save_preset(tmp_path / "super")
    return model, tmp_path / "super"


def test_a_folder_of_pictures(preset, tmp_path, capfd):
    model, folder = preset
    given = {
        "a.png": levels(21, 30, 3),
        "sub/grey.png": levels(9, 8, 1),
        "sub/clear.png": levels(10, 12, 4),
        "deep.png": levels(17, 15, 4, 16),
    }
    for name, each in given.items():
        write(tmp_path / "in" / name, each)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    command = ["translate", str(folder), str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--tile", "40"]
    assert main(command) == 0
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")) == sorted(
        given
    )
    for name, each in given.items():
        bits = each.dtype.itemsize * 8
        colours, alpha, found_bits = read(tmp_path / "out" / name)
        assert found_bits == bits and (alpha is None) == (each.shape[2] in (1, 3))
        units = in_units(each[..., : 1 if each.shape[2] == 1 else 3], 2**bits - 1, 3)
        expected = levels_of(model.translate(units[None])[0], bits)
        assert np.abs(colours.astype(float) - expected).max() <= (1 if bits == 8 else 3)
        if alpha is not None:
            size = (2 * each.shape[0], 2 * each.shape[1])
            smooth = np.clip(resized(each[..., 3:].astype("float64"), size), 0, 2**bits - 1)
            inner = slice(8, -8)
            assert np.abs(alpha - smooth)[inner, inner].max() <= (1 if bits == 8 else 8)
    capfd.readouterr()
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert main(command) == 2
    assert "1 of 5 pictures could not be read" in capfd.readouterr().err


def test_opacity_and_tiles_of_translations(tmp_path):
    """Opacity is kept as it is, and tiles with instance normalization give the untiled result to a level."""
    model = CycleGAN((16, 16, 3), width=3, blocks=1, discriminator_depth=1, seed=0)
    for network in model.averages.values():
        network.set_weights([3 * weight for weight in network.get_weights()])
    model.save_preset(tmp_path / "cycle")
    photo = levels(151, 170, 4)
    write(tmp_path / "photo.png", photo)
    for tile in ([], ["--tile", "128"]):
        command = ["translate", str(tmp_path / "cycle"), str(tmp_path / "photo.png"), "-o", str(tmp_path / "out")]
        assert main([*command, "--to", "x", *tile]) == 0
        colours, alpha, _ = read(tmp_path / "out" / "photo.png")
        np.testing.assert_array_equal(alpha, photo[..., 3:])
        expected = levels_of(model.translate(in_units(photo[..., :3], 255, 3)[None], to="x")[0])
        assert np.abs(colours - expected).max() <= 1


@pytest.mark.slow
def test_colorization_gives_colours(tmp_path):
    model = Pix2Pix((16, 16, 1), target_channels=2, width=3, depth=2, discriminator_depth=1, dropout=0.0, seed=0)
    model.save_preset(tmp_path / "colours")
    photo = levels(20, 24, 3)
    write(tmp_path / "photo.png", photo)
    assert main(["translate", str(tmp_path / "colours"), str(tmp_path / "photo.png"), "-o", str(tmp_path / "out")]) == 0
    lightness, _ = colorization_pairs(photo / 127.5 - 1)
    expected = levels_of(colorized(lightness, model.translate(lightness[None])[0]))
    assert np.abs(read(tmp_path / "out" / "photo.png")[0] - expected).max() <= 1


def test_what_cannot_be_translated(preset, tmp_path, capfd):
    _, folder = preset
    write(tmp_path / "in" / "a.png", levels(4, 4, 3))
    with Image.open(tmp_path / "in" / "a.png") as picture:
        picture.save(tmp_path / "in" / "a.bmp")
    for given, output, message in (
        (tmp_path / "none", "out", "does not exist"),
        (tmp_path / "in", "out", "Several pictures would be written to"),
        (tmp_path / "in" / "a.png", "in", "would be overwritten"),
    ):
        assert main(["translate", str(folder), str(given), "-o", str(tmp_path / output)]) == 2
        assert message in capfd.readouterr().err
    assert main(["translate", "dcgan_digits", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 2
    assert "does not translate pictures" in capfd.readouterr().err
