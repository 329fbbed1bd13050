"""Constructor arguments: those that a family has, and those that it refuses."""

import pytest

from kerasgan import DCGAN, GAN, GMMN, LAPGAN, VAEGAN, BiGAN, InfoGAN
from kerasgan.game.arguments import constructor_arguments
from kerasgan.game.traces import _identity

TINY = {"latent_dim": 2, "width": 1, "seed": 0}


@pytest.mark.parametrize("family", [GAN, GMMN, BiGAN, InfoGAN])
def test_families_without_conditions(family):
    assert not {"num_classes", "condition"} & set(constructor_arguments(family))
    with pytest.raises(ValueError, match=f"`num_classes` was given, but {family.__name__} is unconditional"):
        family((8, 8, 1), num_classes=3)


@pytest.mark.parametrize("family", [InfoGAN, LAPGAN, VAEGAN])
def test_arguments_that_the_family_sets(family):
    assert family.fixed and not set(family.fixed) & set(constructor_arguments(family))
    with pytest.raises(ValueError, match=f"`latent_range` was given, but {family.__name__} sets it itself"):
        family((8, 8, 1), latent_range=(-1.0, 1.0))


def test_the_configuration_has_what_was_given():
    config = DCGAN((8, 8, 1), num_classes=3, **TINY).get_config()
    left_out = {"generator", "discriminator", "condition", "frozen_layers"}
    assert set(constructor_arguments(DCGAN)) - set(config) == left_out
    assert (config["generator_width"], config["num_classes"]) == (None, 3)


class Louder(DCGAN):
    """Keeps an argument from the configuration."""

    def __init__(self, *arguments, factor, **options):
        self._kept = factor
        super().__init__(*arguments, **options)


def test_traces_are_reused_if_the_configuration_is_complete():
    """The control is a family whose losses may depend on what its configuration lacks."""
    one, other = (DCGAN((8, 8, 1), **TINY) for _ in range(2))
    louder = Louder((8, 8, 1), factor=2.0, **TINY)
    for model in (one, other, louder):
        model.compile(checks=False)
    assert _identity(one) == _identity(other) is not None
    assert _identity(louder) is None
