"""Verifies that the files, weights and scores of presets match their cards."""

import hashlib

import numpy as np
from PIL import Image

from kerasgan.studies.measure import differences, measure
from kerasgan.zoo import preset as presets
from kerasgan.zoo.card import card_of
from kerasgan.zoo.fetch import find
from kerasgan.zoo.saving import build, picture

OTHER_DATA = "{data} cannot be measured on this machine as it was for the card"
PIXELS = 2.0  # largest mean pixel difference, of 255, that is tolerated


def verify(name):
    """Reads a preset, checks the SHA-256 of its files, and redraws and rescores its samples.

    Args:
        name: Name of the preset, as for `kerasgan.load`.

    Returns:
        A list of sentences about what is wrong, empty if the preset matches its card.
    """
    try:
        preset = find(name)
        if preset.config["class"] == "Classifier":
            return _classifier(preset)
        model = build(preset)
        wrong = _picture(preset, model)
        evaluation = preset.metadata.get("evaluation")
        if not evaluation:
            return [*wrong, "nothing was measured"]
    except (ValueError, OSError) as error:
        return [str(error)]
    unmeasured = OTHER_DATA.format(**evaluation)
    try:
        again = measure(model, **evaluation)
    except (ValueError, OSError) as error:  # an error of the data: the preset itself is valid
        return [*wrong, f"{unmeasured}: {error}"]
    changed = differences(evaluation["scores"], again["scores"])
    if changed and evaluation.get("sha256") not in (None, again["sha256"]):
        return [*wrong, f"{unmeasured}: its images differ, as with other fonts or photos ({'; '.join(changed)})"]
    return wrong + changed


def measure_again(name):
    """Scores a preset again and updates its card, after a change of metrics or data.

    Args:
        name: Name of a bundled preset, or path of a preset's folder.

    Raises:
        ValueError: If the preset differs from the published one, or is a classifier.
    """
    preset = find(name)
    model, about = build(preset), {**preset.metadata}
    about["evaluation"] = measure(model, **about["evaluation"])
    files = about.pop("files")
    media = [file for file in presets.MEDIA if file in files]
    card = card_of(preset.folder, model, about, presets.SAMPLES in files, media)
    presets.write(preset.folder, None, preset.config, about, card)


def _picture(preset, model):
    """Compares the sample grid with a new one from the same seed, which must be equal up to rounding."""
    if presets.SAMPLES not in preset.metadata["files"]:
        return ["it has no samples.png"] if picture(model) is not None else []
    now = picture(model)
    if now is None:
        return []
    with Image.open(preset.folder / presets.SAMPLES) as file:
        kept = np.asarray(file, "float32")
    now = np.squeeze(now).astype("float32")
    if kept.shape != now.shape or np.abs(kept - now).mean() > PIXELS:
        return [f"{presets.SAMPLES} is not what these weights draw"]
    return []


def _classifier(preset):
    from kerasgan.data import load
    from kerasgan.metrics.features.classifier import Classifier

    arguments, accuracies = preset.config["arguments"], preset.metadata["test_accuracy"]
    size = None if "drawing" in arguments else arguments["image_shape"][0]
    data = preset.metadata["data"]
    unmeasured = OTHER_DATA.format(data=data["name"])
    attributes = {} if "label" in accuracies else {"features": tuple(accuracies)}
    try:
        x, y = load(data["name"], "test", size, as_numpy=True, **attributes)
    except (ValueError, OSError) as error:
        return [f"{unmeasured}: {error}"]
    outputs = Classifier(preset.name, preset.folder.parent).outputs(x)
    known = y if attributes else {"label": y}
    found = {head: float((outputs[head].argmax(axis=1) == values).mean()) for head, values in known.items()}
    changed = [
        f"test accuracy of {head} was {accuracies[head]} and is {value:.4f}"
        for head, value in found.items()
        if abs(value - accuracies[head]) > 0.002
    ]
    if changed and hashlib.sha256(x.tobytes()).hexdigest() != data["test_sha256"]:
        return [f"{unmeasured}: its images differ, as with other fonts ({'; '.join(changed)})"]
    return changed
