"""Both precisions of the golden tests."""

import contextlib
import os

import pytest

# Where JAX computes right in double precision, it does in single, and compiling all again takes long.
ON_JAX = os.environ.get("KERAS_BACKEND") == "jax"
SINGLE = pytest.param("float32", marks=[pytest.mark.slow] if ON_JAX else [])


@pytest.fixture(params=["float64", SINGLE])
def precision(request):
    """Keras' float type in a test: in turn double, with nothing that rounds to single all the same, and single."""
    from kerasgan.testing.scripted import double_precision

    with double_precision() if request.param == "float64" else contextlib.nullcontext():
        yield request.param
