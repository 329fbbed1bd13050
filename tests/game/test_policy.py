"""The dtype policy of a model is that of its configuration, not of the process."""

import inspect

import keras
import numpy as np
import pytest

from kerasgan import DCGAN

SMALL = {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4, "seed": 0}


def computes_in(model):
    return model.generator.layers[1].compute_dtype


@pytest.fixture
def half():
    return DCGAN(**SMALL, dtype="mixed_float16")


def test_networks_are_built_under_the_policy_of_their_model(half):
    assert (computes_in(half), half.generator.dtype_policy.name) == ("float16", "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"
    again = DCGAN.from_config(half.get_config())
    assert computes_in(again) == "float16"
    keras.config.set_dtype_policy("mixed_float16")
    plain = DCGAN.from_config(DCGAN(**SMALL, dtype="float32").get_config())
    assert computes_in(plain) == "float32"
    assert computes_in(DCGAN(**SMALL)) == "float16"  # negative control: without one, that of the process


@pytest.mark.parametrize("later", ["float32", "mixed_float16"])
def test_what_computes_in_float16_has_a_loss_scale_whatever_the_policy_is_at_compile(half, later):
    single = DCGAN(**SMALL, dtype="float32")
    own = keras.models.clone_model(half.discriminator)
    mixed = DCGAN(**SMALL, discriminator=own, dtype="float32")
    keras.config.set_dtype_policy(later)
    for model, scaled in ((half, True), (single, False), (mixed, True)):
        model.compile()
        kinds = {isinstance(each, keras.optimizers.LossScaleOptimizer) for each in model.optimizer.players.values()}
        assert kinds == {scaled}


def test_a_file_of_half_precision_gives_all_of_it_back(half, tmp_path):
    half.compile(batch_size=4)
    half.fit(np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32"), epochs=1, verbose=0)
    half.save(tmp_path / "half.keras")
    again = keras.saving.load_model(tmp_path / "half.keras")
    assert computes_in(again) == "float16"
    for player, optimizer in half.optimizer.players.items():
        for found, expected in zip(again.optimizer[player].variables, optimizer.variables, strict=True):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), keras.ops.convert_to_numpy(expected))


def test_help_shows_the_arguments_of_the_family():
    assert list(inspect.signature(DCGAN).parameters)[:2] == ["image_shape", "latent_dim"]
