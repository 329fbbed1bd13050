"""The base class plays every kind of game right on two replicas, and takes each up again where it was cut off."""

import pytest

from kerasgan import testing
from tests.games import GAMES
from tests.toys import ON_TENSORFLOW

CHECKS = (testing.agrees_with_two_replicas, testing.resumes_exactly, testing.skips_overflows)


def cases():
    """Quick is the critic's resume on JAX, which compiles faster. DCGAN and the harness' own games have other tests."""
    for game in ("critic", "extra head", "encoder", "two domains", "shared pass"):
        for check in CHECKS:
            costly = ON_TENSORFLOW or (check, game) != (testing.resumes_exactly, "critic")
            marks = [pytest.mark.slow] if costly else []
            yield pytest.param(game, check, id=f"{check.__name__}-{game}", marks=marks)


@pytest.mark.parametrize(("game", "check"), list(cases()))
def test_game(game, check):
    testing.run_check(check, GAMES[game])
