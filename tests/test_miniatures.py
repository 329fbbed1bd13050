"""Six families in miniature, each of a kind that no published family was when the base was written."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.data.kinds import Audio, Captions, Tokens
from kerasgan.testing import family_tests
from tests.miniatures.audio import MiniAudio
from tests.miniatures.captions import KIND, MiniCaptions
from tests.miniatures.growing import MiniGrowing
from tests.miniatures.style import MiniStyle
from tests.miniatures.super_resolution import MiniSuperResolution
from tests.miniatures.tokens import MiniTokens

# Published families of each kind have come since, and the quick tests run the same checks on them.
pytestmark = pytest.mark.slow

STYLE = {"image_shape": (8, 8, 1), "latent_dim": 3, "width": 3}
# Slopes of piecewise linear networks do not depend on what is added behind the last activation's input.
PATHS = ("r1: */bias", "path: conv2d*/bias", "path: noise*/strength", "path: images/bias")
test_style = family_tests(MiniStyle, STYLE, unmoved=PATHS)
# One step is of the first stage: what belongs to the others gets no gradient; nor does a critic's last bias.
LATER = [f"{n}_{size}/*" for n in ("grow", "images", "block", "entrance") for size in (4, 8)]
LATER = [*(f"generator: {n}" for n in LATER[:4]), *(f"discriminator: {n}" for n in (*LATER[4:], "dense*/bias"))]
test_growing = family_tests(MiniGrowing, {}, unmoved=tuple(LATER))
# Real and generated sounds have the same labels, whose part in a linear critic's difference is zero.
AUDIO = ("discriminator: embedding*", "discriminator: dense*/bias")
test_audio = family_tests(MiniAudio, {"num_classes": 3}, unmoved=AUDIO)
test_captions = family_tests(MiniCaptions, {})
test_super_resolution = family_tests(MiniSuperResolution, {})
test_tokens = family_tests(MiniTokens, {})


def test_styles_are_truncated_towards_their_mean():
    model = MiniStyle(**STYLE, seed=0)
    model.style_mean.assign([0.1, 0.2, 0.3])
    assert np.ptp(model.sample(4, truncation=0.0, noise="none"), axis=0).max() < 1e-6
    assert np.ptp(model.sample(4, truncation=0.5, noise="none"), axis=0).max() > 1e-3
    np.testing.assert_allclose(model.sample(4, truncation=1.0), model.sample(4), atol=1e-6)


def test_noise_is_that_of_the_seed_and_the_sample():
    model = MiniStyle(**STYLE, seed=0)
    whole = model.sample(7, seed=3)
    np.testing.assert_allclose(model.sample(7, seed=3, batch_size=3), whole, atol=1e-6)
    plain = model.sample(7, seed=3, noise="none")
    assert np.abs(whole - plain).max() > 0.05
    fixed = model.sample(7, seed=3, noise="fixed") - plain
    np.testing.assert_allclose(model.sample(7, seed=3, noise=0.0), plain)
    assert np.abs(model.sample(7, seed=4, noise="fixed") - model.sample(7, seed=3, noise="fixed")).max() > 0.05
    assert fixed.shape == plain.shape


def test_captions_come_as_strings():
    model = MiniCaptions(seed=0)
    model.compile()
    images = np.random.default_rng(0).uniform(-1, 1, (16, 4, 4, 3)).astype("float32")
    texts = ["a red circle", "a blue square"] * 8
    model.fit(images, texts, batch_size=8, verbose=0)
    red, blue = (model.sample(1, seed=1, captions=[text]) for text in ("a red circle", "a blue square"))
    assert np.abs(red - blue).max() > 1e-4
    np.testing.assert_array_equal(red, model.sample(1, seed=1, captions=KIND.encode(["A red, circle!"])))
    with pytest.raises(ValueError, match="`labels` was given"):
        model.sample(1, labels=[0])


@pytest.mark.tensorflow
def test_captions_come_as_strings_in_a_data_set():
    import tensorflow as tf

    model = MiniCaptions(seed=0)
    model.compile()
    images = np.zeros((8, 4, 4, 3), "float32") - 0.5
    dataset = tf.data.Dataset.from_tensor_slices((images, ["a red circle"] * 8)).batch(4)
    assert "mismatched" in model.fit(dataset, verbose=0).history


def test_tokens_come_as_texts():
    model = MiniTokens(seed=0)
    model.compile()
    model.fit(["abc", "fed", "abcde", "a"] * 4, batch_size=8, verbose=0)
    words = model.sample_kind.decode(model.sample(5))
    assert len(words) == 5 and all(set(word) <= set("abcdef") for word in words)


def test_batches_shrink_and_stages_grow():
    model = MiniGrowing(seed=0)
    model.compile()
    sizes = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: sizes.append(int(ops.convert_to_numpy(model.images_seen)))
    )
    images = np.random.default_rng(0).uniform(-1, 1, (32, 8, 8, 1)).astype("float32")
    model.fit(images, epochs=2, callbacks=[note], verbose=0)
    assert np.diff([0, *sizes]).tolist() == [8, 8, 4, 4, 4, 4, 4, 4]
    assert model.current_stage == 2


def test_kinds_draw_themselves():
    audio = Audio(2048)
    tone = np.sin(2 * np.pi * 2000 * np.arange(2048) / 16000).astype("float32")[None, :, None]
    (spectrogram,) = audio.pictures(tone)
    assert abs(spectrogram.mean(axis=1).argmax() - 47) <= 1  # 2 kHz of 8 kHz is a quarter of 64 rows from below
    assert MiniGrowing(seed=0).sample_kind.sheet(np.zeros((4, 8, 8, 1))).dtype == np.uint8
    assert Tokens(3, 4).pictures(np.zeros((1, 3), int)) is None
    assert Captions.of(["Two words"]).encode(["words two three"]).tolist() == [[3, 2]]
