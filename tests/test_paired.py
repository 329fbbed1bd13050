"""The benchmarks' side-by-side timing: its ratios, its order, its workers."""

import pytest

from benchmarks.paired import Worker, paired, paired_workers, ratios, table
from benchmarks.worker import load_step


def make_step():
    """A worker's factory that prints where a careless framework would."""
    print("this must not be taken for an answer")
    return lambda: print("nor this")


def make_failing_step():
    return lambda: 1 / 0


def test_ratios_are_medians_of_ratios_within_a_round():
    # The machine is ten times slower in the last round; that a variant takes half the reference's
    # time shows in each round, though not in the ratio of the means.
    seconds = {"reference": [1.0, 2.0, 30.0], "variant": [0.5, 1.0, 60.0]}
    assert ratios(seconds, "reference") == {"reference": 1.0, "variant": 2.0}
    assert ratios(seconds, "variant") == {"reference": 0.5, "variant": 1.0}


def test_ratios_name_an_unknown_reference():
    with pytest.raises(ValueError, match=r"among \['a'\], but got 'b'"):
        ratios({"a": [1.0]}, "b")


def test_the_order_alternates_and_warmup_is_not_counted():
    calls = []
    variants = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = paired(variants, rounds=2, warmup=1, steps=2)
    assert "".join(calls) == "aabb" + "bbaa" + "aabb"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 2, "b": 2}
    assert all(value > 0 for values in seconds.values() for value in values)


def test_table_has_a_ratio_for_each_reference():
    text = table({"a": [0.1], "b": [0.2]}, ["a", "b"], {"a": 10.0, "b": 20.0})
    assert text.splitlines()[2:] == [
        "| a | 100.0 | 1.00 | 2.00 | 10 |",
        "| b | 200.0 | 0.50 | 1.00 | 20 |",
    ]


def test_workers_answer_in_processes_of_their_own():
    targets = dict.fromkeys("ab", "tests.test_paired:make_step")
    seconds, megabytes = paired_workers(targets, rounds=2, warmup=0, steps=3, pause=0.0)
    for name in targets:
        assert len(seconds[name]) == 2 and min(seconds[name]) > 0
        assert 1 < megabytes[name] < 1000


def test_a_failing_step_is_reported_with_the_workers_name():
    worker = Worker("broken", "tests.test_paired:make_failing_step")
    try:
        with pytest.raises(RuntimeError, match="'broken' ended with exit code 1"):
            worker.go(1)
    finally:
        worker.close()


def test_a_target_without_a_function_is_refused():
    with pytest.raises(ValueError, match=r"module:function.*'benchmarks.worker'"):
        load_step("benchmarks.worker")
