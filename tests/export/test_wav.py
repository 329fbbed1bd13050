"""The signature of SavedModels that gives WAV files."""

import io
import wave

import numpy as np
import pytest

from kerasgan import WaveGAN
from kerasgan.data.kinds import Audio


@pytest.mark.tensorflow
def test_wav_holds_the_sounds(tmp_path):
    import tensorflow as tf

    model = WaveGAN(Audio(32, 8000, 2), latent_dim=2, width=1, num_classes=3, seed=0)
    model.export(tmp_path / "saved")
    signatures = tf.saved_model.load(str(tmp_path / "saved")).signatures
    assert set(signatures) == {"serving_default", "sample", "wav"}
    asked = {"num": tf.constant(2), "seed": tf.constant(5, "int64"), "labels": tf.constant([2, 0])}
    files = signatures["wav"](**asked)["wav_bytes"].numpy()
    for encoded, sound in zip(files, model.sample(2, seed=5, labels=[2, 0]), strict=True):
        with wave.open(io.BytesIO(encoded)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
            levels = np.frombuffer(file.readframes(32), "<i2").reshape(32, 2)
        np.testing.assert_allclose(levels / 32768, sound, atol=1.01 / 32768)
