"""Logs of trackers: what they are told, by stand-ins for the packages, and the packages themselves if installed."""

import sys
import types
from unittest.mock import MagicMock

import numpy as np
import pytest

from kerasgan.callbacks import Finding, MLflowLog, SampleGrid, WandbLog
from kerasgan.callbacks.trackers import settings


class Health:
    """Findings and signals of a health that evaluates at each epoch's end."""

    def __init__(self):
        self.history, self.findings = [], []

    def evaluate(self, step):
        self.history.append({"step": step, "diversity": 0.5, "flags": ["collapse"]})
        if not self.findings:
            self.findings.append(Finding("collapse", step, "The samples are all alike.", "Lower the rate.", {}))


def trained(model, images, tmp_path, make):
    """Trains for two epochs of four steps with a tracker that `make(grid=, health=)` makes; returns all three."""
    import keras

    grid, health = SampleGrid(tmp_path / "samples", count=4, every_epochs=2), Health()
    tracker = make(grid=grid, health=health)
    evaluate = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: health.evaluate(4 * (epoch + 1)))
    model.fit(images, epochs=2, verbose=0, callbacks=[grid, evaluate, tracker])
    return tracker


def test_wandb_is_told_settings_scalars_pictures_and_findings(model, images, tmp_path, monkeypatch):
    wandb = types.SimpleNamespace(init=MagicMock(), Image=lambda path, caption: (path, caption))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    tracker = trained(model, images, tmp_path, lambda **kw: WandbLog("mine", mode="offline", **kw))
    wandb.init.assert_called_once_with(project="mine", mode="offline")
    config = tracker.run.config.update.call_args.args[0]
    assert config == settings(model) and config["recipe.batch_size"] == 4 and config["class"] == "kerasgan>GAN"
    logged = [call.args[0] for call in tracker.run.log.call_args_list]
    epochs = [each for each in logged if "discriminator_loss" in each]
    assert [each["step"] for each in epochs] == [4, 8] and epochs[1]["images_seen"] == 32
    assert {"generator_loss", "discriminator_loss"} <= epochs[0].keys()
    assert [each["step"] for each in logged if "health/diversity" in each] == [4, 8]
    pictures = [each["samples"] for each in logged if "samples" in each]
    expected = [(str(tmp_path / "samples" / f"step-{step:08d}.png"), f"step {step}") for step in (0, 8)]
    assert pictures == expected
    tracker.run.alert.assert_called_once_with(title="The samples are all alike.", text="Step 4: Lower the rate.")
    tracker.run.finish.assert_called_once_with()


def test_a_run_of_the_user_is_not_finished(model, images, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=MagicMock(), Image=MagicMock()))
    run = MagicMock()
    tracker = trained(model, images, tmp_path, lambda **kw: WandbLog(run=run, **kw))
    assert tracker.run is run and not run.finish.called and not tracker.wandb.init.called


def test_mlflow_is_told_the_same(model, images, tmp_path, monkeypatch):
    mlflow = MagicMock()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    trained(model, images, tmp_path, lambda **kw: MLflowLog("mine", tracking_uri="sqlite:///x", run_name="one", **kw))
    mlflow.set_tracking_uri.assert_called_once_with("sqlite:///x")
    mlflow.set_experiment.assert_called_once_with("mine")
    mlflow.start_run.assert_called_once_with(run_name="one")
    mlflow.log_params.assert_called_once_with(settings(model))
    steps = [call.kwargs["step"] for call in mlflow.log_metrics.call_args_list]
    assert steps == [4, 4, 8, 8]  # of the health and of the epoch
    assert [call.args[0][-12:] for call in mlflow.log_artifact.call_args_list] == ["00000000.png", "00000008.png"]
    assert mlflow.log_dict.call_args.args[0]["findings"][0]["advice"] == "Lower the rate."
    mlflow.end_run.assert_called_once_with()


def test_without_the_package_the_extra_is_named(monkeypatch):
    for name, make in (("wandb", WandbLog), ("mlflow", MLflowLog)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ModuleNotFoundError, match=rf"kerasgan\[{name}\]"):
            make()


def test_settings_are_flat_and_short(model):
    flat = settings(model)
    assert flat["recipe.generator_optimizer.config.learning_rate"] == 0.25 and flat["model.image_shape"] == "[4, 4, 1]"
    assert all(value is None or isinstance(value, (bool, int, float, str)) for value in flat.values())


def test_wandb_itself_offline(model, images, tmp_path):
    wandb = pytest.importorskip("wandb")
    folder = tmp_path / "logs"
    folder.mkdir()
    run = wandb.init(project="mine", mode="offline", dir=str(folder))
    trained(model, images, tmp_path, lambda **kw: WandbLog(run=run, **kw))
    assert run.summary["step"] == 8 and np.isfinite(run.summary["generator_loss"])
    assert run.config["recipe.batch_size"] == 4
    run.finish()
    assert next(folder.rglob("*.wandb")).stat().st_size > 1000
    assert list(folder.rglob("*.png"))


def test_mlflow_itself_in_a_folder(model, images, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    trained(model, images, tmp_path, lambda **kw: MLflowLog("mine", tracking_uri=(tmp_path / "runs").as_uri(), **kw))
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert run.data.params["recipe.batch_size"] == "4" and np.isfinite(run.data.metrics["generator_loss"])
    assert [point.step for point in client.get_metric_history(run.info.run_id, "generator_loss")] == [4, 8]
    assert len(client.list_artifacts(run.info.run_id, "samples")) == 2
    assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/health.json")["findings"][0]["step"] == 4
