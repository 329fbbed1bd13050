"""One process at a time in a folder."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import kerasgan.pictures.lock
from kerasgan.pictures.lock import LOCK, check_unlocked, locked

# The file alone, not the package: no engine.
HOLD = (
    "import sys, time; sys.path.insert(0, sys.argv[1]); from lock import locked\n"
    "with locked(sys.argv[2]):\n    print('held', flush=True); time.sleep(600)"
)


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock on a folder."""
    beside = Path(kerasgan.pictures.lock.__file__).parent
    with subprocess.Popen([sys.executable, "-c", HOLD, beside, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_is_there(holder, tmp_path):
    for refuse in (check_unlocked, lambda folder: locked(folder).__enter__()):
        with pytest.raises(FileExistsError, match=f"by process {holder.pid} on the host {socket.gethostname()} since"):
            refuse(tmp_path)
    assert (tmp_path / LOCK).exists()


def test_the_lock_of_a_process_that_was_killed_is_free(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / LOCK).exists()
    check_unlocked(tmp_path)
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
    assert not (tmp_path / LOCK).exists()


def test_the_lock_of_another_host_is_explained(tmp_path):
    owner = {"host": "elsewhere", "process": 7, "started": "2026-01-01T00:00:00+00:00"}
    (tmp_path / LOCK).write_text(json.dumps(owner))
    with pytest.raises(FileExistsError, match=r"process 7 on the host elsewhere .* if it has ended, remove .*\.lock"):
        check_unlocked(tmp_path)
    (tmp_path / LOCK).unlink()
    with locked(tmp_path):
        pass


def test_the_lock_goes_when_the_block_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new"):
        raise ZeroDivisionError
    assert list((tmp_path / "new").iterdir()) == []
    with locked(tmp_path / "new"), pytest.raises(FileExistsError, match="is locked by process"):
        check_unlocked(tmp_path / "new")
