"""Sounds on the command line."""

import wave

import numpy as np
from PIL import Image

from kerasgan import WaveGAN
from kerasgan.commands.main import main
from kerasgan.data.kinds import Audio


def read(path):
    """(rate, levels of shape (length, channels)) of a WAV file of 16 bits."""
    with wave.open(str(path)) as file:
        assert file.getsampwidth() == 2
        levels = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return file.getframerate(), levels.reshape(-1, file.getnchannels())


def test_sounds_become_files(tmp_path):
    model = WaveGAN(Audio(64, 8000, 2), latent_dim=2, width=1, seed=0)
    model.save_preset(tmp_path / "tiny")
    out = tmp_path / "sounds"
    assert main(["sample", str(tmp_path / "tiny"), "-n", "11", "--seed", "3", "-o", str(out)]) == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == [*(f"{n:02d}.wav" for n in range(11)), "sheet.png"]
    for number, sound in enumerate(model.sample(11, seed=3)):
        rate, levels = read(out / f"{number:02d}.wav")
        assert rate == 8000
        np.testing.assert_allclose(levels / 32768, sound, atol=0.51 / 32768)
    assert main(["sample", str(tmp_path / "tiny"), "-n", "2", "-o", str(tmp_path / "grid.png")]) == 0
    with Image.open(tmp_path / "grid.png") as few, Image.open(out / "sheet.png") as many:
        assert few.size < many.size


def test_levels_are_clipped():
    file = Audio(3, 8000).encoded(np.array([[-1.005], [0.5], [1.005]], "float32"))
    assert np.frombuffer(file[-6:], "<i2").tolist() == [-32768, 16384, 32767]
