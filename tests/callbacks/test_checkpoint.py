"""Checkpoints: all state and nothing but the saved state, or an error that says so."""

import errno
import functools
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import kerasgan
import kerasgan.pictures.files
from kerasgan.callbacks import (
    Checkpoint,
    CorruptCheckpoint,
    checkpoint,
    latest_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from kerasgan.callbacks.checkpoint import checkpoints, named_variables


def state(model):
    return {name: ops.convert_to_numpy(variable) for name, variable in named_variables(model).items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def advance(model, step):
    """Puts a model at a step, with weights that tell where it is."""
    model.iterations.assign(step)
    model.generator.set_weights([np.full_like(weight, step) for weight in model.generator.get_weights()])


def flip(path, place, bit=0):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


@pytest.mark.tensorflow  # on JAX, DCGAN and the critic are resumed among their checks
def test_a_resumed_training_is_the_undisturbed_one_bit_for_bit(begin, build, images, tmp_path):
    undisturbed = begin()
    undisturbed.fit(images, epochs=4, verbose=0)
    end = state(undisturbed)
    interrupted = begin()
    interrupted.fit(images, epochs=2, verbose=0, callbacks=[Checkpoint(tmp_path)])
    middle = state(interrupted)
    assert all((end[name] != middle[name]).any() for name in end if name.endswith("kernel"))
    resumed = build()
    position = restore_checkpoint(resumed, tmp_path)
    assert position == {"epoch": 2, "step": 0, "iterations": 8, "images_seen": 32, "states": {}}
    assert_same(state(resumed), middle)
    resumed.fit(images, epochs=4, initial_epoch=position["epoch"], verbose=0)
    assert_same(state(resumed), end)


def test_names_hold_everything_and_do_not_depend_on_what_was_built_before(build):
    first, second = build(), build()
    assert list(state(first)) == list(state(second))
    everything = [*first.variables, *first.optimizer.variables, *first.metrics_variables]
    assert {id(v) for v in named_variables(first).values()} == {id(v) for v in everything}
    names = ["model/gan/iterations", "generator/dense/kernel", "ema_generator/intensities/bias"]
    names += ["optimizers/discriminator/maxout_kernel_momentum", "logs/generator_loss/total"]
    assert set(names) <= set(named_variables(first))


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_float16"])
def test_half_precision_goes_round(build, images, tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    model, other = build(), build()
    for variable in model.generator.trainable_variables:
        variable.assign(np.random.default_rng(0).standard_normal(variable.shape))
    restore_checkpoint(other, save_checkpoint(model, tmp_path))
    assert_same(state(other), state(model))
    dtypes = {array.dtype.name for array in state(model).values()}
    assert ("bfloat16" in dtypes) == (policy == "bfloat16")
    assert any("scale" in name for name in state(model)) == (policy == "mixed_float16")


def test_a_restored_half_precision_weight_is_not_just_its_bits(build, tmp_path):
    """Negative control of the above: 1.5 must come back as 1.5, not as the integer that stores it."""
    keras.config.set_dtype_policy("bfloat16")
    model = build()
    model.generator.trainable_variables[0].assign(np.full((3, 4), 1.5))
    path = save_checkpoint(model, tmp_path)
    model.generator.trainable_variables[0].assign(np.zeros((3, 4)))
    restore_checkpoint(model, path)
    weight = ops.convert_to_numpy(ops.cast(model.generator.trainable_variables[0], "float32"))
    np.testing.assert_array_equal(weight, np.full((3, 4), 1.5))


def test_any_flipped_bit_is_noticed(model, tmp_path):
    path = save_checkpoint(model, tmp_path)
    before = state(model)
    content = path.read_bytes()
    random = np.random.default_rng(0)
    places = [0, len(content) - 1, *random.integers(0, len(content), 200)]
    for place in places:
        flip(path, place, random.integers(8))
        with pytest.raises(CorruptCheckpoint, match="damaged"):
            restore_checkpoint(model, path)
        path.write_bytes(content)
    assert_same(state(model), before)
    restore_checkpoint(model, path)


@pytest.mark.parametrize("length", [0, 10, 64, -1])
def test_a_truncated_file_is_noticed(model, tmp_path, length):
    path = save_checkpoint(model, tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptCheckpoint, match="damaged"):
        restore_checkpoint(model, path)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(model, tmp_path):
    for step in (1, 2, 3):
        advance(model, step)
        save_checkpoint(model, tmp_path, epoch=step)
    flip(latest_checkpoint(tmp_path), 1000)
    with pytest.warns(RuntimeWarning, match="step-00000003.npz is damaged.*Falling back"):
        assert restore_checkpoint(model, tmp_path)["epoch"] == 2
    assert float(ops.convert_to_numpy(model.generator.weights[0])[0, 0]) == 2.0
    for path in checkpoints(tmp_path):
        flip(path, 1001)
    with pytest.warns(RuntimeWarning), pytest.raises(CorruptCheckpoint, match="All 3 checkpoints"):
        restore_checkpoint(model, tmp_path)


def test_the_last_ones_are_kept_and_a_new_one_is_complete_before_an_old_one_goes(model, tmp_path, monkeypatch):
    for step in (2, 10, 30, 100):
        advance(model, step)
        save_checkpoint(model, tmp_path, keep=2)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000030.npz", "step-00000100.npz"]

    def full(*_, **__):
        raise OSError("No space left on device")

    advance(model, 101)
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(model, tmp_path, keep=1)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000030.npz", "step-00000100.npz"]


def test_checkpoints_of_a_future_that_was_taken_back_go(model, tmp_path):
    for step in (10, 20, 30, 15):
        advance(model, step)
        save_checkpoint(model, tmp_path, keep=5)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000010.npz", "step-00000015.npz"]


def test_a_process_killed_while_it_writes_leaves_the_last_checkpoint(model, tmp_path):
    advance(model, 1)
    save_checkpoint(model, tmp_path)
    killed = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from files import replacing\n"  # not the package: no engine
        "with replacing(sys.argv[2]) as file:\n    file.write(b'half'); file.flush(); os._exit(9)"
    )
    folder = Path(kerasgan.pictures.files.__file__).parent
    done = subprocess.run([sys.executable, "-c", killed, folder, tmp_path / "step-00000002.npz"], check=False)
    assert done.returncode == 9
    assert {path.name for path in tmp_path.iterdir()} == {"step-00000001.npz", ".step-00000002.npz.partial"}
    assert restore_checkpoint(model, tmp_path)["iterations"] == 1
    advance(model, 3)
    save_checkpoint(model, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"step-00000001.npz", "step-00000003.npz"}


def test_another_model_or_recipe_is_refused_and_left_as_it_is(model, build, tmp_path):
    path = save_checkpoint(model, tmp_path)
    other = build(generator_optimizer="adam")
    before = state(other)
    with pytest.raises(ValueError, match=r"the checkpoint has no optimizers/generator/.* and \d+ more differences"):
        restore_checkpoint(other, path)
    assert_same(state(other), before)
    with pytest.raises(
        ValueError, match=r"generator/dense/kernel has the shape \(3, 4\) in .* and \(7, 4\) in the model"
    ):
        restore_checkpoint(build(latent_dim=7), path)


def test_a_model_of_another_seed_is_refused_and_named_the_right_one(model, build, tmp_path):
    save_checkpoint(model, tmp_path, epoch=1)
    other = build()
    other.seed = 6
    with pytest.raises(ValueError, match=r"with seed 5, but the model has seed 6.* Build the model with seed=5"):
        restore_checkpoint(other, tmp_path)


def test_nothing_to_restore(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        restore_checkpoint(model, tmp_path)
    assert latest_checkpoint(tmp_path / "missing") is None
    with pytest.raises(ValueError, match=r"call compile\(\)"):
        save_checkpoint(kerasgan.GAN((4, 4, 1), units=4, maxout_units=4), tmp_path)


def test_the_end_of_a_training_is_saved_in_any_case(model, images, tmp_path):
    model.fit(images, epochs=3, verbose=0, callbacks=[Checkpoint(tmp_path, every_epochs=2)])
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000008.npz", "step-00000012.npz"]
    with np.load(latest_checkpoint(tmp_path)) as arrays:  # as anyone may read it
        assert arrays["model/gan/iterations"] == 12


# Settings are not state --------------------------------------------------------------------------------------------


def rates(model):
    return {player: float(each.learning_rate) for player, each in model.optimizer.players.items()}


def slower(rate):
    return {"class_name": "sgd", "config": {"learning_rate": rate}}


def serialized(module, name, config):
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def test_a_new_learning_rate_is_the_one_that_trains(model, build, tmp_path):
    path = save_checkpoint(model, tmp_path)
    other = build(generator_optimizer=slower(0.125))
    restore_checkpoint(other, path)
    assert rates(other) == {"discriminator": 0.25, "generator": 0.125}
    model.save_weights(tmp_path / "all.weights.h5")
    other.load_weights(tmp_path / "all.weights.h5")
    assert rates(other) == {"discriminator": 0.25, "generator": 0.125}


def test_a_learning_rate_that_a_callback_has_changed_comes_back_for_the_same_setting(build, tmp_path):
    """Negative control of the above: what a schedule has made of the same setting is state."""
    model, same = build(), build()
    model.optimizer["generator"].learning_rate = 0.0625
    restore_checkpoint(same, save_checkpoint(model, tmp_path))
    assert rates(same) == {"discriminator": 0.25, "generator": 0.0625}


def test_a_schedule_takes_the_place_of_a_constant_and_the_other_way_round(build, tmp_path):
    decay = {"initial_learning_rate": 0.5, "decay_steps": 9, "decay_rate": 0.9}
    scheduled = slower(serialized("keras.optimizers.schedules", "ExponentialDecay", decay))
    cosine = {"class_name": "kerasgan>Cosine", "config": {"start": 0.5, "end": 1e-7, "kimg": 1.0}}
    follows = {"class_name": "kerasgan>ScheduledAdam", "config": {"learning_rate": cosine}}
    adam = {"class_name": "adam", "config": {"learning_rate": 0.125, "beta_1": 0.0, "beta_2": 0.99}}
    for first, second in ((scheduled, slower(0.125)), (slower(0.125), scheduled), (follows, adam)):
        path = save_checkpoint(build(generator_optimizer=first), tmp_path)
        other = build(generator_optimizer=second)
        expected = rates(other)
        restore_checkpoint(other, path)
        assert rates(other) == expected


def test_a_new_loss_scale_is_the_one_that_trains(build, tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    model = build()
    model.optimizer["generator"].dynamic_scale.assign(4.0)
    path = save_checkpoint(model, tmp_path)
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.25), initial_scale=256.0)
    for given, expected in ((slower(0.25), 4.0), (scaled, 256.0)):
        other = build(generator_optimizer=given)
        restore_checkpoint(other, path)
        assert float(other.optimizer["generator"].dynamic_scale) == expected


# Positions count images ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_batch_size_goes_on_at_the_same_image_of_the_epoch(model, build, images, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(images, epochs=2, verbose=0, callbacks=[Checkpoint(tmp_path, every_steps=1), Stop()])
    for batch_size, step in ((4, 3), (2, 6), (3, 4), (8, 1), (5, 2), (16, 0)):
        other = build(batch_size=batch_size)
        assert restore_checkpoint(other, tmp_path)["step"] == step
    other = build(batch_size=2)
    position = restore_checkpoint(other, tmp_path)
    other.fit(images, initial_epoch=0, initial_step=position["step"], epochs=2, verbose=0)
    assert int(other.images_seen) == 2 * len(images)


# What is not this training's ----------------------------------------------------------------------------------------


def test_a_training_that_begins_anew_leaves_the_checkpoints_of_another(model, images, tmp_path):
    advance(model, 50)
    kept = save_checkpoint(model, tmp_path)
    advance(model, 0)
    with pytest.raises(FileExistsError, match=r"contains 1 checkpoints of another run \(up to step-00000050\.npz\)"):
        model.fit(images, epochs=1, verbose=0, callbacks=[Checkpoint(tmp_path)])
    assert checkpoints(tmp_path) == [kept]


# The user's own networks ---------------------------------------------------------------------------------------------


def test_networks_of_ones_own_have_the_same_names_however_they_were_built(tmp_path):
    layers = keras.layers

    def own():
        latents = keras.Input((3,))
        inner = keras.Sequential([keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dropout(0.5)])
        outer = keras.Model(latents, layers.Reshape((4, 4, 1))(layers.Dense(16, "tanh")(inner(latents))))
        judge = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2), layers.Dense(1)])
        model = kerasgan.LatentModel((4, 4, 1), latent_dim=3, generator=outer, discriminator=judge, seed=0)
        model.compile()
        return model

    first, second = own(), own()
    rebuilt = type(first).from_config(first.get_config())
    rebuilt.compile()
    assert list(named_variables(first)) == list(named_variables(second)) == list(named_variables(rebuilt))
    assert {"generator/dense/kernel#2", "optimizers/generator/dense_kernel_momentum#2"} <= set(named_variables(first))
    first.generator.set_weights([np.full(w.shape, 0.5) for w in first.generator.get_weights()])
    restore_checkpoint(rebuilt, save_checkpoint(first, tmp_path))
    assert_same(state(rebuilt), state(first))


