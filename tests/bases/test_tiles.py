"""Pictures of any size, and tiles: the result is that of an untiled translation."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import ESRGAN, SRGAN, CycleGAN, Pix2Pix
from kerasgan.bases.tiles import Tiles, reach
from kerasgan.game.sizes import any_size, mirrored_to

CYCLE = {"image_shape": (16, 16, 3), "width": 3, "blocks": 1, "discriminator_depth": 1}
UNET = {"image_shape": (16, 16, 3), "width": 3, "depth": 2, "discriminator_depth": 1, "dropout": 0.0}
SMALL = {"image_shape": (16, 16, 3), "factor": 2, "width": 4, "blocks": 1, "stages": 1, "units": 2}
LEVEL = 2 / 255  # of images in [-1, 1]


def enlivened(model):
    """A model whose generators change pictures visibly."""
    gain = 3.0 if model.enlargement == 1 else 1.2  # instance normalization bounds what others amplify
    for network in model.averages.values():
        network.set_weights([w * gain if w.ndim > 1 else w + 0.1 for w in network.get_weights()])
    return model


def picture(height, width, channels=3, seed=0):
    """Smooth and rough parts, without a scale."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(-0.3, 0.3, (height, width, channels))
    y, x = np.mgrid[:height, :width][..., None] / 17
    return np.clip(0.6 * np.sin(y + 0.5 * x[..., :1]) * (x > 2) + rough, -1, 1).astype("float32")


CASES = {
    "cyclegan": (lambda: CycleGAN(**CYCLE, seed=0), 4),
    "pix2pix": (lambda: Pix2Pix(**UNET, seed=0), 4),
    "srgan": (lambda: SRGAN(**SMALL, seed=0), 1),
    "esrgan": (lambda: ESRGAN(**{**SMALL, "growth": 2}, seed=0), 1),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in ("cyclegan", "srgan") else pytest.mark.slow) for n in CASES]
)
def test_tiles_give_the_untiled_result(name):
    build, _ = CASES[name]
    model = enlivened(build())
    photo = picture(151, 170)
    whole = model.translate(photo[None])[0]
    tiles = model.tiles(tile=128)
    tiles = model.tiles(tile=128, overlap=2 * tiles.radius + 12)
    counted = []
    found = tiles(photo, counted.append)
    assert found.shape == whole.shape == (151 * model.enlargement, 170 * model.enlargement, 3)
    assert np.abs(found - whole).max() <= 0.05 * LEVEL
    assert sum(counted) == tiles.steps(photo.shape[:2]) and len(counted) >= 4


def test_statistics_of_single_tiles_would_show():
    """The control of the test above: instance normalization by the tiles' own statistics."""
    model = enlivened(CycleGAN(**CYCLE, seed=0))
    photo = picture(151, 170)
    whole, tiles = model.translate(photo[None])[0], model.tiles(tile=128)
    tiles._measure = lambda *arguments: None
    tiles._run = tiles._whole
    assert np.abs(tiles(photo) - whole).max() > 4 * LEVEL


def test_without_overlap_seams_would_show():
    model = enlivened(SRGAN(**SMALL, seed=0))
    photo = picture(80, 70)
    whole = model.translate(photo[None])[0]
    assert np.abs(model.tiles(tile=40, overlap=0)(photo) - whole).max() > 2 * LEVEL


def test_rows_come_in_bands_of_bounded_height():
    model = SRGAN(**SMALL, seed=0)
    tiles = model.tiles(tile=40, overlap=8)
    bands = list(tiles.bands(picture(200, 41)))
    assert sum(map(len, bands)) == 400 and max(map(len, bands)) <= 80 and len(bands) > 4
    one = model.tiles(tile=512)
    np.testing.assert_array_equal(one(picture(30, 20)), model.translate(picture(30, 20)[None])[0])


