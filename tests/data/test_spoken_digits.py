"""Spoken digits: the words can be told by ear (a classifier's), in voices that it has not heard."""

import numpy as np
import pytest

from kerasgan.data.builders import sound, spoken_digits
from kerasgan.data.builders.spoken_digits import TEST_VOICES, TRAIN_VOICES, VOICES, WORDS, SpokenDigits

needs_espeak = pytest.mark.skipif(SpokenDigits().requires() is not None, reason=SpokenDigits().requires() or "")


@pytest.fixture(scope="module")
def train():
    return SpokenDigits(count=150).arrays("train", workers=2)


@pytest.fixture(scope="module")
def held_out():
    return SpokenDigits(count=100).arrays("test", workers=2)


def mel_spectrum(audio, bands=32, frames=20):
    """Log-mel spectrum of the loud part, at as many moments whatever its length."""
    loud = np.flatnonzero(np.abs(audio.astype(int)) > 260)
    sound = audio[loud[0] : loud[-1] + 1].astype("float64")
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(sound, 200), 400)
    moments = windows[np.linspace(0, len(windows) - 1, frames).astype(int)]
    power = np.abs(np.fft.rfft(moments * np.hanning(400))) ** 2
    mel = 2595 * np.log10(1 + np.arange(201) * 40 / 700)
    centres = np.linspace(0, mel[-1], bands + 2)[1:-1]
    weights = np.maximum(0, 1 - np.abs(mel[:, None] - centres) / centres[0])
    return np.append(np.log(power @ weights + 100).ravel(), len(sound) / 800)


@needs_espeak
@pytest.mark.slow
def test_a_simple_classifier_recognises_the_words_in_voices_that_it_has_not_heard(train, held_out):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    classifier.fit([mel_spectrum(audio) for audio in train["audio"]], train["label"])
    heard = classifier.predict([mel_spectrum(audio) for audio in held_out["audio"]])
    assert np.mean(heard == held_out["label"]) >= 0.95


@needs_espeak
def test_the_word_is_between_start_and_stop_at_the_stated_level(train):
    assert train["audio"].shape == (150, 16000) and train["audio"].dtype == np.int16
    for audio, start, stop in zip(train["audio"].astype(int), train["start"], train["stop"], strict=True):
        assert not audio[:start].any() and not audio[stop:].any()
        assert np.abs(audio).max() == spoken_digits.PEAK
        # It begins and ends at 1 % of its peak, and lasts as long as a word does.
        assert min(abs(audio[start]), abs(audio[stop - 1])) > 0.009 * spoken_digits.PEAK
        assert 0.1 < (stop - start) / 16000 < 0.8


def test_the_splits_have_no_voice_in_common(request):
    assert set(TRAIN_VOICES) | set(TEST_VOICES) == set(VOICES) and not set(TRAIN_VOICES) & set(TEST_VOICES)
    assert (len(TRAIN_VOICES), len(TEST_VOICES)) == (50, 12)
    # Women and men in both.
    for voices in (TRAIN_VOICES, TEST_VOICES):
        assert 0.2 < np.isin(voices, spoken_digits.WOMEN).mean() < 0.3
    if SpokenDigits().requires() is None:
        for examples, voices in (("train", TRAIN_VOICES), ("held_out", TEST_VOICES)):
            assert set(np.array(VOICES)[request.getfixturevalue(examples)["voice"]]) <= set(voices)


@needs_espeak
def test_every_voice_and_every_accent_sounds_different():
    # eSpeak NG speaks in its own voice where it does not know one, and says nothing of it.
    voices = {spoken_digits.speak("nine", f"en-us+{voice}", 50, 170).tobytes() for voice in VOICES}
    assert len(voices) == len(VOICES)
    accents = {spoken_digits.speak(" ".join(WORDS), accent, 50, 170).tobytes() for accent in spoken_digits.ACCENTS}
    assert len(accents) == len(spoken_digits.ACCENTS)


@needs_espeak
def test_pitch_and_speed_are_what_the_factors_say():
    def lasts(speed):
        return len(spoken_digits.speak("seven", "en-us+m3", 50, speed))

    def sounds(pitch):
        vowel = spoken_digits.speak("four", "en-us+m3", pitch, 100)[4000:7000].astype("float64")
        correlation = np.correlate(vowel, vowel, "full")[len(vowel) - 1 :]
        return 16000 / (40 + correlation[40:320].argmax())

    assert lasts(140) > 1.2 * lasts(210)
    assert sounds(70) > 1.2 * sounds(50) > 1.2**2 * sounds(30)


def test_resampling_keeps_a_tone_and_cuts_off_what_16_khz_cannot_hold():
    time = np.arange(22050) / 22050
    fade = np.hanning(22050)
    kept = sound.at_16_khz(fade * np.sin(2 * np.pi * 1000 * time), 22050)
    assert len(kept) == 16000
    expected = np.hanning(22050)[0] + np.interp(np.arange(16000) / 16000, time, fade) * np.sin(
        2 * np.pi * 1000 * np.arange(16000) / 16000
    )
    np.testing.assert_allclose(kept, expected, atol=1e-6)
    assert np.abs(sound.at_16_khz(fade * np.sin(2 * np.pi * 9000 * time), 22050)).max() < 1e-6


@needs_espeak
def test_an_example_depends_on_its_split_and_index_alone(train):
    dataset = SpokenDigits()
    alone = dataset.example(dataset.random("train", 77), "train", 77)
    for name in dataset.features:
        np.testing.assert_array_equal(alone[name], train[name][77])


@needs_espeak
def test_the_version_of_the_synthesiser_is_recorded():
    version = SpokenDigits().metadata()["espeak-ng"]
    assert version[0].isdigit() and "." in version


def test_without_espeak_the_error_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(spoken_digits, "installed", lambda *paths: [])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"Debian package espeak-ng.*install_data_packages"):
        SpokenDigits().generate("train")


def test_a_spectrogram_shows_a_tone_at_its_time_and_frequency():
    audio = np.zeros(16000)
    audio[8000:] = 8000 * np.sin(2 * np.pi * 2000 * np.arange(8000) / 16000)
    picture = sound.spectrogram(audio.astype("int16"))
    assert picture.shape == (128, 125) and picture.dtype == np.uint8
    assert picture[:, 90].argmax() == 127 - 2000 // 62.5
    assert picture[:, :55].max() == 0
