"""Paired timing: each round runs every variant once, and ratios are computed within a round.

The speed of a shared machine varies, but this hardly affects the ratio of two times that are measured within seconds.
The order is reversed in every other round, so that no variant always runs second. Absolute seconds are for orientation
only.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.worker import seconds_of

ROOT = Path(__file__).resolve().parents[1]


def paired(
    variants: Mapping[str, Callable[[], object]], rounds: int = 6, warmup: int = 2, steps: int = 1
) -> dict[str, list[float]]:
    """Times variants of one framework against each other in this process.

    Args:
        variants: Dictionary from the name of a variant to its step, a callable without arguments that returns when the
            work is done.
        rounds: Number of timings of each variant.
        warmup: Number of additional rounds at the beginning that are not counted.
        steps: Number of steps of a timing.

    Returns:
        The seconds per step of each name, one number per round.
    """
    runners = {name: lambda count, step=step: seconds_of(step, count) for name, step in variants.items()}
    return _alternate(runners, rounds, warmup, steps)


def paired_workers(
    targets: Mapping[str, str],
    rounds: int = 6,
    warmup: int = 2,
    steps: int = 1,
    pause: float = 0.25,
    environment: Mapping[str, str] | None = None,
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Times variants in separate processes, of which only one runs at a time.

    Args:
        targets: Dictionary from the name of a variant to `module:function`; see `benchmarks.worker`.
        rounds: Number of timings of each variant.
        warmup: Number of additional rounds at the beginning that are not counted.
        steps: Number of steps of a timing.
        pause: Number of seconds between two timings, in which the last worker's threads stop spinning.
        environment: Environment variables for all workers, in addition to those of this process.

    Returns:
        The seconds per step of each name, one number per round; and the peak resident memory of each process, in units
        of 10^6 bytes.

    Raises:
        RuntimeError: If a worker ends early. Its message is on standard error.
    """
    workers: dict[str, Worker] = {}
    try:
        for name, target in targets.items():
            workers[name] = Worker(name, target, environment)

        def runner(worker: "Worker") -> Callable[[int], float]:
            def run(count: int) -> float:
                time.sleep(pause)
                return worker.go(count)

            return run

        runners = {name: runner(worker) for name, worker in workers.items()}
        seconds = _alternate(runners, rounds, warmup, steps)
        return seconds, {name: worker.peak_megabytes for name, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.close()


class Worker:
    """Handle of a process `python -m benchmarks.worker`, which is ready after construction.

    Args:
        name: Name in error messages.
        target: The variant, `module:function`.
        environment: Environment variables, in addition to those of this process.
    """

    def __init__(self, name: str, target: str, environment: Mapping[str, str] | None = None):
        self.name = name
        self.peak_megabytes = float("nan")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        try:
            self._answer()
        except RuntimeError:
            self.close()
            raise

    def go(self, steps: int) -> float:
        """Runs `steps` steps and returns the elapsed seconds."""
        try:
            self._process.stdin.write(f"go {steps}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It has ended: reading the answer says so with its exit code.
        seconds, self.peak_megabytes = map(float, self._answer().split())
        return seconds

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"The worker of {self.name!r} ended with exit code {self._process.wait()} before "
                f"it answered; see its message on standard error."
            )
        return line


def ratios(seconds: Mapping[str, list[float]], reference: str) -> dict[str, float]:
    """Returns the speed of each variant relative to the reference.

    Args:
        seconds: Result of `paired` or `paired_workers`.
        reference: Name of the variant with the relative speed 1.

    Returns:
        For each name, the median over rounds of the reference's seconds divided by the variant's. A value above 1 is
        faster.

    Raises:
        ValueError: If the reference was not timed.
    """
    if reference not in seconds:
        raise ValueError(f"Expected a reference among {sorted(seconds)}, but got {reference!r}.")
    return {
        name: statistics.median(base / own for base, own in zip(seconds[reference], values, strict=True))
        for name, values in seconds.items()
    }


def table(
    seconds: Mapping[str, list[float]],
    references: list[str],
    megabytes: Mapping[str, float] | None = None,
) -> str:
    """Returns a Markdown table of median milliseconds, speed relative to each reference, and peak memory."""
    columns = [ratios(seconds, reference) for reference in references]
    header = ["variant", "ms per step", *(f"× {reference}" for reference in references)]
    if megabytes is not None:
        header.append("peak MB")
    rows = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for name, values in seconds.items():
        row = [name, f"{1e3 * statistics.median(values):.1f}"]
        row += [f"{column[name]:.2f}" for column in columns]
        if megabytes is not None:
            row.append(f"{megabytes[name]:.0f}")
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _alternate(
    runners: Mapping[str, Callable[[int], float]], rounds: int, warmup: int, steps: int
) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    order = list(runners)
    for round_index in range(warmup + rounds):
        for name in order:
            elapsed = runners[name](steps) / steps
            if round_index >= warmup:
                seconds[name].append(elapsed)
        order.reverse()
    return seconds
