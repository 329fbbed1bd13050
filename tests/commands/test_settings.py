"""Settings by name reach the constructor, the recipe, and what the recipe's fields hold."""

import keras
import pytest

from kerasgan import ACGAN, CGAN, DCGAN, GAN, BiGAN, MolGAN, StyleGAN2
from kerasgan.commands.settings import split
from kerasgan.game.arguments import REQUIRED, constructor_arguments
from kerasgan.game.optimizers import ScheduledAdam
from kerasgan.game.schedules import Cosine, Exponential
from kerasgan.objectives.losses import NonSaturating
from kerasgan.objectives.penalties import R1, Drift


def test_values_are_literals_or_text_and_go_where_they_belong():
    arguments, changes = split(
        DCGAN, ["width=32", "num_classes=None", "conditioning=projection", "loss=hinge", "ema_half_life=5e3"]
    )
    assert arguments == {"width": 32, "num_classes": None, "conditioning": "projection"}
    assert changes == {"loss": "hinge", "ema_half_life": 5000.0}


def test_a_recipe_brings_the_sizes_that_belong_to_it():
    sizes = StyleGAN2.sizes["small"]
    assert split(StyleGAN2, [], "small")[0] == sizes
    assert split(StyleGAN2, ["channel_max=32"], "small")[0] == {**sizes, "channel_max": 32}
    assert split(StyleGAN2, [], "small", sized=False)[0] == {}  # networks that go on as they were


def test_a_dot_reaches_into_the_chosen_recipe():
    _, changes = split(StyleGAN2, ["penalties.r1.interval=8", "generator_optimizer.beta_2=0.98"], "paper256")
    assert changes["penalties"][0].gamma == 1.0 and changes["penalties"][0].interval == 8
    config = changes["generator_optimizer"]["config"]
    assert config["learning_rate"] == pytest.approx(2.5e-3) and config["beta_2"] == pytest.approx(0.98)


def test_several_values_where_there_may_be_several():
    assert split(GAN, ["dropout=0.1,0.2", "latent_range=(-1,1)"])[0] == {
        "dropout": (0.1, 0.2),
        "latent_range": (-1, 1),
    }
    assert split(GAN, ["penalties=r1"])[1] == {"penalties": ("r1",)}
    assert split(GAN, ["penalties=r1,drift"])[1] == {"penalties": ("r1", "drift")}


def test_a_dot_reaches_into_an_optimizer_and_leaves_the_recipe_of_the_class():
    before = DCGAN.recipe.get_config()
    changes = split(DCGAN, ["generator_optimizer.learning_rate=1e-4", "generator_optimizer.clipnorm=1"])[1]
    generator = DCGAN.recipe.replace(**changes).optimizers()["generator"]
    assert isinstance(generator, keras.optimizers.Adam)
    assert float(generator.learning_rate) == pytest.approx(1e-4)
    assert (generator.beta_1, generator.clipnorm) == (0.5, 1)  # the paper's, and the new one
    after = DCGAN.recipe.get_config()
    for config in (before, after):
        for player in ("generator", "discriminator"):
            del config[f"{player}_optimizer"]["config"]["name"]
    assert after == before


def test_a_dot_reaches_into_an_optimizer_that_was_just_chosen():
    changes = split(GAN, ["generator_optimizer=sgd", "generator_optimizer.momentum=0.9"])[1]
    assert GAN.recipe.replace(**changes).optimizers()["generator"].momentum == 0.9


def test_a_dot_reaches_into_a_loss_and_a_penalty():
    assignments = ["loss.real_label=0.9", "penalties=r1,drift", "penalties.r1.gamma=3", "penalties.r1.interval=4"]
    assert split(GAN, assignments)[1] == {
        "loss": NonSaturating(real_label=0.9),
        "penalties": (R1(gamma=3, interval=4), Drift()),
    }
    assert split(GAN, ["penalties=drift", "penalties.drift.weight=2"])[1]["penalties"] == (Drift(weight=2),)


def test_a_schedule_is_written_where_a_number_may_follow_one():
    rate = "generator_optimizer.learning_rate"
    changes = split(DCGAN, [f"{rate}=cosine:1e-3:1e-5:256", "ema_half_life=cosine:500:5e3:20", "penalties=r1"])[1]
    generator = DCGAN.recipe.replace(**changes).optimizers()["generator"]
    assert isinstance(generator, ScheduledAdam) and generator.beta_1 == 0.5
    assert generator.scheduled_rate == Cosine(1e-3, 1e-5, 256)
    assert changes["ema_half_life"] == Cosine(500, 5000, 20)
    changes = split(DCGAN, ["penalties=r1", "penalties.r1.gamma=cosine:9:1:4", "penalties.r1.gamma.kimg=3"])[1]
    assert changes["penalties"] == (R1(gamma=Cosine(9, 1, 3)),)
    assert split(MolGAN, ["reward=valid", "trade_off=cosine:1:0.2:40"]) == (
        {"reward": "valid"},
        {"trade_off": Cosine(1, 0.2, 40)},
    )


def test_only_adam_follows_a_schedule():
    with pytest.raises(ValueError, match="and Adam's learning_rate and beta_2"):
        split(DCGAN, ["generator_optimizer=rmsprop", "generator_optimizer.learning_rate=cosine:1e-3:1e-5:256"])


def test_a_dot_reaches_into_a_schedule():
    changes = split(BiGAN, [f"generator_optimizer.learning_rate.{name}=256" for name in ("kimg", "wait")])[1]
    rate = BiGAN.recipe.replace(**changes).optimizers()["generator"].scheduled_rate
    assert rate == Exponential(2e-4, 0.01 * 2e-4, 256, 256)


@pytest.mark.parametrize("text", ["false", "False"])
def test_a_flag_is_written_as_in_python_or_in_small_letters(text):
    assert split(ACGAN, [f"classify_fakes={text}"])[1] == {"classify_fakes": False}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wdith=3", "'wdith=3' is not a setting of DCGAN.*model: .*latent_dim.* recipe: batch_size"),
        ("width", "expected name=value"),
        ("seed=3", "is not a setting"),  # --seed
        ("width.more=3", "is not a setting"),
        ("width=wide", "is not a number; expected one such as 64"),
        ("batch_size=many", "is not a number"),
        ("skip_nonfinite=never", "is not a boolean"),
        ("generator_optimizer.lr=1", "Adam has no 'lr'. It has: .*learning_rate"),
        ("generator_optimizer.learning_rate=high", "is not a number"),
        ("penalties.r1.gamma=1", "none; set one first with penalties=r1"),
        ("loss.smoothing=1", "NonSaturating has no 'smoothing'"),
        ("update.mode=1", "plain value"),
        ("generator_optimizer.learning_rate.kimg=1", "learning_rate is a plain value and has no parts"),
        ("width=cosine:1:2:3", "cannot follow a schedule"),
        ("generator_optimizer.beta_1=cosine:1:2:3", "cannot follow a schedule"),
        ("ema_half_life=cosine:1:2", "is not a valid schedule; expected cosine:START:END:KIMG"),
        ("ema_half_life=exponential:1:2:3:x", "is not a valid schedule; expected exponential:START:END:KIMG:WAIT"),
    ],
)
def test_what_is_no_setting(text, message):
    with pytest.raises(ValueError, match=message):
        split(DCGAN, [text])


def test_required_arguments_are_known():
    assert constructor_arguments(CGAN)["num_classes"] is REQUIRED
    assert constructor_arguments(DCGAN)["num_classes"] is None
    assert constructor_arguments(GAN)["seed"] is None
