"""The examples of docstrings, executed as they stand but for the number of epochs."""

import doctest
import re

import numpy as np
import pytest

import kerasgan


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ACGAN", "BiGAN", "GMMN", "GMMNAE", "InfoGAN", "LAPGAN", "VAEGAN"])
def test_the_docstring_runs(family):
    family = getattr(kerasgan, family)
    code = "".join(example.source for example in doctest.DocTestParser().get_examples(family.__doc__))
    code, found = re.subn(r"epochs=\d+", "epochs=1", code)
    assert found == 1
    count = family.recipe.batch_size
    names = {
        family.__name__: family,
        "images": np.random.default_rng(0).uniform(-1.0, 1.0, (count, 8, 8, 1)).astype("float32"),
        "labels": np.arange(count, dtype="int32") % 10,
    }
    exec(compile(code, family.__name__, "exec"), names)
    results = {name: value for name, value in names.items() if isinstance(value, np.ndarray)}
    assert len(results) > 2 and all(np.isfinite(value).all() for value in results.values())
