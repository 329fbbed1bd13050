"""Both precisions of the golden tests."""

import pytest


@pytest.fixture(params=["float64", "float32"])
def precision(request):
    """Keras' float type in a test, in turn double and single."""
    if request.param == "float64":
        request.getfixturevalue("float64")
    return request.param
