"""The cache: what it gives back, what it survives, and what it leaves behind."""

import errno
import functools
import os
import pathlib
import zipfile

import numpy as np
import pytest

from tlbook.files import cache

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


DAMAGES = {
    "empty": lambda good: b"",
    "text": lambda good: b"no archive",
    "pickle": lambda good: b"\x80\x04N.",
    "cut": lambda good: good[: len(good) // 2],
    "last-byte-missing": lambda good: good[:-1],
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
def test_no_flipped_bit_in_the_directory_of_the_file_gets_through():
    """`zipfile` has an exception of its own for many kinds of damage."""
    arrays = {"features": ARRAYS["features"]}
    cache.cached_arrays("a", lambda: arrays)
    path = cache.cache_dir() / "a.npz"
    good = path.read_bytes()
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
def test_cache_that_cannot_be_written_costs_a_warning_and_not_the_result(monkeypatch, owner, name, code):
    cache.cache_dir().mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fails(code), raising=False)  # root may write anywhere, so this plays the part
        with pytest.warns(UserWarning, match=f"could not keep .*{os.strerror(code)}.*computed again next time"):
            assert same(cache.cached_arrays("a", lambda: ARRAYS))
    assert left() == []
    assert same(cache.cached_arrays("a", lambda: ARRAYS)), "nothing half-written is taken for a result"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="a user who may write anywhere")
def test_read_only_folder_costs_a_warning_and_not_the_result():
    cache.cache_dir().mkdir(mode=0o500)
    with pytest.warns(UserWarning, match="could not keep"):
        assert same(cache.cached_arrays("a", lambda: ARRAYS))
    assert left() == []


@pytest.mark.filterwarnings("ignore:the cached file")
def test_file_in_place_of_the_cache_folder_costs_a_warning_and_not_the_result():
    cache.cache_dir().write_text("not a folder")
    with pytest.warns(UserWarning, match="could not keep"):
        assert same(cache.cached_arrays("a", lambda: ARRAYS))
    assert cache.cache_dir().read_text() == "not a folder"


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
        assert same({key: file[key] for key in file.files})
