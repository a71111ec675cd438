"""Large arrays that are computed piece by piece into a file: resumed after a kill, checked before use."""

import contextlib
import io
import json
import os
import pathlib
import time
import zlib

import numpy as np

from tlbook.files import cache

MARGIN = 10_000_000  # bytes that stay free on the disk


def computed_in_pieces(path, key, shape, dtype, rows, compute):
    """Return `(array, cpu_seconds)`: an array that only reads the file at `path`, computed where it was not yet.

    Parameters
    ----------
    path : path
        Ends in ".npy": NumPy can read the file alone. Beside it lie its record (".json": checksums of what is done) and
        its lock (".lock"), and while it grows it is called ".npy.partial".
    key : str
        What the array depends on; a record with another key is not trusted.
    shape : tuple of int
        Of the array.
    dtype : numpy.dtype
        Of the array.
    rows : list of int
        How long each piece is, along the first axis; together the length of the array.
    compute : callable
        Takes the number of a piece and returns it.

    A process that was killed is taken up after the last piece that is sound. A file that is not what its record says is
    computed anew from the first piece that differs; one printed sentence says so. `cpu_seconds` counts the work on all
    pieces, by whatever process. Only one process at a time computes a file, where the system has locks.
    Raises `tlbook.files.cache.NoRoom` before anything is computed where the disk has not enough room for what is
    missing, and when it fills meanwhile; what was done then stays.
    """
    file = _File(pathlib.Path(path), key, shape, np.dtype(dtype), rows)
    if found := file.whole():
        return found
    cache.check_room(file.path.parent, file.missing() + MARGIN)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file.path.with_suffix(".lock")):
        found = file.whole()  # another process may have been faster
        if not found:
            file.compute(compute)
            found = file.whole()
    if not found:
        raise OSError(f"{file.path}: what is read is not what was written; the disk may be damaged")
    return found


class _File:
    """The file of an array, with its record, and its name while it grows."""

    def __init__(self, path, key, shape, dtype, rows):
        self.path, self.key, self.dtype = path, key, dtype
        self.partial, self.record = path.with_name(f"{path.name}.partial"), path.with_suffix(".json")
        row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        self.sizes = [n * row for n in rows]  # in bytes
        header = io.BytesIO()
        description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, description)
        self.header = header.getvalue()
        self.size = len(self.header) + sum(self.sizes)

    def missing(self):
        """Return how many bytes the disk must take yet."""
        return self.size - min(self.size, self.partial.stat().st_size if self.partial.exists() else 0)

    def noted(self):
        """Return the checksums of what the record calls done, and its CPU seconds; none where it cannot be trusted."""
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
            checksums, seconds = [int(number) for number in record["checksums"]], float(record["cpu_seconds"])
            trusted = record["key"] == self.key and len(checksums) <= len(self.sizes)
        except (OSError, ValueError, KeyError, TypeError):
            trusted = False
        return (checksums, seconds) if trusted else ([], 0.0)

    def sound(self, path, checksums):
        """Return how many of the first pieces of a file are there and have these checksums."""
        try:
            with open(path, "rb") as file:
                if file.read(len(self.header)) != self.header:
                    return 0
                for number, (size, checksum) in enumerate(zip(self.sizes, checksums, strict=False)):
                    content = file.read(size)
                    if len(content) < size or zlib.crc32(content) != checksum:
                        return number
        except OSError:
            return 0
        return len(checksums)

    def whole(self):
        """Return the array and its CPU seconds where all of it is there and sound; else None."""
        if not self.path.exists():
            return None
        checksums, seconds = self.noted()
        if self.path.stat().st_size == self.size and self.sound(self.path, checksums) == len(self.sizes):
            return np.load(self.path, mmap_mode="r"), seconds
        print(f"{self.path} is damaged: what is wrong in it is computed anew.")
        os.replace(self.path, self.partial)
        return None

    def compute(self, compute):
        """Compute the pieces that are missing, each written before it is noted, and give the file its name."""
        checksums, seconds = self.noted()
        checksums = checksums[: self.sound(self.partial, checksums)]
        with self.writing(), open(self.partial, "r+b" if checksums else "w+b") as file:
            if not checksums:
                file.write(self.header)
            file.truncate(len(self.header) + sum(self.sizes[: len(checksums)]))
        for number in range(len(checksums), len(self.sizes)):
            start = time.process_time()
            content = np.ascontiguousarray(compute(number), self.dtype).tobytes()
            seconds += time.process_time() - start
            checksums.append(zlib.crc32(content))
            with self.writing():
                with open(self.partial, "ab") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                self.note(checksums, seconds)
        os.replace(self.partial, self.path)

    @contextlib.contextmanager
    def writing(self):
        """Say of an error in writing that the folder cannot be written; one of the work itself goes on as it is."""
        try:
            yield
        except OSError as error:
            free = f"{error.strerror or error} ({self.missing() / 1e6:.0f} MB are needed still)"
            raise cache.NoRoom(cache.cannot_write(self.path.parent, free)) from error

    def note(self, checksums, seconds):
        record = {"key": self.key, "checksums": checksums, "cpu_seconds": round(seconds, 2)}
        cache.write_atomically(self.record, lambda file: file.write(json.dumps(record).encode()))


@contextlib.contextmanager
def _alone(path):
    """Hold a lock; where the system has none (Windows), go on without."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # which the system takes back from a process that dies
        yield
