"""The local cache: where it is, and how arrays enter it whole or not at all."""

import contextlib
import glob
import hashlib
import os
import pathlib
import shutil
import time
import uuid
import warnings
import zipfile

import numpy as np
import pooch

from tlbook.files import installed

_COMPUTED = ("features-", "sentences-", "voice-", "prefix-")  # what networks make of data
_NAMES = "names of the arrays"
_said = set()  # sentences that would only repeat themselves


def cache_dir():
    """Return the cache folder as a `pathlib.Path`: `TLBOOK_CACHE` where set, else the user's cache folder.

    The folder may not exist yet.
    """
    return pathlib.Path(os.environ.get("TLBOOK_CACHE") or pooch.os_cache("tlbook"))


def computed_dir():
    """Return the folder of what can be computed again (features): `TLBOOK_COMPUTED` where set, else in the cache.

    The folder may not exist yet.
    """
    return pathlib.Path(os.environ.get("TLBOOK_COMPUTED") or cache_dir() / "computed")


def clear_computed():
    """Remove what can be computed again: all features, and no data or weights. Return how many bytes that freed.

    Raises `OSError` where that is not allowed.
    """
    freed = 0
    # File by file: `TLBOOK_COMPUTED` may name a folder that holds other things as well.
    # What a killed process left ends with ".partial"; a record lies beside what `tlbook.methods.prefix` keeps.
    for path in [path for ending in ("*.npz*", "*.npy*", "*.json*", "*.lock") for path in computed_dir().glob(ending)]:
        if path.name.startswith(_COMPUTED):
            freed += path.stat().st_size
            path.unlink()
    return freed


def cached_arrays(name, compute):
    """Return the arrays kept under `name`, computing and keeping them the first time.

    They are kept in `computed_dir()` where the name begins as one of `_COMPUTED`, else in `cache_dir()`.

    Parameters
    ----------
    name : str
        File name without ending. Put into it everything that the arrays depend on.
    compute : callable
        Takes nothing, returns a dict of str to `numpy.ndarray`.

    Returns
    -------
    dict of str to numpy.ndarray

    A damaged file is computed anew. A cache that cannot be written (read-only, full disk) costs time, not the result:
    one printed sentence says so.
    """
    path = (computed_dir() if name.startswith(_COMPUTED) else cache_dir()) / f"{name}.npz"
    try:
        return _read(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    # RuntimeError: `zipfile` takes some kinds of damage for encryption or an unknown compression.
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        warnings.warn(f"the cached file {path} is damaged and is computed anew ({error})", stacklevel=2)
    arrays = compute()
    try:
        write_atomically(path, lambda file: np.savez(file, **arrays, **{_NAMES: np.array(sorted(arrays))}))
    except OSError as error:
        moved = path.parent == computed_dir() and os.environ.get("TLBOOK_COMPUTED")
        reason = cannot_write(path.parent, error, "TLBOOK_COMPUTED" if moved else "TLBOOK_CACHE")
        if reason not in _said:
            _said.add(reason)
            print(f"What is computed will be computed again next time: {reason}.")
    return arrays


def _read(path):
    """Return the arrays of a file. Raises `ValueError` where it does not hold all that was written."""
    with open(path, "rb") as file, contextlib.closing(np.lib.npyio.NpzFile(file)) as members:
        arrays = {key: members[key] for key in members.files}
    # `zipfile` checks what a member holds, and not whether all of them are there under their own names.
    if sorted(arrays.keys() - {_NAMES}) != arrays.pop(_NAMES, np.array(None)).tolist():
        raise ValueError("it does not hold the arrays that it should")
    return arrays


class NoRoom(OSError):
    """A folder cannot be written, or its disk is too full. The message says what to do."""


def check_room(folder, n_bytes):
    """Raise `NoRoom` where a folder, which need not exist yet, cannot take so many bytes."""
    folder = pathlib.Path(folder)
    home = existing(folder)
    if not home.is_dir() or not os.access(home, os.W_OK):
        raise NoRoom(cannot_write(folder, f"{home} can only be read" if home.is_dir() else f"{home} is no folder"))
    free = shutil.disk_usage(home).free
    if free < n_bytes:
        few = f"{free / 1e6:.0f} MB are free on the disk, {n_bytes / 1e6:.0f} MB are needed"
        raise NoRoom(cannot_write(folder, few))


def existing(path):
    """Return the path, or the nearest one above it that exists and may be looked at, as a `pathlib.Path`."""
    return next(above for above in [path, *path.absolute().parents] if os.path.exists(above))


def cannot_write(folder, reason, variable="TLBOOK_CACHE"):
    """Return a message for an `OSError`, or another reason, from writing into a folder that `variable` can move."""
    reason = getattr(reason, "strerror", None) or reason
    return f"cannot write into {folder}: {reason}. Make room there, or set {variable} to a folder that can be written"


def write_atomically(path, write):
    """Call `write(file)` on a temporary binary file beside `path`, then rename it: `path` is whole or absent.

    Raises `OSError` where the folder cannot be written or the disk is full; nothing is left behind then.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(f"{folder}/labels.npy", lambda file: np.save(file, [3, 1]))
    ...     np.load(f"{folder}/labels.npy")
    array([3, 1])
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not `tempfile`: its files are for their owner alone, and a cache may be shared.
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    _remove_left(path)
    try:
        with open(partial, "xb") as file:
            write(file)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _remove_left(path):
    """Remove what killed processes left of their attempts to write this file; a living one needs no hour."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):
        with contextlib.suppress(OSError):  # another process was faster
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()


def fingerprint(*arrays, text=()):
    """Return a short hexadecimal digest of arrays (values, shapes, dtypes) and of what `text` lists: a cache key.

    >>> fingerprint(np.array([1, 2])) == fingerprint(np.array([1.0, 2.0]))
    False
    """
    digest = hashlib.sha256(repr(list(text)).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:20]


def versions():
    """Return the versions of what computes features, a dict of str to str (None: not installed), for a cache key.

    They are those of Keras, of the backend that it would choose, of NumPy and of tlbook. Nothing is imported.
    """
    backend = installed.keras_backend()
    found = {name: installed.version(name) for name in ("keras", "numpy", "tlbook")}
    return found | {backend: installed.version(*installed.BACKENDS.get(backend, (backend,)))}
