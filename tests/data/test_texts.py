"""Captions as characters and as vectors of sentence encoders."""

import json

import keras
import numpy as np
import pytest

from kerasgan.data.kinds import Characters, Sentences, register_encoder
from kerasgan.data.kinds.texts import kind_of_captions, some_of

TEXTS = ["A red circle", "a blue square!", "a blue square!"]


def test_characters_go_there_and_back():
    kind = Characters.of(TEXTS, multiple=8)
    assert kind.length == 16 and kind.shown == ("A red circle", "a blue square!")
    ids = kind.encode(TEXTS)
    assert ids.shape == (3, 16) and ids.dtype == "int32" and ids[0, 12:].tolist() == [0] * 4
    assert kind.decode(ids) == ["a red circle", "a blue square!", "a blue square!"]
    assert kind.decode(Characters(4).encode(["é ab cd"])) == ["? ab"]
    np.testing.assert_array_equal(kind.encode(np.array(TEXTS, "S")), ids)
    np.testing.assert_array_equal(kind.encode(ids), ids)
    np.testing.assert_array_equal(kind.examples(3), kind.encode([TEXTS[0], TEXTS[1], TEXTS[0]]))


@pytest.mark.parametrize("kind", [Characters(5, ("ab",)), Sentences("none", 3, ((1.0, 2.0, 3.0),))])
def test_kinds_of_captions_come_back_from_json(kind):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(kind)))
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(again.examples(2), kind.examples(2))
    assert again.get_config() == kind.get_config() and hash(kind) == hash(kind)
    example = kind.example(4, 0)
    kind.check(example)
    assert example.shape == tuple(kind.symbolic(4).shape)
    for wrong, said in (
        (example.astype("complex64"), "dtype"),
        (example[:0], "is empty"),
        (example[..., None], "shape"),
    ):
        with pytest.raises(ValueError, match=said):
            kind.check(wrong)


def test_ids_out_of_range_are_refused():
    with pytest.raises(ValueError, match="ids from 0 to 99"):
        Characters(2).check(np.array([[0, 99]]))
    with pytest.raises(ValueError, match="length=0"):
        Characters(0)


def test_a_sentence_encoder_has_a_name():
    register_encoder("lengths", lambda texts: np.array([[len(text), 1] for text in texts]))
    kind = kind_of_captions("lengths", TEXTS)
    assert (kind.encoder, kind.size) == ("lengths", 2)
    np.testing.assert_array_equal(kind.encode(["abc"]), [[3, 1]])
    np.testing.assert_array_equal(kind.examples(3), [[12, 1], [14, 1], [12, 1]])
    with pytest.raises(ValueError, match=r"returned vectors of shape \(1, 2\)"):
        Sentences("lengths", 5).encode(["abc"])
    with pytest.raises(ValueError, match="expected a function"):
        register_encoder("nothing", None)
    with pytest.raises(ValueError, match="expected a name"):
        Sentences(len, 3)
    assert kind_of_captions("characters", TEXTS).length == 16


def test_a_few_different_texts_are_shown():
    assert some_of(["b", "a", "b"]) == ("b", "a")
    many = some_of([str(n) for n in range(100)])
    assert len(many) == 16 and (many[0], many[-1]) == ("0", "99")
