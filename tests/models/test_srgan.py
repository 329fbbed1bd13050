"""SRGAN through the family harness, and what its paper says of networks, objective and trainings."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasgan
from kerasgan import SRGAN
from kerasgan.commands.main import main
from kerasgan.data.pipeline import ArrayBatches
from kerasgan.game.phase import Batch
from kerasgan.layers import PixelShuffle
from kerasgan.pictures.images import write_png
from kerasgan.run import load_run
from kerasgan.testing import FURTHER, family_tests

SIZES = {"image_shape": (8, 8, 1), "factor": 2, "width": 2, "blocks": 1, "stages": 1, "units": 3}
# A convolution's bias before batch normalization does not exist, so nothing is unmoved.
RECIPE = {"batch_size": 8, "pretraining_steps": 2}
test_srgan = family_tests(SRGAN, SIZES, recipe=RECIPE)
test_modified_network = family_tests(
    SRGAN,
    {**SIZES, "image_shape": (12, 12, 3), "factor": 3, "network": "msrresnet"},
    recipe={"batch_size": 8, "pretraining_steps": 0, "pixel_weight": 0.5, "flip": True},
    slow=FURTHER,
)


@pytest.mark.slow
def test_the_papers_networks():
    model = SRGAN((96, 96, 3), seed=0)
    kernels = [tuple(v.shape) for v in model.generator.trainable_variables if v.name == "kernel"]
    assert kernels[0] == (9, 9, 3, 64) and kernels[-1] == (9, 9, 64, 3)
    assert kernels[1:-1] == [(3, 3, 64, 64)] * 33 + [(3, 3, 64, 256)] * 2
    kinds = [type(layer) for layer in model.generator.layers]
    assert kinds.count(layers.PReLU) == 1 + 16 + 2 and kinds.count(PixelShuffle) == 2
    found = [tuple(v.shape) for v in model.discriminator.trainable_variables if v.name == "kernel"]
    widths = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    expected = [(3, 3, a, b) for a, b in itertools.pairwise(widths)]
    assert found == [*expected, (6 * 6 * 512, 1024), (1024, 1)]


def test_the_losses_of_a_batch_by_hand():
    """Against equations 3, 4 and 6 with features that double the pixels, in float64 by NumPy."""
    images = keras.Input((8, 8, 1))
    model = SRGAN(**SIZES, features=keras.Model(images, layers.Rescaling(2.0)(images)), seed=0)
    model.compile(pixel_weight=0.25, pretraining_steps=1)
    rng = np.random.default_rng(0)
    small, large = (rng.uniform(-1, 1, (4, size, size, 1)).astype("float32") for size in (4, 8))
    batch = Batch(ops.convert_to_tensor(small), ops.convert_to_tensor(large))
    made = ops.convert_to_numpy(model.generator(small, training=True)).astype("float64")
    logits = ops.convert_to_numpy(model.discriminator(made.astype("float32"), training=True)).astype("float64")
    squares = np.square(made - large).mean()
    pretraining, _, generator = (model.evaluate_losses((phase,), batch)[0][1] for phase in model.game)
    assert float(pretraining["pretraining_loss"]) == pytest.approx(squares, rel=1e-5)
    expected = 4 * squares + 1e-3 * np.log1p(np.exp(-logits)).mean() + 0.25 * squares
    assert float(generator["generator_loss"]) == pytest.approx(expected, rel=1e-5)


def test_pretraining_comes_first():
    model = SRGAN(**SIZES, seed=0)
    model.compile(pretraining_steps=3)
    assert [model.due(step) for step in (0, 2, 3)] == [("pretraining",)] * 2 + [("discriminator", "generator")]
    model.compile(pretraining_steps=0)
    assert model.due(0) == ("discriminator", "generator")


@pytest.mark.slow
def test_large_images_alone_are_enough():
    """Small images are those of the degradation with the model's seed, new ones in each epoch, also after a resume."""
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, 1)).astype("float32")
    seen = []

    class Notes(SRGAN):
        def see_batch(self, data, last=True):
            super().see_batch(data, last)
            seen.append([ops.convert_to_numpy(side).copy() for side in self.as_batch(data)[:2]])

    def train(**options):
        model = Notes(**SIZES, seed=5)
        model.compile(batch_size=3, pretraining_steps=0, degradation="real", run_eagerly=True)
        seen.clear()
        model.fit(images, verbose=0, **options)
        return list(seen)

    whole = train(epochs=2)
    later = train(epochs=2, initial_epoch=1)
    if not whole:
        pytest.skip("batches are not seen on the host")
    for (small, large), (again, same) in zip(whole[2:], later, strict=True):
        np.testing.assert_array_equal(small, again)
        np.testing.assert_array_equal(large, same)
    degraded = {large.tobytes(): [] for _, batch in whole for large in batch}
    for smalls, larges in whole:
        for small, large in zip(smalls, larges, strict=True):
            degraded[large.tobytes()].append(small)
    assert all(len(pair) == 2 and np.abs(pair[0] - pair[1]).max() > 1e-3 for pair in degraded.values())


