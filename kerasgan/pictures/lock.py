"""A lock on a folder: one process at a time, and whoever finds it taken learns by whom."""

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

    The file `.lock` in it says whose it is. The system gives the lock of a process that has ended back, however it
    ended; of a process on another host it can only be told where the file system passes locks on.

    Args:
        folder: Path of the folder, which is made where it is missing.

    Raises:
        FileExistsError: If another process has it; the message names the host and the process.
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
    """Refuses a folder that another process has locked, before any work goes into it.

    Raises:
        FileExistsError: As `locked`.
    """
    path = Path(folder) / LOCK
    if path.exists():
        _acquired(path).close()


def _acquired(path):
    """The opened file, once this process has the lock on it."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        try:
            mine = _try(file)
            if mine and not _same(file, path):  # its owner has removed it in the meantime
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
    """Whether the system gives this process the lock. Without such locks (Windows) what the file says must do."""
    try:
        import fcntl
    except ImportError:
        file.seek(0)
        return not file.read(1)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        file.seek(0)
        return not file.read(1)
    return True


def _same(file, path):
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _read(file):
    """What the file says of its owner: host, process and start; None if it says nothing."""
    try:
        owner = json.loads(file.read())
        return {key: owner[key] for key in ("host", "process", "started")}
    except (ValueError, KeyError, TypeError):
        return None


def _taken(path, owner, ended):
    if owner is None:
        return f"{path.parent} is locked by another process. If none is left, remove {path}."
    who = f"process {owner['process']} on the host {owner['host']} since {owner['started']}"
    if ended:
        return (
            f"{path.parent} is locked by {who}. Whether it still runs cannot be told from here: if it has ended, "
            f"remove {path} and try again."
        )
    return f"{path.parent} is locked by {who}. Wait until it has ended, or work in another folder."


def _now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
