"""Recipes: changed field by field, written down and read again."""

import dataclasses
import json
import weakref
from typing import Any

import keras
import pytest

from kerasgan import LatentRecipe, Recipe
from kerasgan.game.recipe import SGD, Adam
from kerasgan.game.schedules import Cosine
from kerasgan.objectives.penalties import R1


def test_a_change_leaves_the_rest_and_the_original_alone():
    recipe = LatentRecipe()
    changed = recipe.replace(loss="hinge", generator_every=5)
    assert (changed.loss, changed.generator_every) == ("hinge", 5)
    assert (recipe.loss, recipe.generator_every) == ("non_saturating", 1)
    assert changed.replace(loss="non_saturating", generator_every=1) == recipe


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learning_rate": 1e-3}, "The recipe has no 'learning_rate'. It has: batch_size, "),
        ({"update": "both"}, "`update` is 'both'; expected one of 'alternating'"),
        ({"batch_size": 0}, "`batch_size` is 0; expected a positive integer"),
        ({"batch_size": 1.5}, "`batch_size` is 1.5; expected a positive integer"),
    ],
)
def test_what_cannot_be_is_refused(changes, sentence):
    with pytest.raises(ValueError) as refusal:
        Recipe().replace(**changes)
    assert sentence in str(refusal.value)


def test_every_player_gets_a_new_optimizer_of_its_own_each_time():
    recipe = LatentRecipe()
    first, second = recipe.optimizers(), recipe.optimizers()
    assert list(first) == ["discriminator", "generator"]
    assert len({id(o) for o in (*first.values(), *second.values())}) == 4
    assert all(isinstance(o, keras.optimizers.Adam) and o.beta_1 == 0.5 for o in first.values())
    own = keras.optimizers.SGD(0.1)
    assert recipe.replace(generator_optimizer=own).optimizers()["generator"] is own


def test_fields_decide_who_plays():
    @dataclasses.dataclass(frozen=True)
    class ThreePlayers(LatentRecipe):
        encoder_optimizer: Any = SGD(0.1)

    assert list(ThreePlayers().optimizers()) == ["discriminator", "generator", "encoder"]


def test_the_configuration_is_json_and_comes_back():
    changes = {"loss": "hinge", "penalties": (R1(2.0, interval=4), "drift"), "batch_size": 7}
    config = json.loads(json.dumps(LatentRecipe().replace(**changes).get_config()))
    assert config["generator_optimizer"]["config"]["learning_rate"] == pytest.approx(2e-4)
    back = LatentRecipe(**keras.saving.deserialize_keras_object(config))
    assert back.penalties[0] == R1(2.0, interval=4) and back.batch_size == 7
    assert json.loads(json.dumps(back.get_config())) == config


def test_players_stay_two_in_a_file(monkeypatch):
    # Keras writes an object that it meets a second time, by its address, as a reference to the first. An optimizer that
    # was thrown away when written down could lend its address to the next: the file would hold one for both players.
    written, get_config = [], keras.optimizers.Adam.get_config
    monkeypatch.setattr(
        keras.optimizers.Adam, "get_config", lambda self: written.append(weakref.ref(self)) or get_config(self)
    )
    recipe = LatentRecipe()
    recipe.get_config()
    assert len(written) == 2 and None not in [reference() for reference in written]


def test_optimizers_are_values():
    assert Adam(1e-3, beta_1=0.5) == Adam(1e-3, beta_1=0.5) != Adam(1e-3)
    assert str(Adam(1e-3, beta_1=0.5)) == "Adam(learning_rate=0.001, beta_1=0.5)"
    assert str(SGD(0.1, 0.5, final_momentum=0.9, ramp_steps=4)).startswith("MomentumRampSGD(")
    assert type(Adam(Cosine(1e-3, 0.0, 5)).make()).__name__ == "ScheduledAdam"
    first, second = (Adam(1e-3).make() for _ in range(2))
    assert first is not second and isinstance(first, keras.optimizers.Adam)
