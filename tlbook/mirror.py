"""The local mirror: a folder with files and a `manifest.json` that names each with its SHA-256, for lab rooms.

`manifest.json` reads `{"files": {NAME: {"sha256": ..., "note": ...}}}`.
"""

import functools
import json
import os
import pathlib
import shutil

import numpy as np

from tlbook import assets, cache


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
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        entries = {name: {"sha256": entry["sha256"], "note": entry.get("note", "")} for name, entry in files.items()}
    except OSError as error:
        raise MirrorError(f"the mirror {folder} has no readable manifest.json ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MirrorError(
            f"{path} is not a manifest: {type(error).__name__}: {error}. "
            'Expected {"files": {NAME: {"sha256": ..., "note": ...}}}'
        ) from error
    for name in entries:
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
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
        came = assets.file_hash(path)
    except OSError as error:
        raise MirrorError(
            f"{path}: the manifest names it, but it cannot be read ({error.strerror or error})"
        ) from error
    if came != entry["sha256"]:
        raise MirrorError(f"{path} is damaged: its SHA-256 is {came}, the manifest says {entry['sha256']}")
    return path, entry["note"]


def build_mirror(folder, **patience):
    """Fill `folder` with everything that the chapters need, and write its manifest last.

    What is there and whole stays; a download that broke off is taken up again. `patience` goes to
    `tlbook.download.download`. Returns the manifest's entries. Taught in the part for teachers.
    Raises `tlbook.sources.NotFound` where something needed cannot be had, and `OSError` where the folder cannot be
    written.
    """
    from tlbook import cifar10, sources  # here, because both of them look into mirrors

    folder = pathlib.Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    entries = _kept(folder)
    for need in assets.NEEDS:
        missing = None
        for asset in need:
            if asset.mirror_name in entries:
                print(f"{asset.mirror_name}: there already, and whole")
                continue
            target = folder / asset.mirror_name
            try:
                if asset is assets.CIFAR10:
                    arrays, source = cifar10.find_arrays(**patience)
                    _write(target, functools.partial(np.savez, **arrays))
                else:
                    path, source = sources.find(asset, **patience)
                    with open(path, "rb") as original:
                        _write(target, functools.partial(shutil.copyfileobj, original))
            except sources.NotFound as error:
                missing = error
                print(f"{asset.mirror_name}: not found")
                continue
            entries[asset.mirror_name] = {"sha256": assets.file_hash(target), "note": source.note}
        if not any(asset.mirror_name in entries for asset in need):
            raise missing
    text = json.dumps({"files": entries}, indent=2) + "\n"
    _write(folder / "manifest.json", lambda file: file.write(text.encode()))
    return entries


def _write(path, write):
    cache.write_atomically(path, write)
    path.chmod(0o644)  # the whole room reads it


def _kept(folder):
    """Return the entries of an earlier mirror in this folder whose files are whole."""
    if not (folder / "manifest.json").exists():
        return {}
    kept = {}
    for name, entry in read_manifest(folder).items():
        try:
            find_in_mirror(folder, name)
        except MirrorError as error:
            print(f"{error}; it leaves the manifest until it is fetched again")
        else:
            kept[name] = entry
    return kept
