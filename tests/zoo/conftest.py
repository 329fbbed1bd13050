"""A tiny preset, and a web server on loopback."""

import functools
import http.server
import threading

import numpy as np
import pytest

from kerasgan import DCGAN

TINY = {"image_shape": (8, 8, 1), "latent_dim": 4, "num_classes": 3, "width": 4, "kernel_size": 4, "seed": 0}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served():
    """A function that serves a folder on loopback and gives its address."""
    servers = []

    def serve(folder):
        handler = functools.partial(_Quiet, directory=str(folder))
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def model():
    """A tiny model whose average differs from the network in training, as after some steps."""
    model = DCGAN(**TINY)
    random = np.random.default_rng(0)
    model.ema_generator.set_weights([random.uniform(0.1, 0.5, w.shape) for w in model.ema_generator.get_weights()])
    return model


@pytest.fixture
def preset(model, tmp_path):
    """The folder of its preset."""
    model.save_preset(tmp_path / "presets" / "tiny", data={"name": "digits", "split": "train", "images": 898})
    return tmp_path / "presets" / "tiny"
