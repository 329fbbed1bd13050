"""What the gallery shows of each kind of sample, and its pages, without a browser."""

import base64
import html.parser
import math
import wave

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerasgan import SRGAN, CycleGAN, InfoGAN, LatentModel, MolGAN
from kerasgan.data.kinds import Audio, Characters, Graphs, Tokens, Video, Voxels
from kerasgan.pictures.images import grid, write_png
from kerasgan.pictures.molecules import draw_molecule
from kerasgan.studies import gallery
from kerasgan.studies.gallery import pages
from kerasgan.studies.gallery.exhibits import cut
from kerasgan.studies.gallery.html import Markup, tag
from kerasgan.zoo.preset import write_json

pytestmark = pytest.mark.tensorflow  # on which zoos are published


class Dense(LatentModel):
    """Samples of any shape, of classes or not, from one dense layer."""

    def build_generator(self):
        latents, conditions = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = layers.Concatenate()([latents, *(layers.Flatten()(layers.Embedding(40, 2)(each)) for each in conditions)])
        strong = keras.initializers.RandomNormal(stddev=3.0, seed=0)
        x = layers.Dense(math.prod(self.image_shape), "sigmoid", kernel_initializer=strong)(x)
        return keras.Model([latents, *conditions], layers.Reshape(self.image_shape)(x), name="generator")

    def build_discriminator(self):
        x, conditions = keras.Input(self.image_shape, name="samples"), self.condition_inputs()
        return keras.Model([x, *conditions], layers.Dense(1)(layers.Flatten()(x)), name="discriminator")


class Spelled(Dense):
    """Tokens of a dense layer."""

    def sample(self, count, seed=0, labels=None, **options):
        return self.sample_kind.example(count, seed)


def shown(model, tmp_path, **options):
    """What is shown of a model, with all of its files."""
    found = gallery.show(model, tmp_path, **options)
    for each in found["exhibits"]:
        for key in ("file", "picture", "before", "after", "target"):
            assert each.get(key) is None or (tmp_path / each[key]).stat().st_size > 0
    return found


def test_a_sound_of_each_class_has_a_file_and_a_spectrogram(tmp_path):
    model = Dense(Audio(300, 8000), 2, num_classes=3, seed=0)
    model.class_names = ("kick", "snare", "hi-hat")
    found = shown(model, tmp_path)
    assert (found["kind"], found["classes"], found["latents"]) == ("audio", ["kick", "snare", "hi-hat"], None)
    assert [each["title"] for each in found["exhibits"]] == found["classes"]
    expected = model.sample(3, 0, labels=[0, 1, 2])[1, :, 0]
    with wave.open(str(tmp_path / found["exhibits"][1]["file"])) as sound:
        levels = np.frombuffer(sound.readframes(300), "<i2")
    np.testing.assert_allclose(levels / 32768, expected, atol=1e-4)


def test_films_loop_and_have_a_still(tmp_path):
    found = shown(Dense(Video((3, 8, 8, 3)), 2, seed=0), tmp_path)
    with Image.open(tmp_path / found["exhibits"][0]["file"]) as film:
        assert film.n_frames == 3 and film.info["loop"] == 0
    with Image.open(tmp_path / found["exhibits"][0]["picture"]) as still:
        assert still.size == (8, 8)


def test_solids_are_bits_in_the_order_that_the_page_reads(tmp_path):
    model = Dense(Voxels((2, 3, 4, 1)), 2, seed=0)
    found = shown(model, tmp_path)
    solid = model.sample(6, 0)[2, ..., 0] > 0.5
    stored = (tmp_path / found["exhibits"][2]["file"]).read_bytes()
    for (x, y, z), full in np.ndenumerate(solid):
        place = (x * 3 + y) * 4 + z
        assert bool(stored[place >> 3] & (128 >> (place & 7))) == full
    page = str(pages.exhibits(found, tmp_path)[0])
    assert base64.b64encode(stored).decode() in page and '"size": [2, 3, 4]' in page


def test_texts_and_graphs(tmp_path):
    kind = Tokens(3, vocabulary=("", "a", "b<"))
    found = shown(Spelled(kind, 2, seed=0), tmp_path)
    assert [each["text"] for each in found["exhibits"]] == kind.decode(kind.example(16, 0))
    assert "b&lt;" in str(pages.exhibits(found, tmp_path)[0])
    model = MolGAN(Graphs(4, 5, 4), 2, generator_widths=(4,), convolutions=(4,), aggregation=4, widths=(4,), seed=0)
    found = shown(model, tmp_path / "molecules", data="molecules/small")
    assert len(found["exhibits"]) == 12 and found["exhibits"][0]["title"] == "Sample 1"  # other atoms than the data's
    assert "valid" not in str(found)
    assert "molecule" in shown(model, tmp_path / "qm9")["exhibits"][0]["title"]


