"""ACGAN through the family harness, and what its paper says of the losses and the networks."""

import numpy as np
import pytest
from keras import layers, ops
from scipy.special import log_softmax

from kerasgan import ACGAN, Batch
from kerasgan.testing import CHECKS, enliven, family_tests

SIZES = {"image_shape": (8, 8, 1), "num_classes": 3, "latent_dim": 4, "width": 2, "generator_widths": (6, 4)}

test_acgan = family_tests(ACGAN, SIZES)
test_packed_noise = family_tests(ACGAN, {**SIZES, "packing": 2, "noise": 0.1}, slow=CHECKS)


def told(model, real, fake):
    """The model with outputs of the discriminator that are given: logits (packs, 1) and class scores."""
    model.told_of_real = lambda batch: {name: ops.convert_to_tensor(value) for name, value in real.items()}
    model.told_of_fake = lambda batch: {name: ops.convert_to_tensor(value) for name, value in fake.items()}
    return model


@pytest.mark.parametrize(
    ("packing", "recipe", "of_fakes", "of_generator"),
    [
        (1, {}, 0.7, 0.7),
        (2, {}, 0.7, 0.7),
        (1, {"generator_classification": 0.1}, 0.7, 0.1),
        (1, {"generator_classification": 0.0, "classify_fakes": False}, 0.0, 0.0),
    ],
)
def test_the_papers_losses(packing, recipe, of_fakes, of_generator):
    """L_S and L_C of both players against NumPy; the generator's class loss is that of its own images alone."""
    rng = np.random.default_rng(0)
    model = ACGAN(**SIZES, packing=packing, seed=0)
    model.compile(classification=0.7, **recipe)
    labels = np.array([2, 0, 1, 1], "int32")
    sides = [
        {"logits": rng.normal(size=(4 // packing, 1)), "classes": rng.normal(size=(4 // packing, 3 * packing))}
        for _ in range(2)
    ]
    batch = Batch(ops.zeros((4, 8, 8, 1)), ops.convert_to_tensor(labels))
    model = told(model, *({k: v.astype("float32") for k, v in side.items()} for side in sides))
    source = [np.log1p(np.exp(sign * side["logits"])).mean() for sign, side in zip((-1, 1), sides, strict=True)]
    classes = [-log_softmax(side["classes"].reshape(4, 3), axis=1)[np.arange(4), labels].mean() for side in sides]
    loss, logs = model.discriminator_loss(batch)
    assert float(loss) == pytest.approx(sum(source) + 0.7 * classes[0] + of_fakes * classes[1], rel=1e-5)
    fooled = np.log1p(np.exp(-sides[1]["logits"])).mean()
    assert float(model.generator_loss(batch)[0]) == pytest.approx(fooled + of_generator * classes[1], rel=1e-5)
    found = [(side["classes"].reshape(4, 3).argmax(axis=1) == labels).mean() for side in sides]
    assert [float(logs["real_class_accuracy"]), float(logs["fake_class_accuracy"])] == pytest.approx(found)


@pytest.mark.parametrize("kind", ["real", "fake"])
def test_class_losses_weigh_samples_and_what_is_made_for_their_labels(kind):
    model = ACGAN(**SIZES, seed=0)
    model.compile()
    scores = np.array([[5.0, 0.0, 0.0], [5.0, 0.0, 0.0]], "float32")
    silent = {"logits": np.zeros((2, 1), "float32"), "classes": np.zeros((2, 3), "float32")}
    sides = {"real": silent, "fake": silent, kind: {**silent, "classes": scores}}
    model = told(model, sides["real"], sides["fake"])
    labels = ops.convert_to_tensor([0, 1])
    losses = [
        float(model.discriminator_loss(Batch(ops.zeros((2, 8, 8, 1)), labels, ops.convert_to_tensor(weight)))[0])
        for weight in ([1.0, 0.0], [0.0, 1.0])
    ]
    assert losses[1] - losses[0] == pytest.approx(5.0, rel=1e-5)


@pytest.mark.slow
def test_the_papers_networks_at_32_and_128_pixels():
    model = ACGAN((32, 32, 3), 10, seed=0)
    shapes = [
        [tuple(v.shape) for v in network.trainable_variables if v.name == "kernel"]
        for network in (model.generator, model.discriminator)
    ]
    assert shapes[0] == [(110, 4 * 4 * 384), (5, 5, 192, 384), (5, 5, 96, 192), (5, 5, 3, 96)]
    widths = (3, 16, 32, 64, 128, 256, 512)
    assert shapes[1][:6] == [(3, 3, widths[i], widths[i + 1]) for i in range(6)]
    assert sorted(shapes[1][6:]) == [(4 * 4 * 512, 1), (4 * 4 * 512, 10)]
    strides = [layer.strides for layer in model.discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert strides == [(2, 2), (1, 1)] * 3
    large = ACGAN((128, 128, 3), 10, latent_dim=2, width=1, generator_widths=(7, 6, 5, 4, 3), seed=0)
    assert large.generator.output.shape == (None, 128, 128, 3)


def test_wrong_widths_and_discriminators_are_refused():
    with pytest.raises(ValueError, match=r"generator_widths` is \(6,\); expected 2 numbers"):
        ACGAN(**{**SIZES, "generator_widths": (6,)})
    from kerasgan import DCGAN

    other = DCGAN((8, 8, 1), latent_dim=4, width=2)
    with pytest.raises(ValueError, match="expected outputs with the names"):
        ACGAN(**SIZES, discriminator=other.discriminator).compile()


def test_classify_gives_probabilities_sample_by_sample():
    images = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    model = ACGAN(**SIZES, seed=0)
    enliven(model)
    probabilities = model.classify(images)
    assert probabilities.shape == (5, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    whole, pieces = model.read_head("classes", images), model.read_head("classes", images, batch_size=2)
    np.testing.assert_allclose(pieces, whole, rtol=1e-4, atol=1e-5)
    packed = ACGAN(**SIZES, packing=2, seed=0)
    assert packed.classify(images).shape == (5, 3)


def test_penalties_are_on_the_logits_alone():
    """The checks of `compile()` do not miss the class head, which a penalty on the logits cannot reach."""
    model = ACGAN(**SIZES, seed=0)
    with pytest.warns(UserWarning, match="batch normalization"):
        model.compile(penalties=("r1",))
    assert "r1" in model.trackers
