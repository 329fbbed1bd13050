"""Presets from a web address: whole, as published, or not at all."""

import concurrent.futures
import contextlib
import http.server
import json
import shutil
import threading
import time

import numpy as np
import pytest

import kerasgan
from kerasgan.pictures.files import write_json
from kerasgan.zoo import fetch
from kerasgan.zoo import preset as presets
from kerasgan.zoo.fetch import INDEX, find, index_sum


@pytest.fixture
def root(preset, tmp_path, monkeypatch):
    """A published root with one preset, and an empty cache."""
    folder = tmp_path / "published"
    shutil.copytree(preset, folder / "tiny")
    written(folder)
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("kerasgan.zoo.fetch.RETRIES", 0)
    return folder


def written(root, change=lambda files: files):
    """Writes the index of a root, with a change to the files that it lists."""
    files = {**presets.entries(root / "tiny"), presets.METADATA: facts(root / "tiny" / presets.METADATA)}
    published = {"tiny": {"files": change(files)}}
    write_json(root / INDEX, {"format": 1, "presets": published, "sha256": index_sum(published)})


def facts(path):
    return {"bytes": path.stat().st_size, "sha256": presets.sha256_of(path)}


def kept(tmp_path):
    """All that lies in the cache."""
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_by_address_by_name_and_from_the_cache(root, model, served, tmp_path, monkeypatch):
    address = served(root)
    images = model.sample(3, seed=1)
    np.testing.assert_array_equal(kerasgan.load(f"{address}/tiny").sample(3, seed=1), images)
    assert kept(tmp_path) == sorted([*presets.FILES, presets.METADATA])
    (root / "tiny" / presets.WEIGHTS).unlink()  # the second time nothing but the index is loaded
    monkeypatch.setenv("KERASGAN_ZOO", address)
    np.testing.assert_array_equal(kerasgan.load("tiny").sample(3, seed=1), images)
    with pytest.raises(ValueError, match="has no preset 'other'; expected one of tiny"):
        kerasgan.load("other")
    sha256 = presets.sha256_of(root / "tiny" / presets.METADATA)
    assert kerasgan.load("tiny", sha256=sha256)
    with pytest.raises(ValueError, match="expected 0123"):
        kerasgan.load("tiny", sha256="0123")


@pytest.mark.parametrize("file", [*presets.FILES, presets.METADATA])
def test_one_byte_of_any_file_is_refused_and_not_kept(root, served, tmp_path, file):
    content = bytearray((root / "tiny" / file).read_bytes())
    content[len(content) // 3] ^= 1
    (root / "tiny" / file).write_bytes(content)
    with pytest.raises(ValueError, match=f"{file} could not be loaded as published"):
        kerasgan.load(f"{served(root)}/tiny")
    assert kept(tmp_path) == []


def test_every_byte_of_the_index_counts(root, served, tmp_path):
    address, whole = served(root), (root / INDEX).read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        content = bytearray(whole)
        content[place] ^= 1
        (root / INDEX).write_bytes(content)
        try:
            kerasgan.load(f"{address}/tiny")
        except ValueError:
            assert kept(tmp_path) == []
        else:  # white space alone may change
            assert json.loads(content) == json.loads(whole)
            shutil.rmtree(tmp_path / "cache")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: {**files, "../../evil.py": files[presets.CONFIG]}, "evil.py"),
        (lambda files: {**files, "/etc/passwd": files[presets.CONFIG]}, "passwd"),
        (lambda files: {**files, presets.CARD: {**files[presets.CARD], "bytes": 10**10}}, "at most 200,000,000 bytes"),
        (lambda files: {presets.CONFIG: files[presets.CONFIG]}, "lacks a file"),
        (lambda files: None, "not a trustworthy index of presets"),
    ],
)
def test_an_index_that_wants_more_than_a_preset_is_refused(root, served, tmp_path, change, message):
    written(root, change)
    with pytest.raises(ValueError, match=message):
        kerasgan.load(f"{served(root)}/tiny")
    assert kept(tmp_path) == []


def test_a_download_stops_at_the_known_size(root, served, tmp_path):
    with open(root / "tiny" / presets.SAMPLES, "ab") as file:
        file.write(b"\0" * 300_000)
    with pytest.raises(ValueError, match="is larger than"):
        kerasgan.load(f"{served(root)}/tiny")
    assert kept(tmp_path) == []


def test_a_damaged_preset_in_the_cache_is_loaded_again(root, model, served, tmp_path):
    address = served(root)
    kerasgan.load(f"{address}/tiny")
    (weights,) = (tmp_path / "cache").rglob(presets.WEIGHTS)
    weights.write_bytes(b"damaged")
    np.testing.assert_array_equal(kerasgan.load(f"{address}/tiny").sample(2), model.sample(2))
    assert kept(tmp_path) == sorted([*presets.FILES, presets.METADATA])


def test_processes_that_load_one_preset_at_once_all_get_it(root, served, tmp_path):
    address = served(root)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for folder in pool.map(lambda _: find(f"{address}/tiny").folder, range(24)):
            assert presets.read(f"{folder}/").name == "tiny"
    assert kept(tmp_path) == sorted([*presets.FILES, presets.METADATA])


def test_a_download_that_trickles_is_given_up(monkeypatch, tmp_path):
    class Trickle(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(b".")
                    time.sleep(0.05)

        def log_message(self, *_):
            pass

    monkeypatch.setattr(fetch, "LONGEST", 0.2)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trickle) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(ValueError, match="was too slow"):
            fetch._Limited(1000)(f"http://127.0.0.1:{server.server_port}/x", tmp_path / "x", None)
        server.shutdown()
    assert time.monotonic() - began < 20


def test_no_zoo_at_the_address(root, served):
    address = served(root)
    with pytest.raises(ValueError, match=r"index.json could not be loaded: 404"):
        kerasgan.load(f"{address}/elsewhere/tiny")
    with pytest.raises(ValueError, match="does not end in the name of a preset"):
        kerasgan.load(f"{address}/..")
    with pytest.raises(ValueError, match="could not be loaded"):
        kerasgan.load("http://127.0.0.1:9/tiny")