@pytest.fixture(autouse=True)
def _folders(tmp_path):
    for name in ("molecules", "qm9"):
        (tmp_path / name).mkdir()


def test_pairs_are_cut_from_the_picture(tmp_path):
    pictures = np.random.default_rng(0).uniform(-1, 1, (12, 16, 16, 3)).astype("float32")
    write_png(tmp_path / "samples.png", grid(pictures, 2))
    model = CycleGAN((16, 16, 3), width=2, blocks=1, discriminator_depth=1, seed=0)
    found = shown(model, tmp_path, samples=tmp_path / "samples.png")
    assert found["kind"] == "translation" and len(found["exhibits"]) == 4  # two columns, both ways
    with Image.open(tmp_path / found["exhibits"][3]["before"]) as before:
        np.testing.assert_array_equal(np.asarray(before), grid(pictures[7:8], 1, padding=0))
    assert found["exhibits"][3]["target"] is None and "other way" in found["exhibits"][3]["title"]
    model = SRGAN((16, 16, 3), factor=2, width=4, blocks=1, stages=1, units=2, seed=0)
    write_png(tmp_path / "samples.png", grid(pictures[:6], 2))
    found = shown(model, tmp_path, samples=tmp_path / "samples.png")
    assert found["kind"] == "enlargement" and found["exhibits"][1]["target"] is not None
    page = "".join(map(str, pages.exhibits(found, tmp_path)))
    assert page.count('class="compare"') == 2 and "Right: enlarged by the model." in page


def test_what_is_no_panel_is_not_cut(tmp_path):
    write_png(tmp_path / "samples.png", np.zeros((50, 70, 3), "uint8"))
    assert cut(tmp_path / "samples.png", (16, 16)) is None
    write_png(tmp_path / "samples.png", np.full((67, 67, 3), 9, "uint8"))  # the size of one, without margins
    assert cut(tmp_path / "samples.png", (32, 32)) is None


def test_latents_are_described_as_they_are_drawn(tmp_path):
    assert shown(Dense((4, 4, 1), 3, seed=0), tmp_path)["latents"] == [["normal", 3]]
    assert shown(Dense((4, 4, 1), 3, (0, 1), seed=0), tmp_path)["latents"] == [["uniform", 3, 0.0, 1.0]]
    assert shown(Dense((4, 4, 1), 3, num_classes=2, seed=0), tmp_path)["classes"] == ["0", "1"]
    assert shown(Dense((5,), 3, seed=0), tmp_path)["latents"] is None  # no pictures
    model = InfoGAN((8, 8, 1), noise_dim=4, categorical=(3,), continuous=2, width=2, seed=0)
    latents = shown(model, tmp_path)["latents"]
    assert latents == [["uniform", 4, -1.0, 1.0], ["class", 3], ["uniform", 2, -1.0, 1.0]]
    assert sum(part[1] for part in latents) == model.latent_dim


def test_sentences_have_pictures(tmp_path):
    from kerasgan import TextToImageGAN

    small = {"width": 4, "caption_size": 2, "text_size": 4, "text_width": 4, "latent_dim": 2}
    model = TextToImageGAN((16, 16, 3), condition=Characters.of(["a red circle", "a blue square"]), **small, seed=0)
    found = shown(model, tmp_path)
    assert [each["form"] for each in found["exhibits"]] == ["captioned"] * len(found["exhibits"])
    assert found["latents"] is None and "a red circle" in {each["title"] for each in found["exhibits"]}


# Pages ---------------------------------------------------------------------------------------------------------------


class Reader(html.parser.HTMLParser):
    """Tags, ids, headings and links of a page; unbalanced elements are an error."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.levels = [], [], []
        self.feed(page)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "img", "input", "source", "br", "hr"):
            self.open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.levels.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


ENTRY = {
    "family": "DCGAN",
    "data": "fashion",
    "files": {"samples.png": {"bytes": 9}, "README.md": {"bytes": 9}},
    "exports": {"model.onnx": {"bytes": 2_000_000}},
    "scores": {"frechet_distance": {"title": "Fréchet distance", "control": 9.0, "ours": 1.5, "ceiling": None}},
    "kind": "images",
    "classes": ["T-shirt/top", "<Bag>"],
    "latents": [["normal", 4]],
    "size": [8, 8, 1],
    "exhibits": [],
}
CARD = """---
license: apache-2.0
---

# one

A trained `kerasgan.DCGAN`. A <b>GAN</b>.

```python
import kerasgan
```

