"""Presets on the Hugging Face Hub: only weights and JSON, from a known commit, checked before anything is kept.

A preset is a model repository with a preset's files. `HF_ENDPOINT` selects another Hub, `HF_TOKEN` is an access token.
"""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from kerasgan.zoo import preset as presets

ADDRESS = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
NEEDED = (presets.CONFIG, presets.WEIGHTS, presets.METADATA)
ALLOWED = (*presets.ALLOWED, presets.METADATA)


def parse(address):
    """Parses the repository and the revision (or None) of an address.

    Args:
        address: `hf://owner/name` or `hf://owner/name@revision`, where the revision is a branch, a tag or a commit.

    Raises:
        ValueError: If the address has another form.
    """
    match = ADDRESS.fullmatch(address)
    if not match:
        raise ValueError(f"{address!r} is not a valid address; expected hf://owner/name or hf://owner/name@revision.")
    return match["repo"], match["revision"]


def download(address, cache, put):
    """Downloads a preset from the Hub unless it is in the cache.

    Args:
        address: See `parse`. With a full commit, a cached preset is used without contacting the Hub.
        cache: Folder of downloaded presets.
        put: Function of (new folder, destination, destination of the existing folder) that moves a folder into the
            cache.

    Returns:
        The preset's folder.

    Raises:
        ValueError: If the Hub does not answer, or if the repository contains no preset.
    """
    repo, revision = parse(address)
    if revision and COMMIT.fullmatch(revision):
        kept = _kept(cache, repo, revision)
        if kept is not None:
            return kept
    info = _asked(
        f"{address} could not be loaded", lambda api: api.model_info(repo, revision=revision, files_metadata=True)
    )
    files = {each.rfilename: each.size for each in info.siblings if each.rfilename in ALLOWED}
    if missing := [name for name in NEEDED if name not in files]:
        raise ValueError(f"{address} is not a preset of kerasgan: it has no {', '.join(missing)}.")
    if large := [f"{name} ({size:,} bytes)" for name, size in files.items() if (size or 0) > presets.LARGEST]:
        raise ValueError(f"{address} has {', '.join(large)}; expected at most {presets.LARGEST:,} bytes.")
    if not COMMIT.fullmatch(str(info.sha)):
        raise ValueError(f"{address}: the Hub names the commit {info.sha!r}; expected 40 hexadecimal digits.")
    kept = _kept(cache, repo, info.sha)
    return kept if kept is not None else _loaded(address, repo, info.sha, sorted(files), cache, put)


def _loaded(address, repo, commit, files, cache, put):
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=cache) as partial:
        loaded = Path(partial) / "loaded"
        for file in files:
            _asked(
                f"{address}: {file} could not be loaded",
                lambda api, file=file: api.hf_hub_download(repo, file, revision=commit, local_dir=loaded),
            )
        try:
            name = json.loads((loaded / presets.METADATA).read_text("utf-8"))["name"]
            if not presets.NAME.fullmatch(name):
                raise ValueError(name)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{address}: {presets.METADATA} does not contain the preset's name ({error!r})."
            ) from error
        folder = Path(partial) / "new" / name
        folder.mkdir(parents=True)
        for file in files:  # without the Hub client's own files
            shutil.copyfile(loaded / file, folder / file)
        presets.read(f"{folder}{os.sep}")
        put(folder.parent, _place(cache, repo, commit), Path(partial) / "old")
    return _kept(cache, repo, commit)


def _place(cache, repo, commit):
    return cache / f"hf--{repo.replace('/', '--')}-{commit}"


def _kept(cache, repo, commit):
    """The folder of a commit's preset in the cache, or None."""
    for folder in _place(cache, repo, commit).glob("*"):
        try:
            presets.read(f"{folder}{os.sep}")
        except ValueError:
            continue
        return folder
    return None


def push(folder, repo, private=None, revision=None, create_pr=False, message=None, token=None):
    """Uploads a preset to the Hub, where `kerasgan.load("hf://owner/name")` finds it.

    Args:
        folder: Folder of the preset, which is checked first.
        repo: "owner/name" of a model repository, which is created if it does not exist.
        private: Whether a new repository is private. `None` for the owner's default.
        revision: Branch. `None` for the main one.
        create_pr: Whether to open a pull request instead of a commit.
        message: Subject of the commit.
        token: Access token. `None` for that of `HF_TOKEN` or of `hf auth login`.

    Returns:
        The address with the new commit, `hf://owner/name@commit`.

    Raises:
        ValueError: If the folder contains no preset, or if the Hub rejects it.
    """
    repo, _ = parse(f"hf://{str(repo).removeprefix('hf://')}")
    preset = presets.read(f"{Path(folder)}{os.sep}")
    message = message or f"Upload the preset {preset.name}"
    files = [*preset.metadata["files"], presets.METADATA]

    def upload(api):
        api.create_repo(repo, private=private, exist_ok=True)
        return api.upload_folder(
            repo_id=repo,
            folder_path=preset.folder,
            allow_patterns=files,
            commit_message=message,
            revision=revision,
            create_pr=create_pr,
        )

    return f"hf://{repo}@{_asked(f'{repo} was not written', upload, token).oid}"


def _asked(failure, question, token=None):
    """Returns the answer of the Hub to a request.

    Args:
        failure: Beginning of the error message.
        question: Function of a `huggingface_hub.HfApi`.
        token: See `push`.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token, library_name="kerasgan")
    try:
        return question(api)
    except HFValidationError as error:
        raise ValueError(f"{failure}: {error}") from error
    except Exception as error:  # errors of the connection, the Hub and its answer have no common class
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"{failure}: {first} (a private repository needs HF_TOKEN or `hf auth login`; a preset of a full commit "
            "that was loaded before needs no network.)"
        ) from error
