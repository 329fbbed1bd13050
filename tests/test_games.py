"""The base class plays every kind of game right on two replicas, and takes each up again where it was cut off."""

import pytest

from kerasgan import testing
from tests.games import GAMES

CHECKS = (testing.agrees_with_two_replicas, testing.resumes_exactly, testing.skips_overflows)


# The others are DCGAN, and games that the tests of DCGAN and of the harness play.
@pytest.mark.parametrize("game", ["critic", "extra head", "encoder", "two domains"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_game(game, check):
    testing.run_check(check, GAMES[game])
