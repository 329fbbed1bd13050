"""Untrained models of every kind of sample, as presets."""

import numpy as np

import kerasgan
from kerasgan.data.kinds import Audio, Characters, Graphs, Tokens, Video, Voxels
from kerasgan.pictures.images import grid


def save_tiny_presets(folder):
    """Writes a preset of each kind into a folder, by the name of the kind; see `kerasgan.studies.gallery`."""
    random = np.random.default_rng(0)
    films = random.uniform(-1, 1, (12, 32, 32, 1))
    texts = {"width": 4, "caption_size": 4, "text_size": 8, "text_width": 8, "latent_dim": 3}
    captions = Characters.of(["a red circle", "a blue square"])
    srgan = kerasgan.SRGAN((32, 32, 3), factor=2, width=4, blocks=1, stages=1, units=2, seed=0)
    panel = grid(np.concatenate(srgan.panel(random.uniform(-1, 1, (4, 32, 32, 3)).astype("float32"))), 4)
    relgan = {"embedding_dim": 4, "head_size": 4, "representations": 2, "filters": ((2, 3),), "units": 4}
    classes = {"data": {"name": "drums", "split": "train", "images": 9, "class_names": ["kick", "snare", "hi-hat"]}}
    models = {
        "audio": (kerasgan.WaveGAN(Audio(4096), 3, num_classes=3, width=2, seed=0), classes),
        "voxels": (kerasgan.GAN3D(Voxels((16, 16, 16, 1)), 3, width=2, seed=0), {}),
        "video": (kerasgan.VideoGAN(Video((32, 64, 64, 3)), 3, width=2, seed=0), {}),
        "tokens": (kerasgan.RelGAN(Tokens(6, vocabulary=("", *"abcdef")), **relgan, seed=0), {}),
        "graphs": (kerasgan.MolGAN(Graphs(5, 5, 4), 3, generator_widths=(8,), seed=0), {}),
        "prediction": (
            kerasgan.FramePredictor((6, 32, 32, 1), scales=2, patch_size=16, width=0.1, seed=0),
            {"samples": grid(films, 4)},
        ),
        "enlargement": (srgan, {"samples": panel}),
        "images": (kerasgan.TextToImageGAN((16, 16, 3), condition=captions, **texts, seed=0), {}),
    }
    for name, (model, options) in models.items():
        model.save_preset(folder / name, **options)
