"""What all views promise: names, configurations, refusals, conditions, and nothing at a probability of 0."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import augment
from kerasgan.augment import Adaptive, Augment, DiffAugment, Packed, View, adaptive
from kerasgan.game.schedules import Cosine
from tests.augment.common import add_state, compiled_on_jax, images_of, shown

EVERYTHING = adaptive.CATEGORIES


@pytest.mark.parametrize(
    "text, view",
    [
        ("ada", Adaptive()),
        ("ada:blit,hue", Adaptive(categories=("blit", "hue"))),
        ("augment", Augment()),
        ("augment:0.5", Augment(0.5)),
        ("diffaugment", DiffAugment("color", "translation", "cutout")),
        ("diffaugment:color, translation", DiffAugment("translation", "color")),
        ("packed", Packed(2)),
        ("packed:4", Packed(4)),
    ],
)
def test_a_view_by_its_name(text, view):
    assert augment.get(text) == view
    assert augment.get(view) is view


@pytest.mark.parametrize(
    "view",
    [
        Adaptive(target=0.5, interval=2, kimg=100, initial=0.1, limit=0.8, categories=("color", "x_flip")),
        Augment(Cosine(0.0, 0.3, kimg=10)),
        DiffAugment("color", "cutout"),
        Packed(3),
    ],
)
def test_a_configuration_makes_an_equal_view(view):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(view)))
    again = augment.get(config)
    assert again == view and hash(again) == hash(view) and again != type(view)()
    assert view.build(add_state) == view


@pytest.mark.parametrize(
    "identifier, message",
    [
        ("diffaugmnt", "'ada', 'augment', 'diffaugment', 'packed'. Did you mean 'diffaugment'"),
        (3, "`identifier` is 3"),
        ("diffaugment:colour", "Did you mean 'color'"),
        ("ada:geometri", "Did you mean 'geometry'"),
        ("augment:much", "such as 0.2 in 'augment:0.2'"),
        ("packed:two", "such as 2 in 'packed:2'"),
    ],
)
def test_what_is_no_view_is_refused(identifier, message):
    with pytest.raises(ValueError, match=message):
        augment.get(identifier)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Augment(1.5), "`probability` is 1.5"),
        (lambda: Augment(Cosine(0.0, 1.1, kimg=1)), "expected a number from 0 to 1"),
        (lambda: Adaptive(target=1.0), "`target` is 1.0"),
        (lambda: Adaptive(interval=0), "`interval` is 0"),
        (lambda: Adaptive(kimg=0), "`kimg` is 0"),
        (lambda: Adaptive(initial=0.5, limit=0.4), "`initial` is 0.5; expected a number from 0 to 0.4"),
        (lambda: Adaptive(limit=2.0), "`limit` is 2.0"),
        (lambda: Adaptive(categories=()), "`categories` is empty"),
        (lambda: Packed(0), "`size` is 0"),
        (lambda: Adaptive().probability, "build"),
        (lambda: Adaptive().observe(np.ones(2), 2), "build"),
        (lambda: Augment().check((2,)), r"`image_shape` is \(2,\); Augment expects images"),
        (lambda: DiffAugment().check((None, 4, 3)), "known height and width"),
        (lambda: Adaptive().check((1, 4, 3)), "at least 2 x 2 pixels"),
        (lambda: shown(Augment(Cosine(0.0, 0.5, kimg=1)), images_of()), "`images_seen` is None"),
        (lambda: shown(Packed(3), images_of()), r"4 samples .* packs of 3"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_one_view_serves_two_games():
    view = Adaptive()
    first, second = view.build(add_state), view.build(add_state)
    first.probability.assign(0.5)
    assert float(ops.convert_to_numpy(second.probability)) == 0.0


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_at_a_probability_of_zero_nothing_changes(channels):
    images = images_of((5, 7, 4, channels))
    draws = Augment(0.0, EVERYTHING).draw(ops.convert_to_tensor(images), keras.random.SeedGenerator(3))
    change = compiled_on_jax(lambda x, p: adaptive.augment(x, draws, p))
    never, always = (ops.convert_to_numpy(change(images, ops.convert_to_tensor(p))) for p in (0.0, 1.0))
    np.testing.assert_array_equal(never, images)
    assert always.shape == images.shape and (always != images).any(axis=(1, 2, 3)).all()


def test_ada_starts_with_nothing():
    images = images_of()
    np.testing.assert_array_equal(shown(Adaptive(categories=EVERYTHING).build(add_state), images)[0], images)


def test_a_view_without_states_or_logits_has_neither():
    for view in (Augment(), DiffAugment(), Packed(2)):
        assert view.build(add_state) is view and view.observe(np.ones(2), 2) is None and view.logs() == {}
    assert (DiffAugment().group, Adaptive().group, Packed(3).group) == (1, 1, 3)


def test_a_scheduled_probability():
    view = Augment(Cosine(0.0, 1.0, kimg=1), ("brightness",))
    changed = [(shown(view, images_of(), images_seen=seen)[0] != images_of()).mean() for seen in (0, 1000)]
    assert changed == [0.0, 1.0]


@pytest.mark.parametrize("view", [Augment(1.0, EVERYTHING[:4]), DiffAugment()])
def test_conditions(view):
    """Labels and nothing stay; an image of the same size is changed as its sample is; one of another size stays."""
    images, labels, small = images_of(), np.arange(4), images_of((4, 4, 3, 3))
    first, second, third, same, other = shown(view, images, labels, None, ops.convert_to_tensor(images), small)
    assert (first != images).any() and third is None
    np.testing.assert_array_equal(second, labels)
    np.testing.assert_array_equal(same, first)
    np.testing.assert_array_equal(other, small)


def test_noise_differs_between_a_sample_and_its_condition():
    images = ops.convert_to_tensor(images_of())
    noisy, same = shown(Augment(1.0, ("noise",)), images, images)
    assert (noisy != same).mean() > 0.9
    np.testing.assert_array_equal(same, images_of())


def test_packs():
    images, labels = images_of(), np.array([0, 1, 2, 0], "int32")
    packs, pairs, nothing, joined = shown(Packed(2), images, ops.convert_to_tensor(labels), None, images)
    np.testing.assert_array_equal(packs[1], np.concatenate([images[2], images[3]], axis=-1))
    assert pairs.tolist() == [[0, 1], [2, 0]] and nothing is None
    np.testing.assert_array_equal(joined, packs)
    np.testing.assert_array_equal(shown(Packed(4), images[:, 0, 0])[0], images[:, 0, 0].reshape(1, 12))
    weights = Packed(2).weights(ops.convert_to_tensor(np.float32([1, 2, 3, 5])))
    np.testing.assert_allclose(ops.convert_to_numpy(weights), [1.5, 4.0])
    assert Packed(2).weights(None) is None and isinstance(Packed(2), View)
