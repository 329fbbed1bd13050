"""Several workers on one machine, which end together."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks.resume import children
from kerasgan.callbacks import latest_checkpoint
from kerasgan.commands.launch import free_ports, launch

TRAIN = ["train", "cgan", "--data", "digits", "--epochs", "2", "--set", "units=2,2,4", "maxout_units=2,2,2"]


def test_only_a_training_is_launched(tmp_path):
    with pytest.raises(ValueError, match="Only a training can be launched"):
        launch(2, ["sample", "run"], logs=tmp_path)


def test_ports_are_different():
    assert len(set(free_ports(20))) == 20


def test_when_a_program_fails_all_end_and_its_log_is_named(tmp_path, monkeypatch, capfd):
    """The same with a program that takes no time to start: worker 0 waits, worker 1 fails."""
    program = tmp_path / "python"
    program.write_text("""#!/bin/sh
case "$TF_CONFIG" in
    *'"index": 1'*) echo "no luck"; exit 3;;
    *) sleep 600;;
esac
""")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr("kerasgan.commands.launch.GRACE", 0.5)
    started, before = time.monotonic(), children(os.getpid())
    assert launch(2, TRAIN, logs=tmp_path / "logs") == 3
    assert time.monotonic() - started < 60
    assert "worker-1.log" in capfd.readouterr().err.splitlines()[-1]
    assert "no luck" in (tmp_path / "logs" / "worker-1.log").read_text()
    assert children(os.getpid()) == before


@pytest.mark.tensorflow
@pytest.mark.slow  # three processes with TensorFlow
def test_when_a_worker_fails_all_end_and_the_log_is_named(tmp_path, capfd):
    before = children(os.getpid())
    code = launch(2, [*TRAIN, "--set", "wdith=3", "--out", str(tmp_path / "run")], logs=tmp_path / "logs")
    assert code == 2
    assert "worker-" in capfd.readouterr().err.splitlines()[-1]
    assert "'wdith=3' is not a setting" in (tmp_path / "logs" / "worker-1.log").read_text()
    assert children(os.getpid()) == before


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_killed_worker_ends_all_which_start_again_and_end_as_if_undisturbed(tmp_path):
    def run(name, kill):
        command = [
            sys.executable,
            "-m",
            "kerasgan",
            "launch",
            "--restarts",
            "1",
            "--logs",
            str(tmp_path / f"{name}-logs"),
        ]
        command += ["--", *TRAIN, "--batch-size", "98", "--checkpoint-every-steps", "1", "--out", str(tmp_path / name)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while kill and latest_checkpoint(tmp_path / name / "checkpoints") is None:
            time.sleep(0.02)
        if kill:
            os.kill(children(process.pid)[1], signal.SIGKILL)
        said = process.communicate(timeout=240)[1]
        assert process.returncode == 0, said
        assert ("was killed by SIGKILL; all are stopped" in said) == kill
        assert not children(process.pid)
        return np.load(latest_checkpoint(tmp_path / name / "checkpoints"))

    undisturbed, killed = run("undisturbed", False), run("killed", True)
    for name in undisturbed.files:
        np.testing.assert_array_equal(undisturbed[name], killed[name], err_msg=name)
