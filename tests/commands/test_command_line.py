"""The command line: what each command does, says and returns."""

import dataclasses
import errno
import os
import types

import numpy as np
import pytest
from conftest import WEIGHTS, status

from tlbook import __main__ as command_line
from tlbook.commands import build_mirror
from tlbook.files import assets, cache, sources


def test_fetch_takes_the_weights_and_says_the_size(small_needs, upstream, capsys):
    assert command_line.main(["fetch"]) == 0
    assert (cache.cache_dir() / small_needs.file_name).read_bytes() == WEIGHTS
    said = capsys.readouterr().out
    assert "0 MB" in said and "VGG16, ImageNet: downloaded." in said
    assert "CIFAR-10" not in said
    assert command_line.main(["fetch"]) == 0
    assert len(upstream.requests) == 1


def test_fetch_goes_on_where_something_stands_in(small_needs, monkeypatch, upstream, capsys):
    gone = {"urls": (upstream.url("/gone"),), "keras_names": ()}
    upstream.answers["/gone"] = [status(404)]
    digits = dataclasses.replace(assets.FSDD, **gone)
    lost = dataclasses.replace(assets.VGG16_KERAS, name="lost weights", file_name="lost.h5", **gone)
    monkeypatch.setattr(assets, "NEEDS", ((digits,), (lost,), (small_needs,)))
    assert command_line.main(["fetch"]) == 1
    said = capsys.readouterr()
    assert "3 files to fetch" in said.out and f"In its place: {assets.FSDD.stand_in}" in said.out
    assert "lost weights was not found" in said.err
    assert (cache.cache_dir() / small_needs.file_name).exists(), "what comes after a failure is fetched all the same"
    monkeypatch.setattr(assets, "NEEDS", ((digits,), (small_needs,)))
    assert command_line.main(["fetch"]) == 0


def test_a_file_that_serves_two_needs_is_counted_once(small_needs, monkeypatch, upstream, capsys):
    other = dataclasses.replace(small_needs, file_name="other.h5", mirror_name="other.h5", size_bytes=10**9)
    monkeypatch.setattr(assets, "NEEDS", ((small_needs,), (other, small_needs)))
    assert command_line.main(["fetch"]) == 0
    assert capsys.readouterr().out.startswith("1 files to fetch, 0 MB in all\n")


def test_fetch_takes_nothing_where_the_mirror_has_it(room, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    assert command_line.main(["fetch", "--cifar10"]) == 0
    assert [line.split(".")[0] for line in capsys.readouterr().out.splitlines()] == [
        "CIFAR-10: from the mirror",
        "VGG16, ImageNet: from the mirror",
    ]
    assert not cache.cache_dir().exists()


def test_nothing_is_announced_where_downloads_are_off(small_needs, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_OFFLINE", "1")
    assert command_line.main(["fetch"]) == 1
    said = capsys.readouterr()
    assert "to fetch" not in said.out and "TLBOOK_OFFLINE forbids it" in said.err


def test_a_second_fetch_says_the_same_and_asks_nobody(small_needs, upstream, capsys):
    assert command_line.main(["fetch"]) == 0
    capsys.readouterr()
    assert command_line.main(["fetch"]) == 0
    assert capsys.readouterr().out == "VGG16, ImageNet: from the local cache. Keras's own file.\n"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("command", ["fetch", "mirror"])
@pytest.mark.parametrize("reason", ["no folder", "full", "read-only"])
def test_a_cache_that_cannot_be_written_is_one_sentence_before_anything_is_fetched(
    small_needs, upstream, monkeypatch, tmp_path, capsys, command, reason
):
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "there" / "cache"))
    if reason == "no folder":
        (tmp_path / "there").write_text("a file")
    elif reason == "full":
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=100))
    else:
        monkeypatch.setattr(cache.os, "access", lambda *_: False)
    assert command_line.main([command, *[str(tmp_path / "room")] * (command == "mirror")]) == 1
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith(f"python -m tlbook {command}: cannot write into {tmp_path / 'there' / 'cache'}: ")
    assert line.endswith("Make room there, or set TLBOOK_CACHE to a folder that can be written")
    assert upstream.requests == [] and not (tmp_path / "there" / "cache").exists()


