import hashlib
import importlib.util
import json
import logging
import pickle
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kerasgan.data.builders import fonts, glyphs
from kerasgan.data.builders.glyphs import Glyphs

SCRIPT = Path(__file__).parents[2] / "tools" / "install_data_packages.sh"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """What is remembered of fonts is kept for this module alone."""
    monkeypatch.setenv("KERASGAN_DATA", str(tmp_path_factory.getbasetemp() / "glyphs"))


@pytest.fixture(scope="module")
def folder():
    """Matplotlib's fonts: 12 DejaVu, STIX, Computer Modern and symbols."""
    package = importlib.util.find_spec("matplotlib")
    if package is None:
        pytest.skip("Matplotlib's fonts are not there.")
    return Path(package.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"


def picture(face, character):
    return face[fonts.CHARACTERS.index(character)]


def rows(face, character):
    """First and last inked row."""
    inked = np.flatnonzero((picture(face, character) > 127).any(axis=1))
    return inked[0], inked[-1]


@pytest.mark.parametrize("size", [32, 64])
def test_a_face_has_one_baseline_and_one_scale(folder, size):
    face = fonts.draw_face(folder / "DejaVuSans.ttf", size)
    baselines = {rows(face, character)[1] for character in "AEHIMTXZhikmnrxz17"}
    assert len(baselines) == 1
    assert len({rows(face, character)[0] for character in "EFHIKLTZ"}) == 1
    for descending in "gjpqy":
        assert rows(face, descending)[1] >= baselines.copy().pop() + size // 12
    x_height, capital_height = (baselines.copy().pop() - rows(face, character)[0] for character in "xH")
    assert x_height / capital_height == pytest.approx(1120 / 1493, abs=0.06)  # of the font's own tables
    # The tallest or widest takes 88 % of the picture.
    inked = face.max(axis=0) > 127
    height = np.ptp(np.flatnonzero(inked.any(axis=1))) + 1
    widths = [np.ptp(np.flatnonzero((glyph > 127).any(axis=0))) + 1 for glyph in face]
    assert max(height, *widths) == pytest.approx(0.88 * size, abs=2)
    for glyph in face:  # centred
        columns = np.flatnonzero(glyph.any(axis=0))
        assert abs(columns[0] + columns[-1] + 1 - size) <= 1


def test_examples_are_the_characters_of_the_fonts(folder):
    dataset = Glyphs("64", font_dirs=folder)
    arrays = dataset.arrays("train")
    assert arrays["image"].shape[1:] == (64, 64, 1) and arrays["image"].dtype == "uint8"
    assert len(arrays["label"]) == dataset.splits()["train"] == 62 * len(set(arrays["font"]))
    for index in (0, 61, 62, 200, len(arrays["label"]) - 1):
        font = dataset.metadata()["fonts"][arrays["font"][index]]
        assert font["family"] == arrays["family"][index] and font["split"] == "train"
        face = fonts.draw_face(folder / font["file"], 64)
        assert np.array_equal(arrays["image"][index, ..., 0], face[arrays["label"][index]])
        assert font["sha256"] == hashlib.sha256((folder / font["file"]).read_bytes()).hexdigest()
    assert fonts.CHARACTERS == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    assert dataset.features["label"].names == tuple(fonts.CHARACTERS)
    assert str(folder) not in json.dumps(dataset.metadata())  # the same fonts elsewhere are the same data
    again = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(again.make("train", 62, 64)["image"], arrays["image"][62:64])


def test_no_family_is_in_both_splits(folder):
    chosen = Glyphs(font_dirs=folder).fonts
    assert Counter(font["family"] for font in chosen)["DejaVu Sans"] == 4
    assert not any(font["file"].startswith(("cmex", "cmsy", "STIXSiz", "STIXNonUni")) for font in chosen)  # symbols
    sides = {
        split: {font["family"].split()[0] for font in chosen if font["split"] == split} for split in ("train", "test")
    }
    assert sides["train"] and sides["test"] and not sides["train"] & sides["test"]
    assert sum(font["split"] == "test" for font in chosen) <= 0.15 * len(chosen)


def test_test_groups_are_chosen_by_name():
    faces = {f"family {number}": 1 + number % 5 for number in range(60)}
    chosen = glyphs.reserve_for_test(faces)
    assert 0.1 < sum(faces[group] for group in chosen) / sum(faces.values()) <= 0.15
    assert chosen == glyphs.reserve_for_test(dict(reversed(faces.items())))
    assert glyphs.reserve_for_test({"large": 9, "small": 4}) == {"small"}


def test_lookalikes_share_a_group():
    distances = np.array([[0.0, 0.3, 0.05, 0.3], [0.3, 0.0, 0.3, 0.3], [0.05, 0.3, 0.0, 0.3], [0.3, 0.3, 0.3, 0.0]])
    families = ["Tinos", "Roboto Slab", "Aksharyogini2", "Roboto"]
    assert fonts._groups(families, distances) == ["aksharyogini2", "roboto", "aksharyogini2", "roboto"]


def test_distances_are_root_mean_squares():
    faces = np.random.default_rng(0).integers(0, 256, (3, 62, 32, 32)).astype("uint8")
    expected = [[np.sqrt(np.mean((one / 255 - other / 255) ** 2)) for other in faces] for one in faces]
    np.testing.assert_allclose(fonts._distances(faces), expected, atol=1e-6)


@pytest.fixture
def make_font(folder, tmp_path):
    """Writes a font whose characters are those of DejaVu Sans, each replaced as a function of the character says."""
    ttx = pytest.importorskip("fontTools.ttLib")

    def make(name, replace, family=None):
        font = ttx.TTFont(folder / "DejaVuSans.ttf")
        shown = dict(font.getBestCmap())
        for table in font["cmap"].tables:
            if table.isUnicode():
                for character in fonts.CHARACTERS:
                    replacement = replace(character)
                    if replacement is None:
                        table.cmap.pop(ord(character), None)
                    else:
                        table.cmap[ord(character)] = shown[ord(replacement)]
        for record in font["name"].names:
            if record.nameID in (1, 16):
                record.string = family or name
        font.save(tmp_path / f"{name}.ttf")
        return tmp_path / f"{name}.ttf"

    return make


def test_fonts_that_do_not_show_all_characters_are_dropped(folder, make_font, tmp_path):
    broken = tmp_path / "broken.otf"
    broken.write_bytes(b"OTTO" + bytes(100))
    bad = {
        "unreadable": [broken],
        "without all characters": [
            make_font("tofu", lambda character: None),
            make_font("unicase", str.upper),
            make_font("blank", lambda character: " " if character == "q" else character),
        ],
        "near duplicate": [make_font("renamed", lambda character: character)],
        "copy": [Path(shutil.copy(folder / "DejaVuSerif.ttf", tmp_path / "copy.ttf"))],
    }
    good = [folder / "DejaVuSerif.ttf", folder / "DejaVuSans.ttf"]
    chosen, dropped = fonts.choose([*good, *(path for paths in bad.values() for path in paths)])
    assert {reason: count for reason, count in dropped.items() if count} == {
        reason: len(paths) for reason, paths in bad.items()
    }
    assert len(chosen) == 2
    assert {font["family"] for font in chosen} <= {"DejaVu Serif", "DejaVu Sans", "renamed"}


def test_order_of_the_files_does_not_matter(folder):
    files = fonts.font_files([folder])[:8]
    assert fonts.choose(files)[0] == fonts.choose(files[::-1])[0]


def test_illegible_faces_are_found(folder):
    """Every face of Matplotlib stands for a family of its own; a scrambled one is recognised by nobody."""
    faces = [fonts._read(path) for path in fonts.font_files([folder])]
    faces = [face["glyphs"] for face in faces if not isinstance(face, str)]
    assert len(faces) >= fonts.FEWEST_FAMILIES
    scrambled = faces[3][np.random.default_rng(0).permutation(62)]
    capitals = np.concatenate([faces[4][:26], faces[4][:26], faces[4][52:]])
    shares = fonts.legibility([*faces, scrambled, capitals], [f"family {k}" for k in range(len(faces) + 2)])
    assert np.median(shares[:-2]) > 0.85
    assert shares[-2] < 0.1
    assert shares[-1] < fonts.LEGIBILITY
    few = fonts.FEWEST_FAMILIES - 1
    assert (fonts.legibility([scrambled] * few, [f"family {k}" for k in range(few)]) == 1).all()


def test_without_fonts_matplotlibs_are_taken_and_the_log_says_so(folder, monkeypatch, caplog):
    monkeypatch.setattr(glyphs, "installed", lambda *paths: [])
    with caplog.at_level(logging.WARNING, "kerasgan"):
        dataset = Glyphs()
        assert sum(dataset.splits().values()) == 22 * 62
        dataset.metadata()
    assert len(caplog.messages) == 1 and "install_data_packages.sh" in caplog.messages[0]
    monkeypatch.setattr(glyphs.importlib.util, "find_spec", lambda name: None)
    assert re.search(r"install_data_packages\.sh.*font_dirs=", Glyphs().requires())
    with pytest.raises(FileNotFoundError, match="font_dirs="):
        Glyphs().arrays("train")


def test_own_folders(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no \.ttf or \.otf file"):
        Glyphs(font_dirs=tmp_path).arrays("train")
    for name in ("DejaVuSans.ttf", "DejaVuSerif.ttf"):
        shutil.copy(folder / name, tmp_path)
    with pytest.raises(ValueError, match="can use 2 of 2 fonts, of 1 families"):
        Glyphs(font_dirs=tmp_path).splits()
    (tmp_path / "more").mkdir()
    shutil.copy(folder / "cmr10.ttf", tmp_path / "more" / "CMR10.TTF")
    assert Glyphs(font_dirs=str(tmp_path)).splits() == {"train": 124, "test": 62}
    assert Glyphs(font_dirs=[tmp_path], count=70).splits() == {"train": 70, "test": 62}


def test_the_choice_is_remembered_until_a_font_changes(folder, tmp_path, monkeypatch):
    for name in ("DejaVuSans.ttf", "cmr10.ttf"):
        shutil.copy(folder / name, tmp_path)
    first = Glyphs(font_dirs=tmp_path).metadata()
    monkeypatch.setattr(fonts, "choose", lambda paths: pytest.fail("the fonts were examined again"))
    assert Glyphs("64", font_dirs=tmp_path).metadata() == first
    monkeypatch.undo()
    shutil.copy(folder / "DejaVuSerif.ttf", tmp_path / "DejaVuSans.ttf")
    assert {font["family"] for font in Glyphs(font_dirs=tmp_path).fonts} == {"DejaVu Serif", "cmr10"}


def test_sheet_shows_whole_faces(folder):
    dataset = Glyphs(font_dirs=folder)
    arrays = dataset.some("train", 3 * 62)
    assert arrays["label"].tolist() == 3 * list(range(62))
    assert dataset.sheet(arrays).shape == (6 * 33 + 1, 31 * 33 + 1, 3)


@pytest.mark.slow
def test_the_packages_bring_thirty_thousand_pictures():
    if len(glyphs._machine_fonts()) < glyphs.ENOUGH_FONTS:
        pytest.skip("tools/install_data_packages.sh has not been run.")
    dataset = Glyphs()
    chosen, splits = dataset.fonts, dataset.splits()
    assert len(chosen) >= 480
    assert sum(splits.values()) == 62 * len(chosen) >= 30_000
    assert 0.1 < splits["test"] / sum(splits.values()) <= 0.15
    faces = np.stack([fonts.draw_face(font["path"], 32) for font in chosen])
    distances = fonts._distances(faces) + np.eye(len(faces))
    assert distances.min() >= fonts.NEAR_DUPLICATE - 1e-4
    in_test = np.array([font["split"] == "test" for font in chosen])
    assert distances[in_test][:, ~in_test].min() >= fonts.LOOKALIKE - 1e-4
    words = [
        {font["family"].split()[0] for font, side in zip(chosen, in_test, strict=True) if side == k} for k in (0, 1)
    ]
    assert not words[0] & words[1]


def test_the_script_names_each_package_once_with_its_version():
    text = SCRIPT.read_text()
    packages = re.findall(r"^([a-z0-9.+-]+)=(\S+)$", text, re.MULTILINE)
    names = [name for name, version in packages if re.match(r"[\d:]", version)]
    assert len(names) == len(set(names)) > 100
    assert {"espeak-ng", "mate-backgrounds", "fonts-inter"} <= set(names)
    assert names[: names.index("lomiri-wallpapers-16.04")] == sorted(names[: names.index("lomiri-wallpapers-16.04")])


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_explains_itself_and_refuses_what_it_does_not_know():
    run = subprocess.run(["bash", str(SCRIPT), "--help"], capture_output=True, text=True, check=True)
    assert "KERASGAN_PACKAGES" in run.stdout and "set -euo" not in run.stdout
    run = subprocess.run(["bash", str(SCRIPT), "fots"], capture_output=True, text=True)
    assert run.returncode == 2 and "fots" in run.stderr
