"""Time in images, stages, states, frozen networks and micro-batches."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import LatentModel, LatentRecipe
from kerasgan.callbacks import latest_checkpoint, restore_checkpoint
from kerasgan.callbacks.checkpoint import read_checkpoint, save_checkpoint
from kerasgan.game.engines import mean_over_replicas
from kerasgan.game.phase import Kimg, Moment, Phase
from kerasgan.objectives.penalties import GradientPenalty
from kerasgan.testing import FamilyCase, train_scripted
from tests.games import perceptron
from tests.toys import SIZE

register = keras.saving.register_keras_serializable(package="tests")


@register
class Plain(LatentModel):
    """Perceptrons without anything that mixes the samples of a batch."""

    recipe = LatentRecipe(batch_size=8, ema_half_life=40.0)

    def __init__(self, **kwargs):
        super().__init__((SIZE,), 3, **kwargs)

    def build_generator(self):
        return perceptron("generator", [3], [SIZE])

    def build_discriminator(self):
        return perceptron("discriminator", [SIZE], [1])

    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k not in ("image_shape", "latent_dim")}


@register
class Staged(Plain):
    """A game whose generator's loss depends on the stage, with a mean that it keeps and a network that it reads."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.add_state(mean_logit=())
        network = perceptron("features", [SIZE], [2])
        self.add_networks(frozen={"features": network})

    def stage(self, moment):
        return 0 if moment.images < 32 else 1

    def phases(self):
        discriminator, generator = super().phases()
        late = Phase("late", ("generator",), self.late_loss, "generator", during=Kimg(0.032, 0.048))
        return discriminator, dataclasses.replace(generator, keeps=("mean_logit",)), late

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        mean = mean_over_replicas(ops.cast(ops.mean(self.fake_logits(batch)), "float32"))
        self.mean_logit.assign(0.5 * (self.mean_logit + mean))
        logs["stage"] = float(self.current_stage)
        return loss, logs

    def late_loss(self, batch):
        return ops.mean(ops.square(self.features(self.generated(batch)))), {}


def data(count=64):
    return np.random.default_rng(0).standard_normal((count, SIZE)).astype("float32")


def test_phases_run_during_their_span_and_losses_know_the_stage():
    model = Staged(seed=1)
    model.compile()
    per_batch = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: per_batch.append(dict(logs)))
    history = model.fit(data(), batch_size=8, epochs=2, shuffle=False, callbacks=[note], verbose=0).history
    assert ["late_loss" in logs for logs in per_batch[:8]] == [False] * 4 + [True] * 4  # the mean since the epoch began
    assert [round(8 * history["stage"][epoch]) for epoch in range(2)] == [4, 8]
    assert len(history["late_loss"]) == 1 and history["late_loss"][0] > 0.0  # no row where it did not run


@pytest.mark.slow
def test_a_stage_and_a_span_go_on_after_a_resume(tmp_path):
    def trained(model, start, epochs):
        model.fit(data(24), batch_size=8, epochs=epochs, initial_epoch=start, verbose=0)
        return [ops.convert_to_numpy(v) for v in (*model.variables, *model.optimizer.variables)]

    whole = Staged(seed=1)
    first, again = Staged(seed=1), Staged(seed=1)
    for model in (first, again):
        model.set_weights(whole.get_weights())
        model.features.set_weights(whole.features.get_weights())
        model.compile()
    whole.compile()
    expected = trained(whole, 0, 3)
    trained(first, 0, 1)
    save_checkpoint(first, tmp_path, 1)
    assert not any("features" in name for name in read_checkpoint(latest_checkpoint(tmp_path))[1])
    restore_checkpoint(again, tmp_path)
    found = trained(again, 1, 3)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_states_are_part_of_presets(tmp_path):
    model = Staged(seed=1)
    model.mean_logit.assign(0.25)
    model.save_preset(tmp_path / "staged")
    assert float(ops.convert_to_numpy(Staged.from_preset(tmp_path / "staged").mean_logit)) == 0.25


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_micro_batches_give_the_weights_of_the_whole_batch(update):
    recipe = {"update": update, "loss": "wasserstein", "penalties": (GradientPenalty(10.0),)}
    case = FamilyCase(Plain, {}, recipe, batch_size=12)
    before, whole = train_scripted(case)
    divided = train_scripted(FamilyCase(Plain, {}, {**recipe, "microbatch": 4}, batch_size=12), before)[1]
    assert max(np.abs(b - a).max() for a, b in zip(before, whole, strict=True)) > 1e-3
    for a, b in zip(whole, divided, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    single = train_scripted(FamilyCase(Plain, {}, recipe, batch_size=4), before)[1]
    assert max(np.abs(a - b).max() for a, b in zip(whole, single, strict=True)) > 1e-3  # other batches differ


def test_micro_batches_that_do_not_fit_are_refused():
    model = Plain(seed=1)
    model.compile(microbatch=3)
    with pytest.raises(ValueError, match="`microbatch` is 3, but the batch has 8 samples"):
        model.fit(data(), batch_size=8, verbose=0)


def test_spans():
    assert Moment(3, 1500) in Kimg(1.5) and Moment(3, 1499) not in Kimg(1.5)
    assert Moment(3, 2000) not in Kimg(1.5, 2)
    with pytest.raises(ValueError, match="is not a valid span"):
        Kimg(2, 2)
