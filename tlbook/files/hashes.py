"""Hashes of files: what a checksum in the list of assets is compared with."""

import functools
import hashlib
import zipfile

from tlbook.files.archives import DamagedFile, read_member, reading

MOST_RECORDING = 10_000_000  # bytes; those of the book have 40,000


def file_hash(path, algorithm="sha256"):
    """Return the hash of a file as hexadecimal digits, computed once per process while the file stays as it is.

    `algorithm` is one that `hashlib` knows, or "recordings": SHA-256 over the .wav files in a zip archive, ordered by
    name (name, zero byte, SHA-256 of the content, one after the other), whatever else is in it and however it was
    packed. Raises `OSError` where the file cannot be read; what is no zip archive has no recordings.
    """
    status = path.stat()
    # Whoever copies a file may keep its size and its time; `st_ctime_ns` is the system's own, and changes all the same.
    known = status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return _file_hash(path, algorithm, known)


def mismatch(path, checksum):
    """Say in words how a file differs from a checksum, "sha256:..." for example, or return None where it does not."""
    algorithm, expected = checksum.split(":")
    came = file_hash(path, algorithm)
    return None if came == expected else f"its {algorithm} hash is {came}, expected {expected}"


@functools.cache
def _file_hash(path, algorithm, _known):
    if algorithm == "recordings":
        return _recordings_hash(path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _recordings_hash(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file, reading(path, "a zip archive"), zipfile.ZipFile(file) as archive:
            for name in sorted(name for name in archive.namelist() if name.endswith(".wav")):
                content = hashlib.sha256(read_member(archive, name, MOST_RECORDING)).digest()
                digest.update(name.rpartition("/")[2].encode() + b"\0" + content)
    except DamagedFile as error:
        return f"none ({error})"
    return digest.hexdigest()
