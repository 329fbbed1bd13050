"""Publishes the zoo as a folder for static web hosts, TensorFlow Serving and browsers."""

import os
import shutil
import tempfile
from pathlib import Path

from kerasgan.export import export_litert, export_onnx, write_warmup
from kerasgan.pictures.files import write_json
from kerasgan.studies import gallery
from kerasgan.zoo import preset as presets
from kerasgan.zoo.fetch import INDEX, index_sum, read_index
from kerasgan.zoo.saving import build

ONNX, LITERT, VERSION = "model.onnx", "model.tflite", "1"
RUNTIME = {  # runtime of the page's generator; a copy is stored next to the page
    "version": "1.30.0",
    "sha256": "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    "files": ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
}
REGISTRY = "https://registry.npmjs.org/onnxruntime-web/-"
SERVING = "tensorflow/serving:2.19.1"


def publish(folder, names=None, runtime=None, progress=print):
    """Writes a folder of presets that a static host can serve.

    For each preset, the folder contains the preset's files, `1/` (a SavedModel with warm-up requests, the version
    folder of TensorFlow Serving), `model.onnx` and `model.tflite` (if the format supports the model), and `index.html`,
    its page, with exhibits in `shown/`. It also contains `index.json` (sizes and SHA-256), `models.config` and
    `compose.yaml` for TensorFlow Serving, and `index.html`, a gallery with a generator that runs in the browser.

    Args:
        folder: New or empty folder. It is renamed to its final name when it is complete.
        names: Names or folders of presets. Defaults to all presets of the package except the classifiers.
        runtime: Folder of the files of onnxruntime-web. By default they are downloaded from npm, once.
        progress: Function that is called with a line for each preset, for each unsupported format, and for the size of
            the whole folder.

    Raises:
        FileExistsError: If the folder exists and is not empty.
        ModuleNotFoundError: If the extras `export` and `serve` are not installed.
        ValueError: If a preset cannot be read.
    """
    folder = Path(folder).absolute()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(
            f"{folder} exists and is not an empty folder. Publish into a new one, or remove it first."
        )
    names = names or [name for name in presets.names() if not name.startswith("classifier-")]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        root = Path(beside) / "zoo"  # other users cannot read the temporary folder itself
        root.mkdir()
        published = {}
        for preset in map(presets.read, dict.fromkeys(names)):
            progress(preset.name)
            if preset.name in published:
                raise ValueError(f"Two presets are called {preset.name}; expected each name once.")
            published[preset.name] = _publish_one(preset, root / preset.name, progress)
        index = {"format": presets.FORMAT, "presets": published, "sha256": index_sum(published)}
        write_json(root / INDEX, index)
        (root / "models.config").write_text(models_config(published))
        (root / "compose.yaml").write_text(COMPOSE)
        _copy_runtime(root, runtime)
        gallery.write_pages(root, published)
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        os.replace(root, folder)
    progress(f"{len(published)} presets, {size / 1e6:.1f} MB")


def models_config(names):
    """The text of TensorFlow Serving's `--model_config_file` for the presets next to it."""
    configs = "".join(
        f'  config {{ name: "{name}" base_path: "/models/{name}" model_platform: "tensorflow" }}\n' for name in names
    )
    return f"model_config_list {{\n{configs}}}\n"


def check_published(folder):
    """Returns the differences between a published folder and its `index.json`, a list of sentences."""
    folder = Path(folder)
    wrong = []
    try:
        for name, files in read_index((folder / INDEX).read_text("utf-8"), folder / INDEX).items():
            for file, entry in files.items():
                try:
                    presets.check_file(folder / name, file, entry)
                except ValueError as error:
                    wrong.append(str(error))
        for name, entry in presets.read_json(folder / INDEX)["presets"].items():
            for file, facts in entry["exports"].items():
                if presets.sha256_of(folder / name / file) != facts["sha256"]:
                    wrong.append(f"{folder / name / file} is not the file that was published")
    except (ValueError, OSError) as error:
        wrong.append(str(error))
    return wrong


def _publish_one(preset, folder, progress):
    model = build(preset)
    folder.mkdir()
    for file in (*preset.metadata["files"], presets.METADATA):
        shutil.copyfile(preset.folder / file, folder / file)
    model.export(folder / VERSION)
    write_warmup(model, folder / VERSION)
    _try(export_onnx, model, folder / ONNX, progress)
    _try(export_litert, model, folder / LITERT, progress)
    source = preset.metadata.get("data", {}).get("name")
    picture = folder / presets.SAMPLES
    shown = gallery.show(model, folder, picture if picture.exists() else None, source)
    own = {**preset.metadata["files"], presets.METADATA: _facts(folder / presets.METADATA)}
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    latent = model.generates
    return {
        "family": type(model).__name__,
        "data": source,
        "files": own,
        "exports": {file: _facts(path) for file, path in found.items() if file not in own},
        "inputs": {
            "latent_dim": model.latent_dim if latent else None,
            "latent_range": getattr(model, "latent_range", None),
            "num_classes": model.conditions.classes if latent else None,
            "image_shape": list(model.image_shape),
        },
        "scores": preset.metadata.get("evaluation", {}).get("scores", {}),
        **shown,
    }


def _try(export, model, path, progress):
    """Exports a model; if the format does not support it, reports the first line of the reason."""
    try:
        export(model, path)
    except ValueError as reason:
        progress(f"  without {path.name}: {str(reason).splitlines()[0][:200]}")


def _facts(path):
    return {"bytes": path.stat().st_size, "sha256": presets.sha256_of(path)}


def _copy_runtime(root, runtime):
    """Copies the runtime of the gallery's generators next to its pages."""
    target = root / "onnxruntime-web"
    target.mkdir()
    source = Path(runtime) if runtime else _runtime()
    for file in RUNTIME["files"]:
        shutil.copyfile(source / file, target / file)


def _runtime():
    """The folder of onnxruntime-web's files, downloaded from npm once."""
    import pooch

    from kerasgan.zoo.fetch import cache

    archive = f"onnxruntime-web-{RUNTIME['version']}.tgz"
    members = [f"package/dist/{file}" for file in RUNTIME["files"]]
    found = pooch.retrieve(
        f"{REGISTRY}/{archive}",
        f"sha256:{RUNTIME['sha256']}",
        archive,
        cache().parent,
        processor=pooch.Untar(members=members),
    )
    return Path(found[0]).parent


COMPOSE = f"""\
# docker compose up: TensorFlow Serving on 8500 (gRPC) and 8501 (REST), the gallery on 8080.
services:
  serving:
    image: {SERVING}
    environment: ["TF_ENABLE_ONEDNN_OPTS=1"]  # twice as fast on CPUs of AMD, where it is off by default
    command: --model_config_file=/models/models.config
    ports: ["8500:8500", "8501:8501"]
    volumes: [".:/models:ro"]
  gallery:
    image: nginx:stable
    ports: ["8080:80"]
    volumes: [".:/usr/share/nginx/html:ro"]
"""
