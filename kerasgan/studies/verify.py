"""Whether presets are still what their cards say: files, weights, numbers."""

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
    except (ValueError, OSError) as error:
        return [str(error)]
    unmeasured = OTHER_DATA.format(**evaluation)
    try:
        again = measure(model, **evaluation)
    except (ValueError, OSError) as error:  # the data: the preset itself has been read and drawn
        return [*wrong, f"{unmeasured}: {error}"]
    changed = differences(evaluation["scores"], again["scores"])
    if changed and evaluation.get("sha256") not in (None, again["sha256"]):
        return [*wrong, f"{unmeasured}: its images differ, as with other fonts or photos ({'; '.join(changed)})"]
    return wrong + changed


def measure_again(name):
    """Measures a preset again and writes what was found on its card: after a change of metrics or of data.

    Args:
        name: of a bundled preset, or the path of a preset's folder.

    Raises:
        ValueError: for a preset that is not as it was published, or a classifier.
    """
    preset = find(name)
    model, about = build(preset), {**preset.metadata}
    about["evaluation"] = measure(model, **about["evaluation"])
    card = card_of(preset.folder, model, about, presets.SAMPLES in about.pop("files"))
    presets.write(preset.folder, None, preset.config, about, card)


def _picture(preset, model):
    """Samples of one seed are the same but for rounding: so must the picture be."""
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
