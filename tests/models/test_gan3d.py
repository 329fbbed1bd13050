"""GAN3D through the family harness, its gate and its features."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import GAN3D, Batch
from kerasgan.data.kinds import Images, Voxels
from kerasgan.game.recipe import SGD
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": (8, 8, 8, 1), "latent_dim": 3, "width": 2}
LARGER = {**SIZES, "image_shape": Voxels((16, 16, 16, 1))}
ALWAYS = {"accuracy_limit": 1.0}  # the gate is computed and stays open
test_gan3d = family_tests(GAN3D, {**SIZES, "image_shape": Voxels((8, 8, 8, 1))}, ALWAYS)
test_classes = family_tests(
    GAN3D,
    {
        **SIZES,
        "image_shape": Voxels((16, 16, 16, 1)),
        "num_classes": 3,
        "packing": 2,
        "discriminator_normalization": None,
    },
    {"accuracy_limit": None},
    slow=CHECKS,
    steps=3,  # without normalization the large steps of the harness diverge: after 5 a weight is 994
)


@pytest.mark.parametrize(("side", "steps"), [(8, 1), (16, 2), (64, 4)])
def test_sizes(side, steps):
    """Channels double from layer to layer; the discriminator mirrors the generator."""
    model = GAN3D((side,) * 3 + (1,), latent_dim=3, width=1)
    assert model.sample_kind == Voxels((side, side, side, 1))
    assert model.generator.output_shape == (None, side, side, side, 1)
    widths = [1 << step for step in range(steps)]
    judged = [model.discriminator.get_layer(f"convolution{step}").filters for step in range(steps)]
    made = [model.generator.get_layer(f"convolution{step}").filters for step in range(steps)]
    assert judged == widths and made == [*widths[-2::-1], 1]
    assert model.generator.get_layer("start").units == model.discriminator.get_layer("logits").kernel.shape[0]


@pytest.mark.parametrize(("right", "moves"), [(16, True), (17, False)])
def test_the_discriminator_waits_above_the_limit(right, moves):
    """Of 20 logits 16 may be right, which is 80%. In a step in which it waits no bit of its weights changes."""
    solids = keras.Input((8, 8, 8, 1))
    logits = keras.layers.Dense(1, name="logits")
    discriminator = keras.Model(solids, logits(keras.layers.GlobalAveragePooling3D()(solids)))
    model = GAN3D(**SIZES, discriminator=discriminator, seed=0)
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow", discriminator_optimizer=SGD(0.1), checks=False)
    logits.set_weights([np.array([[1.0]]), np.array([-0.5])])  # right are full real solids and empty generated ones
    model.generated = lambda batch: 0.0 * model.generator(model.latents(batch), training=True)
    x = np.zeros((10, 8, 8, 8, 1), "float32")
    x[: right - 10] = 1.0
    assert float(model.accuracy(Batch(ops.convert_to_tensor(x)))) == pytest.approx(right / 20)
    before = [np.array(w) for w in discriminator.get_weights()], int(model.optimizer["discriminator"].iterations)
    logs = model.fit(x, batch_size=10, verbose=0).history
    same = [np.array_equal(a, b) for a, b in zip(before[0], discriminator.get_weights(), strict=True)]
    assert logs["discriminator_waited"] == [1.0 - moves]
    assert same == [not moves] * 2
    assert int(model.optimizer["discriminator"].iterations) - before[1] == moves


def test_features_are_the_largest_responses_of_cells():
    """Pools of 8, 4 and 2 voxels for a side of 64; here the same cells of 2 x 2 x 2, by NumPy."""
    model = GAN3D((32, 32, 32, 1), latent_dim=3, width=2, num_classes=2, seed=0)
    solids = Voxels((32, 32, 32, 1)).example(3, 0)
    found = model.features(solids, batch_size=2)
    network = model.ema_discriminator
    expected = []
    for step, side in ((1, 8), (2, 4)):
        part = keras.Model(network.inputs[0], network.get_layer(f"responses{step}").output)
        x = ops.convert_to_numpy(part(solids))
        assert x.shape == (3, side, side, side, 2 << step)
        expected.append(x.reshape(3, 2, side // 2, 2, side // 2, 2, side // 2, -1).max(axis=(2, 4, 6)).reshape(3, -1))
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), atol=1e-6)
    assert found.shape == (3, 8 * (4 + 8))
    model.discriminator.set_weights([w + 0.1 for w in model.discriminator.get_weights()])
    assert np.abs(model.features(solids, ema=False) - found).max() > 1e-3


def test_features_of_packs_are_those_of_copies():
    model = GAN3D(**SIZES, packing=2, seed=0)
    assert model.features(model.sample(2, seed=1)).shape == (2, 8 * 2)


def test_mistakes():
    for wrong in ((8, 8, 1), (12, 12, 12, 1), (4, 4, 4, 1), (8, 8, 16, 1), (8, 8, 8, 3), Images((8, 8, 1))):
        with pytest.raises(ValueError, match="expected solids"):
            GAN3D(wrong)
    model = GAN3D(**SIZES, discriminator_normalization=None)
    with pytest.raises(ValueError, match="`accuracy_limit`"):
        model.compile(loss="wasserstein")
    model.compile(recipe="small", checks=False)
    assert [phase.when for phase in model.game] == [None, None]
    with pytest.raises(ValueError, match=r"expected floats in \[0, 1\]"):
        model.fit(np.full((4, 8, 8, 8, 1), -1.0, "float32"))
