"""Processes that generate blocks of examples, in order and identical for any number of processes."""

import collections
import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

# The code of a worker. The parent packages of the builders are replaced by empty modules: the builders only need NumPy,
# while importing kerasgan loads Keras and its engine, which takes seconds and hundreds of megabytes. Unlike
# `multiprocessing`, this does not run the user's main script again.
WORKER = """
import pickle, signal, sys, types
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and its end closes the pipes
replies, sys.stdout = sys.stdout.buffer, sys.stderr
search, folders = pickle.load(sys.stdin.buffer)
sys.path[:] = search
for name, folder in folders.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from kerasgan.data.workers import serve
serve(sys.stdin.buffer, replies)
"""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def ordered(dataset, bounds, workers):
    """Yields `dataset.make(*bounds[i])` for each `i`, in order.

    Args:
        dataset: A `ProceduralDataset`.
        bounds: List of `(split, start, stop)`.
        workers: Number of processes. With 1, this process generates all blocks.

    Raises:
        RuntimeError: If a worker dies.
    """
    workers = min(workers, len(bounds))
    if workers <= 1 or type(dataset).__module__ == "__main__":  # a worker cannot import the class from there
        return (make(dataset, *part) for part in bounds)
    return _spread(dataset, bounds, workers)


def make(dataset, split, start, stop):
    """Calls `dataset.make` on one thread.

    The order of a sum, and therefore its last bit, depends on the number of threads.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return dataset.make(split, start, stop)


def _spread(dataset, bounds, workers):
    pickled = pickle.dumps(dataset)
    processes = [_Process(pickled) for _ in range(workers)]
    idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
    for process in processes:
        idle.put(process)

    def made(part):
        process = idle.get()
        try:
            return process.make(part)
        finally:
            idle.put(process)

    pool = ThreadPoolExecutor(workers)
    try:
        coming: collections.deque[Future] = collections.deque()
        for part in bounds:
            coming.append(pool.submit(made, part))
            if len(coming) > 2 * workers:  # limits how far the workers run ahead of a slow consumer
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
    finally:
        for process in processes:
            process.kill()
        pool.shutdown(cancel_futures=True)


class _Process:
    """A worker, seen from the parent process."""

    def __init__(self, pickled):
        package = Path(__file__).parents[1]
        folders = {"kerasgan": str(package), "kerasgan.data": str(package / "data")}
        command, environment = [sys.executable, "-c", WORKER], {**os.environ, **ONE_THREAD}
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self.popen.stdin is not None and self.popen.stdout is not None
        self.requests, self.replies = self.popen.stdin, self.popen.stdout
        self.unsent = pickle.dumps((sys.path, folders)) + pickled

    def make(self, part):
        try:
            self.requests.write(self.unsent + pickle.dumps(part))
            self.requests.flush()
            self.unsent = b""
            reply = pickle.load(self.replies)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            split, start, stop = part
            raise RuntimeError(
                f"A worker process ended (exit code {self.popen.wait()}) while it generated the examples {start} to "
                f"{stop - 1} of {split!r}; see its message above, if any. Use fewer workers to save memory, or "
                "workers=1 to run in this process."
            ) from error
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def kill(self):
        self.popen.kill()
        self.popen.wait()
        self.replies.close()
        with contextlib.suppress(BrokenPipeError):
            self.requests.close()


def serve(requests, replies):
    """Main loop of a worker: reads the dataset and then bounds, and replies with a block or an error."""
    dataset = pickle.load(requests)
    parts: queue.SimpleQueue[tuple] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, parts), daemon=True).start()
    while True:
        part = parts.get()
        try:
            reply = dataset.make(*part)
        except Exception as error:
            reply = error
        pickle.dump(reply, replies, protocol=pickle.HIGHEST_PROTOCOL)
        replies.flush()


def _listen(requests, parts):
    """Detects the end of the parent process while the worker is busy."""
    try:
        while True:
            parts.put(pickle.load(requests))
    except (EOFError, pickle.UnpicklingError):
        os._exit(0)