def test_checkpoints_with_the_names_of_earlier_versions_are_read(tmp_path, monkeypatch):
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(16, "tanh"), keras.layers.Reshape((4, 4, 1))])
    judge = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model = kerasgan.LatentModel((4, 4, 1), latent_dim=3, generator=inner, discriminator=judge, seed=0)
    model.compile()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "named_variables", functools.partial(named_variables, whole_paths=True))
        path = save_checkpoint(model, tmp_path)
    before = state(model)
    model.generator.set_weights([np.zeros(w.shape) for w in model.generator.get_weights()])
    restore_checkpoint(model, path)
    assert_same(state(model), before)


@pytest.mark.parametrize("room", [3, 2, 1])
def test_on_a_full_disk_the_oldest_go_first_and_the_newest_stays(model, tmp_path, monkeypatch, room):
    for step in (1, 2, 3):
        advance(model, step)
        save_checkpoint(model, tmp_path)
    savez = np.savez

    def full(*arguments, **arrays):
        if len(checkpoints(tmp_path)) >= room:
            raise OSError(errno.ENOSPC, "No space left on device")
        savez(*arguments, **arrays)

    monkeypatch.setattr(np, "savez", full)
    advance(model, 4)
    if room > 1:
        save_checkpoint(model, tmp_path)
    else:
        with pytest.raises(
            OSError, match=r"a checkpoint needs about \d+ MB. The newest one, .*step-00000003.npz, stays"
        ):
            save_checkpoint(model, tmp_path)
    left = [int(path.stem[5:]) for path in checkpoints(tmp_path)]
    assert left == {3: [2, 3, 4], 2: [3, 4], 1: [3]}[room]
    restore_checkpoint(model, tmp_path)
    assert int(model.iterations) == left[-1]
