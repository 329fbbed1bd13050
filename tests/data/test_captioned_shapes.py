import collections
import itertools
import math
import re

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage

from kerasgan.data.builders import captioned_shapes
from kerasgan.data.builders.captioned_shapes import CaptionedShapes

SHAPES, COLOURS = tuple(captioned_shapes.SHAPES), tuple(captioned_shapes.COLOURS)
BACKGROUNDS, SIZES = tuple(captioned_shapes.BACKGROUNDS), tuple(captioned_shapes.RADII)
THING = r"(small|large) (\w+) (\w+)"


@pytest.fixture(scope="module")
def scenes():
    return {split: CaptionedShapes(count=400).arrays(split) for split in ("train", "held_out")}


def read(caption):
    """What a caption says, by patterns of its own: background, things, count, relation and place."""
    backgrounds = [word for word in BACKGROUNDS if re.search(rf"\b{word}\b", caption)]
    assert len(backgrounds) == 1  # no object has the name of a background's colour
    singular = re.sub(r"crosses\b", "cross", re.sub(r"(circle|square|triangle|heart|star|ring)s\b", r"\1", caption))
    things = [
        (SHAPES.index(shape), COLOURS.index(colour), SIZES.index(size))
        for size, colour, shape in re.findall(THING, singular)
    ]
    number = re.search(r"\b(two|three|four)\b", caption)
    relation = re.search(r"left of|right of|above|below", caption)
    place = re.search(r"(at the|in the) ((top|bottom|left|right|centre)( left| right)?)\b", caption)
    count = {"two": 2, "three": 3, "four": 4}[number[1]] if number else len(things)
    return backgrounds[0], things, count, relation and relation[0], place and place[2]


def row_and_column(place):
    row = 0 if "top" in place else 2 if "bottom" in place else 1
    return row, 0 if "left" in place else 2 if "right" in place else 1


