"""GAN-CLS and GAN-INT through the family harness; their losses in float64; captions as strings."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, TextToImageGAN
from kerasgan.bases.captions import swap_neighbours
from kerasgan.data.kinds import Captions, Characters, Sentences, register_encoder
from kerasgan.game.phase import EVALUATION
from kerasgan.objectives.matching import joint_embedding
from kerasgan.testing import CHECKS, enliven, family_tests

KIND = keras.saving.serialize_keras_object(Characters(20, ("a red circle", "a blue square")))
SIZES = {"image_shape": (8, 8, 3), "latent_dim": 3, "condition": KIND, "width": 4, "caption_size": 3}
SIZES |= {"text_size": 4, "text_width": 4}
RECIPE = {"matching_kimg": 0.016, "matching_group": 4}
# With all pairs within the margin, as at the start, the vectors' offsets cancel.
OFFSETS = ("matching: embeddings/bias",)

test_text_to_image = family_tests(TextToImageGAN, SIZES, recipe=RECIPE, unmoved=OFFSETS)
WORDS = keras.saving.serialize_keras_object(Captions(("a", "red", "blue", "circle"), 5))
test_words_along_with_the_game = family_tests(
    TextToImageGAN, {**SIZES, "condition": WORDS}, {**RECIPE, "matching_kimg": None}, OFFSETS, slow=CHECKS
)
VECTORS = keras.saving.serialize_keras_object(Sentences("letters", 6))
test_frozen_sentence_encoder = family_tests(TextToImageGAN, {**SIZES, "condition": VECTORS}, slow=CHECKS)

TEXTS = ["a red circle", "a blue square", "a red square", "a red square", "circle", "square", "red", "blue"]


def compiled(condition=KIND, **recipe):
    keras.utils.set_random_seed(0)
    model = TextToImageGAN(**{**SIZES, "condition": condition}, seed=0)
    enliven(model)
    model.compile(**{**RECIPE, **recipe})
    return model


def images(count=8):
    return np.random.default_rng(0).uniform(-1, 1, (count, 8, 8, 3)).astype("float32")


def array(x):
    return ops.convert_to_numpy(x).astype("float64")


def test_the_discriminators_loss_is_that_of_algorithm_1():
    """-log s_r - (log(1 - s_w) + log(1 - s_f)) / 2 in float64, without pairs whose captions are equal."""
    model = compiled()
    kind = model.conditions.spec
    batch = Batch(ops.convert_to_tensor(images()), ops.convert_to_tensor(kind.encode(TEXTS)))
    logits = {}

    def judge(samples, captions):
        values = model.discriminator([samples, captions], training=True)
        logits[len(logits)] = array(values)[:, 0]
        return values

    model.judge = judge
    token = EVALUATION.set({})
    try:
        loss, _ = model.discriminator_loss(batch)
    finally:
        EVALUATION.reset(token)
    real, fake, wrong = logits[0], logits[1], logits[2]
    differ = np.array([1, 1, 0, 0, 1, 1, 1, 1.0])
    expected = np.log1p(np.exp(-real)).mean()
    expected += 0.5 * np.log1p(np.exp(fake)).mean() + 0.5 * np.average(np.log1p(np.exp(wrong)), weights=differ)
    assert float(array(loss)) == pytest.approx(expected, rel=1e-5)
    without = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()
    assert abs(float(array(loss)) - without) > 1e-3


@pytest.mark.slow
def test_interpolated_captions_are_those_of_equation_5():
    for share in (0.5, 0.25):
        model = compiled(interpolation=share)
        kind = model.conditions.spec
        batch = Batch(ops.convert_to_tensor(images()), ops.convert_to_tensor(kind.encode(TEXTS)))
        vectors = array(model.embed(batch.y))
        expected = share * vectors + (1 - share) * vectors[[1, 0, 3, 2, 5, 4, 7, 6]]
        np.testing.assert_allclose(array(model.interpolated(batch)), expected, rtol=1e-5, atol=1e-6)


def test_the_generator_is_twice_as_wide_as_the_discriminator_unless_saved_before():
    model = compiled()
    sizes = {True: None, False: None}
    for new in sizes:
        config = {name: value for name, value in model.get_config().items() if new or name != "generator_width"}
        again = TextToImageGAN.from_config(config)
        sizes[new] = again.generator.count_params(), again.discriminator.count_params()
    narrow = TextToImageGAN(**{**SIZES, "generator_width": SIZES["width"]})
    assert sizes[True] == (model.generator.count_params(), model.discriminator.count_params())
    assert sizes[False] == (narrow.generator.count_params(), model.discriminator.count_params())
    assert sizes[True][0] > 1.5 * sizes[False][0]


@pytest.mark.parametrize("weight", (0.0, 1.0))
def test_interpolated_captions_leave_the_moving_statistics_alone(weight):
    """They are those of the captions that are sampled: otherwise samples are normalized as neither kind was."""
    model = compiled(interpolation_weight=weight)
    batch = Batch(ops.convert_to_tensor(images()), ops.convert_to_tensor(model.conditions.spec.encode(TEXTS)))
    statistics = [v for v in model.generator.non_trainable_variables if "moving" in v.name]
    token = EVALUATION.set({})
    try:
        fakes = model.generator([ops.ones((8, 3)), model.embed(batch.y)], training=True)
        expected = [array(v) for v in statistics]
        for variable in statistics:
            variable.assign(np.full(variable.shape, float("variance" in variable.name), "float32"))
        model.draw_latents = lambda count, random: ops.ones((count, 3))
        _, logs = model.generator_loss(batch)
    finally:
        EVALUATION.reset(token)
    assert fakes.shape == (8, 8, 8, 3) and ("interpolated" in logs) == bool(weight)
    for wanted, variable in zip(expected, statistics, strict=True):
        np.testing.assert_allclose(array(variable), wanted, rtol=1e-5, atol=1e-6)


def test_the_matching_loss_is_that_of_the_pairs():
    """Against loops in float64; equal captions are no wrong pairs."""
    random = np.random.default_rng(1)
    v, t = random.normal(size=(2, 8, 3)).astype("float32")
    captions = np.array([[1], [2], [1], [3], [4], [5], [6], [7]], "int32")
    loss, right = joint_embedding(*map(ops.convert_to_tensor, (v, t)), 4, ops.convert_to_tensor(captions))
    total, best = 0.0, 0
    for start in (0, 4):
        for i in range(start, start + 4):
            others = [j for j in range(start, start + 4) if captions[j] != captions[i]]
            score = v[i].astype("float64") @ t[i]
            total += sum(max(0.0, 1 + v[i].astype("float64") @ t[j] - score) for j in others)
            total += sum(max(0.0, 1 + v[j].astype("float64") @ t[i] - score) for j in others)
            best += all(score > v[i].astype("float64") @ t[j] for j in others)
    assert float(array(loss)) == pytest.approx(total / 24, rel=1e-5)
    assert float(array(right)) == pytest.approx(best / 8)
    with pytest.raises(ValueError, match="`matching_group` is 3"):
        joint_embedding(ops.convert_to_tensor(v), ops.convert_to_tensor(t), 3)


def test_neighbours_swap():
    assert array(swap_neighbours(ops.arange(6)[:, None]))[:, 0].tolist() == [1, 0, 3, 2, 5, 4]
    with pytest.raises(ValueError, match="even batch size"):
        swap_neighbours(ops.zeros((3, 2)))


@pytest.mark.slow
def test_captions_are_strings():
    model = compiled()
    model.fit(images(), TEXTS, batch_size=8, epochs=3, verbose=0)
    one = model.sample("a red circle", seed=1)
    assert one.shape == (1, 8, 8, 3)
    two = model.sample(["A RED circle", "a blue square"], seed=1)
    np.testing.assert_allclose(two[:1], one, atol=1e-6)
    variants = model.sample(2, seed=1, captions="a red circle")
    np.testing.assert_allclose(variants[:1], one, atol=1e-6)
    assert np.abs(two[1] - variants[1]).max() > 1e-4 and np.abs(variants[0] - variants[1]).max() > 1e-4
    assert model.sample(3).shape == (3, 8, 8, 3)  # of the kind's examples
    with pytest.raises(ValueError, match="twice"):
        model.sample(["a"], captions=["b"])


@pytest.mark.slow
def test_the_text_encoder_is_trained_first_and_then_stays():
    model = compiled(matching_kimg=0.008)
    model.fit(images(), TEXTS, batch_size=8, verbose=0)
    before = [array(v) for v in model.text_encoder.variables], [array(v) for v in model.generator.trainable_variables]
    model.fit(images(), TEXTS, batch_size=8, verbose=0)
    assert all(np.array_equal(a, array(v)) for a, v in zip(before[0], model.text_encoder.variables, strict=True))
    moved = zip(before[1], model.generator.trainable_variables, strict=True)
    assert not any(np.array_equal(a, array(v)) for a, v in moved)


@pytest.mark.slow
def test_sentence_encoders_are_asked_on_the_host():
    register_encoder("letters", lambda texts: [[len(text), text.count("a"), 0, 0, 0, 1] for text in texts])
    model = compiled(VECTORS)
    assert set(model.networks) == {"generator", "discriminator"} and len(model.game) == 2
    model.fit(images(), TEXTS, batch_size=8, verbose=0)
    again = model.sample(["a red circle"], seed=2)
    vectors = np.array([[12, 1, 0, 0, 0, 1]], "float32")
    np.testing.assert_allclose(model.sample(1, seed=2, captions=vectors), again, atol=1e-6)
    with pytest.raises(ValueError, match="no sentence encoder 'none'"):
        Sentences("none", 3).encode(["a"])
    with pytest.raises(ValueError, match="already"):
        TextToImageGAN(**{**SIZES, "condition": VECTORS}, text_encoder=model.generator)


def test_other_conditions_are_refused():
    with pytest.raises(ValueError, match="`condition` is 'words'"):
        TextToImageGAN(**{**SIZES, "condition": "words"})
    with pytest.raises(ValueError, match="`mismatched_weight` is 1"):
        compiled(mismatched_weight=1)


@pytest.mark.tensorflow
def test_strings_are_encoded_alike_in_a_graph(tmp_path):
    import tensorflow as tf

    kind = Characters(12)
    texts = ["A red, circle!", "", "é ü zz", "0123456789abcdef"]
    np.testing.assert_array_equal(kind.tensorflow_encode(tf.constant(texts)).numpy(), kind.encode(texts))
    model = compiled()
    model.export(tmp_path / "served")
    signature = tf.saved_model.load(tmp_path / "served").signatures["text"]
    made = signature(captions=tf.constant(["a red circle", "blue"]), seed=tf.constant(4, "int64"))["images"]
    np.testing.assert_allclose(made, model.sample(["a red circle", "blue"], seed=4), atol=1e-5)
