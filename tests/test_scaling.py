"""The model on paper of many devices: its formulas, by hand."""

import pytest

from benchmarks.scaling import FULL, Machine, Work, seconds

MACHINE = Machine(rate=1e12, node=8, inside=1e9, outside=1e8, latency=1e-3)


def test_seconds_of_one_device_of_a_node_and_of_two_nodes():
    work = Work(operations=1e10, gradients=4e8, collectives=3)
    assert seconds(work, 100, 1, MACHINE) == pytest.approx((1.0, 0.0, 0.0))
    # Seven eighths of the gradients go out and come in; log2(8) rounds there and back for each collective.
    share = 100 / 8 * 1e10 / (1e12 * (0.5 + 0.5 * 12.5 / FULL))
    assert seconds(work, 100, 8, MACHINE) == pytest.approx((share, 2 * 7 / 8 * 0.4, 3 * 2 * 3 * 1e-3))
    computing, summing, waiting = seconds(work, 16 * FULL, 16, MACHINE)
    assert computing == pytest.approx(FULL * 1e10 / 1e12)
    assert summing == pytest.approx(2 * 7 / 8 * 0.4 + 2 * 1 / 2 * 4.0) and waiting == pytest.approx(3 * 2 * 4 * 1e-3)
