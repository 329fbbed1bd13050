"""StackGAN through the family harness; conditioning augmentation in closed form; who is trained when."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import StackGAN
from kerasgan.data.kinds import Characters, Sentences
from kerasgan.layers import ConditioningAugmentation
from kerasgan.layers.conditioning_augmentation import normal_divergence
from kerasgan.testing import enliven, family_tests

KIND = keras.saving.serialize_keras_object(Sentences("none", 3))
SIZES = {"image_shape": (16, 16, 1), "latent_dim": 2, "condition": KIND, "factor": 2, "width": 2}
SIZES |= {"generator_width": 2, "caption_size": 2, "residual_blocks": 1}

test_stackgan = family_tests(StackGAN, SIZES, recipe={"first_kimg": 0.016})


def array(x):
    return ops.convert_to_numpy(x).astype("float64")


def test_the_divergence_is_that_of_normal_distributions():
    """Against the integral of p log(p / q) in float64."""
    mu, log_sigma = np.array([[0.0, 1.0, -2.0]]), np.array([[0.0, 0.3, -0.7]])
    x = np.linspace(-30, 30, 200_001)
    expected = 0.0
    for m, s in zip(mu[0], np.exp(log_sigma[0]), strict=True):
        log_p = -0.5 * ((x - m) / s) ** 2 - np.log(s)
        expected += np.trapezoid(np.exp(log_p) / np.sqrt(2 * np.pi) * (log_p + 0.5 * x**2), x) / 3
    found = normal_divergence(ops.convert_to_tensor(mu, "float32"), ops.convert_to_tensor(log_sigma, "float32"))
    assert float(array(found)[0]) == pytest.approx(expected, rel=1e-5)
    assert float(array(normal_divergence(ops.zeros((1, 3)), ops.zeros((1, 3))))[0]) == 0


def test_conditions_have_the_mean_and_the_deviation_that_they_report():
    layer = ConditioningAugmentation(2, seed=0)
    layer.build((None, 3))
    layer.dense.kernel.assign(np.random.default_rng(0).normal(size=(3, 4)))
    drawn, center, log_deviation = map(array, layer(np.tile([[0.5, -1.0, 0.3]], (20_000, 1)).astype("float32")))
    z = (drawn - center) / np.exp(log_deviation)
    np.testing.assert_allclose(z.mean(0), 0, atol=5 / np.sqrt(20_000))
    np.testing.assert_allclose(z.std(0), 1, atol=0.03)
    again = ConditioningAugmentation.from_config(layer.get_config())
    assert (again.size, again.seed) == (2, 0)


@pytest.mark.slow
def test_stages_are_trained_one_after_the_other():
    condition = Characters(20, ("a red circle", "a blue square"))
    model = StackGAN(**{**SIZES, "condition": condition, "text_size": 4, "text_width": 4}, seed=0)
    enliven(model)
    model.compile(matching_kimg=0.008, matching_group=4, first_kimg=0.008)
    x, texts = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 1)).astype("float32"), ["a red circle"] * 7 + ["b"]
    expected = [{"text_encoder", "image_encoder"}, {"generator_1", "discriminator_1"}]
    expected.append({"generator_2", "discriminator_2"})
    for names in expected:
        before = {name: [array(v) for v in network.trainable_variables] for name, network in model.networks.items()}
        model.fit(x, texts, batch_size=8, verbose=0)
        after = {name: [array(v) for v in network.trainable_variables] for name, network in model.networks.items()}
        assert names == {name for name in before if not all(map(np.array_equal, before[name], after[name]))}
    small, large = model.stages(["a red circle", "b"], seed=3)
    assert small.shape == (2, 8, 8, 1) and large.shape == (2, 16, 16, 1)
    np.testing.assert_allclose(large, model.sample(["a red circle", "b"], seed=3), atol=1e-6)
    plain = model.sample("b", seed=3, noise="none")
    assert np.abs(plain - large[1:]).max() > 1e-6


@pytest.mark.slow
def test_the_papers_sizes():
    model = StackGAN((256, 256, 3), condition=Sentences("none", 1024))
    shapes = [tuple(v.shape) for v in model.generator_2.trainable_variables if len(v.shape) == 4]
    assert shapes[0] == (3, 3, 3, 128) and shapes[3] == (3, 3, 640, 512) and shapes[-1] == (3, 3, 32, 3)
    assert len(shapes) == 3 + 1 + 8 + 5
    joint = [tuple(v.shape) for v in model.discriminator_2.trainable_variables if len(v.shape) == 4]
    assert joint[:6][-1] == (4, 4, 1024, 2048) and joint[-1] == (1, 1, 640, 512)
    assert model.discriminator_2.get_layer("logits").kernel.shape == (8192, 1)


def test_sizes_that_do_not_fit_are_refused():
    for wrong in ({"factor": 3}, {"image_shape": (20, 16, 1)}):
        with pytest.raises(ValueError, match="`factor` is"):
            StackGAN(**{**SIZES, **wrong})
