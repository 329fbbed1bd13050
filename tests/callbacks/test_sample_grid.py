"""Pictures show the samples of the same latents, at the steps that their names say."""

import types

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan import CGAN, GAN
from kerasgan.callbacks import SampleGrid
from kerasgan.data.kinds import Tokens
from kerasgan.pictures.images import grid


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_pictures_of_the_start_of_some_epochs_and_of_the_end(model, images, tmp_path):
    model.fit(images, epochs=3, verbose=0, callbacks=[SampleGrid(tmp_path, every_epochs=2, count=9, seed=3)])
    names = ["step-00000000.png", "step-00000008.png", "step-00000012.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    np.testing.assert_array_equal(pixels(tmp_path / names[-1]), grid(model.sample(9, seed=3))[..., 0])
    assert (pixels(tmp_path / names[0]) != pixels(tmp_path / names[1])).any()
    # A training that goes on does not draw its start again.
    model.fit(images, epochs=1, verbose=0, callbacks=[SampleGrid(tmp_path / "more", count=9)])
    assert [path.name for path in (tmp_path / "more").iterdir()] == ["step-00000016.png"]


def test_a_column_for_each_class_and_raw_samples(tmp_path):
    model = CGAN((4, 4, 1), num_classes=3, units=(4, 4, 4), maxout_units=(2, 2, 2))
    model.compile()
    model.generator.set_weights([weight + 0.5 for weight in model.generator.get_weights()])
    callback = SampleGrid(tmp_path, count=6, ema=False)
    callback.set_model(model)
    callback.draw()
    drawn = pixels(tmp_path / "step-00000000.png")
    samples = model.sample(6, labels=[0, 1, 2, 0, 1, 2], ema=False)
    np.testing.assert_array_equal(drawn, grid(samples, columns=3)[..., 0])
    assert (drawn != grid(model.sample(6), columns=3)[..., 0]).any()


def test_vectors_are_a_scatter_plot_and_tokens_are_no_picture(tmp_path):
    callback = SampleGrid(tmp_path)
    callback.set_model(GAN((2,), units=4, maxout_units=4))
    picture = callback.picture()
    assert picture.shape == (384, 384, 3) and 0 < (picture < 255).any(axis=-1).mean() < 0.2
    with pytest.raises(ValueError, match="cannot be drawn"):
        callback.set_model(types.SimpleNamespace(sample_kind=Tokens(3, 4)))


@pytest.mark.tensorflow
def test_tensorboard_gets_the_same_picture(model, images, tmp_path):
    import tensorflow as tf

    callback = SampleGrid(tmp_path / "png", count=4, tensorboard=tmp_path / "events")
    model.fit(images, epochs=1, verbose=0, callbacks=[callback])
    (events,) = (tmp_path / "events").iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            assert (value.tag, value.metadata.plugin_data.plugin_name) == ("samples", "images")
            width, height, *encoded = value.tensor.string_val
            found[event.step] = (int(width), int(height), tf.io.decode_png(encoded[0]).numpy())
    assert list(found) == [0, 4]
    width, height, picture = found[4]
    np.testing.assert_array_equal(picture[..., 0], pixels(tmp_path / "png" / "step-00000004.png"))
    assert picture.shape[:2] == (height, width)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow writes TensorBoard's files")
def test_tensorboard_is_refused_elsewhere(tmp_path):
    with pytest.raises(ValueError, match="Leave tensorboard out"):
        SampleGrid(tmp_path, tensorboard=tmp_path)
