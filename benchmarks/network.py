"""What several machines cost: workers with a network between them, each in a network namespace of its own.

    sudo python -m benchmarks.network [--workers 2 4] [--widths 8 32 64]

A DCGAN of 32x32 pixels is trained by `MultiWorkerMirroredStrategy` with 16 images a worker. The workers are processes
of one thread each; a namespace (`ip netns`) gives each its own address and its own cable (a veth pair) to a switch,
whose rate `tc` limits. Reported are the milliseconds of a step; those of equally many processes with the same batch
and without a network (the control: they share cores, caches and memory as the workers do); the difference, which is
what the network and synchronization cost; and the bytes that a worker sends in a step, counted by its network
interface, beside those that `docs/scaling.md` expects: 2 (n - 1) / n times the gradients. Then one worker is killed,
and the seconds are measured until the others have ended. Needs Linux, iproute2 and root; nothing outside its
namespaces is changed.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.journal import RESULTS

IMAGES, WARMUP, STEPS = 16, 12, 40  # images of a worker, steps that are not and that are timed
SWITCH, PORT = "kerasgan-switch", 12345
RATES = (None, "1gbit", "200mbit")
ENDLESS = 1_000_000  # steps of the training that loses a worker


class Network:
    """Context manager: namespaces whose interfaces hang on a switch, which is in one more namespace.

    Args:
        count: Number of namespaces.
        rate: What a cable carries in each direction, as `tc` writes it. `None` for no limit.
    """

    def __init__(self, count, rate=None):
        self.count, self.rate = count, rate
        self.addresses = [f"10.77.0.{number + 1}" for number in range(count)]

    def __enter__(self):
        self.__exit__()
        call("ip", "netns", "add", SWITCH)
        call(*inside(SWITCH), "ip", "link", "add", "switch", "type", "bridge")
        call(*inside(SWITCH), "ip", "link", "set", "switch", "up")
        for number, address in enumerate(self.addresses):
            here, port = namespace(number), f"port{number}"
            call("ip", "netns", "add", here)
            call(*inside(SWITCH), "ip", "link", "add", port, "type", "veth", "peer", "name", "cable", "netns", here)
            call(*inside(SWITCH), "ip", "link", "set", port, "master", "switch", "up")
            call(*inside(here), "ip", "address", "add", f"{address}/24", "dev", "cable")
            call(*inside(here), "ip", "link", "set", "cable", "up")
            call(*inside(here), "ip", "link", "set", "lo", "up")
            for place, interface in ((here, "cable"), (SWITCH, port)):
                limit = ("tbf", "rate", self.rate, "burst", "1mb", "latency", "50ms")
                if self.rate:
                    call(*inside(place), "tc", "qdisc", "add", "dev", interface, "root", *limit)
        return self

    def __exit__(self, *_):
        for name in (SWITCH, *map(namespace, range(self.count))):
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)

    def environment(self, index):
        """The environment of a worker."""
        workers = [f"{address}:{PORT}" for address in self.addresses]
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        return {**os.environ, "TF_CONFIG": json.dumps(config)}


def namespace(number):
    return f"kerasgan-{number}"


def inside(name):
    return "ip", "netns", "exec", name


def call(*command):
    subprocess.run(command, check=True)


def train(width, steps, out):
    """Trains in this process, as a worker if there is a TF_CONFIG, and writes the milliseconds of the steps."""
    import keras

    import kerasgan

    seconds = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seconds.append(time.perf_counter())
            if len(seconds) == WARMUP + 1:
                Path(out).with_suffix(".started").write_text(str(sent()))

    workers = len(json.loads(os.environ.get("TF_CONFIG", '{"cluster": {"worker": [0]}}'))["cluster"]["worker"])
    with kerasgan.distribute.strategy("multi_worker" if "TF_CONFIG" in os.environ else "none").scope():
        model = kerasgan.DCGAN((32, 32, 3), width=width, kernel_size=4, seed=0)
        model.compile(batch_size=IMAGES * workers, checks=False)
    images = np.random.default_rng(0).uniform(-1, 1, (10 * IMAGES * workers, 32, 32, 3)).astype("float32")
    epochs = -(-(WARMUP + steps + 1) // 10)
    model.fit(images, epochs=epochs, callbacks=[Clock()], verbose=0)
    number = len(seconds) - WARMUP - 1
    before = int(Path(out).with_suffix(".started").read_text())
    weights = [weight for player in model.networks.values() for weight in player.trainable_weights]
    result = {
        "milliseconds": 1000 * float(np.median(np.diff(seconds[WARMUP:]))),
        "sent": (sent() - before) / number,
        "gradients": 4 * sum(weight.shape.num_elements() for weight in weights),
    }
    Path(out).write_text(json.dumps(result))


def sent():
    """Bytes that the interface of this namespace has sent."""
    lines = [line.split() for line in Path("/proc/net/dev").read_text("utf-8").splitlines()]
    return next((int(line[9]) for line in lines if line[0] == "cable:"), 0)


@contextlib.contextmanager
def workers(network, width, steps, folder, joint=True):
    """Context manager: the running processes, one in each namespace, which are killed at the end."""
    from kerasgan.commands.launch import die_with_parent

    threads = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}
    processes, logs = [], []
    for number in range(network.count):
        environment = network.environment(number) if joint else dict(os.environ)
        environment |= {**threads, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
        options = ["--train", str(width), str(steps), f"{folder}/{number}.json"]
        command = [*inside(namespace(number)), sys.executable, "-m", "benchmarks.network", *options]
        logs.append(open(f"{folder}/{number}.log", "w+"))  # noqa: SIM115
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=logs[-1],
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )
        processes.append(process)
    try:
        yield processes
    finally:
        for process, log in zip(processes, logs, strict=True):
            process.kill()
            process.wait()
            log.close()


def measured(network, width, joint):
    """The means of the workers' results."""
    with tempfile.TemporaryDirectory() as folder:
        with workers(network, width, STEPS, folder, joint) as processes:
            codes = [process.wait() for process in processes]
        if any(codes):
            logs = [Path(f"{folder}/{number}.log").read_text()[-2000:] for number in range(network.count)]
            raise RuntimeError(f"Exit codes {codes}:\n" + "\n".join(logs))
        rows = [json.loads(Path(f"{folder}/{number}.json").read_text()) for number in range(network.count)]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def seconds_to_notice(network, width):
    """Seconds from the kill of the last worker until each other one has ended, and their exit codes."""
    with tempfile.TemporaryDirectory() as folder, workers(network, width, ENDLESS, folder) as processes:
        while not all(Path(f"{folder}/{number}.started").exists() for number in range(network.count)):
            if any(process.poll() is not None for process in processes):
                raise RuntimeError(Path(f"{folder}/0.log").read_text()[-2000:])
            time.sleep(0.5)
        processes[-1].send_signal(signal.SIGKILL)
        killed = time.perf_counter()
        codes = [process.wait(timeout=900) for process in processes[:-1]]
        return time.perf_counter() - killed, codes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 32, 64])
    parser.add_argument("--train", nargs=3, metavar=("WIDTH", "STEPS", "OUT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        width, steps, out = arguments.train
        return train(int(width), int(steps), out)
    if os.geteuid():
        parser.error("Network namespaces need root.")
    lines = [
        "| workers | cable | width | gradients, MB | sent a step, MB | expected | step, ms | no network | cost, ms |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for count in arguments.workers:
        for width in arguments.widths:
            with Network(count) as network:
                alone = measured(network, width, joint=False)["milliseconds"]
            for rate in RATES:
                with Network(count, rate) as network:
                    row = measured(network, width, joint=True)
                expected = 2 * (count - 1) / count * row["gradients"]
                numbers = [row["gradients"] / 1e6, row["sent"] / 1e6, expected / 1e6]
                times = [row["milliseconds"], alone, row["milliseconds"] - alone]
                text = [f"{number:.2f}" for number in numbers] + [f"{number:.0f}" for number in times]
                lines.append(f"| {count} | {rate or 'no limit'} | {width} | " + " | ".join(text) + " |")
                print(lines[-1], flush=True)
    with Network(2) as network:
        seconds, codes = seconds_to_notice(network, arguments.widths[0])
    lines += [
        "",
        f"Of two workers one was killed: the other one ended after {seconds:.0f} s with exit code {codes[0]}.",
    ]
    text = "\n".join(lines) + "\n"
    (RESULTS / "network.md").write_text(text, "utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
