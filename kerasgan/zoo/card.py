"""The model card of a preset: description, training data, scores and limitations."""

from pathlib import Path
from typing import Any

LICENSE = "apache-2.0"
# Variable name of samples in code, by the name of their kind, and their range for a comment.
SAMPLES = {
    "images": ("images", "in [-1, 1]"),
    "audio": ("sounds", "in [-1, 1]"),
    "video": ("films", "in [-1, 1]"),
    "voxels": ("solids", "occupancies in [0, 1]"),
    "tokens": ("tokens", "integers; texts(16) gives strings"),
    "graphs": ("graphs", "a dictionary of the types of nodes and edges"),
}


TASKS = {
    "audio": "audio-generation",
    "video": "video-generation",
    "voxels": "3d-generation",
    "tokens": "text-generation",
    "graphs": "graph-ml",
}
TEXTS = 24  # number of samples on the card of a model of texts


def card_of(folder, model, metadata, pictured=True, media=()):
    """Returns the text of a preset's README.md, with the `model-index` for model hubs.

    Args:
        folder: Folder of the preset.
        model: The `AdversarialModel`.
        metadata: Metadata entries, as for `kerasgan.zoo.save`.
        pictured: Whether there is a samples.png.
        media: Names of the sound and film files.

    Returns:
        A string.
    """
    from huggingface_hub import EvalResult, ModelCardData

    name, family = Path(folder).resolve().name, metadata["family"]
    data, evaluation = metadata.get("data"), metadata.get("evaluation")
    dataset = data["name"] if data else "unknown"
    scores = evaluation["scores"] if evaluation else {}
    task = TASKS.get(model.sample_kind.name, "unconditional-image-generation") if model.generates else "image-to-image"
    task = "video-prediction" if hasattr(model, "continue_video") else task
    results = [
        EvalResult(
            task_type=task,
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_split=evaluation["split"],
            metric_type=score,
            metric_value=round(entry["ours"], 6),
            metric_name=entry["title"],
        )
        for score, entry in scores.items()
    ]
    of_weights = metadata.get("license")
    licensed: dict[str, Any] = {"license": LICENSE}
    if of_weights:
        known = of_weights["name"] == "mit"
        licensed = {"license": "mit"} if known else {"license": "other", "license_name": of_weights["name"]}
    header = ModelCardData(
        **licensed,
        library_name="kerasgan",
        tags=["gan", family.lower(), task],
        datasets=[dataset] if data else None,
        model_name=name,
        eval_results=results or None,
    )
    parts = [f"---\n{header.to_yaml()}\n---\n\n# {name}\n", _summary(model, family)]
    shape = "x".join(map(str, model.image_shape))
    parts += ["![samples](samples.png)\n"] if pictured else []
    parts += [_heard(file) for file in media]
    parts += [_texts(model)] if model.generates and getattr(model.sample_kind, "vocabulary", None) else []
    parts.append(f"{_use(name, model)}\n")
    continues = hasattr(model, "continue_video")
    kind = model.sample_kind.name if model.generates else "video" if continues else "images"
    parts.append(f"## Data\n\n{_data(data, shape, SAMPLES.get(kind, ('samples', ''))[0])}\n")
    parts.append(f"## Measured\n\n{_measured(evaluation)}\n")
    if "command" in metadata:
        device = metadata.get("device", "one core of a CPU")
        minutes = f", {metadata['minutes']:.0f} minutes on {device}" if "minutes" in metadata else ""
        if "cpu_minutes" in metadata:  # minutes on a busy machine mean little
            minutes += f", {metadata['cpu_minutes']:.0f} minutes of processor time"
        parts.append(f"## Made by\n\n```sh\n{metadata['command']}\n```\n\nSeed {metadata.get('seed')}{minutes}.\n")
    if of_weights:
        parts.append(f"## Licence of the weights\n\n{of_weights['text']}\n")
    limits = metadata.get("limits", "It knows nothing but this data set, at this size.")
    parts.append(f"## Intended use and limits\n\nTeaching, tests, and trying out tools for generators. {limits}\n")
    return "\n".join(parts)


def _summary(model, family):
    first = (type(model).__doc__ or family).strip().splitlines()[0]
    return f"A trained `kerasgan.{family}`. {first}\n"


def _heard(file):
    return "![films](samples.gif)\n" if file.endswith(".gif") else f"[Samples to listen to]({file}), seed 0.\n"


def _texts(model):
    """Some samples of a model of texts on one line, with seed 0 and not cherry-picked."""
    texts = model.sample_kind.decode(model.sample(TEXTS, seed=0))
    return f"Samples of seed 0: {', '.join(f'`{text}`' for text in texts if text)}.\n"


def _use(name, model):
    if hasattr(model, "continue_video"):
        frames = f'kerasgan.load("{name}").continue_video(films, 8)  # films and frames in [-1, 1]'
        return f"```python\nimport kerasgan\n\nframes = {frames}\n```"
    if not model.generates:
        return f'```python\nimport kerasgan\n\nimages = kerasgan.load("{name}").translate(x)  # x in [-1, 1]\n```'
    classes = model.conditions.classes
    labels = f", labels=[{min(3, classes - 1)}] * 16" if classes else ""
    called, about = SAMPLES.get(model.sample_kind.name, ("samples", "an array"))
    if getattr(model.sample_kind, "vocabulary", None):
        texts = f'kerasgan.load("{name}").texts(16, seed=0)  # strings; sample(16) gives integers'
        return f"```python\nimport kerasgan\n\ntexts = {texts}\n```"
    samples = f'kerasgan.load("{name}").sample(16, seed=0{labels})  # {about}'
    return f"```python\nimport kerasgan\n\n{called} = {samples}\n```"


def _data(data, shape, called):
    if not data:
        return f"Not recorded; samples of {shape}."
    licence = f" Licence: {data['license']}." if data.get("license") else ""
    fingerprint = f" SHA-256 of the {called}: `{data['sha256']}`." if data.get("sha256") else ""
    return f"`{data['name']}`, split `{data['split']}`: {data['images']:,} of {shape}.{licence}{fingerprint}"


def _measured(evaluation):
    if not evaluation:
        return "Nothing was measured."
    lines = ["| score | control | ours | ceiling |", "|---|---|---|---|"]
    for entry in evaluation["scores"].values():
        values = (entry["control"], entry["ours"], entry["ceiling"])
        lines.append(f"| {entry['title']} | " + " | ".join("" if v is None else f"{v:.4g}" for v in values) + " |")
    return "\n".join([*lines, "", evaluation["about"]])