@pytest.mark.slow
def test_large_images_may_be_read_batch_by_batch():
    """Stored rows are prepared as they are read, and give the training of arrays."""
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, 1)).astype("float32")
    found = []
    for x in (images, ArrayBatches(100 * images, prepare=lambda rows: rows / 100)):
        keras.utils.set_random_seed(0)
        model = SRGAN(**SIZES, seed=5)
        model.compile(batch_size=3, pretraining_steps=9)
        model.fit(x, epochs=1, verbose=0)
        found.append(model.generator.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_translations_have_any_size_and_stay_in_range():
    model = SRGAN(**SIZES, seed=0)
    model.ema_generator.set_weights([5 * weight for weight in model.ema_generator.get_weights()])
    small = np.random.default_rng(0).uniform(-1, 1, (2, 5, 7, 1)).astype("float32")
    large = model.translate(small)
    assert large.shape == (2, 10, 14, 1) and np.abs(large).max() == 1.0
    rows = model.panel(np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 1)).astype("float32"))
    assert [row.shape for row in rows] == [(3, 8, 8, 3)] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": 5}, "`factor` is 5"),
        ({"image_shape": (9, 8, 1)}, "multiples of the factor"),
        ({"network": "vgg"}, "`network` is 'vgg'"),
        ({"stages": 9}, "`stages` is 9"),
    ],
)
def test_what_cannot_be_asked_for(arguments, message):
    with pytest.raises(ValueError, match=message):
        SRGAN(**{**SIZES, **arguments})


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_command_line_trains_on_large_images(tmp_path):
    for number in range(8):
        levels = np.random.default_rng(number).integers(0, 256, (16, 16, 3)).astype("uint8")
        write_png(tmp_path / "photos" / f"{number}.png", levels)
    settings = ["--set", "width=2", "blocks=1", "factor=2", "pretraining_steps=2", "degradation=real", "stages=1"]
    command = ["train", "srgan", "--data", str(tmp_path / "photos"), "--epochs", "2", "--batch-size", "4", *settings]
    assert main([*command, "--out", str(tmp_path / "run"), "--preset-out", str(tmp_path / "tiny")]) == 0
    model = load_run(tmp_path / "run").model
    assert (model.image_shape, model.recipe.degradation, int(model.iterations)) == ((16, 16, 3), "real", 4)
    assert len(list((tmp_path / "run" / "samples").iterdir())) == 3
    again = kerasgan.load(tmp_path / "tiny")
    small = np.random.default_rng(0).uniform(-1, 1, (2, 5, 7, 3)).astype("float32")
    np.testing.assert_allclose(again.translate(small), model.translate(small), atol=1e-6)


def test_features_are_needed_for_training_only():
    images = keras.Input((8, 8, 1))
    model = SRGAN(**SIZES, features=keras.Model(images, layers.Rescaling(2.0)(images)))
    again = SRGAN.from_config(model.get_config())
    assert again.features is None
    with pytest.raises(ValueError, match="`features` is None"):
        again.compile()
    again.compile(perceptual_weight=0.0)
    with pytest.raises(ValueError, match="`degradation` is 'worse'"):
        again.compile(degradation="worse", perceptual_weight=0.0)
