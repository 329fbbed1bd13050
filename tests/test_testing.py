"""The family harness passes a sound family, and each check catches the mistake it is meant for."""

import random
import unittest

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import testing
from kerasgan.testing import FamilyCase, run_check, run_family_test
from tests.toys import Toy

# The harness' own negative controls, which take minutes, run on one engine.
pytestmark = pytest.mark.tensorflow

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
CHEAP = (
    testing.moves_only_its_own,
    testing.reaches_every_weight,
    testing.round_trips_its_configuration,
)


def register(family):
    return keras.saving.register_keras_serializable(package="tests")(family)


@register
class SharesALayer(Toy):
    """The generator's phase trains a layer of the discriminator."""

    def build_generator(self):
        self.shared_layer = layers.Dense(self.image_shape[0])
        return super().build_generator()

    def vectors(self, x):
        return self.shared_layer(super().vectors(x))

    def build_discriminator(self):
        images = keras.Input(self.image_shape, name="images")
        logits = layers.Dense(1)(self.hidden(self.shared_layer(images)))
        return keras.Model(images, logits, name="discriminator")


@register
class MovesStatistics(Toy):
    """The generator's phase assigns the discriminator's batch statistics behind the engine's back."""

    def generator_loss(self, batch):
        if ON_TENSORFLOW:
            self.discriminator.non_trainable_variables[0]._value.assign_add([1.0] * 5)
        return super().generator_loss(batch)


@register
class ForgetsANetwork(Toy):
    """A network that a phase trains has no part in its loss."""

    def generator_loss(self, batch):
        return ops.mean(ops.square(ops.stop_gradient(self.fake_logits(batch)))), {}


