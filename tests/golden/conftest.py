"""Both precisions of the golden tests."""

import contextlib

import pytest

from kerasgan.testing.scripted import double_precision
from tests.golden.reader import SLOW_ON_JAX


@pytest.fixture(params=["float64", pytest.param("float32", marks=SLOW_ON_JAX)])
def precision(request):
    """Keras' float type in a test: in turn double, with nothing that rounds to single all the same, and single."""
    with double_precision() if request.param == "float64" else contextlib.nullcontext():
        yield request.param
