"""Build or repair a mirror for rooms without internet: `python -m tlbook mirror FOLDER`."""

import functools
import json
import os
import pathlib
import shutil

import numpy as np

from tlbook.commands import fetch
from tlbook.data import cifar10
from tlbook.files import assets, cache, hashes, mirror, sources


def main(folder, patience_s):
    """Build or repair the mirror in `folder` and say how it is used. Raises as `build_mirror` does, in one sentence."""
    if mirror.mirror_dir() and mirror.mirror_dir().resolve() == folder.resolve():
        del os.environ["TLBOOK_MIRROR"]  # it cannot be its own source
    try:
        entries = build_mirror(folder, patience_s=patience_s)
    except OSError as error:
        if error.errno is None:  # it has a sentence of its own
            raise
        raise OSError(
            f"cannot write into {folder}: {error.strerror}. Make room there, or name another folder"
        ) from error
    print(f"{folder}: {len(entries)} files. Use it with TLBOOK_MIRROR={folder.resolve()}")


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
    fetch.check_cache([(asset,) for asset in assets.every_asset() if asset.mirror_name not in entries])
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
            entries[asset.mirror_name] = {"sha256": hashes.file_hash(target), "note": source.note}
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
    for name, entry in mirror.read_manifest(folder).items():
        try:
            mirror.find_in_mirror(folder, name)
        except mirror.MirrorError as error:
            print(f"{error}; it leaves the manifest until it is fetched again")
        else:
            kept[name] = entry
    return kept
