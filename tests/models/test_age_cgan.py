"""Age-cGAN through the family harness; the encoder's loss, identities, and latents that keep them."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import AgeCGAN, Batch
from kerasgan.game.phase import EVALUATION
from kerasgan.models.age_cgan import PairsOfPersons, identity_loss
from kerasgan.testing import enliven, family_tests

SIZES = {"image_shape": (8, 8, 1), "num_classes": 3, "latent_dim": 3, "width": 2, "kernel_size": 4}
SIZES |= {"identity_size": 3, "identity_width": 2}

test_age_cgan = family_tests(AgeCGAN, SIZES)


def array(x):
    return ops.convert_to_numpy(x).astype("float64")


def compiled(**recipe):
    keras.utils.set_random_seed(0)
    model = AgeCGAN(**SIZES, seed=0)
    enliven(model)
    model.compile(**recipe)
    return model


def images(count=8, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 8, 8, 1)).astype("float32")


def test_the_encoders_loss_is_the_squared_distance_of_latents():
    model = compiled()
    labels = np.arange(8, dtype="int32") % 3
    batch = Batch(ops.convert_to_tensor(images()), ops.convert_to_tensor(labels))
    token = EVALUATION.set({})
    try:
        latents, made = model.pairs(batch)
        loss, logs = model.encoder_loss(batch)
    finally:
        EVALUATION.reset(token)
    expected = ((array(model.encoder([made, batch.y], training=True)) - array(latents)) ** 2).sum(-1).mean()
    assert float(array(loss)) == pytest.approx(expected, rel=1e-5)
    assert float(array(logs["latent_error"])) == pytest.approx(np.sqrt(expected / 3), rel=1e-5)
    np.testing.assert_allclose(model.generate([latents, ops.convert_to_tensor(labels)]), made, atol=1e-5)


def test_the_game_can_end_before_the_encoder_begins():
    model = compiled(game_kimg=0.008)
    assert model.due(0, 0) == ("discriminator", "generator") and model.due(1, 8) == ("encoder",)


def test_identities_are_learned_from_pairs():
    """The loss against float64; persons whose shade is theirs are told apart after a few epochs."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(6, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = 0.0
    for i in range(6):
        others = [j for j in range(6) if j != i]
        scores = vectors[i] @ vectors[others].T / 0.1
        expected -= (scores[others.index(i ^ 1)] - np.log(np.exp(scores).sum())) / 6
    found = identity_loss(np.repeat(np.arange(3), 2), ops.convert_to_tensor(vectors, "float32"))
    assert float(array(found)) == pytest.approx(expected, rel=1e-4)

    persons = np.repeat(np.arange(12), 3)
    shades = random.uniform(-0.8, 0.8, (12, 8, 8, 1))[persons] + random.normal(0, 0.1, (36, 8, 8, 1))
    shades = np.clip(shades, -1, 1).astype("float32")
    model = compiled()
    with pytest.raises(ValueError, match="fit_identity"):
        model.age(shades[:1], 0, 1)
    history = model.fit_identity(shades, persons, epochs=40, batch_size=8, learning_rate=0.01).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert float(array(model.identity_trained)) == 1
    np.testing.assert_array_equal(array(model.ema_identity(shades)), array(model.identity(shades)))


def test_batches_have_two_images_of_each_person():
    persons = np.array([4, 4, 7, 7, 7, 9, 2, 2])
    batches = PairsOfPersons(np.arange(8.0)[:, None], persons, 4)
    assert len(batches) == 1 and len(batches.groups) == 3  # of 9 there is one image
    x, who = batches[0]
    assert len(set(x.ravel())) == 4 and who[0] == who[1] != who[2] == who[3]
    shown = persons[x.ravel().astype(int)]
    assert shown[0] == shown[1] != shown[2] == shown[3]
    with pytest.raises(ValueError, match="smaller, even batch_size"):
        PairsOfPersons(np.zeros((8, 1)), persons, 8)


def test_optimised_latents_are_nearer_in_what_they_preserve():
    """Generated faces of known latents: identity and pixels, each better than the encoder in its own distance."""
    model = compiled()
    model.identity_trained.assign(1.0)
    labels = np.array([0, 1, 2, 1], "int32")
    latents = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
    faces = model.generate([ops.convert_to_tensor(latents), ops.convert_to_tensor(labels)])

    def distances(preserve):
        found = model.latents_of(faces, labels, preserve)
        again = model.generate([ops.convert_to_tensor(found), ops.convert_to_tensor(labels)])
        who = array(model.ema_identity(again)) - array(model.ema_identity(faces))
        return np.square(who).sum(-1), np.square(again - faces).reshape(4, -1).sum(-1)

    nothing, identity, pixels = map(distances, ("nothing", "identity", "pixels"))
    assert (identity[0] <= nothing[0] + 1e-9).all() and identity[0].sum() < 0.1 * nothing[0].sum()
    assert (pixels[1] <= nothing[1] + 1e-9).all() and pixels[1].sum() < 0.5 * nothing[1].sum()
    older = model.age(faces, labels, 2, "pixels")
    found = model.latents_of(faces, labels, "pixels")
    expected = model.generate([ops.convert_to_tensor(found), ops.full((4,), 2, "int32")])
    np.testing.assert_allclose(older, expected, atol=1e-5)
    with pytest.raises(ValueError, match="`preserve` is 'hair'"):
        model.age(faces, labels, 2, "hair")
    with pytest.raises(ValueError, match="from 0 to 2"):
        model.age(faces, labels, 3)
    model.class_names = ("young", "middle", "old")
    np.testing.assert_allclose(model.age(faces, labels, "old", "pixels"), older, atol=1e-6)
