"""BigGAN and BigGAN-deep through the family harness, and what their networks are made of."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import Batch, BigGAN, BigGANDeep
from kerasgan.game.averages import half_life
from kerasgan.objectives.orthogonal import orthogonal_regularization
from kerasgan.testing import CHECKS, enliven, family_tests

SIZES = {
    "image_shape": (8, 8, 1),
    "latent_dim": 4,
    "num_classes": 3,
    "embedding": 2,
    "generator_widths": (8, 8),
    "discriminator_widths": (8, 8),
    "generator_attention": (0,),
    "discriminator_attention": (0,),
}
DEEP = {**SIZES, "depth": 1}
SIXTEEN = {**SIZES, "image_shape": (16, 16, 1), "latent_dim": 6, "generator_widths": (8, 8, 8)}
SMALL = {"generator_every": 2}

# A bias that batch normalization takes away again, as in the authors' code; attention keeps the block's others.
TAKEN = ("generator: block0_convolution1/bias",)

test_biggan = family_tests(BigGAN, SIZES, recipe=SMALL, unmoved=TAKEN)
test_biggan_deep = family_tests(
    BigGANDeep, DEEP, recipe=SMALL, unmoved=[f"generator: block0_0_convolution{place}/bias" for place in (1, 2, 3)]
)
# Within the margins of the hinge loss a bias moves real and generated scores alike.
test_unconditional = family_tests(
    BigGAN,
    {**SIZES, "num_classes": None, "packing": 2},
    recipe=SMALL,
    unmoved=[*TAKEN, "discriminator: score/bias"],
    slow=CHECKS,
)
test_without_shared_embedding = family_tests(
    BigGAN, {**SIZES, "embedding": None}, recipe=SMALL, unmoved=TAKEN, slow=CHECKS
)


@pytest.mark.slow
@pytest.mark.parametrize("family", [BigGAN, BigGANDeep])
def test_each_chunk_of_the_latents_changes_the_image(family):
    model = family(**SIXTEEN, seed=0)
    enliven(model)
    latents = np.random.default_rng(0).normal(size=(2, 6)).astype("float32")
    labels = np.array([0, 2], "int32")
    images = model.generate([latents, labels])
    for chunk in range(3):
        without = latents.copy()
        without[:, 2 * chunk : 2 * chunk + 2] = 0
        assert np.abs(model.generate([without, labels]) - images).max() > 1e-3, chunk
    np.testing.assert_allclose(model.generate([latents.copy(), labels]), images)  # the control


@pytest.mark.parametrize("family", [BigGAN, BigGANDeep])
def test_the_generator_has_one_embedding(family):
    embeddings = [x for x in family(**SIXTEEN).generator._flatten_layers() if isinstance(x, layers.Embedding)]
    assert [(x.name, x.output_dim) for x in embeddings] == [("label_embedding", 2)]


def test_orthogonal_regularization_is_in_the_generators_loss():
    model = BigGAN(**SIZES, seed=0)
    enliven(model)
    x, y = (ops.convert_to_tensor(spec.example(4, 0)) for spec in model.data_specs())
    judged, losses = model.judge(x, y), []
    model.fake_logits = lambda batch: judged
    for strength in (0.0, 1e-2):
        model.compile(orthogonal=strength)
        losses.append(float(model.generator_loss(Batch(x, y))[0]))
    expected = float(orthogonal_regularization(model.generator, 1e-2))
    assert losses[1] - losses[0] == pytest.approx(expected, rel=1e-3) and expected > 1e-3


@pytest.mark.slow
def test_recipes():
    model = BigGAN(**SIZES)
    for name in ("default", *BigGAN.recipes):
        model.compile(recipe=name)
    model = BigGANDeep(**DEEP)
    for name in BigGANDeep.recipes:
        model.compile(recipe=name)
    assert 0.5 ** (2048 / half_life(0.9999, 2048)) == pytest.approx(0.9999, abs=1e-9)


def test_what_is_refused():
    with pytest.raises(ValueError, match="`latent_dim` is 5; expected a multiple of 2"):
        BigGAN(**{**SIZES, "latent_dim": 5})
    with pytest.raises(ValueError, match=r"`image_shape` is \(8, 16, 1\); expected square images"):
        BigGAN((8, 16, 1))
    with pytest.raises(ValueError, match="`image_size` is 48; expected one of"):
        BigGAN((48, 48, 3))


@pytest.mark.slow
@pytest.mark.parametrize("size", [32, 64, 128, 256, 512])
def test_sizes(size):
    """Shapes at all of the papers' sizes, with narrow networks and without values."""
    for family in (BigGAN, BigGANDeep):
        with keras.StatelessScope(initialize_variables=False):
            model = family((size, size, 3), num_classes=5, width=8)
        assert model.generator.output_shape == (None, size, size, 3)
        assert model.discriminator.output_shape == (None, 1)


@pytest.mark.slow
def test_published_numbers_of_parameters():
    """Those that the authors' code prints for 128 pixels and 96 channels."""
    with keras.StatelessScope(initialize_variables=False):
        model = BigGAN((128, 128, 3), num_classes=1000)
    counts = [sum(int(np.prod(v.shape)) for v in n.trainable_variables) for n in (model.generator, model.discriminator)]
    assert counts == [70_433_988, 87_982_370]
