"""Walks, edits and projections in the latents of tiny models with known answers."""

import keras
import numpy as np
import pytest
from keras import layers

from kerasgan import DCGAN, GMMN, R3GAN, BiGAN, BigGAN, BigGANDeep, FastGAN, InfoGAN, ProGAN, StyleGAN, StyleGAN2
from kerasgan.latent_space import Directions, LatentSpace
from kerasgan.latent_space.directions import latent_matrices
from kerasgan.testing import enliven

MATRIX = np.random.default_rng(0).normal(size=(3, 64)).astype("float32") * [[3.0], [2.0], [1.0]]
STYLE = {"image_shape": (8, 8, 1), "latent_dim": 4, "style_dim": 4, "channel_base": 32, "channel_max": 4, "depth": 1}


@pytest.fixture(scope="module")
def linear():
    """Images that are linear functions of the latents."""
    latents = keras.Input((3,), name="latents")
    x = layers.Dense(64, use_bias=False, name="dense")(latents)
    generator = keras.Model(latents, layers.Reshape((8, 8, 1))(x))
    generator.get_layer("dense").kernel.assign(MATRIX)
    return DCGAN((8, 8, 1), latent_dim=3, width=4, generator=generator, seed=0)


@pytest.fixture(scope="module")
def styles():
    model = StyleGAN2(**STYLE, seed=0)
    for layer in model.ema_generator.layers:
        if layer.name.endswith("_noise"):
            layer.strength.assign(0.1)
    model.ema_mapping.get_layer("mean_style").mean.assign([0.1, 0.2, 0.3, 0.4])
    return model


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_codes_of_samples_give_the_samples(styles, space):
    space = LatentSpace(styles, space)
    for truncation in (None,) if space.space == "z" else (None, 0.5):
        images = space.images(space.draw(3, seed=5, truncation=truncation))
        latents = styles.sample_inputs(3, 5)
        expected = styles.generate(latents, seed=0, noise="fixed", truncation=truncation)
        np.testing.assert_allclose(images, expected, atol=1e-5)


def test_a_picture_is_found_again(linear):
    """Of a linear generator exactly; its projection is the least-squares solution."""
    space = LatentSpace(linear)
    codes = space.draw(3, seed=1)
    found = space.project(space.images(codes), steps=200, learning_rate=0.1, candidates=32)
    np.testing.assert_allclose(found.codes, codes, atol=1e-3)
    assert found.losses.max() < 1e-5
    assert found.curve.shape == (len(found.steps), 3) and found.steps[0] == 0 and found.steps[-1] == 200
    np.testing.assert_array_equal(found.curve[-1], found.losses)
    assert (found.curve[0] > 100 * found.losses).all()
    other = np.random.default_rng(1).uniform(-1, 1, (1, 8, 8, 1)).astype("float32")
    expected = np.linalg.lstsq(MATRIX.T, other.ravel(), rcond=None)[0]
    np.testing.assert_allclose(space.project(other, steps=300, candidates=8).codes[0], expected, atol=1e-2)


def test_where_a_projection_starts(linear):
    """A linear encoder finds the codes of a linear generator at once, up to its ridge; the mean knows nothing."""
    space, told = LatentSpace(linear), []
    codes = space.draw(2, seed=1)
    options = {"steps": 2, "learning_rate": 0.0, "progress": lambda *done: told.append(done)}
    images = space.images(codes)
    errors = {start: space.project(images, start=start, **options).codes - codes for start in ("encoder", "candidates")}
    assert np.abs(errors["encoder"]).max() < 0.05 < np.abs(errors["candidates"]).max()
    np.testing.assert_array_equal(space.project(images, start="mean", **options).codes, 0.0)
    np.testing.assert_array_equal(space.project(images, start=codes, **options).codes, codes)
    assert told[0] == (0, 4) and told[-1] == (4, 4)
    with pytest.raises(ValueError, match="`start` is 'middle'"):
        space.project(images, start="middle", **options)
    model = BiGAN((8, 8, 1), latent_dim=3, seed=0)
    images = np.clip(images, -1, 1)
    found = LatentSpace(model).project(images, start="encoder", **options)
    np.testing.assert_allclose(found.codes, model.encode(images), atol=1e-6)


