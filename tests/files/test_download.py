"""Downloads against a local server that plays every kind of upstream."""

import errno
import functools
import hashlib
import io
import os
import random
import socket
import time
import types

import pytest
from conftest import (
    cut,
    deaf,
    endless,
    slow,
    stalled,
    start_answer,
    status,
    trickling,
    trickling_chunks,
    trickling_headers,
    whole,
)

from tlbook.files import addresses, cache, download

BODY = random.Random(0).randbytes(400_000)
HASH = "sha256:" + hashlib.sha256(BODY).hexdigest()
QUICK = functools.partial(download.download, size_bytes=len(BODY), back_off_s=0.01, stall_s=5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "files" / "body.bin"


def left_in(path):
    return sorted(item.name for item in path.parent.iterdir())


def test_good_download_shows_progress_and_leaves_only_the_file(upstream, path, capsys):
    upstream.answers["/file"] = [whole(BODY)]
    assert QUICK([upstream.url()], path, HASH) == path
    assert path.read_bytes() == BODY
    assert left_in(path) == ["body.bin"]
    progress = capsys.readouterr().err
    assert "body.bin" in progress and "100%" in progress and "400k/400k" in progress


def test_md5_is_checked_too(upstream, path):
    upstream.answers["/file"] = [whole(BODY)]
    QUICK([upstream.url()], path, "md5:" + hashlib.md5(BODY).hexdigest())
    assert path.read_bytes() == BODY


def test_broken_connection_is_resumed_at_the_byte_where_it_broke(upstream, path):
    upstream.answers["/file"] = [cut(BODY, 150_000), whole(BODY)]
    QUICK([upstream.url()], path, HASH)
    assert path.read_bytes() == BODY
    assert upstream.ranges() == [None, "bytes=150000-"]


def test_next_run_resumes_what_an_earlier_one_left(upstream, path):
    upstream.answers["/file"] = [cut(BODY, 150_000), whole(BODY)]
    with pytest.raises(download.DownloadError, match="broke off"):
        QUICK([upstream.url()], path, HASH, tries=1)
    assert left_in(path) == ["body.bin.partial"]
    QUICK([upstream.url()], path, HASH, tries=1)
    assert path.read_bytes() == BODY
    assert left_in(path) == ["body.bin"]
    assert upstream.ranges() == [None, "bytes=150000-"]


def test_complete_partial_needs_no_request(upstream, path):
    path.parent.mkdir()
    path.with_name("body.bin.partial").write_bytes(BODY)
    QUICK([upstream.url()], path, HASH)
    assert path.read_bytes() == BODY
    assert upstream.requests == []


def test_server_that_ignores_range_is_read_from_the_start(upstream, path):
    upstream.answers["/file"] = [cut(BODY, 150_000), deaf(BODY)]
    QUICK([upstream.url()], path, HASH)
    assert path.read_bytes() == BODY
    assert upstream.ranges() == [None, "bytes=150000-"]


@pytest.mark.parametrize("known_hash", [HASH, None])
def test_server_that_sends_another_range_is_asked_again_from_the_start(upstream, path, known_hash):
    def wrong_range(handler):
        start_answer(handler, 206, 250_000, Content_Range="bytes 100-250099/400000")
        handler.wfile.write(BODY[100:250_100])

    upstream.answers["/file"] = [cut(BODY, 150_000), wrong_range, whole(BODY)]
    QUICK([upstream.url()], path, known_hash)
    assert path.read_bytes() == BODY
    assert upstream.ranges() == [None, "bytes=150000-", None]


def test_partial_longer_than_the_file_is_thrown_away(upstream, path):
    path.parent.mkdir()
    path.with_name("body.bin.partial").write_bytes(BODY + b"more")
    upstream.answers["/file"] = [whole(BODY)]
    QUICK([upstream.url()], path, HASH)
    assert path.read_bytes() == BODY
    assert upstream.ranges() == ["bytes=400004-", None]


def test_wrong_content_leaves_nothing_and_names_both_hashes(upstream, path):
    other = BODY[:-1] + bytes([BODY[-1] ^ 1])
    upstream.answers["/file"] = [whole(other)]
    with pytest.raises(download.DownloadError) as caught:
        QUICK([upstream.url()], path, HASH)
    assert HASH.removeprefix("sha256:") in str(caught.value)
    assert hashlib.sha256(other).hexdigest() in str(caught.value)
    assert left_in(path) == []


def test_wrong_content_at_one_address_is_replaced_from_the_next(upstream, path):
    upstream.answers |= {"/bad": [whole(bytes(len(BODY)))], "/good": [whole(BODY)]}
    QUICK([upstream.url("/bad"), upstream.url("/good")], path, HASH)
    assert path.read_bytes() == BODY
    assert upstream.ranges() == [None, None]


def test_page_in_place_of_the_file_is_refused_before_it_is_read(upstream, path):
    upstream.answers["/file"] = [whole(b"<html>Log in to the network</html>")]
    with pytest.raises(download.DownloadError, match="measures 34 bytes there, expected 400,000"):
        QUICK([upstream.url()], path, HASH)
    assert left_in(path) == []


def test_stalled_server_is_given_up_and_what_came_is_kept(upstream, path):
    upstream.answers["/file"] = [stalled(BODY, 150_000)]
    with pytest.raises(download.DownloadError, match="stalled: not a byte for 0.3 s"):
        QUICK([upstream.url()], path, HASH, stall_s=0.3, tries=1)
    assert path.with_name("body.bin.partial").read_bytes() == BODY[:150_000]


def test_slow_address_is_given_up_and_the_next_one_resumes(upstream, path, capsys):
    upstream.answers |= {"/slow": [slow(BODY)], "/fast": [whole(BODY)]}
    QUICK([upstream.url("/slow"), upstream.url("/fast")], path, HASH, sample_s=0.2, patience_s=1)
    assert path.read_bytes() == BODY
    assert "too slow" in capsys.readouterr().out
    assert [where for _, where, _ in upstream.requests] == ["/slow", "/fast"]
    assert int(upstream.ranges()[1].removeprefix("bytes=").removesuffix("-")) >= 1000


def test_patience_lets_a_slow_address_finish(upstream, path):
    upstream.answers["/file"] = [slow(BODY, block=40_000)]
    QUICK([upstream.url()], path, HASH, sample_s=0.02, patience_s=60)
    assert path.read_bytes() == BODY


def test_missing_file_is_not_asked_for_twice(upstream, path):
    upstream.answers |= {"/gone": [status(404)], "/good": [whole(BODY)]}
    QUICK([upstream.url("/gone"), upstream.url("/good")], path, HASH)
    assert path.read_bytes() == BODY
    assert [where for _, where, _ in upstream.requests] == ["/gone", "/good"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_busy_server_is_asked_again(upstream, path, code):
    upstream.answers["/file"] = [status(code), status(code), whole(BODY)]
    QUICK([upstream.url()], path, HASH)
    assert path.read_bytes() == BODY


def test_no_network_names_every_address(path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    urls = [f"http://127.0.0.1:{port}/{name}" for name in "ab"]
    with pytest.raises(download.DownloadError) as caught:
        QUICK(urls, path, HASH)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    for url, line in zip(urls, lines, strict=True):
        assert url in line and "no connection" in line
    assert left_in(path) == []


def test_second_process_on_the_same_file_is_noticed(upstream, path):
    def disturbed(handler):
        start_answer(handler, 200, len(BODY))
        handler.wfile.write(BODY[:1000])
        handler.wfile.flush()
        while not path.with_name("body.bin.partial").exists():
            pass
        with open(path.with_name("body.bin.partial"), "ab") as partial:
            partial.write(b"from elsewhere")
        handler.wfile.write(BODY[1000:])

    upstream.answers["/file"] = [disturbed]
    with pytest.raises(download.DownloadError, match="another process"):
        QUICK([upstream.url()], path, HASH)
    assert not path.exists()


def test_file_in_place_of_the_cache_folder(upstream, path):
    path.parent.write_text("not a folder")
    with pytest.raises(download.DownloadError, match="cannot write into .*files.*TLBOOK_CACHE"):
        QUICK([upstream.url()], path, HASH)
    assert upstream.requests == []


def test_read_only_cache_folder(upstream, path, monkeypatch):
    def refused(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(download, "open", refused, raising=False)  # root may write anywhere, so this plays the part
    upstream.answers["/file"] = [whole(BODY)]
    with pytest.raises(download.DownloadError, match="cannot write into .*Permission denied.*TLBOOK_CACHE"):
        QUICK([upstream.url()], path, HASH)
    assert left_in(path) == []


def test_disk_that_fills_up_leaves_nothing(upstream, path, monkeypatch):
    class FullAfterAWhile(io.FileIO):
        def write(self, block):
            if self.tell() > 100_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(block)

    monkeypatch.setattr(download, "open", FullAfterAWhile, raising=False)
    upstream.answers["/file"] = [whole(BODY)]
    with pytest.raises(download.DownloadError, match="No space left.*Make room"):
        QUICK([upstream.url()], path, HASH)
    assert left_in(path) == []


def test_disk_that_is_too_small_is_noticed_before_the_download(upstream, path, monkeypatch):
    path.parent.mkdir()
    path.with_name("body.bin.partial").write_bytes(BODY[:1000])
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=100_000))
    with pytest.raises(download.DownloadError, match="0 MB are free on the disk, 0 MB are needed"):
        QUICK([upstream.url()], path, HASH)
    assert upstream.requests == []
    assert left_in(path) == ["body.bin.partial"], "what came before is not lost"


def test_the_address_that_is_set_is_asked_first(upstream, path, monkeypatch):
    upstream.answers |= {"/near/files/body.bin": [whole(BODY)], "/file": [whole(BODY)]}
    for base in ("/near/files", "/near/files/"):
        monkeypatch.setenv("TLBOOK_UPSTREAM", upstream.url(base))
        QUICK([upstream.url()], path, HASH)
        assert path.read_bytes() == BODY
        path.unlink()
    assert [where for _, where, _ in upstream.requests] == ["/near/files/body.bin"] * 2


@pytest.mark.parametrize("answer", [status(404), whole(bytes(len(BODY))), whole(b"another file")])
def test_what_comes_from_the_address_that_is_set_is_verified_too(upstream, path, monkeypatch, answer):
    upstream.answers |= {"/near/body.bin": [answer], "/file": [whole(BODY)]}
    monkeypatch.setenv("TLBOOK_UPSTREAM", upstream.url("/near"))
    QUICK([upstream.url()], path, HASH)
    assert path.read_bytes() == BODY
    assert [where for _, where, _ in upstream.requests] == ["/near/body.bin", "/file"]


def test_a_file_with_no_address_gets_none(monkeypatch):
    monkeypatch.setenv("TLBOOK_UPSTREAM", "https://near.example/files")
    assert addresses.addresses((), "body.bin") == []


@pytest.mark.parametrize("base", ["ftp://near.example", "near.example/files", "/files", "https://"])
def test_an_address_that_is_none_is_refused(upstream, path, monkeypatch, base):
    monkeypatch.setenv("TLBOOK_UPSTREAM", base)
    with pytest.raises(ValueError, match=f"TLBOOK_UPSTREAM: got '{base}', expected an address such as https://"):
        QUICK([upstream.url()], path, HASH)
    assert upstream.requests == [] and not path.parent.exists()


def test_more_than_was_expected_is_not_kept(upstream, path):
    upstream.answers["/file"] = [endless]
    with pytest.raises(download.DownloadError, match="more came than the 400,000 bytes that were expected"):
        QUICK([upstream.url()], path, HASH)
    assert left_in(path) == []


def test_a_file_of_unknown_size_ends_at_a_cap(upstream, path):
    upstream.answers["/file"] = [endless, whole(BODY)]
    for reason in (
        "more came than the 300,000 bytes",
        "the file measures 400,000 bytes there, expected 300,000 at most",
    ):
        with pytest.raises(download.DownloadError, match=reason):
            QUICK([upstream.url()], path, None, size_bytes=None, most_bytes=300_000)
        assert left_in(path) == []


@pytest.mark.parametrize(
    ("answer", "size_bytes", "reason"),
    [
        (trickling, None, "no end after 0.5 s and .* bytes, which are kept"),
        (trickling, len(BODY), "too slow: 0 kB/s"),
        (trickling_chunks, None, "stalled: not a byte for 0.5 s"),
        (trickling_headers, len(BODY), "stalled: not a byte for 0.5 s"),
    ],
)
def test_patience_holds_for_every_byte(upstream, path, answer, size_bytes, reason):
    upstream.answers["/file"] = [answer]
    start = time.monotonic()
    patience = {"patience_s": 0.5, "sample_s": 0.2, "stall_s": 0.5, "connect_s": 0.5, "tries": 2}
    with pytest.raises(download.DownloadError, match=reason):
        QUICK([upstream.url()], path, None, size_bytes=size_bytes, **patience)
    assert time.monotonic() - start < 10, "a server decided how long this takes"


@pytest.mark.parametrize("length", [100_000, len(BODY)])
def test_a_damaged_partial_is_started_again_by_itself(upstream, path, length):
    path.parent.mkdir()
    path.with_name("body.bin.partial").write_bytes(bytes(length))
    upstream.answers["/file"] = [whole(BODY)]
    assert QUICK([upstream.url()], path, HASH).read_bytes() == BODY
    assert left_in(path) == ["body.bin"]


@pytest.mark.parametrize("make", [lambda partial, other: partial.symlink_to(other), lambda partial, _: partial.mkdir()])
def test_a_partial_that_is_no_plain_file_is_refused(upstream, path, tmp_path, make):
    other = tmp_path / "other.txt"
    other.write_text("mine")
    path.parent.mkdir()
    make(path.with_name("body.bin.partial"), other)
    upstream.answers["/file"] = [whole(BODY)]
    with pytest.raises(download.DownloadError, match=r"body.bin.partial is no plain file.*remove it and try again"):
        QUICK([upstream.url()], path, HASH)
    assert other.read_text() == "mine" and not path.exists() and upstream.requests == []


def test_a_link_that_comes_later_is_not_followed(upstream, path, tmp_path, monkeypatch):
    """As from another process, between the look at the partial file and the first byte."""
    other = tmp_path / "other.txt"
    other.write_text("mine")
    path.parent.mkdir()
    path.with_name("body.bin.partial").symlink_to(other)
    monkeypatch.setattr(download, "_held", lambda partial: 0)
    upstream.answers["/file"] = [whole(BODY)]
    with pytest.raises(download.DownloadError, match="cannot write into"):
        QUICK([upstream.url()], path, HASH)
    assert other.read_text() == "mine" and left_in(path) == []


def test_a_length_that_is_no_number_is_none(upstream, path):
    def answer(handler):
        start_answer(handler, 200, "many")
        handler.wfile.write(BODY)

    upstream.answers["/file"] = [answer]
    QUICK([upstream.url()], path, HASH)
    assert path.read_bytes() == BODY


def test_the_pause_doubles_after_each_try(upstream, path, monkeypatch):
    pauses = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    upstream.answers["/file"] = [status(503)]
    with pytest.raises(download.DownloadError):
        QUICK([upstream.url()], path, HASH, tries=4, back_off_s=0.5)
    assert pauses == [0.5, 1.0, 2.0]


def test_no_compression_is_asked_for(upstream, path):
    """Positions in a compressed stream are not those in the file, and a resumed download would be damaged."""
    asked = []

    def answer(handler):
        asked.append(handler.headers["Accept-Encoding"])
        whole(BODY)(handler)

    upstream.answers["/file"] = [answer]
    QUICK([upstream.url()], path, HASH)
    assert asked == ["identity"]
