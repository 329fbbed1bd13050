"""What the golden tests compare with: a wrong number, shape or layout is noticed, and so is one left out."""

import numpy as np
import pytest

from tests.golden import reader


@pytest.fixture
def golden(tmp_path, monkeypatch):
    values = {
        "outputs/exact": np.float64([1.0, -4.0]),
        "outputs/single": np.float32([1.0, -4.0]),
        "outputs/crop[:1,:,1:3,::2]": np.arange(4.0).reshape(1, 1, 2, 2),
        "outputs/layers/first": np.ones((1, 2, 3)),
        "grads/step/G/weight": np.float64([100.0]),
        "grads/step/G/bias": np.float64([0.0]),
    }
    np.savez(tmp_path / "some.npz", **values)
    monkeypatch.setattr(reader, "FOLDER", tmp_path)
    return reader.Golden("some")


def test_tolerances_are_relative_to_the_largest_number(golden):
    for key, limit in (("outputs/exact", 4e-9), ("outputs/single", 4e-7), ("grads/step/G/bias", 1e-9)):
        golden.check({key: reader.array(golden[key]) + 0.9 * limit}, "float64")
        with pytest.raises(AssertionError, match=r"differs by .* expected"):
            golden.check({key: reader.array(golden[key]) + 1.2 * limit}, "float64")
    for key, limit in (("outputs/exact", 2e-4), ("grads/step/G/weight", 2e-2), ("grads/step/G/bias", 2e-4)):
        golden.check({key: reader.array(golden[key]) + 0.9 * limit}, "float32")
        with pytest.raises(AssertionError, match=r"differs by .* expected"):
            golden.check({key: reader.array(golden[key]) + 1.2 * limit}, "float32")


def test_what_is_missing_or_no_number_is_noticed(golden):
    golden.check_all("grads/step/G/", {"weight": [100.0], "bias": [0.0], "not stored": [3.0]})
    with pytest.raises(AssertionError, match="bias"):
        golden.check_all("grads/step/G/", {"weight": [100.0]})
    for wrong, message in (([np.nan, -4.0], "differs"), ([1.0], "shape"), ([-4.0, 1.0], "differs")):
        with pytest.raises(AssertionError, match=message):
            golden.check({"outputs/exact": wrong})
    with pytest.raises(AssertionError, match="Nothing"):
        golden.check({})


def test_parts_of_results(golden):
    whole = np.zeros((3, 1, 4, 3))
    whole[0, 0, 1:3, ::2] = [[0, 1], [2, 3]]
    golden.check({"outputs/crop[:1,:,1:3,::2]": whole, "outputs/layers/first": np.ones((4, 5, 3))})
    with pytest.raises(AssertionError, match="differs"):
        golden.check({"outputs/crop[:1,:,1:3,::2]": whole.swapaxes(2, 3)[:, :, :, :3]})


def test_layouts_go_round():
    weight = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    assert reader.kernel(weight).shape == (4, 5, 3, 2) and reader.kernel(weight)[1, 2, 0, 1] == weight[1, 0, 1, 2]
    np.testing.assert_array_equal(reader.official(reader.kernel(weight)), weight)
    np.testing.assert_array_equal(reader.channels_first(reader.channels_last(weight)), weight)
    np.testing.assert_array_equal(reader.kernel(weight[..., 0, 0]), weight[..., 0, 0].T)
