"""Layers that a user freezes stay frozen, in files, presets and runs."""

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan import DCGAN
from kerasgan.game.freezing import freeze_first, frozen_places
from kerasgan.run import load_run, train

IMAGES = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32")


def trainable(model):
    return [layer.trainable for layer in model.discriminator.layers]


@pytest.fixture
def model():
    """A small model whose discriminator begins with frozen layers, trained for two steps."""
    model = DCGAN((8, 8, 1), latent_dim=4, width=4, seed=0)
    for layer in model.discriminator.layers[:3]:
        layer.trainable = False
    model.compile(batch_size=4)
    return model


def test_frozen_layers_come_back_frozen_with_all_of_their_optimizer(model, tmp_path):
    before = [np.copy(w) for w in model.discriminator.layers[1].get_weights()]
    train(tmp_path / "run", model, IMAGES, epochs=1)
    for old, new in zip(before, model.discriminator.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.save_preset(tmp_path / "preset", networks=("generator", "discriminator"))
    for again in (keras.saving.load_model(tmp_path / "run" / "model.keras"), load_run(tmp_path / "run").model):
        assert trainable(again) == trainable(model)
        for found, expected in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), keras.ops.convert_to_numpy(expected))
    assert trainable(kerasgan.load(tmp_path / "preset")) == trainable(model)


def test_what_is_not_frozen_is_not_mentioned(model):
    assert set(model.get_config()["frozen_layers"]) == {"discriminator"}
    for layer in model.discriminator.layers:
        layer.trainable = True
    assert "frozen_layers" not in model.get_config()


def test_a_trained_layer_within_a_frozen_network():
    model = DCGAN((8, 8, 1), latent_dim=4, width=4, seed=0)
    model.discriminator.trainable = False
    model.discriminator.layers[-1].trainable = True
    again = DCGAN.from_config(model.get_config())
    assert trainable(again) == trainable(model) and trainable(model)[-1] and not again.discriminator.trainable


def test_the_first_layers_with_weights():
    network = DCGAN((8, 8, 1), latent_dim=4, width=4, seed=0).discriminator
    weights = [layer for layer in network.layers if any("kernel" in v.name for v in layer.weights)]
    freeze_first(network, 2)
    assert [layer.trainable for layer in weights] == [False, False, *[True] * (len(weights) - 2)]
    assert len(frozen_places(network)) >= 2
    with pytest.raises(ValueError, match=r"count` is 99 for .*; expected 1 to"):
        freeze_first(network, 99)
