"""Keras' own callbacks on a GAN: each works, or is refused in a sentence that names what to use instead."""

import csv

import keras
import numpy as np
import pytest
from keras import callbacks, ops

from kerasgan.callbacks.checkpoint import named_variables

LOSS = "generator_loss"
LOGS = {"discriminator_loss", "fake_logits", "generator_loss", "real_logits"}


def values(model):
    return {name: np.array(ops.convert_to_numpy(v)) for name, v in named_variables(model).items()}


def fit(model, images, *given, epochs=3):
    return model.fit(images, epochs=epochs, verbose=0, callbacks=list(given))


def rates(model):
    return [float(ops.convert_to_numpy(each.learning_rate)) for each in model.optimizer.players.values()]


def test_early_stopping_stops(model, images):
    """With a loss that never gets better by so much, after the second epoch."""
    stop = callbacks.EarlyStopping(LOSS, mode="min", min_delta=1e9, patience=1, restore_best_weights=True)
    assert len(fit(model, images, stop, epochs=5).epoch) == 2


@pytest.mark.parametrize("kind", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau])
def test_what_watches_validation_is_refused(model, images, kind):
    message = f"`callbacks` contains a {kind.__name__} that monitors 'val_loss', .*Evaluation"
    with pytest.raises(ValueError, match=message):
        fit(model, images, kind(patience=1))


def test_schedules_keep_the_ratio_of_the_players(begin, build, images):
    model = build(discriminator_optimizer={"class_name": "sgd", "config": {"learning_rate": 0.5}})
    fit(model, images, callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate), epochs=2)
    np.testing.assert_allclose(rates(model), [0.125, 0.0625])
    plateau = callbacks.ReduceLROnPlateau(LOSS, mode="min", min_delta=1e9, patience=1, factor=0.1)
    fit(model, images, plateau, epochs=3)
    np.testing.assert_allclose(rates(model), [0.00125, 0.000625], rtol=1e-5)


def test_files_of_logs_and_models(model, images, tmp_path):
    seen = []
    fit(
        model,
        images,
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(set(logs))),
        callbacks.ModelCheckpoint(tmp_path / "best.keras", LOSS, mode="min", save_best_only=True),
        callbacks.ModelCheckpoint(tmp_path / "epoch-{epoch}.weights.h5", save_weights_only=True),
        callbacks.TerminateOnNaN(),
        callbacks.ProgbarLogger(),
    )
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and LOGS | {"epoch"} <= set(rows[0]) and seen == [LOGS] * 3
    again = keras.saving.load_model(tmp_path / "best.keras")
    assert type(again) is type(model)
    now, other = model.sample(2), model.ema_generator.get_weights()
    model.ema_generator.set_weights([0 * weights for weights in other])
    model.load_weights(tmp_path / "epoch-3.weights.h5")
    np.testing.assert_array_equal(model.sample(2), now)


def test_not_a_number_terminates(begin, images):
    model = begin()
    model.generator.set_weights([np.nan * weights for weights in model.generator.get_weights()])
    steps = []
    count = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch))
    history = fit(model, images, callbacks.TerminateOnNaN(), count, epochs=4)
    assert len(history.epoch) == 1
    begin()


def test_backup_and_restore_goes_on_exactly(build, images, tmp_path):
    """As `kerasgan.callbacks.Checkpoint`, between epochs. (Keras leaves a first epoch in the model: new ones.)"""
    model = build()
    fit(model, images)
    expected = values(model)

    class Killed(Exception):
        pass

    def kill(epoch, logs=None):
        if epoch == 2:
            raise Killed

    model = build()
    backup = callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(Killed):
        fit(model, images, backup, callbacks.LambdaCallback(on_epoch_begin=kill))
    model = build()
    history = fit(model, images, callbacks.BackupAndRestore(tmp_path / "backup"))
    assert history.epoch == [2]
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_swapping_averages_is_refused(model, images):
    with pytest.raises(ValueError, match="`callbacks` contains a SwapEMAWeights, .*ema=True"):
        fit(model, images, callbacks.SwapEMAWeights())


@pytest.mark.tensorflow
def test_tensorboard_gets_the_logs(model, images, tmp_path):
    pytest.importorskip("tensorboard")
    fit(model, images, callbacks.TensorBoard(tmp_path))
    assert list(tmp_path.rglob("events*"))
