"""Indexes that the tests build go to a folder of their own, never to the user's cache."""

import pytest


@pytest.fixture(autouse=True)
def index_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
