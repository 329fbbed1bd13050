"""`kerasgan data list`, `show` and `prepare`."""

import sys

import numpy as np
import pytest
from PIL import Image

from kerasgan.commands.main import main
from kerasgan.data import cache
from kerasgan.data.builders import DATASETS
from tests.data.toy import Toy


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """The toy beside the digits: all data sets would take their time."""
    for name in set(DATASETS) - {"digits"}:
        monkeypatch.delitem(DATASETS, name)
    monkeypatch.setitem(DATASETS, "toy", Toy)


def test_list(capsys, monkeypatch):
    cache.prepare(Toy("other"))
    assert main(["data", "list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    rows = {line[0]: " ".join(line[1:]) for line in lines[2:]}
    assert rows["digits"] == "898 + 899 image, label CC BY 4.0 scikit-learn yes"
    assert rows["toy/plain"].startswith("40 + 7 image, target, label") and rows["toy/plain"].endswith(
        "CC0 1.0 procedural to prepare"
    )
    assert rows["toy/other"] == "40 + 7 yes"
    monkeypatch.setattr(Toy, "requires", lambda self: "Install fonts-[toy].")
    assert main(["data", "list"]) == 0
    printed = capsys.readouterr().out
    assert "procedural     no" in printed and "toy: Install fonts-[toy]." in printed


def test_prepare_and_show(capsys, tmp_path):
    assert main(["data", "prepare", "toy/other", "--set", "count=5", "facts=['a']", "--workers", "2"]) == 0
    folder = cache.folder(Toy("other", count=5, facts=["a"]))
    assert capsys.readouterr().out.strip() == str(folder)
    assert cache.read_manifest(folder)["counts"] == {"train": 5, "test": 5}
    assert main(["data", "prepare", "digits"]) == 0
    assert "needs no preparation" in capsys.readouterr().out
    sheet = tmp_path / "sheet.png"
    assert main(["data", "show", "toy", "--split", "test", "-o", str(sheet)]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(sheet)), Toy().sheet(Toy().arrays("test")))
    capsys.readouterr()
    assert main(["data", "show", "digits", "-o", str(sheet)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "licence: CC BY 4.0" in printed and "examples: 898 train + 899 test" in printed and printed[-1] == str(sheet)


def test_show_a_folder(tmp_path, capsys):
    for number in range(70):
        Image.fromarray(np.full((6, 6), number, "uint8")).save(tmp_path / f"{number:02d}.png")
    options = ["--image-size", "8", "--set", "cache=decode", "-o", str(tmp_path / "sheet.png")]
    assert main(["data", "show", str(tmp_path), *options]) == 0
    assert (tmp_path / "sheet.png").exists()


def test_a_tfds_name_is_downloaded_by_prepare_alone(monkeypatch, capsys):
    asked = []

    class Builder:
        data_dir = "the/folder"

        def download_and_prepare(self):
            asked.append(self)

    monkeypatch.setattr(sys.modules["kerasgan.data.load"], "tfds_builder_of", lambda name: Builder())
    assert main(["data", "prepare", "mnist"]) == 0
    assert len(asked) == 1 and capsys.readouterr().out == "the/folder\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "toy/third"], "no config 'third'"),
        (["show", "toy", "--split", "validation"], "'train' or 'test'"),
        (["prepare", "toy", "--set", "cuont=3"], "has no option cuont"),
        (["prepare", "toy", "--set", "count"], "not of the form OPTION=VALUE"),
        (["prepare", "toy", "--set", "requires=Install fonts-toy."], "Install fonts-toy."),
        (["show", "toy", "--set", "requires=Install fonts-toy."], "Install fonts-toy."),
        (["prepare", "toys", "--set", "count=3"], "does not support options"),
    ],
)
def test_errors_are_one_line(arguments, message, capsys):
    assert main(["data", *arguments]) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
