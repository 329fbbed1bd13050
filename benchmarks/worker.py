"""One timed variant in a process of its own: `python -m benchmarks.worker module:function`.

Two frameworks in one process fight for its threads, so `benchmarks.paired` gives each variant such
a worker and lets one run at a time. `function()` returns the variant's step: a callable without
arguments that returns when the work is done, not when it is enqueued.

The worker says "ready" once it has that step, then answers each line "go N" with the seconds of N
steps and its peak memory in megabytes so far, and ends with its standard input. Whatever the
variant itself prints goes to standard error.
"""

import importlib
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def load_step(target: str) -> Callable[[], object]:
    """The step that the factory `module:function` returns."""
    module, separator, function = target.partition(":")
    if not (module and separator and function):
        raise ValueError(
            f"Expected a target of the form 'module:function', for example "
            f"'benchmarks.torch_dcgan:tuned', but got {target!r}."
        )
    return getattr(importlib.import_module(module), function)()


def seconds_of(step: Callable[[], object], steps: int) -> float:
    """Wall-clock seconds of `steps` calls of `step`."""
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return time.perf_counter() - start


def peak_megabytes() -> float:
    """The largest resident memory of this process so far, in units of 10^6 bytes.

    Linux is asked for the high-water mark of this program's memory: what `getrusage` gives there
    starts at the peak of the process that started this one.
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