def test_weights_of_tiles_sum_to_one():
    tiles = Tiles(SRGAN(**SMALL, seed=0).generator, enlargement=2, tile=50, overlap=20)
    for side in (30, 50, 51, 81, 111, 400):
        starts = tiles._starts(side)
        total = np.zeros(2 * side)
        for start, weight in zip(starts, tiles._weights(starts, side), strict=True):
            total[2 * start : 2 * start + len(weight)] += weight
        np.testing.assert_allclose(total, 1.0, atol=1e-6)
        assert starts[0] == 0 and max(np.diff(starts), default=0) <= 30 and starts[-1] + 50 >= side


@pytest.mark.parametrize("name", CASES)
def test_the_radius_bounds_what_a_pixel_depends_on(name):
    """Changes of one pixel reach no further than `reach` says, in a network without normalization."""
    build, _ = CASES[name]
    network = build().averages
    network = network.get("generator", network.get("to_y"))
    radius, stride, _ = reach(any_size(network))
    tiles = Tiles(network)
    side = -(-(2 * radius + 9) // stride) * stride
    images = np.repeat(picture(side, side)[None], 2, axis=0)
    middle = side // 2
    images[1, middle, middle] += 0.3
    # One by one: in one batch, oneDNN may round the same numbers of two images differently.
    made = [ops.convert_to_numpy(tiles.network(image[None], training=False))[0] for image in images]
    factor = len(made[0]) // side
    changed = np.argwhere(np.abs(made[1] - made[0]).max(axis=-1) > 0)
    distances = np.abs((changed + 0.5) / factor - 0.5 - middle)
    assert 0 < distances.max() <= radius
    assert stride == (4 if name in ("cyclegan", "pix2pix") else 1)


def test_sizes_that_are_no_multiples_are_mirrored_and_cut_off():
    model = enlivened(CycleGAN(**CYCLE, seed=0))
    photo = picture(13, 18)
    mirrored = np.pad(photo, [(0, 3), (0, 2), (0, 0)], mode="symmetric")
    np.testing.assert_array_equal(mirrored_to(photo, 4), mirrored)
    expected = model.translate(mirrored[None])[:, :13, :18]
    np.testing.assert_allclose(model.translate(photo[None]), expected, atol=1e-6)
    assert model.translate(picture(3, 2)[None], to="x").shape == (1, 3, 2, 3)


def test_models_are_saved_after_translations_of_other_sizes(tmp_path):
    """Calls at other sizes share the layers, and leave no trace in the configuration."""
    model = enlivened(CycleGAN(**CYCLE, seed=0))
    photo = picture(13, 18)
    expected = model.translate(photo[None])
    model.tiles(tile=64)(photo)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.translate(photo[None]), expected)


def test_networks_that_need_their_size_say_so():
    images = keras.Input((8, 8, 1))
    flat = layers.Dense(64)(layers.Flatten()(images))
    network = keras.Model(images, layers.Reshape((8, 8, 1))(flat), name="dense")
    with pytest.raises(ValueError, match="takes images of 8x8 pixels only"):
        any_size(network)


def test_what_cannot_be_tiled():
    model = CycleGAN(**CYCLE, seed=0)
    with pytest.raises(ValueError, match="`tile` is 4"):
        model.tiles(tile=4)
    with pytest.raises(ValueError, match="`overlap` is 96"):
        model.tiles(tile=96, overlap=96)
    with pytest.raises(ValueError, match="`to` is 'x'"):
        Pix2Pix(**UNET).tiles("x")
    assert model.tiles("x").tile > 500


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["cyclegan", "srgan"])
def test_served_models_take_any_size(name, tmp_path):
    import tensorflow as tf

    model = enlivened(CASES[name][0]())
    model.export(tmp_path / "model")
    served = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    for height, width in ((13, 18), (8, 8), (24, 40)):
        photo = picture(height, width)[None]
        found = served(images=tf.constant(photo))["images"].numpy()
        np.testing.assert_allclose(found, model.translate(photo), atol=2e-5)
