"""A tiny SavedModel, written once, and what it must draw."""

import pytest

# Servers have environments of their own: see `make test-serving`.
collect_ignore = ["servers"]


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Folder of `tiny/1`, and what is expected of it by name."""
    from tests.serving import tiny

    folder = tmp_path_factory.mktemp("serving")
    return folder, tiny.write(folder)
