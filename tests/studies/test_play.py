"""`kerasgan play`: the functions behind the widgets, for each kind of model, and the page if Gradio is installed."""

import math
import shutil
import wave

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerasgan import DCGAN, SRGAN, CycleGAN, LatentModel, StyleGAN2
from kerasgan.commands.main import main
from kerasgan.data.kinds import Video, Voxels
from kerasgan.studies import play
from kerasgan.studies.play import Playground
from tests.miniatures.audio import MiniAudio
from tests.miniatures.captions import MiniCaptions

TINY = {"width": 2, "blocks": 1, "discriminator_depth": 1, "seed": 0}  # a CycleGAN


class Flat(LatentModel):
    """Samples of any shape from one dense layer."""

    def build_generator(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        x = layers.Dense(
            math.prod(self.image_shape), "sigmoid", kernel_initializer=keras.initializers.RandomNormal(3.0)
        )
        return keras.Model(latents, layers.Reshape(self.image_shape)(x(latents)), name="generator")

    def build_discriminator(self):
        x = keras.Input(self.image_shape, name="samples")
        return keras.Model(x, layers.Dense(1)(layers.Flatten()(x)), name="discriminator")


def lively(model):
    """The model with a generator whose samples differ much."""
    network = model.ema_generator
    network.set_weights([4.0 * weights if weights.ndim > 1 else weights for weights in network.get_weights()])
    return model


@pytest.fixture(scope="module")
def classes():
    model = DCGAN((16, 16, 1), latent_dim=3, num_classes=2, width=2, generator_width=2, kernel_size=4, seed=0)
    return Playground(lively(model), ("round", "square"))


@pytest.fixture(scope="module")
def styles():
    small = {"latent_dim": 4, "style_dim": 4, "channel_base": 16, "channel_max": 4, "depth": 1}
    return Playground(StyleGAN2((8, 8, 3), **small, seed=0))


def halves(picture, count=2):
    """The parts of a picture with samples side by side and a margin of 2."""
    width = (picture.shape[1] - 2) // count
    return [picture[:, 2 + place * width : place * width + width] for place in range(count)]


def test_samples_of_classes(classes):
    assert classes.tabs == ("samples", "walk", "edit") and classes.classes == ["round", "square"]
    picture, file = classes.samples(seed=1, count=4)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3 and min(picture.shape[:2]) > 300 and file is None
    assert np.array_equal(picture, classes.samples(seed=1, count=4)[0])
    made = [classes.samples(1, 4, name)[0] for name in ("any", "round", "square")]
    assert not np.array_equal(made[1], made[2]) and not np.array_equal(made[0], made[1])
    assert classes.labels("square", 3)["labels"].tolist() == [1, 1, 1]
    assert classes.labels("any", 3)["labels"].tolist() == [0, 1, 0]
    assert Playground(classes.model, ("one name",)).classes == ["0", "1"]


def test_a_walk_is_a_film_of_all_frames(classes):
    path = classes.walk(seed=0, stops=3, steps=4, chosen="square")
    with Image.open(path) as film:
        assert film.format == "GIF" and film.n_frames == 12 and min(film.size) >= 192


def test_an_edit_without_strength_changes_nothing(classes):
    assert len(classes.directions().names) <= play.DIRECTIONS
    left, right = halves(classes.edit(0, "round", None, 0.0, 0.0))
    assert np.array_equal(left, right)
    left, up = halves(classes.edit(0, "round", None, 1.0))
    assert not np.array_equal(left, up)
    _, down = halves(classes.edit(0, "round", None, -1.0))
    assert not np.array_equal(up, down)
    _, sefa = halves(classes.edit(0, "round", None, 1.0, method="sefa"))
    assert not np.array_equal(left, sefa)


def test_styles_are_mixed_from_a_layer_on(styles):
    assert styles.tabs == ("samples", "walk", "edit", "mix") and styles.truncation == (1.0, 0.0, 1.2)
    left, middle, right = halves(styles.mix(0, 1, 0), 3)
    assert np.array_equal(middle, right) and not np.array_equal(left, right)
    left, middle, right = halves(styles.mix(0, 1, styles.layers), 3)
    assert np.array_equal(middle, left)


def test_truncation_only_where_there_is_one(classes, styles):
    assert classes.truncation is None and classes.samples(truncation=0.5)[0] is not None
    one, other = (styles.edit(seed, "any", 0.0)[:, :100] for seed in (0, 1))
    assert np.array_equal(one, other)  # the mean style, with the same noise
    assert not np.array_equal(one, styles.edit(1, "any", 1.0)[:, :100])


def test_pictures_of_a_sentence():
    one = Playground(MiniCaptions(seed=0))
    assert one.tabs == ("captions",) and one.example_caption == "a red blue"
    assert one.of_caption("a red circle", seed=0, count=4).shape[2] == 3


def test_a_sound_and_its_picture():
    one = Playground(MiniAudio(num_classes=3, seed=0))
    picture, file = one.samples(count=2)
    with wave.open(file) as sound:
        assert sound.getframerate() == 16_000 and sound.getnframes() == 16
    assert picture.shape[2] == 3 and one.tabs == ("samples", "walk", "edit")


@pytest.mark.parametrize("kind", [Voxels((4, 4, 4, 1)), Video((3, 8, 8, 3))])
def test_solids_and_films_have_pictures(kind):
    one = Playground(Flat(kind, latent_dim=2, seed=0))
    assert one.samples(count=3)[0].shape[2] == 3 and "walk" in one.tabs


def test_points_are_drawn_and_do_not_walk():
    one = Playground(Flat((2,), latent_dim=2, seed=0))
    assert one.tabs == ("samples",) and one.samples(count=9)[0].shape == (384, 384, 3)


def test_translations_there_and_back():
    one = Playground(CycleGAN((16, 16, 3), **TINY))
    assert one.tabs == ("translate",) and one.both_ways and one.classes == []
    picture = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype="uint8")
    seen, made = one.translate(picture)
    assert seen.shape == made.shape == (384, 384, 3)
    assert not np.array_equal(made, one.translate(picture, back=True)[1])
    x = one.as_input(picture)
    assert x.shape == (1, 16, 16, 3) and x.min() >= -1 and x.max() <= 1
    assert one.as_input(picture[..., 0]).shape == (1, 16, 16, 3)