| score | ours |
|---|---|
| a | 1 |
"""


@pytest.fixture
def site(tmp_path):
    """A written gallery of two presets, of which one is not live and says little."""
    other = {**ENTRY, "kind": "audio", "latents": None, "scores": {}, "classes": [], "data": None, "exports": {}}
    published = {"one": ENTRY, "two": {**other, "files": {}}}
    for name in published:
        (tmp_path / name).mkdir()
    command, data = "kerasgan train dcgan", {"name": "fashion"}
    known = {"name": "one", "command": command, "data": data, "seed": 0, "parameters": 1234, "minutes": 2.0}
    write_json(tmp_path / "one" / "metadata.json", known)
    write_json(tmp_path / "two" / "metadata.json", {"name": "two"})
    (tmp_path / "one" / "README.md").write_text(CARD)
    gallery.write_pages(tmp_path, published)
    return tmp_path


def read(path):
    return Reader(path.read_text("utf-8"))


def test_pages_are_sound_and_ask_no_other_host(site):
    for path in (site / "index.html", site / "one" / "index.html", site / "two" / "index.html"):
        page = read(path)
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), ids
        assert page.levels[0] == 1 and page.levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(page.levels, page.levels[1:], strict=False))
        assert all(image["alt"] for image in page.all("img"))
        for _, attributes in page.tags:
            for key in ("src", "href", "srcset"):
                assert not attributes.get(key, "").startswith(("http", "//"))
            assert "style" not in attributes and not any(key.startswith("on") for key in attributes)
            if "aria-labelledby" in attributes:
                assert attributes["aria-labelledby"] in ids
        (policy,) = [each["content"] for each in page.all("meta") if each.get("http-equiv")]
        assert policy.startswith("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:")
        for linked in [*page.all("link")[1:], *page.all("script")]:
            file = linked.get("href") or linked.get("src")
            assert file is None or (path.parent / file).is_file()


def test_the_first_page_has_what_filters_need(site):
    page = read(site / "index.html")
    one, two = [each for each in page.all("li") if each.get("class") == "card"]
    assert (one["data-kind"], one["data-family"], one["data-data"], one["data-conditional"]) == (
        *("Pictures", "DCGAN", "fashion", "yes"),
    )
    assert "<bag>" in one["data-text"] and two["data-conditional"] == "no" and two["data-data"] == "unknown data"
    options = {each.get("value") for each in page.all("option")}
    assert {"Pictures", "Sounds", "DCGAN", "fashion", "unknown data", "yes", "one"} <= options
    text = (site / "index.html").read_text("utf-8")
    assert "Fréchet distance <strong>1.5</strong> (baseline 9)" in text and "this site has" in text
    assert '"T-shirt/top"' in text and "\\u003cBag>" in text and "<Bag>" not in text


def test_a_preset_has_its_card_command_licences_and_code(site):
    text = (site / "one" / "index.html").read_text("utf-8")
    assert "MIT (Copyright (c) 2017 Zalando SE)" in text and "Apache-2.0, as the package" in text
    assert "kerasgan train dcgan" in text and "Seed 0, 2 minutes" in text and "1,234 parameters" in text
    assert "A trained kerasgan.DCGAN. A &lt;b&gt;GAN&lt;/b&gt;." in text and "license: apache-2.0" not in text
    assert "<h2>one</h2>" in text and "<td>a</td>" in text and '<th scope="row">Fréchet distance</th>' in text
    copied = [each["data-copies"] for each in read(site / "one" / "index.html").all("button") if "data-copies" in each]
    assert copied == ["load-it-code", "made-by-code"]
    text = (site / "two" / "index.html").read_text("utf-8")
    assert (
        "Nothing was measured." in text
        and "not recorded" in text
        and 'kerasgan.load("two")' in text.replace("&quot;", '"')
    )


def test_elements_escape_what_they_are_given():
    made = tag("p", "a < b", [None, Markup("<br>")], class_="x", data_y='"', hidden=True, title=None)
    assert made == '<p class="x" data-y="&quot;" hidden>a &lt; b<br></p>'
    assert tag("img", alt="") == '<img alt="">'


# Graphs --------------------------------------------------------------------------------------------------------------


def test_letters_and_lines_of_a_molecule():
    edges = np.zeros((5, 5), int)
    for one, other, kind in ((0, 1, 2), (1, 2, 1)):
        edges[one, other] = edges[other, one] = kind
    nodes = [3, 1, 1, 0, 2]  # O=C-C, nothing, and N alone
    drawn = draw_molecule(nodes, edges, ("none", "C", "N", "O"))
    assert drawn.count("<line") == 3 and drawn.count("<text") == 2 and ">O</text>" in drawn and ">N</text>" in drawn
    assert draw_molecule([0], np.zeros((1, 1), int), ("none",)).count("<line") == 0
