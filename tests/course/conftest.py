"""What the tests of the course run under."""

import pytest


@pytest.fixture
def drawn_pictures(user_cache, monkeypatch):
    """The drawn pictures of the user's cache, where they are: composing them takes a quarter of a minute."""
    monkeypatch.setenv("TLBOOK_CACHE", str(user_cache))
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    monkeypatch.setenv("MPLBACKEND", "agg")