def test_a_cache_that_is_whole_may_be_read_only(small_needs, monkeypatch):
    assert command_line.main(["fetch"]) == 0
    monkeypatch.setattr(cache.os, "access", lambda *_: False)
    assert command_line.main(["fetch"]) == 0


def test_a_mirror_that_cannot_be_written_is_one_sentence_and_has_no_manifest(
    small_needs, monkeypatch, tmp_path, capsys
):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(assets, "NEEDS", ((small_needs,),))
    monkeypatch.setattr(build_mirror.shutil, "copyfileobj", full)
    assert command_line.main(["mirror", str(tmp_path / "room")]) == 1
    line = capsys.readouterr().err.splitlines()[-1]  # a bar of progress comes before
    assert line.endswith(
        f"cannot write into {tmp_path / 'room'}: No space left on device. Make room there, or name another folder"
    )
    assert list((tmp_path / "room").iterdir()) == []
    (tmp_path / "file").write_text("")
    assert command_line.main(["mirror", str(tmp_path / "file" / "room")]) == 1
    assert "Not a directory" in capsys.readouterr().err


def test_an_upstream_that_is_none_is_one_sentence(small_needs, monkeypatch, upstream, capsys):
    monkeypatch.setenv("TLBOOK_UPSTREAM", "near.example")
    assert command_line.main(["fetch"]) == 1
    assert capsys.readouterr().err.startswith("python -m tlbook fetch: TLBOOK_UPSTREAM: got 'near.example', expected")
    assert upstream.requests == []


def test_interrupted_fetch_says_how_to_go_on(small_needs, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "find", interrupt)
    assert command_line.main(["fetch"]) == 130
    assert "takes it up again" in capsys.readouterr().err


def test_errors_go_to_stderr_without_a_traceback(monkeypatch, tmp_path, capsys):
    assert command_line.main(["fetch"]) == 1
    said = capsys.readouterr()
    assert "not found. In its place" in said.out and "Tried:" not in said.out
    assert said.err.startswith("python -m tlbook fetch: VGG16, ImageNet was not found. Tried:")
    monkeypatch.setenv("TLBOOK_MIRROR", str(tmp_path / "nowhere"))
    assert command_line.main(["fetch"]) == 1
    assert "nowhere has no readable manifest.json" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        command_line.main(["--help"])
    said = capsys.readouterr().out
    for word in (
        "doctor",
        "fetch",
        "mirror",
        "clear",
        "TLBOOK_MIRROR",
        "TLBOOK_OFFLINE",
        "TLBOOK_CACHE",
        "TLBOOK_UPSTREAM",
    ):
        assert word in said
    assert "TLBOOK_COMPUTED" in said
    with pytest.raises(SystemExit, match="2"):
        command_line.main([])


def test_mirror_that_is_its_own_source_can_be_built(small_needs, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(assets, "NEEDS", ((small_needs,),))
    monkeypatch.setenv("TLBOOK_MIRROR", str(tmp_path / "room"))
    assert command_line.main(["mirror", str(tmp_path / "room")]) == 0
    assert (tmp_path / "room" / small_needs.mirror_name).read_bytes() == WEIGHTS
    assert "1 files" in capsys.readouterr().out


def test_clear_says_how_much_it_freed_and_leaves_downloads(small_needs, capsys):
    command_line.main(["fetch"])
    cache.cached_arrays("features-1", lambda: {"features": np.zeros(500_000, "float32")})
    capsys.readouterr()
    assert command_line.main(["clear"]) == 0
    assert capsys.readouterr().out == f"{cache.computed_dir()}: 2.0 MB freed. Downloads and data sets stay.\n"
    assert [path.name for path in cache.cache_dir().rglob("*") if path.is_file()] == [small_needs.file_name]
    assert command_line.main(["clear"]) == 0
    assert ": 0.0 MB freed" in capsys.readouterr().out
