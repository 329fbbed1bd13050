"""The notebooks run from top to bottom, in short trainings."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
# Lengths of training that a notebook states, and what the tests make of them.
SHORT = {"EPOCHS": 2, "STEPS": 50}

pytestmark = pytest.mark.tensorflow


def notebooks():
    return sorted(FOLDER.glob("*.ipynb"))


def test_there_are_five():
    names = ["1_quick_start", "2_pretrained", "3_new_family", "4_small_data_and_health", "5_translate_and_edit"]
    assert [path.stem for path in notebooks()] == names


@pytest.mark.slow  # each takes a process of its own, with TensorFlow
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        for name, value in SHORT.items():
            cell.source = re.sub(rf"^{name} = \d+$", f"{name} = {value}", cell.source, flags=re.M)
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    pictures = sum("image/png" in output.get("data", {}) for cell in book.cells for output in cell.get("outputs", []))
    assert pictures >= 1, "a notebook should show something"
