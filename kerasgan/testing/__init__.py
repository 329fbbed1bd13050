"""The tests that every family owes, for one line:

    test_dcgan = family_tests(DCGAN, {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4})

makes one pytest case of each check in `CHECKS`; `run_family_test` runs them all in one call. What a family needs for it
is a tiny model and its own `data_specs`: data are made up from these.
"""

import contextlib
import unittest

from kerasgan.testing.case import EAGERLY, FamilyCase, mirrored_strategy, train_scripted
from kerasgan.testing.checks import (
    CHECKS,
    COSTLY,
    EXTENSIVE,
    FURTHER,
    agrees_with_other_engine,
    agrees_with_two_replicas,
    comes_back_from_a_preset,
    exports,
    moves_only_its_own,
    reaches_every_weight,
    refuses_bad_data,
    resumes_exactly,
    round_trips_its_configuration,
    skips_overflows,
    trains,
    trains_in_bfloat16,
)
from kerasgan.testing.scripted import double_precision, scripted_random
from kerasgan.testing.values import enliven, samples_of

__all__ = [
    "CHECKS",
    "COSTLY",
    "EAGERLY",
    "EXTENSIVE",
    "FURTHER",
    "FamilyCase",
    "agrees_with_other_engine",
    "agrees_with_two_replicas",
    "comes_back_from_a_preset",
    "double_precision",
    "enliven",
    "exports",
    "family_tests",
    "mirrored_strategy",
    "moves_only_its_own",
    "reaches_every_weight",
    "refuses_bad_data",
    "resumes_exactly",
    "round_trips_its_configuration",
    "run_check",
    "run_family_test",
    "samples_of",
    "scripted_random",
    "skips_overflows",
    "train_scripted",
    "trains",
    "trains_in_bfloat16",
]


def run_check(check, case):
    """Runs one check; whatever it raises gets a note that names the family and the check."""
    try:
        check(case)
    except Exception as error:
        error.add_note(f"{case.family.__name__} failed the check {check.__name__!r}: {check.__doc__}")
        raise


def run_family_test(family, arguments, recipe=None, unmoved=(), batch_size=8):
    """Runs all checks of a family, one after the other; those that this process cannot do are left out.

    Args:
        family: subclass of `kerasgan.AdversarialModel`.
        arguments: constructor arguments of a tiny model; see `FamilyCase`.
        recipe: changes to the family's recipe.
        unmoved: variables without a gradient by design; see `FamilyCase`.
        batch_size: samples a step, even.

    Raises:
        AssertionError: that says which check failed and how.
    """
    case = FamilyCase(family, arguments, recipe or {}, tuple(unmoved), batch_size)
    for check in CHECKS:
        with contextlib.suppress(unittest.SkipTest):
            run_check(check, case)


def family_tests(family, arguments, recipe=None, unmoved=(), batch_size=8, slow=COSTLY):
    """A pytest test of a family with one case for each check: `test_dcgan = family_tests(DCGAN, {...})`.

    Args:
        family, arguments, recipe, unmoved, batch_size: as for `run_family_test`.
        slow: checks that get the mark `slow`: what the base class and the engines do for every family alike.

    Returns:
        A parametrised test function.
    """
    import pytest

    case = FamilyCase(family, arguments, recipe or {}, tuple(unmoved), batch_size)
    checks = [pytest.param(c, id=c.__name__, marks=[pytest.mark.slow] if c in slow else []) for c in CHECKS]

    @pytest.mark.parametrize("check", checks)
    def test(check):
        run_check(check, case)

    return test
