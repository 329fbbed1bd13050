"""Presets on the Hugging Face Hub, of a fake one on loopback: uploaded whole, loaded as published or not at all."""

import numpy as np
import pytest

import kerasgan
from kerasgan.commands.main import main
from kerasgan.zoo import hub as zoo_hub
from kerasgan.zoo import preset as presets
from tests.zoo.fake_hub import FakeHub, serve


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty hub, which `HF_ENDPOINT` names, and an empty cache."""
    hub = FakeHub()
    server, address = serve(hub)
    for name, value in {"HF_ENDPOINT": address, "HF_TOKEN": "hf_token", "KERASGAN_CACHE": tmp_path / "cache"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    yield hub
    server.shutdown()
    server.server_close()


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_there_and_back(hub, model, tmp_path):
    address = model.push_to_hub("ada/My.Clothes", data={"name": "digits", "split": "train", "images": 898})
    commit, files = hub.commits["ada/My.Clothes"][-1]
    assert address == f"hf://ada/My.Clothes@{commit}"
    assert set(files) == {*presets.FILES, presets.METADATA, ".gitattributes"}
    images = model.sample(3, seed=1)
    for name in ("hf://ada/My.Clothes", "hf://ada/My.Clothes@main", address):
        np.testing.assert_array_equal(kerasgan.load(name).sample(3, seed=1), images)
    assert kept(tmp_path) == sorted([*presets.FILES, presets.METADATA])
    # A second version does not change what the first address means.
    hub.commit("ada/My.Clothes", {presets.WEIGHTS: b"other"})
    hub.asked.clear()
    np.testing.assert_array_equal(kerasgan.load(address).sample(3, seed=1), images)
    assert hub.asked == []  # of a full commit nothing is asked
    with pytest.raises(ValueError, match=f"{presets.WEIGHTS} is not the file that was published"):
        kerasgan.load("hf://ada/My.Clothes")


def test_the_command_line_uploads_a_preset_and_shows_its_card(hub, preset, capsys):
    assert main(["zoo", "push", str(preset), "ada/tiny"]) == 0
    said = capsys.readouterr().out.split()
    assert said[0] == "license:" and said[-1] == f"hf://ada/tiny@{hub.commits['ada/tiny'][-1][0]}"
    assert hub.commits["ada/tiny"][-1][1][presets.WEIGHTS] == (preset / presets.WEIGHTS).read_bytes()
    assert main(["zoo", "show", "hf://ada/tiny"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == (preset / presets.CARD).read_text().rstrip("\n")


def test_a_damaged_preset_is_not_uploaded(hub, preset):
    (preset / presets.WEIGHTS).write_bytes(b"short")
    with pytest.raises(ValueError, match="is not the file that was published"):
        zoo_hub.push(preset, "ada/tiny")
    assert hub.asked == []


@pytest.mark.parametrize("file", [presets.CONFIG, presets.CARD, presets.WEIGHTS])
def test_a_changed_byte_is_refused_and_not_kept(hub, preset, tmp_path, file):
    files = {path.name: path.read_bytes() for path in preset.iterdir()}
    content = bytearray(files[file])
    content[len(content) // 3] ^= 1
    hub.commit("ada/tiny", files | {file: bytes(content)})
    with pytest.raises(ValueError, match=f"{file} is not the file that was published"):
        kerasgan.load("hf://ada/tiny")
    assert kept(tmp_path) == []


def test_code_is_neither_loaded_nor_needed(hub, preset, tmp_path):
    hub.commit(
        "ada/tiny", {path.name: path.read_bytes() for path in preset.iterdir()} | {"model.py": b"raise", "a.pkl": b""}
    )
    kerasgan.load("hf://ada/tiny")
    assert not [each for each in hub.asked if "model.py" in each or "a.pkl" in each]


def test_what_is_no_preset_is_named(hub, preset, monkeypatch):
    hub.commit("ada/other", {"pytorch_model.bin": b"1"})
    with pytest.raises(ValueError, match=r"hf://ada/other is not a preset of kerasgan: it has no config.json, model"):
        kerasgan.load("hf://ada/other")
    with pytest.raises(ValueError, match=r"hf://ada/none could not be loaded: .*404"):
        kerasgan.load("hf://ada/none")
    with pytest.raises(ValueError, match=r"expected hf://owner/name or"):
        kerasgan.load("hf://ada")
    files = {path.name: path.read_bytes() for path in preset.iterdir()}
    hub.commit("ada/nameless", files | {presets.METADATA: b'{"name": "../up"}'})
    with pytest.raises(ValueError, match="does not contain the preset's name"):
        kerasgan.load("hf://ada/nameless")
    monkeypatch.setattr(presets, "LARGEST", 10)
    hub.commit("ada/large", files)
    with pytest.raises(ValueError, match="expected at most 10 bytes"):
        kerasgan.load("hf://ada/large")


def test_a_commit_that_is_a_path_is_refused(hub, preset, tmp_path):
    hub.commits["ada/tiny"] = [("../../elsewhere", {path.name: path.read_bytes() for path in preset.iterdir()})]
    with pytest.raises(ValueError, match="names the commit '../../elsewhere'; expected 40"):
        kerasgan.load("hf://ada/tiny")
    assert kept(tmp_path) == []


def test_a_hub_that_refuses_or_is_gone(hub, preset, monkeypatch):
    hub.refusal = 403
    with pytest.raises(ValueError, match="ada/tiny was not written: .*403"):
        zoo_hub.push(preset, "ada/tiny")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="hf://ada/tiny could not be loaded"):
        kerasgan.load("hf://ada/tiny")
