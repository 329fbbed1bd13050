"""Packing (PacGAN): what the discriminator sees, against the definition."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import CGAN, DCGAN, GAN, LatentModel
from kerasgan.augment.packed import pack
from kerasgan.game.model import Batch
from kerasgan.objectives import penalties


def linear_critic(size):
    x = keras.Input((size,))
    return keras.Model(x, layers.Dense(1)(layers.Dense(4, "tanh")(x)))


def vector_game(packing, **recipe):
    latents = keras.Input((3,))
    model = LatentModel(
        (2,),
        3,
        packing=packing,
        generator=keras.Model(latents, layers.Dense(2)(latents)),
        discriminator=linear_critic(2 * packing),
        seed=0,
    )
    model.compile(batch_size=8, **recipe)
    return model


def test_a_pack_is_neighbours_side_by_side():
    model = DCGAN((8, 8, 3), latent_dim=2, width=2, packing=2, seed=0)
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, 3)).astype("float32")
    packs = ops.convert_to_numpy(model.pack(images))
    assert packs.shape == (3, 8, 8, 6)
    np.testing.assert_array_equal(packs[1, ..., :3], images[2])
    np.testing.assert_array_equal(packs[1, ..., 3:], images[3])
    assert model.discriminator.input_shape == (None, 8, 8, 6)


def test_without_packing_samples_stay_as_they_are():
    """The same tensor: TensorFlow then evaluates the discriminator once for a loss and a penalty on these samples."""
    images = ops.convert_to_tensor(np.zeros((6, 8, 8, 3)))
    assert pack(images, 1) is images


def test_vectors_are_joined():
    model = vector_game(4)
    x = np.arange(16, dtype="float32").reshape(8, 2)
    np.testing.assert_array_equal(ops.convert_to_numpy(model.pack(x)), x.reshape(2, 8))


def test_the_losses_are_those_of_the_packs():
    """One logit and one weight, the mean of its samples', for each pair; the generator here makes zeros."""
    model, random = vector_game(2, loss="least_squares"), np.random.default_rng(0)
    model.generator.set_weights([np.zeros((3, 2)), np.zeros(2)])
    x, weight = random.normal(size=(8, 2)).astype("float32"), random.uniform(1, 2, 8).astype("float32")
    real, fake = (ops.convert_to_numpy(model.discriminator(v))[:, 0] for v in (x.reshape(4, 4), np.zeros((4, 4))))
    batch = Batch(ops.convert_to_tensor(x), None, ops.convert_to_tensor(weight))
    pairs = weight.reshape(4, 2).mean(axis=1)
    expected = 0.5 * (pairs * np.square(real - 1)).sum() / pairs.sum() + 0.5 * np.square(fake).mean()
    np.testing.assert_allclose(float(model.discriminator_loss(batch)[0]), expected, rtol=1e-5)
    np.testing.assert_allclose(float(model.generator_loss(batch)[0]), 0.5 * np.square(fake - 1).mean(), rtol=1e-5)


def test_a_penalty_sees_a_pack_as_one_sample():
    """|| grad_pack D ||^2 of a pack of two is twice what a critic of singles with the same slope has."""
    pack = keras.Input((4,))
    critic = keras.Model(pack, layers.Dense(1, kernel_initializer=keras.initializers.Constant(3.0))(pack))
    latents = keras.Input((3,))
    generator = keras.Model(latents, layers.Dense(2)(latents))
    model = LatentModel((2,), 3, packing=2, generator=generator, discriminator=critic, seed=0)
    model.compile(batch_size=8)
    value = model.penalty(penalties.R1(2.0), Batch(ops.zeros((8, 2))))
    assert float(value) == pytest.approx(4 * 9.0)


def test_labels_go_with_their_samples():
    for model in (
        DCGAN((8, 8, 1), latent_dim=2, width=2, num_classes=3, packing=2, seed=0),
        DCGAN((8, 8, 1), latent_dim=2, width=2, num_classes=3, packing=2, conditioning="projection", seed=0),
        CGAN((8, 8, 1), 3, latent_dim=2, units=(4, 4, 4), maxout_units=(4, 4, 4), packing=2, seed=0),
        CGAN((8, 8, 1), 3, latent_dim=2, units=(4, 4, 4), maxout_units=(4, 4, 4), packing=2, embedding=5, seed=0),
    ):
        y = ops.convert_to_tensor(np.array([0, 1, 2, 0], "int32"))
        shown = model.viewed(ops.zeros((4, 8, 8, 1)), *model.real_condition(Batch(None, y)))
        assert ops.convert_to_numpy(shown[1]).tolist() == [[0, 1], [2, 0]]
        images = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)).astype("float32")
        packs = model.pack(images)
        logits = [
            ops.convert_to_numpy(model.discriminator([packs, ops.convert_to_tensor(labels, "int32")], training=False))
            for labels in ([[0, 1], [2, 0]], [[0, 2], [2, 0]])
        ]
        assert logits[0][0] != logits[1][0] and logits[0][1] == pytest.approx(logits[1][1], rel=1e-5)


def test_batches_that_make_no_whole_packs_are_refused():
    with pytest.raises(ValueError, match=r"8 samples .* packs of 3"):
        vector_game(3)
    model = vector_game(2)
    with pytest.raises(ValueError, match=r"3 samples .* packs of 2"):
        model.fit(np.zeros((9, 2), "float32"), batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="packing.* is 0"):
        GAN((8, 8, 1), packing=0)
