"""Build or repair a mirror for rooms without internet: `python -m tlbook mirror FOLDER`."""

import functools
import json
import pathlib
import shutil

import numpy as np

from tlbook.data import cifar10
from tlbook.files import assets, cache, sources
from tlbook.files.mirror import MirrorError, find_in_mirror, read_manifest


def build_mirror(folder, **patience):
    """Fill `folder` with everything that the chapters need, and write its manifest last.

    What is there and whole stays; a download that broke off is taken up again. `patience` goes to
    `tlbook.files.download.download`. Returns the manifest's entries. Taught in the part for teachers.
    Raises `tlbook.files.sources.NotFound` where something needed cannot be had, and `OSError` where the folder cannot
    be written.
    """
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
