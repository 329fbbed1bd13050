"""Whether presets are still what their cards say: files, weights, numbers."""

import numpy as np

from kerasgan import presets
from kerasgan.zoo.fetch import find
from kerasgan.zoo.measure import differences, measure
from kerasgan.zoo.saving import build, picture

PIXELS = 2.0  # of 255: mean difference of the picture that is let pass


def verify(name):
    """Reads a preset, checks its files' SHA-256, draws its picture again and measures it again.

    Args:
        name: as for `kerasgan.load`.

    Returns:
        What is wrong, a list of sentences; empty if all is as the card says.
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
        return wrong + differences(evaluation["scores"], measure(model, **evaluation)["scores"])
    except (ValueError, OSError) as error:
        return [str(error)]


def _picture(preset, model):
    """Samples of one seed are the same but for rounding: so must the picture be."""
    from PIL import Image

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

    shape, expected = preset.config["arguments"]["image_shape"], preset.metadata["test_accuracy"]["label"]
    x, y = load(preset.metadata["data"]["name"], "test", shape[0], as_numpy=True)
    found = float((Classifier(preset.name, preset.folder.parent).classify(x).argmax(axis=1) == y).mean())
    return [] if abs(found - expected) <= 0.002 else [f"test accuracy was {expected} and is {found:.4f}"]
