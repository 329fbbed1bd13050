"""Fetches presets from the package, folders and web addresses, and checks files before keeping any.

A published root has an `index.json` with the size and SHA-256 of every file of every preset, and its own SHA-256.
`KERASGAN_ZOO` selects another root than the package's, a folder or an address; `KERASGAN_CACHE` is the folder of
downloads.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
import urllib.parse
from pathlib import Path

from kerasgan.zoo import hub
from kerasgan.zoo import preset as presets
from kerasgan.zoo.preset import METADATA

INDEX = "index.json"
SMALL = 1_000_000  # maximum size of an index in bytes
TIMEOUT = 30  # seconds without a byte
LONGEST, SLOWEST = 60, 50_000  # maximum seconds per file, plus its size at so many bytes per second
RETRIES = 2
PATIENCE = 10  # attempts to replace a damaged preset in the cache


def find(name, sha256=None):
    """Finds a preset and checks its files.

    Args:
        name: See `kerasgan.load`.
        sha256: See `kerasgan.load`.

    Returns:
        A `kerasgan.zoo.preset.Preset`.

    Raises:
        ValueError: See `kerasgan.load`.
    """
    name = str(name)
    root = os.environ.get("KERASGAN_ZOO") or str(presets.ROOT)
    if "://" not in name and os.sep not in name and "://" in root:
        name = f"{root.rstrip('/')}/{name}"
    scheme = urllib.parse.urlsplit(name).scheme if "://" in name else ""
    if scheme == "file":
        name = urllib.parse.unquote(urllib.parse.urlsplit(name).path)
    elif scheme in ("http", "https"):
        name = str(_download(name, sha256))
    elif scheme == "hf":
        name = str(hub.download(name, cache(), _put))
    elif scheme:
        raise ValueError(f"{name!r} is an address of {scheme}://, expected https://, http://, hf:// or file://.")
    preset = presets.read(name, Path(root.removeprefix("file://")))
    if sha256 and presets.sha256_of(preset.folder / METADATA) != sha256:
        raise ValueError(
            f"{preset.folder / METADATA} does not have the SHA-256 {sha256}: it is not the preset you asked for."
        )
    return preset


def read_index(text, source):
    """Reads the presets of a published root, `{name: {file: {"bytes", "sha256"}}}`.

    Args:
        text: Contents of the `index.json`.
        source: Name of the index in errors.

    Raises:
        ValueError: If the index is damaged or changed, or lists files that a preset cannot have.
    """
    try:
        index = json.loads(text)
        published = index["presets"]
        if index["format"] != presets.FORMAT or index["sha256"] != index_sum(published):
            raise ValueError("its own SHA-256 or its format is wrong")
        for name, entry in published.items():
            files = entry["files"]
            if not presets.NAME.fullmatch(name) or not {presets.CONFIG, presets.WEIGHTS, METADATA} <= files.keys():
                raise ValueError(f"{name!r} is not a valid preset name, or lacks a file")
            for file, facts in files.items():
                size = facts["bytes"]
                if file not in (*presets.ALLOWED, METADATA) or not 0 < size <= presets.LARGEST:
                    raise ValueError(
                        f"{name} has {file!r} of {size} bytes; expected a known file of at most {presets.LARGEST:,} "
                        "bytes"
                    )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{source} is not a trustworthy index of presets: {error!r}.") from error
    return {name: entry["files"] for name, entry in published.items()}


def index_sum(published):
    """The SHA-256 that an index declares for its presets."""
    return hashlib.sha256(json.dumps(published, sort_keys=True).encode()).hexdigest()


def cache():
    """The folder of downloaded presets."""
    import pooch

    return Path(os.environ.get("KERASGAN_CACHE") or pooch.os_cache("kerasgan")) / "zoo"


def _download(address, sha256):
    """The folder of a preset from the web: from the cache if it is complete, otherwise downloaded as a whole."""
    import pooch

    base, _, name = address.rstrip("/").rpartition("/")
    if not presets.NAME.fullmatch(name):
        raise ValueError(f"{address} does not end in the name of a preset, such as dcgan_digits.")
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=cache()) as partial:
        target = Path(partial) / INDEX
        try:
            _Limited(SMALL)(f"{base}/{INDEX}", target, None)
        except OSError as error:  # includes the errors of requests
            raise ValueError(f"{base}/{INDEX} could not be loaded: {error}. Is it the address of a zoo?") from error
        published = read_index(target.read_text("utf-8", errors="replace"), f"{base}/{INDEX}")
        if name not in published:
            raise ValueError(f"{base} has no preset {name!r}; expected one of {', '.join(sorted(published))}.")
        files = published[name]
        if sha256 and files[METADATA]["sha256"] != sha256:
            raise ValueError(f"{address} has a {METADATA} of SHA-256 {files[METADATA]['sha256']}, expected {sha256}.")
        kept = cache() / f"{name}-{index_sum(files)[:16]}" / name
        if not _is_whole(kept):
            folder = Path(partial) / "new" / name
            known = {file: f"sha256:{facts['sha256']}" for file, facts in files.items()}
            source = pooch.create(folder, f"{address.rstrip('/')}/", registry=known, retry_if_failed=RETRIES)
            for file, facts in files.items():
                try:
                    source.fetch(file, downloader=_Limited(facts["bytes"]))
                except (OSError, ValueError) as error:
                    raise ValueError(f"{address}/{file} could not be loaded as published: {error}") from error
            presets.read(f"{folder}{os.sep}")
            _put(folder.parent, kept.parent, Path(partial) / "old")
    return kept


def _is_whole(folder):
    """Whether a preset in the cache is complete and unchanged."""
    try:
        presets.read(f"{folder}{os.sep}")
    except ValueError:
        return False
    return True


def _put(new, place, old):
    """Moves a downloaded folder into the cache atomically; another process may have done so in the meantime."""
    for _ in range(PATIENCE):
        try:
            os.rename(new, place)
            return
        except OSError:
            if any(_is_whole(each) for each in place.glob("*")):
                return  # the other process's copy is equivalent
            with contextlib.suppress(OSError):  # move a damaged copy away, unless another process was faster
                os.rename(place, old)
                shutil.rmtree(old, ignore_errors=True)
    raise ValueError(f"{place} cannot be replaced; remove it.")


class _Limited:
    """A downloader for pooch that stops at a file's known size."""

    def __init__(self, size):
        self.size = size

    def __call__(self, url, output_file, _):
        import requests

        loaded, end = 0, time.monotonic() + LONGEST + self.size / SLOWEST
        with requests.get(url, stream=True, timeout=TIMEOUT) as answer, open(output_file, "wb") as file:
            answer.raise_for_status()
            while chunk := answer.raw.read1(65536, decode_content=True):  # returns the available bytes
                loaded += len(chunk)
                if time.monotonic() > end:
                    raise ValueError(
                        f"{url} was too slow: {loaded:,} of {self.size:,} bytes after more than {LONGEST} s."
                    )
                if loaded > self.size:
                    raise ValueError(f"{url} is larger than {self.size:,} bytes, the largest size allowed.")
                file.write(chunk)
