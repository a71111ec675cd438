"""The cache: what it gives back, what it survives, and what it leaves behind."""

import errno
import functools
import importlib.metadata
import io
import os
import pathlib
import zipfile

import numpy as np
import pytest

from tlbook.files import cache, installed

ARRAYS = {"features": np.arange(6, dtype="float16").reshape(2, 3), "labels": np.array([3, 1])}


def never():
    raise AssertionError("computed, although it was in the cache")


def left():
    return sorted(path.name for path in cache.cache_dir().iterdir())


def same(arrays, expected=ARRAYS):
    return list(arrays) == list(expected) and all(
        arrays[key].dtype == expected[key].dtype and np.array_equal(arrays[key], expected[key]) for key in expected
    )


def fails(code):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    return fail


def test_cache_folder_is_the_one_that_is_named(monkeypatch, tmp_path):
    assert cache.cache_dir() == tmp_path / "cache"
    monkeypatch.setenv("TLBOOK_CACHE", "")
    assert cache.cache_dir().name == "tlbook" and cache.cache_dir() != tmp_path / "cache"
    assert cache.cache_dir().is_absolute()


def test_arrays_come_back_as_they_were_and_are_computed_once():
    computed = []
    assert same(cache.cached_arrays("a", lambda: computed.append(1) or ARRAYS))
    assert left() == ["a.npz"]
    assert same(cache.cached_arrays("a", lambda: computed.append(1) or ARRAYS))
    assert computed == [1]


def test_names_are_kept_apart():
    other = {"features": np.zeros(1)}
    cache.cached_arrays("a", lambda: ARRAYS)
    assert same(cache.cached_arrays("b", lambda: other), other)
    assert same(cache.cached_arrays("a", never))


def test_features_are_kept_apart_from_data_and_can_be_cleared(monkeypatch, tmp_path):
    for name in ("features-1", "voice-1", "sentences-1", "digits"):
        cache.cached_arrays(name, lambda: ARRAYS)
    assert left() == ["computed", "digits.npz"]
    (cache.computed_dir() / "features-2.npz.0123.partial").write_bytes(b"killed")
    (cache.computed_dir() / "prefix-2.json.0123.partial").write_bytes(b"killed")
    for name in ("letter.txt", "other.npz"):
        (cache.computed_dir() / name).write_text("mine")
    assert cache.clear_computed() == 3 * (cache.cache_dir() / "digits.npz").stat().st_size + 2 * len(b"killed")
    assert sorted(path.name for path in cache.computed_dir().iterdir()) == ["letter.txt", "other.npz"]
    assert same(cache.cached_arrays("digits", never))

    monkeypatch.setenv("TLBOOK_COMPUTED", str(tmp_path / "elsewhere"))
    assert cache.clear_computed() == 0, "of a folder that is not there yet"
    cache.cached_arrays("features-1", lambda: ARRAYS)
    assert same(cache.cached_arrays("features-1", never))
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["features-1.npz"]


def test_versions_are_those_that_compute(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    known = {name: importlib.metadata.version(name) for name in ("keras", "numpy", "tlbook")}
    assert cache.versions() == known
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(installed, "version", lambda *names: f"of {names[0]}")
    assert cache.versions() == {name: f"of {name}" for name in ("keras", "numpy", "tlbook", "torch")}


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


DAMAGES = {
    "empty": lambda good: b"",
    "text": lambda good: b"no archive",
    "pickle": lambda good: b"\x80\x04N.",
    "cut": lambda good: good[: len(good) // 2],
    "last-byte-missing": lambda good: good[:-1],
    "array": lambda good: npy(ARRAYS["labels"]),
    "fewer": lambda good: npz(labels=ARRAYS["labels"]),
    "name-changed": lambda good: good.replace(b"labels.npy", b"labelt.npy"),
    "number-changed": lambda good: good.replace(ARRAYS["labels"].tobytes(), bytes(16)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_file_is_computed_anew_and_mended(damage):
    cache.cached_arrays("a", lambda: ARRAYS)
    path = cache.cache_dir() / "a.npz"
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert path.read_bytes() != good
    with pytest.warns(UserWarning, match=r"a\.npz is damaged and is computed anew"):
        assert same(cache.cached_arrays("a", lambda: ARRAYS))
    assert same(cache.cached_arrays("a", never))
    assert left() == ["a.npz"]


@pytest.mark.filterwarnings("ignore:the cached file")
def test_no_flipped_bit_in_the_directory_of_the_file_gets_through(monkeypatch):
    """`zipfile` has an exception of its own for many kinds of damage."""
    arrays = {"features": ARRAYS["features"]}
    cache.cached_arrays("a", lambda: arrays)
    path = cache.cache_dir() / "a.npz"
    good = path.read_bytes()
    monkeypatch.setattr(cache, "write_atomically", lambda *_: None)  # the next round would write over it anyway
    for i in range(good.index(b"PK\x01\x02"), len(good)):
        for bit in (0, 3, 6):
            path.write_bytes(good[:i] + bytes([good[i] ^ 1 << bit]) + good[i + 1 :])
            assert same(cache.cached_arrays("a", lambda: arrays), arrays), (i, bit)


def test_object_arrays_in_the_cache_are_not_unpickled():
    cache.cache_dir().mkdir()
    np.savez(cache.cache_dir() / "a.npz", features=np.array([pathlib.Path("x")]))
    with pytest.warns(UserWarning, match="damaged"):
        assert same(cache.cached_arrays("a", lambda: ARRAYS))


@pytest.mark.parametrize(
    ("owner", "name"), [(cache, "open"), (cache.os, "replace"), (cache.np, "savez"), (cache.pathlib.Path, "mkdir")]
)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_cache_that_cannot_be_written_costs_one_sentence_and_not_the_result(monkeypatch, capsys, owner, name, code):
    cache.cache_dir().mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fails(code), raising=False)  # root may write anywhere, so this plays the part
        for name in ("a", "b"):
            assert same(cache.cached_arrays(name, lambda: ARRAYS))
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 1, "said once, not for each array"
    assert f"{cache.cache_dir()}: {os.strerror(code)}" in said and "set TLBOOK_CACHE" in said
    assert left() == []
    assert same(cache.cached_arrays("a", lambda: ARRAYS)), "nothing half-written is taken for a result"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="a user who may write anywhere")
def test_read_only_folder_costs_one_sentence_and_not_the_result(capsys):
    cache.cache_dir().mkdir(mode=0o500)
    assert same(cache.cached_arrays("a", lambda: ARRAYS))
    assert "cannot write into" in capsys.readouterr().out
    assert left() == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("below", ["", "folder"])
def test_file_in_place_of_the_cache_folder_costs_one_sentence_and_not_the_result(monkeypatch, tmp_path, capsys, below):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "file" / below))
    assert same(cache.cached_arrays("a", lambda: ARRAYS))
    assert "cannot write into" in capsys.readouterr().out
    assert (tmp_path / "file").read_text() == "not a folder"


