"""What the tests of both servers share. Nothing here knows kerasgan: these tests run where it is not installed."""

import base64
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

NAME, LABELS, SEEDS = "tiny", [0, 1, 2], range(20)
TYPES = {"num": "INT32", "seed": "INT64", "labels": "INT32", "latents": "FP32"}


def exported():
    """Folder of the SavedModel that `make test-serving` wrote, and what is expected of it."""
    folder = Path(os.environ["KERASGAN_EXPORTED"])
    return folder / NAME / "1", dict(np.load(folder / "expected.npz"))


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def server(script, *arguments, ready, log, **environment):
    """Runs a server until the block ends; `ready` is the address that answers 200 once it serves."""
    command = [sys.executable, str(Path(__file__).parent / script), *map(str, arguments)]
    with open(log, "w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, start_new_session=True, env={**os.environ, **environment}
        )
        try:
            deadline = time.monotonic() + 180
            while request(ready)[0] != 200:
                assert process.poll() is None and time.monotonic() < deadline, Path(log).read_text()[-3000:]
                time.sleep(0.2)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # whoever of its children is left


def request(address, body=None):
    """Status and answer: parsed where it is JSON, else bytes."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    question = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(question, timeout=120) as response:
            status, answer, length = response.status, response.read(), response.headers.get(LENGTH)
    except urllib.error.HTTPError as error:
        status, answer, length = error.code, error.read(), None
    except OSError:
        return None, None
    if length is not None:
        return status, answer[int(length) :]
    try:
        return status, json.loads(answer)
    except ValueError:
        return status, answer


LENGTH = "Inference-Header-Content-Length"  # where the JSON of an answer of the v2 protocol ends and bytes begin


def v2(inputs, scalars=(), **more):
    """The body of a v2 request; `scalars` is the shape that stands for none."""
    tensors = []
    for name, value in inputs.items():
        value = np.asarray(value)
        shape = value.shape or scalars
        tensors.append(
            {"name": name, "shape": list(shape), "datatype": TYPES.get(name, "FP32"), "data": value.ravel().tolist()}
        )
    return {"inputs": tensors, **more}


def images(answer):
    """The float32 images of an answer of the v2 protocol."""
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"]) == ("images", "FP32")
    return np.float32(output["data"]).reshape(output["shape"])


def pixels(files):
    """Levels of PNG files, shape (count, height, width, 1)."""
    return np.stack([np.array(Image.open(io.BytesIO(file)))[..., None] for file in files])


def strings(raw):
    """The strings of a BYTES tensor: each after its length, four bytes, little end first."""
    stream, found = io.BytesIO(raw), []
    while size := stream.read(4):
        found.append(stream.read(int.from_bytes(size, "little")))
    return found


def decoded(value):
    return base64.b64decode(value["b64"])


def levels(pictures):
    return np.clip(np.round((pictures.astype("float64") + 1) * 127.5), 0, 255)


def draw(**changed):
    return {"num": 3, "seed": 7, "labels": LABELS, **changed}


def check_at_once(ask, expected, count=200):
    """That many requests at once, of 20 seeds: each answered with its own seed's pictures, the same bits each time."""
    seeds = [place % len(SEEDS) for place in range(count)]
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(ask, seeds))
    for seed, answer in zip(seeds, answers, strict=True):
        np.testing.assert_allclose(answer, expected[f"seed_{seed}"], rtol=0, atol=1e-6)
    assert len({answer.tobytes() for answer in answers}) == len(SEEDS)
