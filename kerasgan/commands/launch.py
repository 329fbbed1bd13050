"""Runs several workers of one training on this machine, for `tf.distribute.MultiWorkerMirroredStrategy` on loopback.

On several machines, a scheduler does this: see docs/scaling.md.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PREEMPTED = 75  # same as kerasgan.callbacks.interruption.PREEMPTED, which needs an engine
GRACE = 10.0  # seconds from the failure of one worker to the end of the last one
PATIENCE = 600.0  # the same after a signal: the chief may still be writing its checkpoint when the others have ended
POLL = 0.2


def launch(workers, command, restarts=0, logs="launch-logs"):
    """Runs `kerasgan <command>` in several processes that train together, and returns when all have ended.

    If one fails, the others, which would wait for it forever, are stopped. SIGTERM and SIGINT are forwarded. On Linux,
    workers die with this process, however it ends.

    Args:
        workers: Number of processes.
        command: Arguments of each `kerasgan` process, such as `["train", "dcgan", ...]`; `--strategy multi_worker` is
            added to a training, and `--resume auto` after a failure.
        restarts: Number of times that all workers are restarted from the last checkpoint after a failure.
        logs: Folder of `worker-0.log`, ...; the log of the first worker is shown as well.

    Returns:
        0; 75 if the training was preempted; otherwise the exit code of the first worker that failed.

    Raises:
        ValueError: For a command that cannot be launched.
    """
    if not command or command[0] != "train":
        raise ValueError(f"Only a training can be launched: kerasgan launch -- train ..., not {command[:1]}.")
    if "--strategy" not in command:
        command = [*command, "--strategy", "multi_worker"]
    logs = Path(logs)
    logs.mkdir(parents=True, exist_ok=True)
    for attempt in range(restarts + 1):
        code = _attempt(workers, command, logs, append=attempt > 0)
        if code in (0, PREEMPTED, 128 + signal.SIGINT) or attempt == restarts:
            return code
        _say(f"starting all {workers} workers again from the last checkpoint ({attempt + 1} of {restarts} restarts)")
        if "--resume" not in command:
            command = [*command, "--resume", "auto"]
    return code


def _attempt(workers, command, logs, append):
    ports = free_ports(workers)
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open(logs / f"worker-{i}.log", "ab" if append else "wb")) for i in range(workers)]
        starts = [file.tell() for file in files]
        processes = [_start(command, ports, i, file) for i, file in enumerate(files)]
        stack.callback(_kill, processes)
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.signal(number, lambda number, frame: _pass_on(processes, number))
            stack.callback(signal.signal, number, before)
        shown = stack.enter_context(open(logs / "worker-0.log", "rb"))
        shown.seek(starts[0])
        while (code := _outcome(processes)) is None:
            _show(shown)
            time.sleep(POLL)
        failed = next((i for i, process in enumerate(processes) if process.poll() not in (None, 0)), None)
        _wait(processes, PATIENCE if code in (PREEMPTED, 128 + signal.SIGINT) else GRACE)
        _kill(processes)
        _show(shown)
    if code not in (0, PREEMPTED):
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        _say(f"worker {failed} {how}; all are stopped. Its log: {logs / f'worker-{failed}.log'}")
    return 128 - code if code < 0 else code


def free_ports(count):
    """TCP ports of this machine's loopback interface that were free when checked."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def worker_environment(ports, index):
    """The environment of a worker: TF_CONFIG, and unbuffered output for its log."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
    return {**os.environ, "TF_CONFIG": json.dumps(config), "PYTHONUNBUFFERED": "1", "GRPC_FAIL_FAST": "use_caller"}


def _start(command, ports, index, log):
    return subprocess.Popen(
        [sys.executable, "-m", "kerasgan", *command],
        env=worker_environment(ports, index),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_parent,
        start_new_session=True,
    )


def die_with_parent():
    """Asks Linux to kill this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _outcome(processes):
    """None while all processes run; the first non-zero exit code, if any; 0 when all have ended successfully."""
    codes = [process.poll() for process in processes]
    bad = [code for code in codes if code]
    return bad[0] if bad else (None if None in codes else 0)


def _pass_on(processes, number):
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _wait(processes, seconds):
    end = time.monotonic() + seconds
    while any(process.poll() is None for process in processes) and time.monotonic() < end:
        time.sleep(POLL)


def _kill(processes):
    """Kills the remaining processes; a worker that waits in a collective does not react to other signals."""
    for process in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _show(log):
    sys.stdout.write(log.read().decode("utf-8", "replace"))
    sys.stdout.flush()


def _say(sentence):
    print(f"kerasgan: {sentence}", file=sys.stderr, flush=True)
