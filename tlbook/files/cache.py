"""The local cache: where it is, and how arrays enter it whole or not at all."""

import hashlib
import os
import pathlib
import uuid
import warnings
import zipfile

import numpy as np
import pooch


def cache_dir():
    """Return the cache folder as a `pathlib.Path`: `TLBOOK_CACHE` where set, else the user's cache folder.

    The folder may not exist yet.
    """
    return pathlib.Path(os.environ.get("TLBOOK_CACHE") or pooch.os_cache("tlbook"))


def cached_arrays(name, compute):
    """Return the arrays kept under `name`, computing and keeping them the first time.

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
    a warning says so.
    """
    path = cache_dir() / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except FileNotFoundError:
        pass
    # RuntimeError: `zipfile` takes some kinds of damage for encryption or an unknown compression.
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        warnings.warn(f"the cached file {path} is damaged and is computed anew ({error})", stacklevel=2)
    arrays = compute()
    try:
        write_atomically(path, lambda file: np.savez(file, **arrays))
    except OSError as error:
        warnings.warn(f"could not keep {path}: {error}. It will be computed again next time.", stacklevel=2)
    return arrays


def write_atomically(path, write):
    """Call `write(file)` on a temporary binary file beside `path`, then rename it: `path` is whole or absent.

    Raises `OSError` where the folder cannot be written or the disk is full; nothing is left behind then.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not `tempfile`: its files are for their owner alone, and a cache may be shared.
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with open(partial, "xb") as file:
            write(file)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def fingerprint(*arrays, text=()):
    """Return a short hexadecimal digest of arrays (values, shapes, dtypes) and of what `text` lists: a cache key."""
    digest = hashlib.sha256(repr(list(text)).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:20]