def draw(shape, radius, centre, zoom=8):
    """Share of each pixel that a shape covers, by Pillow."""
    canvas = Picture.new("L", (64 * zoom, 64 * zoom))
    pen, (x, y) = ImageDraw.Draw(canvas), np.array(centre) * zoom - 0.5
    radius = radius * zoom

    def circle(size, fill, right=0.0, down=0.0):
        pen.ellipse((x + right - size, y + down - size, x + right + size, y + down + size), fill=fill)

    def corners(*radii):
        angles = np.arange(len(radii)) * 2 * math.pi / len(radii)
        pen.polygon([(x + r * math.sin(a), y - r * math.cos(a)) for r, a in zip(radii, angles, strict=True)], fill=255)

    if shape == "circle":
        circle(radius, 255)
    elif shape == "square":
        pen.rectangle((*(np.array([x, y]) - radius * 0.7071), *(np.array([x, y]) + radius * 0.7071)), fill=255)
    elif shape == "triangle":
        corners(radius, radius, radius)
    elif shape == "star":
        corners(*[radius, 0.45 * radius] * 5)
    elif shape == "ring":
        circle(radius, 255)
        circle(0.56 * radius, 0)
    elif shape == "cross":
        for wide, high in ((0.95, 0.3), (0.3, 0.95)):
            pen.rectangle((x - wide * radius, y - high * radius, x + wide * radius, y + high * radius), fill=255)
    else:  # the heart: its tip is at one radius below the centroid
        half = 0.5384 * radius
        middle = half * math.sqrt(2)
        down = radius - middle
        pen.polygon([(x, y + radius), (x + middle, y + down), (x, y + down - middle), (x - middle, y + down)], fill=255)
        circle(half, 255, middle / 2, down - middle / 2)
        circle(half, 255, -middle / 2, down - middle / 2)
    return np.asarray(canvas.reduce(zoom)) / 255


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_captions_say_what_the_features_say(scenes, split):
    arrays = scenes[split]
    for index, caption in enumerate(arrays["caption"]):
        background, things, count, relation, place = read(str(caption))
        assert background == BACKGROUNDS[arrays["background"][index]]
        assert count == arrays["count"][index]
        triples = np.stack([arrays[name][index] for name in ("shapes", "colours", "sizes")], axis=1)
        assert [tuple(triple) for triple in triples if triple[0] >= 0] == things
        assert (relation is None) == (arrays["relation"][index] == -1)
        assert relation is None or relation == captioned_shapes.RELATIONS[arrays["relation"][index]]
        assert (place is None) == (arrays["place"][index] == -1)
        assert place is None or divmod(arrays["place"][index], 3) == row_and_column(place)
        kind = "single" if count == 1 else "pair" if len(things) == 2 else "several"
        assert kind == tuple(captioned_shapes.SCENES)[arrays["scene"][index]]


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_pictures_show_what_the_captions_say(scenes, split):
    for image, caption in zip(scenes[split]["image"][:150], scenes[split]["caption"], strict=False):
        background, things, count, relation, place = read(str(caption))
        pixels = image / 255
        backdrop = np.array(captioned_shapes.BACKGROUNDS[background])
        assert np.abs(pixels[[0, 0, -1, -1], [0, -1, 0, -1]] - backdrop).max() < 0.003

        parts, found = ndimage.label(np.abs(pixels - backdrop).max(axis=-1) > 0.02, np.ones((3, 3)))
        assert found == count
        centres, colours = [], []
        for number in range(1, found + 1):
            part = parts == number
            # The colour is that of the pixels furthest from the background; the share of it is the coverage.
            furthest = np.where(part, np.abs(pixels - backdrop).sum(axis=-1), 0)
            colour = pixels[np.unravel_index(furthest.argmax(), part.shape)]
            direction = colour - backdrop
            cover = part * ((pixels - backdrop) @ direction) / (direction @ direction)
            rows, columns = np.indices(part.shape) + 0.5
            centre = (columns * cover).sum() / cover.sum(), (rows * cover).sum() / cover.sum()
            errors = {
                (shape, size): np.square(cover - draw(shape, captioned_shapes.RADII[size], centre)).sum()
                for shape, size in itertools.product(SHAPES, SIZES)
            }
            best = min(errors, key=errors.__getitem__)
            distances = [np.abs(colour - np.array(value)).max() for value in captioned_shapes.COLOURS.values()]
            assert min(distances) < 0.003
            seen = SHAPES.index(best[0]), int(np.argmin(distances)), SIZES.index(best[1])
            assert seen in things
            centres.append(centre)
            colours.append(seen)

        if relation is not None:
            order = [0, 1] if colours[0] == things[0] else [1, 0]
            assert things == [colours[index] for index in order]
            if things[0] == things[1]:  # equal objects: either of them may be the first
                continue
            x, y = np.array(centres[order[0]]) - centres[order[1]]
            holds = {"left of": x < -14, "right of": x > 14, "above": y < -14, "below": y > 14}
            assert holds[relation] and sum(holds.values()) == 1
        if place is not None:
            x, y = centres[0]
            assert (int(y // (64 / 3)), int(x // (64 / 3))) == row_and_column(place)


def test_centres_are_those_of_the_objects(scenes):
    for index in range(50):
        count = scenes["train"]["count"][index]
        image, places = scenes["train"]["image"][index] / 255, scenes["train"]["centres"][index]
        assert (places[count:] == -1).all() and (places[:count] > 0).all()
        parts, _ = ndimage.label(np.abs(image - image[0, 0]).max(axis=-1) > 0.02, np.ones((3, 3)))
        found = ndimage.center_of_mass(parts > 0, parts, range(1, count + 1))
        found = {tuple(np.round(place, 1)) for place in found}
        for x, y in places[:count]:
            assert min(math.dist((y, x), (row + 0.5, column + 0.5)) for row, column in found) < 0.6


def test_held_out_combinations_are_in_their_split_alone(scenes):
    held_out = {(SHAPES.index(shape), COLOURS.index(colour)) for shape, colour in captioned_shapes.HELD_OUT}
    assert len(held_out) == len({shape for shape, _ in held_out}) == len({colour for _, colour in held_out}) == 7
    dataset = CaptionedShapes()
    for split in ("train", "test", "held_out"):
        seen = collections.Counter()
        for index in range(600):
            example = dataset.example(dataset.random(split, index), split, index)
            pairs = [pair for pair in zip(example["shapes"], example["colours"], strict=True) if pair[0] >= 0]
            seen.update(pairs)
            assert (pairs[0] in held_out) == (split == "held_out")
        if split != "held_out":
            assert not held_out & set(seen)
            assert len(seen) == 7 * 8 - 7  # all of the others
    assert held_out <= set(
        map(tuple, np.stack([scenes["held_out"]["shapes"], scenes["held_out"]["colours"]], -1)[:, 0])
    )


def test_the_grammar_is_as_large_as_documented():
    things = len(SHAPES) * len(COLOURS) * len(SIZES)
    scenes = things * len(captioned_shapes.PLACES) + things**2 * len(captioned_shapes.RELATIONS) + 3 * things
    size = scenes * len(BACKGROUNDS) * len(captioned_shapes.TEMPLATES)
    assert size == 1_030_400
    assert f"{size:,}" in CaptionedShapes.__doc__ and f"{size:,}" in CaptionedShapes.description


def test_a_picture_with_the_wrong_caption_is_noticed(scenes):
    """The checks above can fail: a caption of another picture is seldom true."""
    first, second = (scenes["train"]["caption"][index::2] for index in (0, 1))
    agreeing = [read(str(one))[1:] == read(str(other))[1:] for one, other in zip(first, second, strict=True)]
    assert np.mean(agreeing) < 0.02


def test_sheet_shows_every_example(scenes):
    sheet = CaptionedShapes().sheet({name: values[:7] for name, values in scenes["train"].items()})
    assert sheet.dtype == "uint8" and sheet.shape[2] == 3
    assert sheet.shape[1] > 6 * 128 and sheet.shape[0] > 2 * 128