def test_perceptual_projection(linear):
    """The same picture is found with the maps of a random network, in which the way there is another one."""
    space = LatentSpace(linear)
    codes = 0.2 * space.draw(1, seed=1)
    found = space.project(space.images(codes), steps=150, learning_rate=0.1, features="perceptual")
    np.testing.assert_allclose(found.codes, codes, atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("space", ["w", "w+"])
def test_a_style_is_found_again(styles, space):
    space = LatentSpace(styles, space)
    image = space.images(space.draw(1, seed=1))
    start = space.project(image, steps=1, learning_rate=0.0, candidates=16)
    found = space.project(image, steps=300, candidates=16)
    assert found.losses[0] < 0.05 * start.losses[0]
    np.testing.assert_allclose(space.images(found.codes), found.images, atol=1e-6)


def test_ways(linear):
    space = LatentSpace(linear)
    start, end = np.float32([1, 0, 0]), np.float32([0, 1, 0])
    arc = space.interpolate(start, end, 3, "spherical")
    np.testing.assert_allclose(arc, [[1, 0, 0], [0.5**0.5, 0.5**0.5, 0], [0, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(space.interpolate(start, end, 3)[1], [0.5, 0.5, 0])
    walk = space.walk(np.stack([start, end, -start]), 2, "linear")
    np.testing.assert_allclose(walk, [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [-0.5, 0.5, 0], [-1, 0, 0]])
    assert len(space.walk(np.stack([start, end, -end]), 2, "linear", closed=True)) == 6
    np.testing.assert_allclose(space.truncate([start, end], 0.5), [[0.5, 0, 0], [0, 0.5, 0]])


def test_mixing_truncation_and_edits_of_layers(styles):
    space = LatentSpace(styles, "w+")
    codes = space.draw(2, seed=0)
    mixed = space.mix(codes[:1], codes[1:], 2)
    np.testing.assert_array_equal(mixed[0], np.concatenate([codes[0, :2], codes[1, 2:]]))
    mixed = space.mix(codes[:1], codes[1:], [1, 3])
    np.testing.assert_array_equal(mixed[0], np.stack([codes[n % 2, n] for n in range(len(mixed[0]))]))
    mean = np.float32([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(space.truncate(codes, 0.5, layers=1)[:, 0], mean + 0.5 * (codes[:, 0] - mean), atol=1e-6)
    np.testing.assert_array_equal(space.truncate(codes, 0.5, layers=1)[:, 1:], codes[:, 1:])
    moved = space.edit(codes, [1, 0, 0, 0], 2.0, layers=[3]) - codes
    expected = np.zeros_like(codes)
    expected[:, 3, 0] = 2.0
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    moved = LatentSpace(styles, "w").edit(codes[:, 0], [0, 1, 0, 0], [1.0, -1.0]) - codes[:, 0]
    np.testing.assert_allclose(moved, [[0, 1, 0, 0], [0, -1, 0, 0]], atol=1e-6)


def parallel(a, b, tolerance):
    return abs(abs(np.dot(a, b)) - 1) < tolerance


def test_directions_of_a_linear_generator(linear):
    """Both methods find the singular vectors of its matrix; the supervised one finds what the scores were made of."""
    space = LatentSpace(linear)
    vectors, values, _ = np.linalg.svd(MATRIX, full_matrices=False)
    sefa, ganspace = (space.directions(method, 3, samples=4000) for method in ("sefa", "ganspace"))
    np.testing.assert_allclose(sefa.weights, values**2, rtol=1e-4)
    np.testing.assert_allclose(ganspace.weights, values / np.sqrt(3), rtol=0.1)  # uniform latents
    for place in range(3):
        assert parallel(sefa.vectors[place], vectors[:, place], 1e-5)
        assert parallel(ganspace.vectors[place], vectors[:, place], 0.02)


def test_supervised_directions(linear):
    space = LatentSpace(linear)
    codes = space.draw(500, seed=2)
    found = space.directions("supervised", codes=codes, scores=codes @ np.float32([0.6, 0.0, 0.8]) + 3)
    np.testing.assert_allclose(found.vectors[0], [0.6, 0, 0.8], atol=1e-5)
    np.testing.assert_allclose(found.weights, 1.0)
    classes = np.where(codes[:, 1] > 0, 1.0, -1.0)
    assert parallel(space.directions("supervised", codes=codes, scores=classes).vectors[0], [0, 1, 0], 0.02)
    noise = np.random.default_rng(0).normal(size=500)
    scores = np.stack([classes, codes[:, 0] + noise, noise], axis=1)
    found = space.directions("supervised", codes=codes, scores=scores, names=["wide", "tall", "nothing"])
    assert parallel(found["wide"], [0, 1, 0], 0.02) and parallel(found["tall"], [1, 0, 0], 0.05)
    assert found.weights[0] > 0.5 > found.weights[1] > 0.05 > found.weights[2]
    with pytest.raises(ValueError, match="`name` is 'thin'; expected one of wide, tall, nothing"):
        found["thin"]


def test_names_ranges_and_files_of_directions(linear, tmp_path):
    """Uniform latents lie between -1 and 1 along an axis: 95 % of them between -0.95 and 0.95."""
    space = LatentSpace(linear)
    codes = space.draw(2000, seed=2)
    found = space.directions("supervised", codes=codes, scores=codes[:, 1], samples=4000)
    np.testing.assert_allclose(found.ranges, [[-0.95, 0.95]], atol=0.03)
    assert found.names == ("supervised0",) and len(found) == 1
    found.save(tmp_path / "directions.json")
    again = Directions.load(tmp_path / "directions.json")
    assert (again.names, again.space, again.method) == (found.names, "z", "supervised")
    np.testing.assert_array_equal(again["supervised0"], found.vectors[0])
    np.testing.assert_array_equal(again[0], found["0"])
    np.testing.assert_array_equal(again.ranges, found.ranges)
    (tmp_path / "directions.json").write_text("{}")
    with pytest.raises(ValueError, match="contains no directions"):
        Directions.load(tmp_path / "directions.json")


BIG = {"latent_dim": 6, "embedding": 4, "generator_widths": (4, 4, 4), "discriminator_widths": (4, 4), "width": 4}
MODELS = {
    "dcgan": lambda: DCGAN((8, 8, 1), latent_dim=6, width=2, num_classes=3, seed=0),
    "biggan": lambda: BigGAN((16, 16, 3), num_classes=3, **BIG, seed=0),
    "biggan deep": lambda: BigGANDeep((16, 16, 3), num_classes=3, **BIG, seed=0),
    "fastgan": lambda: FastGAN((8, 8, 1), latent_dim=6, width=1, seed=0),
    "r3gan": lambda: R3GAN((8, 8, 1), latent_dim=6, num_classes=3, width=8, group_width=4, blocks=1, seed=0),
    "gmmn": lambda: GMMN((8, 8, 1), latent_dim=6, seed=0),
    "infogan": lambda: InfoGAN((8, 8, 1), noise_dim=1, categorical=(3,), continuous=2, width=2, units=32, seed=0),
    "progan": lambda: ProGAN((8, 8, 1), latent_dim=6, seed=0, channel_base=32, channel_max=4),
    "stylegan": lambda: StyleGAN((16, 16, 1), latent_dim=6, style_dim=4, channel_base=32, channel_max=4, seed=0),
    "stylegan2": lambda: StyleGAN2(**{**STYLE, "latent_dim": 6}, num_classes=3, seed=0),
}


SLOW = ("biggan", "biggan deep", "fastgan", "stylegan", "stylegan2")  # models of other tests of this file, or alike


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in MODELS]
)
def test_every_model_with_latents(name):
    """Both methods find directions in the latents, and a step along the first one changes the images."""
    model = MODELS[name]()
    enliven(model)
    space = LatentSpace(model)
    codes = space.draw(2, seed=3)
    for method in ("sefa", "ganspace"):
        found = space.directions(method, 3, samples=64)
        count = 2 if (name, method) == ("biggan", "ganspace") else 3  # its first layer takes two of the latents
        assert found.vectors.shape == (count, 6) and found.ranges.shape == (count, 2)
        assert np.abs(space.images(space.edit(codes, found[0], 1.0)) - space.images(codes)).max() > 1e-4
    assert space.images(space.walk(codes, 2)).shape == (3, *model.image_shape)
    assert space.project(space.images(codes), steps=2, candidates=4).images.shape == (2, *model.image_shape)


def test_matrices_of_latents_that_are_cut():
    """BigGAN's dense layer and the normalizations of each block take a part of the latents each."""
    model = MODELS["biggan"]()
    generator = model.generator
    matrices = latent_matrices(generator, model.conditions.given(1))
    stem = np.asarray(generator.get_layer("stem").normalized_kernel())
    first = np.asarray(generator.get_layer("block0_normalization1").gain.normalized_kernel())
    np.testing.assert_allclose(matrices[0], np.pad(stem, ((0, 4), (0, 0))), atol=1e-6)
    expected = np.pad(first[4:], ((2, 2), (0, 0)))  # behind the label's vector
    assert any(m.shape == expected.shape and np.allclose(m, expected, atol=1e-6) for m in matrices)
    assert len(matrices) == 1 + 2 * 2 * 2  # gain and offset, of two normalizations, in two blocks


def test_directions_of_styles(styles):
    space = LatentSpace(styles, "w")
    for method in ("sefa", "ganspace"):
        found = space.directions(method, 2, samples=100)
        assert isinstance(found, Directions) and found.vectors.shape == (2, 4)
        np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(2), atol=1e-5)
        assert found.weights[0] >= found.weights[1] > 0


def test_path_length_of_a_linear_generator(linear):
    """On a straight way the images change by |A^T (end - start)|."""
    space = LatentSpace(linear)
    found = space.perceptual_path_length(16, interpolation="linear", epsilon=0.1)
    codes = space.draw(32)
    lengths = np.sort(np.square((codes[16:] - codes[:16]) @ MATRIX).sum(axis=1))
    assert found == pytest.approx(lengths.mean(), rel=1e-3)


def test_refusals(linear, styles):
    with pytest.raises(ValueError, match="`space` is 'w'; DCGAN has 'z'"):
        LatentSpace(linear, "w")
    with pytest.raises(ValueError, match="mix needs styles"):
        LatentSpace(styles).mix(np.zeros((1, 4)), np.zeros((1, 4)), 1)
    with pytest.raises(ValueError, match="`method` is 'pca' and the space 'w'"):
        LatentSpace(styles, "w").directions("pca")
    with pytest.raises(ValueError, match="`labels` was given, but styles already contain it"):
        LatentSpace(styles, "w").images(np.zeros((1, 4)), labels=[1])
