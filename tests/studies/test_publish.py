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
    yaml = pytest.importorskip("yaml")
    pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    text_format = pytest.importorskip("google.protobuf.text_format")

    def exported(preset, folder, progress):
        folder.mkdir()
        (folder / presets.METADATA).write_text("{}")
        return {"files": {}, "exports": {}}

    monkeypatch.setattr(published, "_publish_one", exported)
    monkeypatch.setattr(published, "_copy_runtime", lambda *_: None)
    monkeypatch.setattr(published.gallery, "write_pages", lambda *_: None)
    said = []
    published.publish(tmp_path / "out", folders, progress=said.append)
    assert said[:2] == ["one", "two"] and said[2].startswith("2 presets, 0.0 MB")
    text = (tmp_path / "out" / "models.config").read_text()
    configs = text_format.Parse(text, pb2.ModelServerConfig()).model_config_list.config
    found = [(each.name, each.base_path, each.model_platform) for each in configs]
    assert found == [(name, f"/models/{name}", "tensorflow") for name in ("one", "two")]
    for each in configs:
        assert (tmp_path / "out" / Path(each.base_path).name).is_dir()
    server = yaml.safe_load((tmp_path / "out" / "compose.yaml").read_text())["services"]["serving"]
    assert server["command"] == "--model_config_file=/models/models.config"
    assert server["environment"] == ["TF_ENABLE_ONEDNN_OPTS=1"] and server["image"] == published.SERVING
    assert set(json.loads((tmp_path / "out" / "index.json").read_text())["presets"]) == {"one", "two"}


def test_two_presets_of_one_name_are_refused(folders, tmp_path, monkeypatch):
    twin = tmp_path / "other" / "one"
    DCGAN((8, 8, 1), latent_dim=2, width=2, kernel_size=4, seed=1).save_preset(twin)
    monkeypatch.setattr(published, "_publish_one", lambda preset, folder, progress: {})
    with pytest.raises(ValueError, match="Two presets are called one"):
        published.publish(tmp_path / "out", [folders[0], str(twin)], progress=lambda name: None)
    assert not (tmp_path / "out").exists()


def test_a_format_that_cannot_hold_a_model_is_reported_and_left_out(tmp_path):
    def refuses(model, path):
        raise ValueError("It has two outputs.\nAnd more.")

    said = []
    published._try(refuses, None, tmp_path / "model.onnx", said.append)
    assert said == ["  without model.onnx: It has two outputs."]


@pytest.mark.slow
def test_every_kind_of_sample_is_published(tmp_path):
    """Untrained models of all kinds: their pages, and what TensorFlow Serving warms them up with."""
    from tests.studies.kinds import save_tiny_presets

    save_tiny_presets(tmp_path / "mine")
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for file in published.RUNTIME["files"]:
        (runtime / file).touch()
    names = sorted(map(str, (tmp_path / "mine").iterdir()))
    published.publish(tmp_path / "out", names, runtime, progress=lambda line: None)
    index = json.loads((tmp_path / "out" / "index.json").read_text())["presets"]
    forms = {each["form"] for entry in index.values() for each in entry["exhibits"]}
    assert forms == {"sound", "film", "solid", "text", "drawing", "captioned", "pair"}
    for name, entry in index.items():
        assert (tmp_path / "out" / name / "index.html").is_file()
        assert ("model.onnx" in entry["exports"]) == (entry["kind"] not in ("tokens", "graphs", "prediction"))
    assert published.check_published(tmp_path / "out") == []
