"""The local mirror: a folder with files and a `manifest.json` that names each with its SHA-256, for lab rooms.

`manifest.json` reads `{"files": {NAME: {"sha256": ..., "note": ...}}}`.
"""

import json
import os
import pathlib
import stat

from tlbook.files import hashes


class MirrorError(OSError):
    """The mirror is damaged. It is never skipped: whoever keeps the mirror has to know."""


def mirror_dir():
    """Return the folder that `TLBOOK_MIRROR` names as a `pathlib.Path`, or None where it is not set."""
    folder = os.environ.get("TLBOOK_MIRROR")
    return pathlib.Path(folder).expanduser() if folder else None


def read_manifest(folder):
    """Read and check `folder/manifest.json`: a dict from file name to a dict with "sha256" and "note".

    Raises `MirrorError` where it cannot be read, has another form, or names a file outside the folder.
    """
    folder = pathlib.Path(folder)
    path = folder / "manifest.json"
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise OSError("it is no plain file")
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        entries = {name: {"sha256": entry["sha256"], "note": entry.get("note", "")} for name, entry in files.items()}
        if not all(isinstance(text, str) for entry in entries.values() for text in entry.values()):
            raise TypeError("a hash or a note is no text")
    except OSError as error:
        raise MirrorError(f"the mirror {folder} has no readable manifest.json ({error.strerror or error})") from error
    # RecursionError: lists in lists in lists.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MirrorError(
            f"{path} is not a manifest: {type(error).__name__}: {error}. "
            'Expected {"files": {NAME: {"sha256": ..., "note": ...}}}'
        ) from error
    for name in entries:
        try:
            inside = (folder / name).resolve().is_relative_to(folder.resolve())
        except (ValueError, OSError, RuntimeError) as error:  # a zero byte in the name, a link that leads to itself
            raise MirrorError(f"{path} names {name!r}, which is no name of a file ({error})") from error
        if not inside:
            raise MirrorError(f"{path} names {name!r}, a file outside the mirror; expected files inside {folder}")
    return entries


def find_in_mirror(folder, name):
    """Return `(path, note)` of a verified file of the mirror, or None where its manifest does not name it.

    Raises `MirrorError` where the file is missing or its SHA-256 is not the one in the manifest.
    """
    entry = read_manifest(folder).get(name)
    if entry is None:
        return None
    path = pathlib.Path(folder) / name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is no plain file")
        came = hashes.file_hash(path)
    except OSError as error:
        raise MirrorError(
            f"{path}: the manifest names it, but it cannot be read ({error.strerror or error})"
        ) from error
    if came != entry["sha256"]:
        raise MirrorError(f"{path} is damaged: its SHA-256 is {came}, the manifest says {entry['sha256']}")
    return path, entry["note"]
