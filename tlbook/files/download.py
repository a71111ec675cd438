"""Downloads that are verified, resumed, retried and, where they would take too long, given up with a clear message."""

import contextlib
import os
import pathlib
import stat
import time
import urllib.parse
from dataclasses import dataclass

import requests
import urllib3
from tqdm import tqdm

from tlbook.files import cache, hashes
from tlbook.files.addresses import addresses
from tlbook.files.streams import Pace, Stream

MOST_BYTES = 1_000_000_000  # of a file whose size nobody knows
UNREACHABLE_S = 60  # for so long a host that did not answer is not asked again
_unreachable = {}  # host: when it did not answer, on the monotonic clock


class DownloadError(OSError):
    """A download failed for good. The message says why, one line for each address that was tried."""


class _Transient(Exception):
    """Something that may well work a second later."""


class _GiveUp(Exception):
    """The address is of no use; another one may be."""


@dataclass(frozen=True)
class _Limits:
    """How large a file is or may become, and how long it is waited for."""

    size_bytes: int | None
    most_bytes: int
    patience_s: float
    sample_s: float
    stall_s: float
    connect_s: float


def download(
    urls,
    path,
    known_hash,
    size_bytes,
    *,
    most_bytes=MOST_BYTES,
    patience_s=180,
    sample_s=10,
    stall_s=30,
    connect_s=10,
    tries=3,
    back_off_s=0.5,
    get=None,
):
    """Download a file from the first address that delivers it. `path` is whole and verified, or absent.

    Parameters
    ----------
    urls : sequence of str
        Addresses of the same file, tried in order, as `tlbook.files.addresses.addresses` gives them.
    path : pathlib.Path
        Where the file goes. What an interrupted download leaves is kept beside it, under the name plus ".partial", and
        taken up again.
    known_hash : str or None
        "sha256:..." or "md5:..."; None where the caller checks what came.
    size_bytes : int or None
        What the file should measure; None where that is not known beforehand.
    most_bytes : int
        What it may measure where its size is not known.
    patience_s, sample_s : float
        An address is given up where the rate of the last `sample_s` seconds promises more than `patience_s` seconds,
        and, where nobody says how much is to come, after `patience_s` seconds.
    stall_s, connect_s : float
        Seconds without a single byte, and without a connection, after which a try fails.
    tries, back_off_s : int, float
        Tries at each address; the pause doubles after each.
    get : callable
        That of a session; `requests.get` where it is None.

    Raises `DownloadError`, and `ValueError` as `tlbook.files.addresses.addresses` does. Taught in chapter 4.1.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f"{path.name}.partial")
    limits = _Limits(size_bytes, most_bytes, patience_s, sample_s, stall_s, connect_s)
    failures = []
    for url in addresses(urls, path.name):
        host = urllib.parse.urlsplit(url).netloc
        try:
            if time.monotonic() - _unreachable.get(host, -UNREACHABLE_S) < UNREACHABLE_S:
                raise _GiveUp(f"no connection: {host} did not answer a moment ago")
            path.parent.mkdir(parents=True, exist_ok=True)
            _retry(lambda url=url: _complete(url, partial, known_hash, limits, get), tries, back_off_s)
            os.replace(partial, path)
            return path
        except (_GiveUp, _Transient) as error:
            if isinstance(error.__cause__, requests.ConnectionError):
                _unreachable[host] = time.monotonic()
            failures.append(f"download from {url}: {error}")
            print(failures[-1])
        except DownloadError:
            raise
        except cache.NoRoom as error:
            raise DownloadError(str(error)) from error
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise DownloadError(cache.cannot_write(path.parent, error)) from error
    raise DownloadError("\n".join(failures))


def _retry(work, tries, back_off_s):
    for attempt in range(tries):
        try:
            return work()
        except _Transient:
            if attempt == tries - 1:
                raise
        time.sleep(back_off_s * 2**attempt)


def _complete(url, partial, known_hash, limits, get):
    """Bring `partial` to its full size, and verify it. What is wrong is not kept."""
    start = _held(partial)
    cache.check_room(partial.parent, (limits.size_bytes or start) - start)
    if start != limits.size_bytes:
        # Compression would make positions in the stream differ from positions in the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        try:
            with Stream(url, headers, (limits.connect_s, limits.stall_s), get or requests.get) as stream:
                response = stream.take(limits.connect_s + limits.stall_s)
                _check_status(response)
                _receive(stream, response, partial, start, limits)
        except requests.ConnectTimeout as error:
            raise _GiveUp(f"no connection within {limits.connect_s:g} s") from error
        except (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _Transient(f"stalled: not a byte for {limits.stall_s:g} s") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _Transient(f"no connection, or it broke off ({type(error).__name__})") from error
    if known_hash and (wrong := hashes.mismatch(partial, known_hash)):
        partial.unlink()
        if start:
            raise _Transient(f"what an earlier try had left was damaged ({wrong}); starting again")
        raise _GiveUp(f"it is another file or damaged: {wrong}")


def _held(partial):
    """Return how many bytes an earlier try has left. Raises `OSError` for a link or anything else but a plain file."""
    try:
        status = partial.lstat()
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(status.st_mode):
        raise DownloadError(f"{partial} is no plain file, and nothing is written through it: remove it and try again")
    return status.st_size


def _check_status(response):
    said = f"HTTP {response.status_code} {response.reason}"
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _Transient(said)
    # 416: what we hold is longer than the file; `_receive` starts again.
    if response.status_code >= 400 and response.status_code != 416:
        raise _GiveUp(said)


def _receive(stream, response, partial, start, limits):
    """Write what comes behind the `start` bytes of `partial`, to the size that is expected and no further."""
    resumed = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    if start and not resumed:
        start = 0
        partial.unlink()
        if response.status_code != 200:
            raise _Transient(f"the server cannot resume (HTTP {response.status_code}); starting again")
    promised = response.headers.get("Content-Length")
    expected = start + int(promised) if promised and promised.isdecimal() else limits.size_bytes
    if limits.size_bytes and expected != limits.size_bytes:
        raise _GiveUp(f"the file measures {expected:,} bytes there, expected {limits.size_bytes:,}")
    most = expected or limits.most_bytes
    if most > max(limits.size_bytes or 0, limits.most_bytes):
        raise _GiveUp(f"the file measures {most:,} bytes there, expected {limits.most_bytes:,} at most")
    position, name = start, partial.name.removesuffix(".partial")
    pace = Pace(start, expected, limits.patience_s, limits.sample_s)
    with (
        open(partial, "ab", opener=_no_link) as file,
        tqdm(total=expected, initial=start, unit="B", unit_scale=True, desc=name, ncols=79) as bar,
    ):
        while block := stream.take(limits.stall_s):
            if os.fstat(file.fileno()).st_size != position:
                raise _GiveUp(f"another process is downloading {name}; wait for it and try again")
            position += len(block)
            if position > most:
                partial.unlink()
                raise _GiveUp(f"more came than the {most:,} bytes that were expected")
            file.write(block)
            file.flush()
            bar.update(len(block))
            if why := pace.lost(position):
                raise _GiveUp(why)
    if expected and position != expected:
        raise _Transient(f"the connection ended after {position:,} of {expected:,} bytes")


def _no_link(path, flags):
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
