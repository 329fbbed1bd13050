"""Prepared data of tests stay out of the home folder."""

import pytest


@pytest.fixture(autouse=True)
def root(monkeypatch, tmp_path):
    """A folder of its own for the prepared data of each test."""
    folder = tmp_path / "prepared"
    monkeypatch.setenv("KERASGAN_DATA", str(folder))
    return folder
