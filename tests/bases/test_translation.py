"""What translation families share: jitter, seeded noise, pictures, served models."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from kerasgan import CycleGAN, Pix2Pix
from kerasgan.bases.translation import as_rgb, jitter
from kerasgan.callbacks import TranslationGrid
from kerasgan.commands.main import main
from kerasgan.pictures.color import colorization_pairs
from kerasgan.pictures.images import grid, write_png
from kerasgan.run import load_run

PIX2PIX = {"image_shape": (8, 8, 1), "target_channels": 3, "width": 2, "discriminator_depth": 1}
CYCLE = {"image_shape": (8, 8, 1), "target_channels": 3, "width": 2, "blocks": 1, "discriminator_depth": 1}


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def jittered(images, enlargement, flip):
    seed = keras.random.SeedGenerator(1)
    return [ops.convert_to_numpy(each) for each in jitter(images, enlargement, flip, seed)]


def test_jitter_is_a_crop_of_a_bilinear_enlargement():
    """Against interpolation by hand: all 5 x 5 crops of 8 to 12 pixels occur, and nothing else."""
    image = pictures(1, 8, 8, 2)
    (found,) = jittered((np.repeat(image, 400, axis=0),), 0.5, False)
    centres = np.clip((np.arange(12) + 0.5) * 8 / 12 - 0.5, 0, 7)
    enlarged = np.apply_along_axis(lambda line: np.interp(centres, np.arange(8), line), 0, image[0])
    enlarged = np.apply_along_axis(lambda line: np.interp(centres, np.arange(8), line), 1, enlarged)
    crops = [enlarged[i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    distances = np.abs(found[:, None] - np.array(crops)).max(axis=(2, 3, 4))
    assert distances.min(axis=1).max() < 1e-5
    assert np.bincount(distances.argmin(axis=1), minlength=25).min() > 3  # 16 of each are expected


def test_jitter_flips_half_of_the_images_and_the_targets_with_them():
    x, y = pictures(400, 4, 4, 1), pictures(400, 4, 4, 3, seed=1)
    a, b = jittered((x, y), 0.0, True)
    mirrored = np.abs(a - x[:, :, ::-1]).max(axis=(1, 2, 3)) < 1e-6
    assert 0.4 < mirrored.mean() < 0.6
    np.testing.assert_allclose(a[~mirrored], x[~mirrored], atol=1e-6)
    np.testing.assert_allclose(b[mirrored], y[mirrored][:, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(b[~mirrored], y[~mirrored], atol=1e-6)
    assert jitter((x, y), 0.0, False, 0) == (x, y)


def test_noise_of_a_seed_is_the_same_again_and_another_of_another():
    model = Pix2Pix(**PIX2PIX, seed=0)
    for variable in model.ema_generator.trainable_variables:
        variable.assign(ops.convert_to_numpy(variable) * 10)
    x = pictures(6, 8, 8, 1)
    first = model.translate(x, seed=3, batch_size=2)
    np.testing.assert_array_equal(first, model.translate(x, seed=3, batch_size=2))
    again = Pix2Pix(**PIX2PIX, seed=5)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(first, again.translate(x, seed=3, batch_size=2))
    assert np.abs(first - model.translate(x, seed=4, batch_size=2)).max() > 1e-3
    same = model.translate(np.repeat(x[:1], 6, axis=0), seed=3, batch_size=2)
    assert all(np.abs(same[0] - same[i]).max() > 1e-3 for i in range(1, 6))  # no two images share their noise
    np.testing.assert_allclose(model.predict(x, verbose=0), model.translate(x, seed=0), atol=1e-6)
    with pytest.raises(ValueError, match="seed.* is -1"):
        model.translate(x, seed=-1)
    with pytest.raises(ValueError, match="images has shape"):
        model.translate(pictures(2, 8, 8, 2))


def test_pictures_of_every_kind():
    grey, four = pictures(2, 4, 4, 1), pictures(2, 4, 4, 4)
    np.testing.assert_array_equal(as_rgb(grey), np.concatenate([grey] * 3, axis=-1))
    np.testing.assert_array_equal(as_rgb(four), four[..., :3])
    assert (as_rgb(four[..., :2])[..., 2] == -1).all()


def test_colorization_shows_colours():
    model = Pix2Pix(**{**PIX2PIX, "target_channels": 2})
    photos = pictures(2, 8, 8, 3)
    x, y = colorization_pairs(photos)
    rows = model.panel(x, y)
    assert [row.shape for row in rows] == [(2, 8, 8, 3)] * 3
    np.testing.assert_allclose(rows[2], photos, atol=1e-5)


@pytest.mark.slow  # the command line draws one, too
def test_grid_of_input_output_target(tmp_path):
    model = Pix2Pix(**PIX2PIX)
    model.compile(batch_size=4)
    x, y = pictures(8, 8, 8, 1), pictures(8, 8, 8, 3, seed=1)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[TranslationGrid(tmp_path, x[:3], y[:3])])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000000.png", "step-00000002.png"]
    with Image.open(tmp_path / "step-00000002.png") as picture:
        rows = [as_rgb(x[:3]), model.translate(x[:3]), y[:3]]
        np.testing.assert_array_equal(np.asarray(picture), grid(np.concatenate(rows), columns=3))


@pytest.mark.slow
@pytest.mark.tensorflow
def test_served_models_translate_alike(tmp_path):
    import tensorflow as tf

    x, y = pictures(3, 8, 8, 1), pictures(3, 8, 8, 3, seed=1)
    models, found = {"pix2pix": Pix2Pix(**PIX2PIX), "cyclegan": CycleGAN(**CYCLE)}, {}
    for name, model in models.items():
        for network in model.averages.values():
            network.set_weights([weight * 5 for weight in network.get_weights()])
        model.export(tmp_path / name)
        served = tf.saved_model.load(tmp_path / name)
        for key, signature in served.signatures.items():
            given = {"images": tf.constant(y if key == "to_x" else x)}
            if key == "translate":
                given["seed"] = tf.constant(7, tf.int64)
                with pytest.raises(tf.errors.InvalidArgumentError, match="must not be negative"):
                    signature(**{**given, "seed": tf.constant(-1, tf.int64)})
            found[f"{name} {key}"] = signature(**given)["images"].numpy()
    expected = {
        "pix2pix serving_default": models["pix2pix"].translate(x),
        "pix2pix translate": models["pix2pix"].translate(x, seed=7),
        "cyclegan serving_default": models["cyclegan"].translate(x),
        "cyclegan to_y": models["cyclegan"].translate(x),
        "cyclegan to_x": models["cyclegan"].translate(y, to="x"),
    }
    assert sorted(found) == sorted(expected)
    for name, images in expected.items():
        np.testing.assert_allclose(found[name], images, atol=1e-6, err_msg=name)
    assert np.abs(expected["pix2pix translate"] - expected["pix2pix serving_default"]).max() > 1e-3
    with pytest.raises(FileExistsError):
        models["pix2pix"].export(tmp_path / "pix2pix")


@pytest.mark.slow
@pytest.mark.tensorflow  # on JAX the command line is run once, in test_cli.py
def test_the_command_line_trains_on_pairs(tmp_path, capfd):
    (tmp_path / "pairs").mkdir()
    for number in range(8):  # each picture has its input and its target side by side
        levels = np.random.default_rng(number).integers(0, 256, (8, 16, 3)).astype("uint8")
        write_png(tmp_path / "pairs" / f"{number}.png", levels)
    settings = ["--epochs", "1", "--batch-size", "4", "--set", "width=2", "discriminator_depth=1"]
    arguments = ["--data", str(tmp_path / "pairs"), *settings, "--out", str(tmp_path / "run")]
    assert main(["train", "pix2pix", *arguments]) == 0
    model = load_run(tmp_path / "run").model
    assert (model.image_shape, model.target_shape, int(model.iterations)) == ((8, 8, 3), (8, 8, 3), 2)
    assert len(list((tmp_path / "run" / "samples").iterdir())) == 2
    capfd.readouterr()
    assert main(["sample", str(tmp_path / "run")]) == 2
    assert "translates images and has no samples" in capfd.readouterr().err


@pytest.mark.slow
def test_the_command_line_trains_on_two_domains_in_folders(tmp_path):
    for folder, count in (("trainA", 3), ("trainB", 5)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(count):
            levels = np.random.default_rng(number).integers(0, 256, (8, 8, 3)).astype("uint8")
            write_png(tmp_path / "data" / folder / f"{number}.png", levels)
    command = ["train", "cyclegan", "--data", str(tmp_path / "data"), "--split", "trainA,trainB", "--epochs", "1"]
    settings = ["--set", "width=2", "discriminator_depth=1", "blocks=1", "--out", str(tmp_path / "run")]
    assert main([*command, *settings]) == 0
    assert int(load_run(tmp_path / "run").model.iterations) == 3  # of the shorter one, one at a time
    with Image.open(next((tmp_path / "run" / "samples").iterdir())) as picture:
        assert picture.size == (1 + 3 * 33, 1 + 6 * 33)
