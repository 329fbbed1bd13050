"""Scores of texts and of continued films; presets of sounds, films and texts with what belongs on their cards."""

import io
import json
import wave
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import kerasgan
from kerasgan.commands.main import main
from kerasgan.data.kinds import Audio, Tokens, Video
from kerasgan.studies import own_scores
from kerasgan.studies.gallery import show
from kerasgan.studies.measure import continued, measure
from kerasgan.studies.own_scores import film_scores
from kerasgan.studies.verify import measure_again, verify
from kerasgan.zoo import preset as presets

TEXTS = {"embedding_dim": 4, "head_size": 4, "representations": 2, "filters": ((2, 3),), "units": 4}


@pytest.fixture(scope="module")
def texts():
    return kerasgan.RelGAN(Tokens(4, vocabulary=("", *"abc")), **TEXTS, seed=0)


@pytest.fixture
def words(monkeypatch):
    """Sequences of letters in place of the data."""
    random = np.random.default_rng(0)
    splits = {"train": random.integers(1, 4, (60, 4)), "test": random.integers(1, 4, (30, 4))}
    monkeypatch.setattr(own_scores, "load", lambda data, split, **_: splits[split].astype("int32"))
    return splits


def test_texts_are_scored_between_independent_tokens_and_real_ones(texts, words):
    found = measure(texts, "letters")
    scores = found["scores"]
    assert (found["split"], found["count"]) == ("test", 30) and len(found["sha256"]) == 64
    assert scores["real"]["ceiling"] == 1 and scores["real"]["ours"] <= scores["real"]["ceiling"]
    real = words["test"][np.random.default_rng(0).permutation(30)]
    likelihood = -texts.log_likelihood(real).mean() / 4
    assert scores["negative_log_likelihood"]["ours"] == pytest.approx(likelihood, rel=1e-5)
    assert scores["negative_log_likelihood"]["ceiling"] is None
    assert "60 of letters were trained with and 30 were not" in found["about"]
    other = kerasgan.RelGAN(Tokens(5, vocabulary=("", *"abc")), **TEXTS, seed=0)
    with pytest.raises(ValueError, match="letters has sequences of 4 tokens"):
        measure(other, "letters")


class Perfect:
    """Knows how all films go on."""

    context = 2

    def __init__(self, films):
        self.films = films

    def continue_video(self, films, count, ema=True):
        return self.films[:, 2 : 2 + count] + (0.0 if ema else 0.1)


def test_predicted_frames_are_scored_beside_a_copy(monkeypatch):
    films = np.random.default_rng(0).uniform(-0.8, 0.8, (5, 9, 12, 12, 1)).astype("float32")
    monkeypatch.setattr(own_scores, "load", lambda *_, **__: films)
    source = SimpleNamespace(data="films", model=Perfect(films), ema=True, options={})
    scores, about, count, _ = film_scores(source)
    assert scores["psnr"]["ours"] is None and scores["gradient_energy"]["ours"] == 1 and count == 5
    error = np.square(films[:, 1] - films[:, 2]).mean(axis=(1, 2, 3))
    assert scores["psnr"]["control"] == pytest.approx(np.mean(10 * np.log10(4 / error)), rel=1e-5)
    error = np.square(films[:, 1] - films[:, 6]).mean(axis=(1, 2, 3))
    assert scores["psnr_later"]["control"] == pytest.approx(np.mean(10 * np.log10(4 / error)), rel=1e-5)
    assert "whose frame 3 is predicted" in about
    raw = film_scores(SimpleNamespace(**{**vars(source), "ema": False}))
    assert raw.scores["psnr"]["ours"] == pytest.approx(20 * np.log10(2 / 0.1), rel=1e-4)


def test_sounds_and_films_become_one_file():
    ending, content = Audio(4, 8, 1).recorded(np.full((3, 4, 1), 0.5))
    with wave.open(io.BytesIO(content)) as file:
        levels = np.frombuffer(file.readframes(99), "<i2")
    assert ending == "wav" and levels.tolist() == 3 * [16384, 16384, 16384, 16384, 0, 0]
    films = np.full((2, 3, 32, 32, 1), -1.0)
    films[1, 1:, :16] = 1.0
    films[1, 2] = 1.0
    ending, content = Video((3, 32, 32, 1)).recorded(films, 2)
    with Image.open(io.BytesIO(content)) as file:
        assert ending == "gif" and file.n_frames == 3 and file.size == (67, 34)
        file.seek(2)
        last = np.asarray(file.convert("L"))
    assert last[16, 16] == 0 and last[16, 50] == 255


def test_a_preset_of_sounds_can_be_heard(tmp_path):
    classes = {"name": "drums", "split": "train", "images": 9, "class_names": ["kick", "snare"]}
    sounds = kerasgan.WaveGAN(Audio(256), 2, num_classes=2, width=1, seed=0)
    sounds.save_preset(tmp_path / "sounds", data=classes)
    card = (tmp_path / "sounds" / presets.CARD).read_text("utf-8")
    assert "[Samples to listen to](samples.wav)" in card and "audio-generation" in card
    with wave.open(str(tmp_path / "sounds" / "samples.wav")) as file:
        assert file.getnframes() == 2 * (256 + 4000)
    wrong = verify(tmp_path / "sounds")
    assert wrong == ["nothing was measured"]
    with open(tmp_path / "sounds" / "samples.wav", "ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"samples\.wav is not the file that was published"):
        kerasgan.load(tmp_path / "sounds")


@pytest.mark.slow
def test_a_preset_of_texts_can_be_read_and_is_scored_as_its_card_says(tmp_path, texts, words):
    data = {"name": "letters", "split": "train", "images": 60}
    texts.save_preset(tmp_path / "texts", data=data, evaluation=measure(texts, "letters"))
    card = (tmp_path / "texts" / presets.CARD).read_text("utf-8")
    assert f"`{next(filter(None, texts.texts(9, seed=0)))}`" in card and ".texts(16, seed=0)" in card
    assert not (tmp_path / "texts" / presets.SAMPLES).exists() and verify(tmp_path / "texts") == []
    measure_again(tmp_path / "texts")
    assert (tmp_path / "texts" / presets.CARD).read_text("utf-8") == card
    assert main(["evaluate", str(tmp_path / "texts"), "--out", str(tmp_path / "scores.json")]) == 0
    files = (tmp_path / "scores.json", tmp_path / "texts" / presets.METADATA)
    scores, metadata = (json.loads(file.read_text("utf-8")) for file in files)
    assert scores["scores"] == metadata["evaluation"]["scores"]


def test_a_preset_of_continued_films_shows_its_film(tmp_path):
    films = Video((6, 16, 16, 1)).example(8, 0)
    model = kerasgan.FramePredictor((6, 16, 16, 1), scales=1, patch_size=8, width=1 / 64, seed=0)
    model.save_preset(tmp_path / "films", media=continued(model, films), samples=np.zeros((8, 8, 1), "uint8"))
    card = (tmp_path / "films" / presets.CARD).read_text("utf-8")
    assert "![films](samples.gif)" in card and "video-prediction" in card
    with Image.open(tmp_path / "films" / "samples.gif") as file:
        assert file.n_frames == 6
    shown = show(model, tmp_path / "films", tmp_path / "films" / presets.SAMPLES)
    assert shown["exhibits"][0]["form"] == "film" and shown["exhibits"][0]["file"] == "samples.gif"
