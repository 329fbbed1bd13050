"""Data sets that are read from packages: on tiny stand-ins, and, marked `data`, on the packages themselves."""

import json
import os
import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from kerasgan.data import load
from kerasgan.data.builders import (
    DATASETS,
    QM9,
    Avatars,
    Drums,
    Emoji,
    Icons,
    Kanji,
    Logos,
    Molecules,
    Names,
    Notes,
    Parts,
    SolarCells,
    Words,
    avatars,
    base,
    drums,
    emoji,
    features,
    icons,
    kanji,
    molecules,
    notes,
    packages,
    parts,
    raster,
    words,
)
from tests.data import fake_packages
from tests.data.fake_packages import ALL

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "install_data_packages.sh"
KINDS = [pytest.param(kind, config, id=f"{kind.name}-{config}") for kind in ALL for config in kind.configs or (None,)]


@pytest.fixture(scope="session")
def fakes(tmp_path_factory):
    return fake_packages.install(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def faked(fakes, monkeypatch):
    """The stand-ins in place of the packages."""
    monkeypatch.setenv("KERASGAN_PACKAGES", str(fakes))
    monkeypatch.setattr(packages, "has_module", lambda name: True)


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A machine without any of the packages."""
    monkeypatch.setenv("KERASGAN_PACKAGES", str(tmp_path / "nothing"))
    monkeypatch.setattr(packages, "installed", lambda *paths: [])
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def drawn(monkeypatch):
    """Avatars without Node.js and resvg: a picture in a colour that follows from the attributes."""

    def draw(self, rows):
        return [json.dumps({name: self._values[name][number] for name, number in row.items()}) for row in rows]

    def picture(text, size):
        colour = np.random.default_rng(list(text.encode())).integers(256, size=3)
        return Picture.fromarray(np.full((size, size, 3), colour, "uint8"))

    monkeypatch.setattr(Avatars, "_drawn", draw)
    monkeypatch.setattr(raster, "rgba_of_svg", picture)
    monkeypatch.setattr(avatars.shutil, "which", lambda name: name)


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_the_script_pins_what_the_data_are_read_from(kind, config):
    script = SCRIPT.read_text()
    for package in kind(config).packages:
        assert re.search(rf"^{re.escape(package.pinned)}( [0-9a-f]{{64}})?$", script, re.MULTILINE), package.pinned
    assert re.search(rf"^    {kind.name}\)", script, re.MULTILINE)


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_what_is_missing_is_said(kind, config, nothing, monkeypatch):
    monkeypatch.setattr(avatars.shutil, "which", lambda name: name)
    with pytest.raises(FileNotFoundError, match=rf"install_data_packages\.sh {kind.name}"):
        kind(config).arrays("train")


@pytest.mark.parametrize("name", base.measured())
def test_facts_are_those_of_this_version(name):
    """`tools/measure_data.py` is to be run again where a version has changed."""
    name, _, config = name.partition("/")
    dataset = DATASETS[name](config or None)
    facts = dataset.facts
    assert facts["version"] == dataset.version and min(facts["counts"].values()) > 0
    assert facts["near_duplicates"] and set(facts["sha256"]) == set(facts["counts"])


def test_versions_are_recorded(faked):
    for kind in (Emoji, SolarCells):
        dataset = kind()
        assert dataset.metadata()["packages"] == {package.name: fake_packages.VERSION for package in dataset.packages}


def test_a_package_of_the_environment_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_PACKAGES", str(tmp_path / "nothing"))
    package = packages.Package("pytest", "1", "__init__.py", "pypi")
    assert package.place() == Path(pytest.__file__) and package.found_version() == pytest.__version__
    assert packages.Package("no-such", "1", "", "pypi", "no_such").place() is None
    assert packages.import_module("json") is json and not packages.has_module("no_such")
    (tmp_path / "nothing/python/only_there").mkdir(parents=True)
    (tmp_path / "nothing/python/only_there/__init__.py").write_text("answer = 42")
    before = list(sys.path)
    assert packages.has_module("only_there") and packages.import_module("only_there").answer == 42
    assert sys.path == before
    with pytest.raises(ImportError):
        packages.import_module("no_such")


def test_division_is_by_group_and_order_by_key():
    items = [f"{group}-{number}" for group in range(400) for number in range(3)]
    split = base.divided(items, group=lambda item: item.split("-")[0])
    sides = [{item.split("-")[0] for item in part} for part in split.values()]
    assert not sides[0] & sides[1] and len(split["train"]) + len(split["test"]) == len(items)
    assert 0.08 < len(split["test"]) / len(items) < 0.18
    assert base.divided(items[::-1], group=lambda item: item.split("-")[0]) == split
    fewer = base.divided(items[:600], group=lambda item: item.split("-")[0])
    assert set(fewer["test"]) == set(split["test"]) & set(items[:600])


# Emoji ---------------------------------------------------------------------------------------------------------------


def test_emoji_of_one_concept_are_on_one_side(faked):
    dataset = Emoji("noto")
    arrays = {split: dataset.arrays(split) for split in ("train", "test")}
    concepts = [set(part["concept"]) for part in arrays.values()]
    assert not concepts[0] & concepts[1] and all(concepts)
    both = dataset.arrays("train+test")
    assert len(both["label"]) == 44  # 40 faces, two skin tones, a woman, and one that others lack
    tones = {both["skin_tone"][i] for i in np.flatnonzero(both["concept"] == "1f600")}
    assert [emoji.TONES[tone] for tone in sorted(tones)] == ["none", "light", "two tones"]
    assert (both["concept"] == "1f601").sum() == 2
    assert "face 7" in both["name"]


def test_emoji_pairs_are_of_the_same_concept(faked, fakes):
    x, y = load("emoji/noto-twemoji", as_pairs=True, as_numpy=True)
    assert x.shape[1:] == (64, 64, 3) and len(x) == len(y)
    both = Emoji("noto-twemoji").arrays("train+test")
    assert len(both["label"]) == 43
    row = int(np.flatnonzero(both["name"] == "face 3")[0])
    for name, place in (
        ("image", "emoji-datasource-google/img/google"),
        ("target", "emoji-datasource-twitter/img/twitter"),
    ):
        with Picture.open(fakes / "npm/node_modules" / place / "64/1f603.png") as file:
            rgba = np.asarray(file).astype("float64")
        expected = rgba[..., :3] * rgba[..., 3:] / 255 + 255 - rgba[..., 3:]
        assert np.abs(both[name][row] - expected).max() <= 1
    assert Emoji("noto-fluent").arrays("train+test")["skin_tone"].max() == 0
    assert Emoji("noto").pair is None
    sheet = Emoji("noto-twemoji").sheet(both)
    assert sheet.shape[2] == 3


@pytest.mark.parametrize(
    ("key", "subcategory", "concept"),
    [
        ("1f469-1f3fd-200d-1f680", "person-role", "1f680"),
        ("1f468-200d-1f680", "person-role", "1f680"),
        ("1f3c3-1f3fe-200d-2642-fe0f", "person-activity", "1f3c3"),
        ("1f469", "person", "person"),
        ("1f468-1f3fb", "person", "person"),
        ("1f1f8-1f1ef", "country-flag", "1f1f3-1f1f4"),
        ("1f552", "time", "time"),
    ],
)
def test_concepts(key, subcategory, concept):
    assert emoji._concept(key, subcategory) == concept


def test_what_is_transparent_is_white_and_what_is_not_square_is_padded():
    picture = np.zeros((4, 8, 4), "uint8")
    picture[1, 1] = 255, 0, 0, 255
    picture[2, 2] = 0, 0, 0, 51
    result = raster.on_white(Picture.fromarray(picture), 8)
    assert result.shape == (8, 8, 3) and (result[0] == 255).all()
    assert result[3, 1].tolist() == [255, 0, 0] and result[4, 2].tolist() == [204] * 3
    assert raster.on_white(Picture.fromarray(picture), 4).shape == (4, 4, 3)


# Solar cells ---------------------------------------------------------------------------------------------------------


def test_solar_cells_of_a_run_are_on_one_side(faked):
    dataset = SolarCells("64")
    arrays = {split: dataset.arrays(split) for split in ("train", "test")}
    runs = [set((part["number"] - 1) // 5) for part in arrays.values()]
    assert runs[1] == {0, 1, 6, 8, 9} and runs[0] == {2, 3, 4, 5, 7}
    train = arrays["train"]
    np.testing.assert_array_equal(
        train["image"], np.broadcast_to(5 * (train["number"] - 1)[:, None, None, None], (25, 64, 64, 1))
    )
    np.testing.assert_array_equal(train["label"], (train["number"] - 1) % 4)
    np.testing.assert_allclose(train["probability"], train["label"] / 3, atol=1e-7)
    np.testing.assert_array_equal(train["kind"], (train["number"] - 1) // 5 % 2)
    assert SolarCells("300").arrays("test")["image"].shape == (25, 300, 300, 1)


# Avatars -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", avatars.STYLES)
def test_views_of_an_identity_differ_in_what_is_said(style, drawn, faked):
    dataset = Avatars(style, count=40)
    arrays = dataset.arrays("train")
    attributes = [name for name in dataset.features if name not in ("image", "identity", "view", "changed")]
    changing = dataset.features["changed"].names
    for index in range(40):
        first = index - index % 4
        differing = [name for name in attributes if arrays[name][index] != arrays[name][first]]
        assert arrays["identity"][index] == index // 4 and arrays["view"][index] == index % 4
        assert differing == ([] if index % 4 == 0 else [changing[arrays["changed"][index]]])
        changes = arrays["changed"][first + 1 : first + 4]
        assert len(set(changes)) == 3


def test_no_identity_is_in_both_splits(drawn, faked):
    dataset = Avatars("personas", count=400)
    style = avatars.STYLES["personas"]
    sides = []
    for split in ("train", "test"):
        arrays = dataset.arrays(split)
        columns = [arrays[avatars._lower(name)] for name in style.identity]
        sides.append(set(zip(*(column.tolist() for column in columns), strict=True)))
    assert not sides[0] & sides[1] and min(map(len, sides)) > 20


def test_avatars_depend_on_seed_and_index_alone(drawn, faked):
    dataset = Avatars("micah")
    one = dataset.make("test", 5, 7)
    many = dataset.make("test", 0, 12)
    for name in one:
        np.testing.assert_array_equal(one[name], many[name][5:7])
        np.testing.assert_array_equal(dataset.example(None, "test", 6)[name], many[name][6])
    some = dataset.some("train", 16)
    assert some["view"].tolist() == [0, 1, 2, 3] * 4


def test_avatars_without_node(faked, monkeypatch):
    monkeypatch.setattr(avatars.shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"Node\.js \(version 18 or later\)"):
        load("avatars")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_avatars_are_drawn_by_node(faked):
    dataset = Avatars("avataaars")
    rows = [dataset.attributes("train", index)[0] for index in (0, 0, 1)]
    drawings = dataset._drawn(rows)
    assert drawings[0] == drawings[1] != drawings[2] and drawings[0].startswith("<svg")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_an_error_of_node_is_told(faked, fakes, tmp_path, monkeypatch):
    shutil.copytree(fakes / "npm", tmp_path / "npm")
    (tmp_path / "npm/node_modules/@dicebear/core/lib/index.js").write_text("throw new Error('broken');")
    monkeypatch.setenv("KERASGAN_PACKAGES", str(tmp_path))
    dataset = Avatars("micah")
    with pytest.raises(RuntimeError, match=r"(?s)Node\.js drew no avatars.*broken"):
        dataset._drawn([dataset.attributes("train", 0)[0]])


# Words, names, molecules ----------------------------------------------------------------------------------------------


def test_words_of_a_stem_are_on_one_side(faked):
    dataset = Words()
    decode = dataset.features["characters"].decode
    words_of = {split: decode(dataset.arrays(split)["characters"]) for split in ("train", "test")}
    assert len(words_of["train"]) + len(words_of["test"]) == 90 * 4  # not the names, "it's", "éclair" and "at"
    stems = [{word[:4] for word in part} for part in words_of.values()]
    assert not stems[0] & stems[1] and all(stems)
    x = load("words", as_numpy=True)
    assert x.shape == (len(words_of["train"]), 10, 27) and x.dtype == np.float32 and (x.sum(-1) == 1).all()
    assert decode(x) == words_of["train"]
    batch = next(iter(load("words", batch_size=4)))
    assert np.shape(batch) == (4, 10, 27)


def test_stems():
    for inflected in ("walk walks walking walked walkers", "hop hopping", "happy happier"):
        assert len({words.stem(word) for word in inflected.split()}) == 1


def test_names_are_plain_and_those_of_the_largest_places(faked):
    dataset = Names()
    arrays = dataset.arrays("train+test")
    names = dataset.features["characters"].decode(arrays["characters"])
    assert len(set(names)) == len(names) == 92 and "st-denis" not in names
    row = names.index("malaga")
    assert arrays["population"][row] == 578460 and arrays["country"][row] == "ES"
    assert words.CONTINENTS[arrays["label"][row]] == "Europe"
    sides = [dataset.features["characters"].decode(dataset.arrays(split)["characters"]) for split in ("train", "test")]
    assert ("malaga" in sides[0]) == ("san malaga" in sides[0])


def test_letters_that_are_not_there_are_refused():
    letters = features.Characters(4, "\0abc")
    assert letters.encode(["ab", "cccc", ""]).tolist() == [[1, 2, 0, 0], [3, 3, 3, 3], [0, 0, 0, 0]]
    assert letters.decode(letters.encode(["ab", "cccc", ""])) == ["ab", "cccc", ""]
    assert letters.decode([[1, 0, 2, 2]]) == ["a"]
    for text in ("abd", "aaaaa"):
        with pytest.raises(ValueError, match="is not a text of at most 4"):
            letters.encode([text])


def test_molecules_keep_the_splits_of_moses(faked):
    dataset = Molecules()
    decode = dataset.features["characters"].decode
    read = {split: set(decode(dataset.arrays(split)["characters"])) for split in dataset.splits()}
    assert read["test"] == {"C1CC1c1ccncc1", "c1ccc2ccccc2c1"} and read["test_random"] == {"CCN", "CCF"}
    assert len(read["train"]) == 7
    assert "C" * 19 not in decode(Molecules("small").arrays("train")["characters"])


def test_qm9_has_graphs_of_molecules_without_charges(faked):
    dataset = QM9()
    arrays = {split: dataset.arrays(split) for split in dataset.splits()}
    texts = [dataset.features["characters"].decode(each["characters"]) for each in arrays.values()]
    assert [sorted(each) for each in texts] == [["C", "C1=CC=CC=C1", "CC#N", "O=CN"], ["CC(=O)N", "CCF"]]
    bonds = np.concatenate([each["bonds"] for each in arrays.values()])
    assert bonds.max() == 3 and (bonds == bonds.swapaxes(1, 2)).all()
    x = load("qm9", as_numpy=True, samples="graphs")
    assert x["nodes"].shape[1:] == (9,) and x["nodes"].max() < len(QM9.atoms) and len(x["nodes"]) == len(texts[0])


@pytest.mark.parametrize(
    ("smiles", "atoms", "bonds"),
    [
        ("CC(=O)N", "CCON", {(0, 1): 1, (1, 2): 2, (1, 3): 1}),
        ("C#N", "CN", {(0, 1): 3}),
        ("C1CC1", "CCC", {(0, 1): 1, (1, 2): 1, (0, 2): 1}),
        ("C1=CC1", "CCC", {(0, 1): 2, (1, 2): 1, (0, 2): 1}),
        ("C1CC=1", "CCC", {(0, 1): 1, (1, 2): 1, (0, 2): 2}),
        ("c1c[nH]1", "CCN", {(0, 1): 4, (1, 2): 4, (0, 2): 4}),
        ("c1cc1-c1cc1", "CCCCCC", {(0, 1): 4, (1, 2): 4, (0, 2): 4, (2, 3): 1, (3, 4): 4, (4, 5): 4, (3, 5): 4}),
        ("CCl", ["C", "Cl"], {(0, 1): 1}),
    ],
)
def test_graphs(smiles, atoms, bonds):
    found, matrix = molecules.graph(smiles, 8)
    assert [molecules.ATOMS[number] for number in found] == list(atoms) + ["none"] * (8 - len(atoms))
    assert (matrix == matrix.T).all()
    assert {(i, j): matrix[i, j] for i in range(8) for j in range(i, 8) if matrix[i, j]} == bonds


@pytest.mark.parametrize(
    ("smiles", "message"), [("C[NH3+]", "contains characters"), ("CCC", "more than 2"), ("[H]C", "explicit hydrogen")]
)
def test_molecules_without_such_a_graph_are_refused(smiles, message):
    with pytest.raises(ValueError, match=message):
        molecules.graph(smiles, 2)


# Kanji, icons, logos --------------------------------------------------------------------------------------------------


@pytest.fixture
def rastered(monkeypatch):
    """A picture for each drawing without resvg: grey as its text is long; white only where it is said."""

    def picture(text, size):
        level = 255 if "#fff" in text else len(text) % 200
        return Picture.fromarray(np.full((size, size, 3), level, "uint8"))

    monkeypatch.setattr(raster, "rgba_of_svg", picture)


def test_kanji_have_radicals_strokes_and_parts(faked, rastered):
    arrays = Kanji().arrays("train+test")
    assert len(arrays["label"]) == 40 and set(arrays["strokes"]) == {2}
    assert {kanji.RADICALS[label] for label in arrays["label"]} == {"水"}
    assert "丁" in arrays["character"] and set(arrays["parts"]) == {"氵"}
    assert len(kanji.RADICALS) == 214 and kanji.RADICALS[0] == "一"
    assert kanji._radical("<svg/>") == 214


def test_variants_of_an_icon_are_on_one_side(faked, rastered):
    sides = [{name.split()[0] for name in Icons().arrays(split)["name"]} for split in ("train", "test")]
    assert not sides[0] & sides[1] and all(sides) and len(sides[0] | sides[1]) == 20
    labels = Icons().arrays("train+test")["label"]
    assert {icons.TAGS[label] if label < len(icons.TAGS) else "none" for label in labels} == {"Weather", "none"}


def test_logos_are_about_square_and_can_be_seen(faked, rastered):
    names = Logos().arrays("train+test")["name"].tolist()
    assert len(names) == 40 and "oblong" not in names and "white" not in names and "7 outline" in names


# Drums and notes ------------------------------------------------------------------------------------------------------


def test_hits_begin_at_once_and_occur_once(faked, monkeypatch):
    def read(path):
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
            return samples / 32768, file.getframerate()

    monkeypatch.setattr(drums, "_read", read)
    dataset = Drums()
    train, test = dataset.arrays("train"), dataset.arrays("test")
    kits = list(drums.KITS)
    assert {kits[kit] for kit in train["kit"]} == {"VariBreaks", "Sonic Pi"}
    assert {kits[kit] for kit in test["kit"]} == {"Audiophob"}
    named = sorted((kits[k], drums.LABELS[n]) for k, n in zip(train["kit"], train["label"], strict=True))
    # One of the two that are the same; not what is silent, and not a loop. "copy.wav" comes first.
    assert named == [("Sonic Pi", "kick"), ("Sonic Pi", "percussion"), ("VariBreaks", "other")]
    assert set(test["licence"]) == {"CC0 1.0"}
    loud = np.abs(train["audio"].astype(int)) > 0.02 * drums.PEAK
    assert (loud.argmax(axis=1) <= 20).all() and (np.abs(train["audio"]).max(axis=1) == drums.PEAK).all()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("PearlKick-Soft.wav", "kick"),
        ("HHO_2.flac", "hi-hat"),
        ("drum_cymbal_closed.flac", "hi-hat"),
        ("drum_cymbal_hard.flac", "cymbal"),
        ("crash20i__ride4.flac", "cymbal"),
        ("PearlSideStick-Med.wav", "snare"),
        ("floortom_01.flac", "tom"),
        ("HandClap.wav", "clap"),
        ("CajonSlaps-Med.wav", "percussion"),
        ("beats_01-10.flac", "other"),
    ],
)
def test_kinds_of_drums(name, label):
    assert drums.kind(name) == label


def test_notes_of_an_instrument_are_on_one_side(faked, monkeypatch):
    monkeypatch.setattr(notes, "played", lambda path, *note: np.full(16000, note[1], "int16"))
    dataset = Notes("timgm", count=500)
    train, test = dataset.arrays("train"), dataset.arrays("test")
    assert not set(train["program"]) & set(test["program"]) and set(test["program"] % 8) == {2}
    assert (train["label"] == train["program"] // 8).all() and (train["audio"][:, 0] == train["pitch"]).all()
    everything = Notes("timgm").splits()
    assert sum(everything.values()) == 112 * 25 * 3 - 2 * 25 * 3 - 2 * 3 * 3
    assert len(notes.FAMILIES) == 14


# Parts ----------------------------------------------------------------------------------------------------------------


def test_parts_are_filled_and_without_lookalikes(faked):
    dataset = Parts()
    arrays = dataset.arrays("train+test")
    assert "Zeta_2" not in arrays["part"] and len(arrays["part"]) <= 26 and set(arrays["library"]) == {"Resistor_SMD"}
    row = arrays["part"].tolist().index("Alpha_1")
    grid = arrays["voxels"][row, ..., 0]
    filled = np.argwhere(grid)
    extent = np.ptp(filled, axis=0) + 1
    assert extent.tolist() == [30, 10, 10]
    assert grid.sum() == np.prod(extent)  # no hole
    assert arrays["length"][row] == pytest.approx(7.62)
    tall = arrays["voxels"][arrays["part"].tolist().index("Alpha_2"), ..., 0]
    assert np.ptp(np.argwhere(tall), axis=0).argmax() == 1  # up
    sides = [{parts.series(part) for part in dataset.arrays(split)["part"]} for split in ("train", "test")]
    assert not sides[0] & sides[1] and all(sides)


def test_a_polygon_is_a_fan_of_triangles():
    assert len(parts.read_vrml(fake_packages.box(1, 1, 1))) == 4 * 2 + 4
    assert parts.read_vrml("#VRML V2.0 utf8").shape == (0, 3, 3)
    assert parts.series("PinHeader_1x03_P2.54mm") == "pinheader" and parts.series("1N4007") == "1n4007"


# The packages themselves ---------------------------------------------------------------------------------------------

SAME = """
import hashlib, sys
from kerasgan.data.builders import DATASETS
name, config = sys.argv[1], sys.argv[2]
dataset = DATASETS[name](config if config != "None" else None, count=24)
for split in ("train", "test"):
    digest = hashlib.sha256()
    for start, stop in ((16, 24), (0, 16)):
        block = dataset.make(split, start, stop)
        digest = hashlib.sha256(digest.digest() + b"".join(block[name].tobytes() for name in sorted(block)))
    print(digest.hexdigest())
"""


@pytest.mark.data
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_another_process_makes_the_same(kind):
    config = next(iter(kind.configs), None)
    command = [sys.executable, "-c", SAME, kind.name, str(config)]
    runs = [
        subprocess.run(
            command, env={**os.environ, "OMP_NUM_THREADS": n, "PYTHONHASHSEED": n}, check=True, capture_output=True
        ).stdout
        for n in ("1", "2")
    ]
    assert runs[0] == runs[1] and len(runs[0].split()) == 2


@pytest.mark.data
@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_the_packages_give_what_the_facts_say(kind, config):
    dataset = kind(config)
    assert dataset.requires() is None
    assert dataset.splits() == dataset.facts["counts"]
    versions = dataset.metadata().get("packages", {})
    assert versions == {package.name: package.version for package in dataset.packages if package.name in versions}


@pytest.mark.data
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_examples_make_a_sheet(kind):
    dataset = kind()
    arrays = dataset.some("train", 32)
    assert dataset.sheet(arrays).shape[2] == 3


@pytest.mark.data
@pytest.mark.parametrize("style", avatars.STYLES)
def test_changes_of_avatars_can_be_seen(style):
    arrays = Avatars(style).make("test", 0, 200)
    images = arrays["image"].reshape(50, 4, -1)
    unseen = (images[:, 1:] == images[:, :1]).all(-1).mean()
    assert unseen <= 0.03
    assert len(np.unique(images[:, 0], axis=0)) == 50


@pytest.mark.data
def test_graphs_are_those_of_rdkit():
    chemistry = packages.import_module("rdkit.Chem")
    dataset = Molecules("small", count=2000)
    arrays = dataset.make("train", 0, 2000)
    orders = {1.0: 1, 2.0: 2, 3.0: 3, 1.5: 4}
    for row, text in enumerate(dataset.features["characters"].decode(arrays["characters"])):
        molecule = chemistry.MolFromSmiles(text)
        expected = np.zeros((molecules.SMALL,) * 2, int)
        for bond in molecule.GetBonds():
            ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            expected[ends] = expected[ends[::-1]] = orders[bond.GetBondTypeAsDouble()]
        np.testing.assert_array_equal(arrays["bonds"][row], expected, text)
        symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
        assert [molecules.ATOMS[number] for number in arrays["atoms"][row][: len(symbols)]] == symbols


@pytest.mark.data
def test_molecules_of_qm9_are_valid_but_for_nitro_groups():
    from kerasgan.metrics import ValidMolecules

    dataset = QM9()
    arrays = dataset.make("train", 0, 5000)
    valid = ValidMolecules(QM9.atoms)({"nodes": arrays["atoms"], "edges": arrays["bonds"]}) > 0
    texts = np.array(dataset.features["characters"].decode(arrays["characters"]))
    assert valid.mean() > 0.998 and all("N(=O)=O" in text for text in texts[~valid])


@pytest.mark.data
def test_notes_do_not_depend_on_those_before():
    path = str(Notes("timgm").packages[0].place())
    order = [(0, 60, 85), (48, 40, 120), (19, 72, 50), (90, 60, 120)]
    first = {note: notes.played(path, *note) for note in order}
    for note in reversed(order):
        np.testing.assert_array_equal(notes.played(path, *note), first[note])


@pytest.mark.data
def test_notes_have_their_pitch():
    """A period of the labelled frequency explains most of the power, and one of a tritone above does not."""
    path = str(Notes("timgm").packages[0].place())
    shares = {}
    for shift in (0, 6):
        share = []
        for program in (0, 19, 40, 56, 73):
            audio = notes.played(path, program, 60, 100)[3000:9000].astype("float64")
            power = np.fft.irfft(np.abs(np.fft.rfft(audio, 16384)) ** 2)
            lag = 16000 / (440 * 2 ** ((60 + shift - 69) / 12))
            share.append(max(power[round(lag) + step] for step in (-1, 0, 1)) / power[0])
        shares[shift] = np.median(share)
    assert shares[0] > 0.8 > 0.6 > shares[6]