def test_the_variable_that_is_named_is_the_one_that_helps(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TLBOOK_COMPUTED", str(tmp_path / "file"))
    cache.cached_arrays("features-a", lambda: ARRAYS)
    assert "set TLBOOK_COMPUTED" in capsys.readouterr().out
    cache.cached_arrays("a", lambda: ARRAYS)
    assert left() == ["a.npz"]


def test_room_is_checked_without_making_anything(tmp_path, monkeypatch):
    cache.check_room(tmp_path / "new" / "folder", 1000)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(cache.NoRoom, match="MB are free on the disk, 1000000000000 MB are needed. Make room there"):
        cache.check_room(tmp_path / "new", 10**18)
    (tmp_path / "file").write_text("")
    with pytest.raises(cache.NoRoom, match="file is no folder. Make room there, or set TLBOOK_CACHE"):
        cache.check_room(tmp_path / "file" / "folder", 0)
    monkeypatch.setattr(cache.os, "access", lambda *_: False)  # a disk that is mounted to be read only
    with pytest.raises(cache.NoRoom, match="can only be read. Make room there"):
        cache.check_room(tmp_path, 0)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failed_computation_keeps_nothing(error):
    def fail():
        raise error

    with pytest.raises(error):
        cache.cached_arrays("a", fail)
    assert same(cache.cached_arrays("a", lambda: ARRAYS))


def test_written_file_is_whole_and_alone(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    cache.write_atomically(path, lambda file: file.write(b"content"))
    assert path.read_bytes() == b"content"
    cache.write_atomically(str(path), lambda file: file.write(b"other"))
    assert path.read_bytes() == b"other"
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_at_the_path_until_it_is_whole(tmp_path):
    path = tmp_path / "file"

    def write(file):
        file.write(b"half")
        file.flush()
        assert not path.exists()

    cache.write_atomically(path, write)
    assert path.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "full"), SystemExit])
@pytest.mark.parametrize("old", [b"old", None])
def test_interrupted_write_leaves_what_was_there(tmp_path, error, old):
    path = tmp_path / "file"
    if old:
        path.write_bytes(old)

    def write(file):
        file.write(b"half")
        raise error

    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        cache.write_atomically(path, write)
    assert [item.read_bytes() for item in tmp_path.iterdir()] == [old] * bool(old)


def test_what_a_killed_writer_left_is_removed_by_a_later_one(tmp_path):
    left = {name: tmp_path / name for name in ("a[1].1.partial", "a[1].2.partial", "a[1].partial", "b.1.partial")}
    for name, path in left.items():
        path.write_bytes(b"half")
        if name != "a[1].2.partial":  # another process is at it
            os.utime(path, (1e9, 1e9))
    cache.write_atomically(tmp_path / "a[1]", lambda file: file.write(b"whole"))
    assert not left.pop("a[1].1.partial").exists() and all(path.exists() for path in left.values())


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "file"

    def write(file):
        file.write(b"fir")
        cache.write_atomically(path, lambda other: other.write(b"second"))
        assert path.read_bytes() == b"second"
        file.write(b"st")

    cache.write_atomically(path, write)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_mode_of_the_file_follows_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        cache.write_atomically(tmp_path / "file", lambda file: file.write(b"shared"))
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_kept_file_is_a_plain_npz():
    """Readers may look into the cache with NumPy alone."""
    cache.cached_arrays("a", lambda: ARRAYS)
    assert zipfile.is_zipfile(cache.cache_dir() / "a.npz")
    load = functools.partial(np.load, allow_pickle=False)
    with load(cache.cache_dir() / "a.npz") as file:
        assert same({key: file[key] for key in ARRAYS})
