"""The training step on the Dirac-GAN: the quick part of `python -m benchmarks.dirac`, on the active engine."""

import pytest

from benchmarks import dirac

# One case for each kind of mistake: a sign, the order of updates, the one half of R1, R2, the gradient penalty.
CASES = [
    ("minimax", "simultaneous", {}),
    ("non_saturating", "alternating", {}),
    ("hinge", "alternating", {"r1": 1.0}),
    ("minimax", "alternating_shared", {"r1": 0.3}),
    ("non_saturating", "simultaneous", {"r1": 0.3}),
    ("wasserstein", "alternating", {"gradient_penalty": 0.1, "r1": 0.2}),
    ("relativistic_average", "simultaneous", {"r1": 0.2}),
]


@pytest.mark.parametrize(("loss", "update", "penalties"), CASES)
def test_end_radius(loss, update, penalties):
    assert dirac.agrees(dirac.play(loss, update, penalties), dirac.reference(loss, update, penalties))


def test_the_reference_equals_the_theory():
    for (loss, update), (free, penalised) in dirac.KNOWN.items():
        assert dirac.agrees(dirac.reference(loss, update, {}), free)
        assert dirac.agrees(dirac.reference(loss, update, dirac.R1_ONE), penalised)
        assert dirac.reference(loss, update, dirac.R1_ONE) == pytest.approx(penalised, rel=5e-3)


def test_a_wrong_game_is_told_apart():
    right = dirac.reference("non_saturating", "alternating", {"r1": 0.3})
    for wrong in (("non_saturating", "simultaneous", {"r1": 0.3}), ("non_saturating", "alternating", {"r1": 0.6})):
        assert not dirac.agrees(dirac.reference(*wrong), right)
