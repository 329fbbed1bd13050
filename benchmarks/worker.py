"""One timed variant in a separate process: `python -m benchmarks.worker module:function`.

Two frameworks in one process compete for its threads, so `benchmarks.paired` starts a worker for each variant and runs
one at a time. `function()` returns the variant's step, a callable without arguments that returns when the work is done,
not when it is enqueued.

The worker prints "ready" when it has the step. It then replies to each line "go N" with the seconds of N steps and its
peak memory so far in megabytes, and exits when its standard input ends. The output of the variant itself goes to
standard error.
"""

import importlib
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def load_step(target: str) -> Callable[[], object]:
    """Returns the step of the factory `module:function`."""
    module, separator, function = target.partition(":")
    if not (module and separator and function):
        raise ValueError(
            f"Expected a target of the form 'module:function', for example "
            f"'benchmarks.torch_dcgan:tuned', but got {target!r}."
        )
    return getattr(importlib.import_module(module), function)()


def seconds_of(step: Callable[[], object], steps: int) -> float:
    """Returns the wall-clock seconds of `steps` calls of `step`."""
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return time.perf_counter() - start


def peak_megabytes() -> float:
    """Returns the peak resident memory of this process so far, in units of 10^6 bytes.

    On Linux this is the high-water mark of the program's memory, because `getrusage` starts at the peak of the parent
    process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        if "VmHWM" in lines:
            return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    step = load_step(sys.argv[1])
    print("ready", file=answers)
    for line in sys.stdin:
        command, steps = line.split()
        if command != "go":
            raise ValueError(f"Expected a line 'go N', but got {line!r}.")
        print(seconds_of(step, int(steps)), peak_megabytes(), file=answers)


if __name__ == "__main__":
    main()
