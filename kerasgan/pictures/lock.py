"""A lock on a folder for one process at a time, which tells other processes who holds it."""

import contextlib
import datetime
import json
import os
import socket
from pathlib import Path

LOCK = ".lock"


@contextlib.contextmanager
def locked(folder):
    """Keeps other processes out of a folder within the block.

    The file `.lock` in the folder names the owner. The system releases the lock when a process ends, however it ends.
    Processes on other hosts only see the lock if the file system propagates locks.

    Args:
        folder: Path of the folder, which is created if it is missing.

    Raises:
        FileExistsError: If another process holds the lock; the message names the host and the process.
    """
    path = Path(folder) / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _acquired(path)
    try:
        file.seek(0)
        file.truncate()
        json.dump({"host": socket.gethostname(), "process": os.getpid(), "started": _now()}, file)
        file.flush()
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def check_unlocked(folder):
    """Raises an error if another process has locked a folder, before any work is done for it.

    Raises:
        FileExistsError: See `locked`.
    """
    path = Path(folder) / LOCK
    if path.exists():
        _acquired(path).close()


def _acquired(path):
    """Opens the lock file and acquires the lock."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        try:
            mine = _try(file)
            if mine and not _same(file, path):  # removed by its owner in the meantime
                file.close()
                continue
            file.seek(0)
            owner = _read(file)
            if not mine or (owner and owner["host"] != socket.gethostname()):
                raise FileExistsError(_taken(path, owner, mine))
            return file
        except BaseException:
            file.close()
            raise


def _try(file):
    """Whether the system grants this process the lock. Without such locks (Windows), only the contents count."""
    try:
        import fcntl
    except ImportError:
        file.seek(0)
        return not file.read(1)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # file system without locks
        file.seek(0)
        return not file.read(1)
    return True


def _same(file, path):
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _read(file):
    """Reads the owner from the file: host, process and start; None if the file is empty."""
    try:
        owner = json.loads(file.read())
        return {key: owner[key] for key in ("host", "process", "started")}
    except (ValueError, KeyError, TypeError):
        return None


def _taken(path, owner, ended):
    if owner is None:
        return f"{path.parent} is locked by another process. If no such process is running, remove {path}."
    who = f"process {owner['process']} on the host {owner['host']} since {owner['started']}"
    if ended:
        return (
            f"{path.parent} is locked by {who}. This host cannot tell whether it is still running: if it has ended, "
            f"remove {path} and try again."
        )
    return f"{path.parent} is locked by {who}. Wait until it has ended, or use another folder."


def _now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