def test_an_enlargement_takes_a_small_picture():
    one = Playground(SRGAN((16, 16, 3), factor=2, width=4, blocks=1, stages=1, units=2, seed=0))
    assert one.as_input(np.zeros((40, 40, 3), "uint8")).shape == (1, 8, 8, 3)
    _, made = one.translate(np.zeros((40, 40, 3), "uint8"))
    assert made.shape[:2] == (384, 384) and not one.both_ways


def test_the_page_of_each_kind_of_model(classes, styles):
    gr = pytest.importorskip("gradio")
    from kerasgan.studies import page

    made = page.build(lambda name: (classes.model, ("round", "square")), "mine")
    assert made.title == "kerasgan play" and not made.analytics_enabled
    theme = made.kerasgan_options["theme"]
    assert "googleapis" not in str(theme.to_dict()) and not theme._stylesheets
    kinds = [classes, styles, Playground(MiniCaptions(seed=0)), Playground(MiniAudio(num_classes=3, seed=0))]
    for one in [*kinds, Playground(CycleGAN((16, 16, 3), **TINY))]:
        with gr.Blocks(analytics_enabled=False) as made:
            for tab in one.tabs:
                page.TABS[tab](gr, one)
        assert sum(isinstance(block, gr.Tab) for block in made.blocks.values()) == len(one.tabs)


def test_without_gradio_the_extra_is_named(monkeypatch, capfd):
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    assert main(["play", "dcgan_digits"]) == 2
    assert "kerasgan[play]" in capfd.readouterr().err


def test_presets_of_classifiers_are_not_played_with():
    assert "dcgan_fashion" in play.playable() and "classifier-digits-v1" not in play.playable()


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_the_page_draws_in_the_browser_without_any_outside_request(classes):
    pytest.importorskip("gradio")
    playwright = pytest.importorskip("playwright.sync_api")
    from kerasgan.studies import page

    made = page.build(lambda name: (classes.model, ("round", "square")), "mine")
    _, address, _ = made.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, share=False, **made.kerasgan_options
    )
    try:
        with playwright.sync_playwright() as player:
            browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": 1200, "height": 900})
            asked, complaints = [], []
            tab.on("request", lambda request: asked.append(request.url))
            tab.on("pageerror", lambda error: complaints.append(str(error)))
            tab.goto(address)
            tab.wait_for_selector(".picture img", timeout=60_000)
            first = tab.locator(".picture img").first.get_attribute("src")
            tab.locator("input[type=number]").first.fill("7")
            tab.locator("input[type=number]").first.press("Enter")
            tab.wait_for_function(
                "before => document.querySelector('.picture img').src !== before", arg=first, timeout=60_000
            )
            browser.close()
    finally:
        made.close()
    assert not complaints
    assert all(url.startswith((address, "data:", "blob:")) for url in asked), asked