@register
class ForgetsAnArgument(Toy):
    """The configuration lacks an argument that training depends on."""

    def __init__(self, strength=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = strength  # under another name, where the base does not find it

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        return self.factor * loss, logs


@register
class AppliesWhatOverflows(Toy):
    """A game that takes every update, finite or not."""

    guarded = False


@register
class NumPyNoise(Toy):
    """Noise that is drawn when the step is traced, and then stays."""

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        return float(np.random.default_rng().uniform(0.5, 1.5)) * loss, logs


@register
class SumsOverTheBatch(Toy):
    """A loss that depends on how the batch is divided."""

    def generator_loss(self, batch):
        return ops.sum(ops.softplus(-self.fake_logits(batch))) / 8.0, {}


@register
class DependsOnTheEngine(Toy):
    """The engines play different games."""

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        return (1.0 if ON_TENSORFLOW else 1.001) * loss, logs


@register
class StaysInFloat32(Toy):
    """Layers that do not follow the policy."""

    def hidden(self, x):
        return ops.tanh(layers.Dense(5, dtype="float32")(x))

    def build_generator(self):
        latents = keras.Input((self.latent_dim,), name="latents", dtype="float32")
        x = layers.Dense(self.image_shape[0], dtype="float32")(self.hidden(latents))
        return keras.Model(latents, x, name="generator")

    def build_discriminator(self):
        images = keras.Input(self.image_shape, name="images", dtype="float32")
        return keras.Model(images, layers.Dense(1, dtype="float32")(self.hidden(images)), name="discriminator")


@register
class ExportsAnotherGenerator(Toy):
    """`sampled`, which is exported, is not what `sample` gives."""

    def sampled(self, latents, *conditions, **options):
        return super().sampled(latents, *conditions, **options) + 1.0


@register
class TakesAnything(Toy):
    """Data are not checked."""

    def check_data(self, x, y=None):
        """Nothing."""


@register
class LosesItsWay(Toy):
    """A loss that is not a number."""

    def discriminator_loss(self, batch):
        loss, logs = super().discriminator_loss(batch)
        return loss * float("nan"), logs


@register
class KnowsMoreThanItsNetworks(Toy):
    """Samples depend on what no file holds."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.more = random.random()

    def call(self, inputs, training=False):
        return super().call(inputs) + self.more

    def sample(self, *arguments, **kwargs):
        return super().sample(*arguments, **kwargs) + self.more


BROKEN = {
    KnowsMoreThanItsNetworks: (testing.comes_back_from_a_preset, "differ by"),
    LosesItsWay: (testing.trains, "not finite"),
    SharesALayer: (testing.moves_only_its_own, "changed other variables"),
    MovesStatistics: (testing.moves_only_its_own, "changed other variables"),
    ForgetsANetwork: (testing.reaches_every_weight, "no gradient"),
    DependsOnTheEngine: (testing.agrees_with_other_engine, "JAX differs"),
    SumsOverTheBatch: (testing.agrees_with_two_replicas, r"MirroredStrategy\(2\) differs"),
    StaysInFloat32: (testing.trains_in_bfloat16, "No layer"),
    AppliesWhatOverflows: (testing.skips_overflows, "after an overflow"),
    NumPyNoise: (testing.resumes_exactly, "after the steps of the loaded model"),
    ForgetsAnArgument: (testing.round_trips_its_configuration, "leaves out 'strength'"),
    ExportsAnotherGenerator: (testing.exports, "differ by"),
    TakesAnything: (testing.refuses_bad_data, "raised no ValueError"),
}
LONG = (SumsOverTheBatch, NumPyNoise, DependsOnTheEngine)
ONLY_ON_TENSORFLOW = (
    testing.agrees_with_other_engine,
    testing.agrees_with_two_replicas,
    testing.exports,
)


def test_every_check_has_a_family_that_fails_it():
    assert {check for check, _ in BROKEN.values()} == set(testing.CHECKS)


@pytest.mark.slow  # every family of the package passes the same checks
def test_a_sound_family_passes():
    run_family_test(Toy, {"latent_dim": 2})


@pytest.mark.parametrize(
    "family",
    [pytest.param(family, marks=[pytest.mark.slow] if family in LONG else []) for family in BROKEN],
    ids=lambda family: family.__name__,
)
def test_a_broken_family_fails_the_check_meant_for_it(family):
    check, words = BROKEN[family]
    if not ON_TENSORFLOW and (check in ONLY_ON_TENSORFLOW or family is MovesStatistics):
        pytest.skip("this mistake can only be made, or seen, on TensorFlow")
    with pytest.raises(AssertionError, match=words) as failure:
        run_check(check, FamilyCase(family, {}))
    assert f"{family.__name__} failed the check {check.__name__!r}" in failure.value.__notes__[0]


@pytest.mark.slow
@pytest.mark.parametrize("family", [family for family in BROKEN if family is not LosesItsWay], ids=lambda f: f.__name__)
def test_a_broken_family_fails_no_other_check(family):
    case = FamilyCase(family, {})
    for other in CHEAP:
        if other is not BROKEN[family][0]:
            run_check(other, case)


def test_an_exception_that_is_not_needed_is_an_error():
    wasserstein = {"loss": "wasserstein"}  # in which the bias of the logits cancels
    case = FamilyCase(Toy, {}, wasserstein, unmoved=("discriminator: logits/bias",))
    testing.reaches_every_weight(case)
    case.unmoved += ("generator: *kernel",)
    with pytest.raises(AssertionError, match="`unmoved` has patterns that match"):
        testing.reaches_every_weight(case)


def test_checks_that_cannot_be_done_here_are_skipped():
    if ON_TENSORFLOW:
        pytest.skip("all can be done")
    for check in ONLY_ON_TENSORFLOW:
        with pytest.raises(unittest.SkipTest):
            check(FamilyCase(Toy, {}))


def test_scripted_numbers_have_the_moments_they_should_have():
    with testing.double_precision(), testing.scripted_random(batch_size=500):
        seed = keras.random.SeedGenerator(0)
        first, second = (ops.convert_to_numpy(keras.random.normal((500, 7), 1.0, 2.0, seed=seed)) for _ in range(2))
        whole = ops.convert_to_numpy(keras.random.randint((5000,), 0, 3, seed=seed))
        dropped = ops.convert_to_numpy(keras.random.dropout(ops.ones((500, 7)), 0.25, seed=seed))
    assert first.dtype == np.float64
    assert abs(first.mean() - 1.0) < 0.1 and abs(first.std() - 2.0) < 0.1
    assert abs(np.corrcoef(first.T) - np.eye(7)).max() < 0.15
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    assert np.bincount(whole, minlength=3).min() > 1500 and set(whole) == {0, 1, 2}
    assert set(np.unique(dropped)) == {0.0, 1.0 / 0.75} and abs((dropped == 0.0).mean() - 0.25) < 0.03
    with testing.scripted_random(2), pytest.raises(NotImplementedError, match="add one"):
        keras.random.gamma((2,), 1.0)


@pytest.mark.tensorflow
def test_scripted_numbers_of_replicas_are_parts_of_those_of_one_device():
    def draw(rows):
        return keras.random.uniform((rows, 3), seed=0)

    strategy = testing.mirrored_strategy(2)
    for blocks in (1, 2):  # a batch, or real and generated samples joined
        with testing.scripted_random(batch_size=4):
            whole = draw(4 * blocks).numpy().reshape(blocks, 4, 3)
            parts = strategy.run(draw, (2 * blocks,)).values
        for i, part in enumerate(parts):
            np.testing.assert_array_equal(part.numpy().reshape(blocks, 2, 3), whole[:, 2 * i : 2 * i + 2])
    with testing.scripted_random(batch_size=8, packing=2):  # what a discriminator of packs draws, and its samples
        for rows in (4, 8):
            parts = [part.numpy() for part in strategy.run(draw, (rows // 2,)).values]
            np.testing.assert_array_equal(np.concatenate(parts), draw(rows).numpy())
