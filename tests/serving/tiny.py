"""A tiny conditional model as a SavedModel; `python -m tests.serving.tiny FOLDER` writes it for servers' environments.

FOLDER/tiny/1 is the SavedModel, FOLDER/expected.npz what it must draw: `seed_<s>` for labels 0, 1, 2, and `latents`,
`labels` and their `images` for serving_default.
"""

import sys
from pathlib import Path

import numpy as np

from kerasgan import DCGAN

NAME, LABELS, SEEDS = "tiny", [0, 1, 2], range(20)


def make():
    """A model whose weights were all moved, as after some steps."""
    model = DCGAN((8, 8, 1), latent_dim=4, num_classes=3, width=4, kernel_size=4, seed=0)
    random = np.random.default_rng(0)
    weights = model.ema_generator.get_weights()
    model.ema_generator.set_weights([weight + random.uniform(-0.3, 0.3, weight.shape) for weight in weights])
    return model


def write(folder):
    """Writes the SavedModel and what is expected of it; returns that as a dictionary."""
    model = make()
    model.export(Path(folder) / NAME / "1")
    random = np.random.default_rng(1)
    latents, labels = random.uniform(-1, 1, (17, 4)).astype("float32"), np.arange(17, dtype="int32") % 3
    expected = {f"seed_{seed}": model.sample(3, seed, LABELS) for seed in SEEDS}
    expected |= {"latents": latents, "labels": labels, "images": model.generate([latents, labels])}
    np.savez(Path(folder) / "expected.npz", **expected)
    return expected


if __name__ == "__main__":
    write(sys.argv[1])
