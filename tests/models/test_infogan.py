"""InfoGAN through the family harness, and what its paper says of the codes, their information and the networks."""

import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax
from scipy.stats import norm

from kerasgan import Batch, InfoGAN
from kerasgan.callbacks import SampleGrid
from kerasgan.objectives import penalties
from kerasgan.testing import CHECKS, enliven, family_tests

SIZES = {"image_shape": (8, 8, 1), "noise_dim": 3, "categorical": (3,), "continuous": 2, "width": 2, "units": 32}

test_infogan = family_tests(InfoGAN, SIZES, batch_size=16)
test_packed_categorical = family_tests(
    InfoGAN, {**SIZES, "categorical": (3, 2), "continuous": 0, "packing": 2}, batch_size=16, slow=CHECKS
)
test_layer_normalization = family_tests(
    InfoGAN, {**SIZES, "discriminator_normalization": "layer"}, {"penalties": (penalties.R1(1.0),)}, slow=CHECKS
)


@pytest.mark.parametrize("packing", [1, 2])
def test_the_bound_of_equation_5(packing):
    """L_I of each code is H(c) + E log q(c | x), against SciPy's densities; both players minimise its negative."""
    rng = np.random.default_rng(0)
    model = InfoGAN(**{**SIZES, "categorical": (3, 2)}, packing=packing, seed=0)
    model.compile(categorical_information=0.5, continuous_information=0.25)
    noise, logits, means = rng.normal(size=(4, 3)), rng.normal(size=(4, 5)), rng.normal(size=(4, 2))
    classes, continuous = np.array([[2, 0], [0, 1], [1, 1], [2, 1]]), rng.uniform(-1, 1, (4, 2))
    latents = np.concatenate([noise, np.eye(3)[classes[:, 0]], np.eye(2)[classes[:, 1]], continuous], axis=1)
    outputs = {
        "logits": np.zeros((4 // packing, 1)),
        "codes": np.concatenate([logits, means], axis=1).reshape(4 // packing, -1),
    }
    model.latents = lambda batch: ops.convert_to_tensor(latents.astype("float32"))
    model.told_of_fake = lambda batch: {k: ops.convert_to_tensor(v.astype("float32")) for k, v in outputs.items()}
    model.told_of_real = model.told_of_fake
    rows = np.arange(4)
    first, second = log_softmax(logits[:, :3], axis=1), log_softmax(logits[:, 3:], axis=1)
    categorical = np.log(6) + first[rows, classes[:, 0]].mean() + second[rows, classes[:, 1]].mean()
    gaussian = 2 * np.log(2) + norm.logpdf(continuous, means).sum(axis=1).mean()
    batch = Batch(ops.zeros((4, 8, 8, 1)))
    assert [float(part) for part in model.information(batch)] == pytest.approx([categorical, gaussian], rel=1e-5)
    informed = 0.5 * categorical + 0.25 * gaussian
    assert float(model.discriminator_loss(batch)[0]) == pytest.approx(2 * np.log(2) - informed, rel=1e-5)
    assert float(model.generator_loss(batch)[0]) == pytest.approx(np.log(2) - informed, rel=1e-5)


def test_the_information_of_a_generator_that_shows_its_codes():
    """A Q that reads the one-hot code off the image has the whole entropy ln 3; one that cannot see it has none."""
    model = InfoGAN(**SIZES, seed=0)
    model.compile()
    latents = model.draw_latents(64, 0)
    model.latents = lambda batch: latents
    for scale, expected in ((100.0, np.log(3)), (0.0, 0.0)):
        codes = ops.concatenate([scale * latents[:, 3:6], latents[:, 6:]], axis=-1)
        model.told_of_fake = lambda batch, codes=codes: {"codes": codes}
        categorical, continuous = model.information(None)
        assert float(categorical) == pytest.approx(expected, abs=1e-4)
        assert float(continuous) == pytest.approx(2 * (np.log(2) - 0.5 * np.log(2 * np.pi)), rel=1e-5)


def test_continuous_codes_alone():
    model = InfoGAN(**{**SIZES, "categorical": (), "continuous": 1}, seed=0)
    model.compile()
    assert {"continuous_information", "categorical_information"} & set(model.trackers) == {"continuous_information"}
    images = model.sample(3, codes=[[-1.0], [0.0], [1.0]])
    assert model.infer_codes(images).shape == (3, 1)


def test_latents_are_noise_and_independent_codes():
    model = InfoGAN(**{**SIZES, "categorical": (3, 2)}, seed=0)
    latents = ops.convert_to_numpy(model.draw_latents(30_000, 0))
    assert latents.shape == (30_000, model.latent_dim) == (30_000, 3 + 3 + 2 + 2)
    for start, size in ((3, 3), (6, 2)):
        codes = latents[:, start : start + size]
        assert set(np.unique(codes)) == {0.0, 1.0} and (codes.sum(axis=1) == 1).all()
        np.testing.assert_allclose(codes.mean(axis=0), 1 / size, atol=0.015)
    uniform = latents[:, [0, 1, 2, 8, 9]]
    assert uniform.min() > -1.001 and uniform.max() < 1.001
    np.testing.assert_allclose(uniform.std(axis=0), 3**-0.5, atol=0.01)
    independent = np.delete(np.corrcoef(latents[:, [0, 1, 2, 3, 6, 8, 9]].T), 0, axis=1)
    assert np.abs(independent[np.abs(independent) < 0.99]).max() < 0.03


def test_chosen_codes_reach_the_generator_and_the_rest_stays():
    model = InfoGAN(**SIZES, seed=0)
    drawn = ops.convert_to_numpy(model.draw_latents(2, 5))
    chosen = ops.convert_to_numpy(model._with_codes(drawn, [[2, np.nan, 0.5], [np.nan, -1, np.nan]]))
    expected = drawn.copy()
    expected[0, 3:6], expected[0, 7], expected[1, 6] = [0, 0, 1], 0.5, -1
    np.testing.assert_array_equal(chosen, expected)
    images = model.sample(2, seed=5, codes=[[2, np.nan, 0.5], [np.nan, -1, np.nan]])
    np.testing.assert_allclose(images, model.generate(ops.convert_to_tensor(expected)), atol=1e-6)
    free = np.full((2, 3), np.nan)
    np.testing.assert_array_equal(model.sample(2, seed=5, codes=free), model.sample(2, seed=5))


def test_a_walk_changes_one_code_in_a_row():
    model = InfoGAN(**SIZES, seed=0)
    given = []
    model.generate = lambda latents, ema: given.append(ops.convert_to_numpy(latents))
    model.walk(0, rows=2)
    model.walk(2, rows=2)
    classes, values = (latents.reshape(2, -1, model.latent_dim) for latents in given)
    np.testing.assert_array_equal(classes[:, :, 3:6], np.tile(np.eye(3), (2, 1, 1)))
    np.testing.assert_allclose(values[:, :, 7], np.tile(np.linspace(-1, 1, 10), (2, 1)), rtol=1e-6)
    for walk, column in ((classes, [3, 4, 5]), (values, [7])):
        rest = np.delete(walk, column, axis=-1)
        np.testing.assert_array_equal(rest, np.repeat(rest[:, :1], walk.shape[1], axis=1))
        assert np.abs(rest[0] - rest[1]).max() > 0.01
    with pytest.raises(ValueError, match="expected 0 to 2"):
        model.walk(3)


@pytest.mark.parametrize("packing", [1, 2])
def test_infer_codes_is_what_the_head_says(packing):
    model = InfoGAN(**SIZES, packing=packing, seed=0)
    enliven(model)
    images = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    codes = model.infer_codes(images)
    assert codes.shape == (5, 3) and codes.dtype == "float32"
    pairs = model.pack(ops.convert_to_tensor(images[[0, 1, 2, 3, 4, 0][: 6 if packing == 2 else 5]]))
    told = ops.convert_to_numpy(model.discriminator(pairs, training=False)["codes"]).reshape(-1, 5)
    np.testing.assert_array_equal(codes[:, 0], told[:5, :3].argmax(axis=1))
    np.testing.assert_allclose(codes[:, 1:], told[:5, 3:], rtol=1e-4, atol=1e-5)
    assert np.abs(codes[:, 1:]).mean() > 0.05
    assert model.sample(5, codes=codes).shape == images.shape


def test_the_papers_networks_at_28_pixels():
    model = InfoGAN((28, 28, 1), seed=0)
    shapes = [
        [tuple(v.shape) for v in network.trainable_variables if v.name == "kernel"]
        for network in (model.generator, model.discriminator)
    ]
    assert shapes[0] == [(74, 1024), (1024, 7 * 7 * 128), (4, 4, 64, 128), (4, 4, 1, 64)]
    trunk = [(4, 4, 1, 64), (4, 4, 64, 128), (7 * 7 * 128, 1024)]
    assert shapes[1][:3] == trunk and sorted(shapes[1][3:]) == [(128, 12), (1024, 1), (1024, 128)]


@pytest.mark.slow
def test_sample_grids_show_it(tmp_path):
    model = InfoGAN(**SIZES, seed=0)
    model.compile()
    images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32")
    model.fit(images, batch_size=4, verbose=0, callbacks=[SampleGrid(tmp_path, count=4)])
    assert len(list(tmp_path.glob("step-*.png"))) == 2


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: InfoGAN(**SIZES, num_classes=3), "InfoGAN is unconditional"),
        (lambda: InfoGAN(**{**SIZES, "categorical": (), "continuous": 0}), "There are no codes"),
        (lambda: InfoGAN(**SIZES).sample(2, codes=[[0, 0.0]]), r"shape \(1, 2\); expected \(2, 3\)"),
        (lambda: InfoGAN(**SIZES).sample(1, codes=[[3, 0.0, 0.0]]), "integers from 0 to 2"),
        (lambda: InfoGAN(**SIZES).sample(1, labels=[0], codes=[[0, 0.0, 0.0]]), "`labels` was given"),
    ],
)
def test_what_is_refused(attempt, message):
    with pytest.raises(ValueError, match=message):
        attempt()
