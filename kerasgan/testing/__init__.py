"""One line gives a family the whole shared test suite.

    test_dcgan = family_tests(DCGAN, {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4})

This creates a pytest case for each check in `CHECKS`; `run_family_test` runs all checks in one call. A family only
needs a tiny model and its own `data_specs`, from which the data are generated.
"""

import contextlib
import unittest

from kerasgan.testing.case import EAGERLY, STEPS, FamilyCase, mirrored_strategy, train_scripted
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
    """Runs one check and adds a note with the family and the check to any error."""
    try:
        check(case)
    except Exception as error:
        error.add_note(f"{case.family.__name__} failed the check {check.__name__!r}: {check.__doc__}")
        raise


def run_family_test(family, arguments, recipe=None, unmoved=(), batch_size=8, steps=STEPS):
    """Runs all checks of a family in sequence, and skips checks that this process does not support.

    Args:
        family: Subclass of `kerasgan.AdversarialModel`.
        arguments: Constructor arguments of a tiny model; see `FamilyCase`.
        recipe: Changes to the family's recipe.
        unmoved: Variables without a gradient by design; see `FamilyCase`.
        batch_size: Batch size, even.
        steps: Number of steps after which training runs are compared; see `FamilyCase`.

    Raises:
        AssertionError: If a check fails. The message names the check and the reason.
    """
    case = FamilyCase(family, arguments, recipe or {}, tuple(unmoved), batch_size, steps)
    for check in CHECKS:
        with contextlib.suppress(unittest.SkipTest):
            run_check(check, case)


def family_tests(family, arguments, recipe=None, unmoved=(), batch_size=8, slow=COSTLY, steps=STEPS):
    """Returns a pytest test of a family with one case per check: `test_dcgan = family_tests(DCGAN, {...})`.

    Args:
        family, arguments, recipe, unmoved, batch_size, steps: See `run_family_test`.
        slow: Checks with the mark `slow`. Defaults to the checks of features that the base class and the engines
            implement for all families.

    Returns:
        A parametrized test function.
    """
    import pytest

    case = FamilyCase(family, arguments, recipe or {}, tuple(unmoved), batch_size, steps)
    checks = [pytest.param(c, id=c.__name__, marks=[pytest.mark.slow] if c in slow else []) for c in CHECKS]

    @pytest.mark.parametrize("check", checks)
    def test(check):
        run_check(check, case)

    return test
