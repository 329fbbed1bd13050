"""What is published, as the servers' own parsers read it."""

import json
from pathlib import Path

import pytest

from kerasgan import DCGAN
from kerasgan.studies import publish as published
from kerasgan.zoo import preset as presets

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def folders(tmp_path):
    """The folders of two presets."""
    for name in ("one", "two"):
        DCGAN((8, 8, 1), latent_dim=2, width=2, kernel_size=4, seed=0).save_preset(tmp_path / "mine" / name)
    return [str(tmp_path / "mine" / name) for name in ("one", "two")]


def test_a_published_folder_of_folders_has_the_names_of_the_presets(folders, tmp_path, monkeypatch):
    pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    text_format = pytest.importorskip("google.protobuf.text_format")

    def exported(preset, folder):
        folder.mkdir()
        (folder / presets.METADATA).write_text("{}")
        return {"files": {}, "exports": {}}

    monkeypatch.setattr(published, "_publish_one", exported)
    monkeypatch.setattr(published, "_gallery", lambda *_: None)
    published.publish(tmp_path / "out", folders, progress=lambda name: None)
    text = (tmp_path / "out" / "models.config").read_text()
    configs = text_format.Parse(text, pb2.ModelServerConfig()).model_config_list.config
    found = [(each.name, each.base_path, each.model_platform) for each in configs]
    assert found == [(name, f"/models/{name}", "tensorflow") for name in ("one", "two")]
    for each in configs:
        assert (tmp_path / "out" / Path(each.base_path).name).is_dir()
    assert set(json.loads((tmp_path / "out" / "index.json").read_text())["presets"]) == {"one", "two"}


def test_two_presets_of_one_name_are_refused(folders, tmp_path, monkeypatch):
    twin = tmp_path / "other" / "one"
    DCGAN((8, 8, 1), latent_dim=2, width=2, kernel_size=4, seed=1).save_preset(twin)
    monkeypatch.setattr(published, "_publish_one", lambda preset, folder: {})
    with pytest.raises(ValueError, match="Two presets are called one"):
        published.publish(tmp_path / "out", [folders[0], str(twin)], progress=lambda name: None)
    assert not (tmp_path / "out").exists()
