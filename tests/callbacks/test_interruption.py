"""Trainings that are told to stop, that break down, or that cannot write."""

import os
import signal

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.callbacks import (
    Checkpoint,
    Interrupted,
    Interruption,
    NonFiniteLoss,
    NonFiniteState,
    StopAtNonFinite,
    latest_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from tests.toys import assert_equal, linear_game, vectors, weights


class At(keras.callbacks.Callback):
    """Calls a function when a batch begins."""

    def __init__(self, batch, function):
        super().__init__()
        self.batch, self.function = batch, function

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.batch:
            self.function()


def interrupted_fit(model, folder, number, **options):
    checkpoint = Checkpoint(folder)
    callbacks = [At(2, lambda: os.kill(os.getpid(), number)), checkpoint, Interruption(checkpoint)]
    try:
        model.fit(vectors(40, 1), batch_size=8, epochs=2, verbose=0, callbacks=callbacks, **options)
    finally:
        callbacks[-1].release()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_saves_after_the_step_and_the_rest_can_be_resumed(number, code, tmp_path):
    undisturbed = linear_game()
    undisturbed.fit(vectors(40, 1), batch_size=8, epochs=2, verbose=0)
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught:
        interrupted_fit(linear_game(), tmp_path, number)
    assert caught.value.exit_code == code and signal.getsignal(number) is before
    model = linear_game()
    position = restore_checkpoint(model, tmp_path)
    assert (position["epoch"], position["step"]) == (0, 3)
    model.fit(vectors(40, 1), batch_size=8, epochs=2, verbose=0, initial_step=3)
    assert_equal(weights(undisturbed), weights(model))


def test_a_terminal_is_asked_once(tmp_path, monkeypatch):
    answers = iter(["n", "No"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    model = linear_game()
    interrupted_fit(model, tmp_path, signal.SIGINT)  # in each of two epochs
    assert int(ops.convert_to_numpy(model.iterations)) == 10


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    checkpoint = Checkpoint(tmp_path)
    interruption = Interruption(checkpoint)
    with pytest.raises(KeyboardInterrupt, match="within a step"):
        linear_game().fit(vectors(40, 1), batch_size=8, callbacks=[At(2, twice), checkpoint, interruption], verbose=0)
    interruption.release()
    assert latest_checkpoint(tmp_path) is None


def spoiled_game(**recipe):
    """A game whose first generator weight is NaN from the third step on."""
    model = linear_game(recipe=recipe)
    x = vectors(40, 1)
    x[16:24] = 3e38  # the loss overflows
    return model, x


def test_a_loss_that_is_not_finite_ends_the_training_and_the_last_good_checkpoint_stays(tmp_path):
    model, x = spoiled_game(loss="least_squares")
    callbacks = [StopAtNonFinite(every=1), Checkpoint(tmp_path, every_steps=1)]
    with pytest.raises(NonFiniteLoss, match="skip_nonfinite"):
        model.fit(x, batch_size=8, shuffle=False, verbose=0, callbacks=callbacks)
    assert latest_checkpoint(tmp_path).name == "step-00000002.npz"
    with pytest.raises(NonFiniteState, match=r"hold NaN or infinity; they are not saved.*step-00000002"):
        save_checkpoint(model, tmp_path)
    restore_checkpoint(model, tmp_path)
    assert all(np.isfinite(value).all() for value in weights(model))


def test_such_updates_can_be_left_out_and_are_counted():
    model, x = spoiled_game(loss="least_squares", skip_nonfinite=True)
    history = model.fit(x, batch_size=8, shuffle=False, verbose=0).history
    assert all(np.isfinite(value).all() for value in weights(model))
    skipped = int(ops.convert_to_numpy(model.skipped))
    assert skipped == 1 and history["discriminator_skipped"] == pytest.approx([1 / 5])
    assert history["generator_skipped"] == [0.0]
    assert np.isfinite([value for series in history.values() for value in series]).all()


def test_a_full_disk_is_a_warning_while_it_trains_and_an_error_at_the_end(tmp_path, monkeypatch):
    model, written = linear_game(), []

    def savez(file, **arrays):
        written.append(len(written))
        if len(written) > 1:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        return real(file, **arrays)

    real = np.savez
    monkeypatch.setattr(np, "savez", savez)
    warned = pytest.warns(RuntimeWarning, match=r"No space left on device.* Training continues")
    with warned, pytest.raises(OSError, match="No space left"):
        model.fit(vectors(40, 1), batch_size=8, epochs=2, verbose=0, callbacks=[Checkpoint(tmp_path, every_steps=4)])
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004.npz"]
    assert restore_checkpoint(model, tmp_path)["step"] == 4


def test_clocks_that_jump_do_no_harm(tmp_path, monkeypatch):
    """The newest checkpoint is that of the most steps, whatever the files' times say."""
    model = linear_game()
    for step, seconds in ((1, 2e9), (2, 1e9)):
        model.iterations.assign(step)
        os.utime(save_checkpoint(model, tmp_path), (seconds, seconds))
    assert latest_checkpoint(tmp_path).name == "step-00000002.npz"
    assert restore_checkpoint(model, tmp_path)["iterations"] == 2


def test_state_on_the_host_is_saved_with_the_rest(tmp_path):
    class Counts(keras.callbacks.Callback):
        count = 0

        def on_train_batch_end(self, batch, logs=None):
            self.count += 1

        def get_state(self):
            return {"count": self.count}

    counts, model = Counts(), linear_game()
    model.fit(vectors(40, 1), batch_size=8, verbose=0, callbacks=[counts, Checkpoint(tmp_path, companions=[counts])])
    assert restore_checkpoint(model, tmp_path)["states"] == {"Counts": {"count": 5}}
