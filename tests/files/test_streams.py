"""What a server sends, waited for only as long as one likes."""

import threading
import time

import pytest
from conftest import endless, trickling, whole

from tlbook.files import streams


def test_a_small_file_is_read_whole(upstream):
    upstream.answers["/file"] = [whole(b"small")]
    response, content = streams.read(upstream.url(), {}, 5, 5)
    assert (response.status_code, content) == (200, b"small")


def test_the_seconds_are_those_of_the_whole_file(upstream):
    """A byte every 0.05 s: no single wait is long."""
    upstream.answers["/file"] = [trickling]
    with pytest.raises(TimeoutError, match="nothing came"):
        streams.read(upstream.url(), {}, 0.5, 60)


def test_the_bytes_are_those_of_the_whole_file(upstream):
    """No single block is large."""
    upstream.answers["/file"] = [endless]
    with pytest.raises(ValueError, match="more came than 200,000 bytes"):
        streams.read(upstream.url(), {}, 5, 200_000)


def test_whoever_leaves_a_stream_leaves_no_thread(upstream):
    before = set(threading.enumerate())
    upstream.answers["/file"] = [endless]
    with streams.Stream(upstream.url(), {}, (5, 5)) as stream:
        stream.take(5)
        (reading,) = [one for one in set(threading.enumerate()) - before if "_read" in one.name]
        time.sleep(0.3)  # its queue is full by then, and it waits
    reading.join(5)
    assert not reading.is_alive()


def test_only_the_last_sample_tells_the_pace(monkeypatch):
    now = 0.0
    monkeypatch.setattr(streams.time, "monotonic", lambda: now)
    pace = streams.Pace(0, 1_000_000, patience_s=60, sample_s=10)
    now = 10.0
    assert pace.lost(500_000) is None
    now = 20.0
    assert "too slow: 0 kB/s" in pace.lost(500_100)
