"""Downloads that are verified, resumed, retried and, where they would take too long, given up with a clear message."""

import contextlib
import functools
import os
import pathlib
import time
import urllib.parse

import pooch
import requests
import urllib3
from tqdm import tqdm

from tlbook.files import cache

pooch.get_logger().setLevel("WARNING")  # what pooch would say about each download is said here


UNREACHABLE_S = 60  # for so long a host that did not answer is not asked again
_unreachable = {}  # host: when it did not answer, on the monotonic clock


class DownloadError(OSError):
    """A download failed for good. The message says why, one line for each address that was tried."""


class _Transient(Exception):
    """Something that may well work a second later."""


class _GiveUp(Exception):
    """The address is of no use; another one may be."""


def download(
    urls,
    path,
    known_hash,
    size_bytes,
    *,
    patience_s=180,
    sample_s=10,
    stall_s=30,
    connect_s=10,
    tries=3,
    back_off_s=0.5,
):
    """Download a file from the first address that delivers it. `path` is whole and verified, or absent.

    Parameters
    ----------
    urls : sequence of str
        Addresses of the same file, tried in order, as `addresses` gives them.
    path : pathlib.Path
        Where the file goes. What an interrupted download leaves is kept beside it, under the name plus ".partial", and
        taken up again.
    known_hash : str or None
        "sha256:..." or "md5:..."; None where the caller checks what came.
    size_bytes : int or None
        What the file should measure; None where that is not known beforehand.
    patience_s, sample_s : float
        An address is given up where the rate of the last `sample_s` seconds promises more than `patience_s` seconds.
    stall_s, connect_s : float
        Seconds without a single byte, and without a connection, after which a try fails.
    tries, back_off_s : int, float
        Tries at each address; the pause doubles after each.

    Raises `DownloadError`, and `ValueError` as `addresses` does. Taught in chapter 4.1.
    """
    path = pathlib.Path(path)
    fetch = functools.partial(
        _resume,
        partial=path.with_name(f"{path.name}.partial"),
        size_bytes=size_bytes,
        patience_s=patience_s,
        sample_s=sample_s,
        stall_s=stall_s,
        connect_s=connect_s,
    )
    failures = []
    for url in addresses(urls, path.name):
        host = urllib.parse.urlsplit(url).netloc
        try:
            if time.monotonic() - _unreachable.get(host, -UNREACHABLE_S) < UNREACHABLE_S:
                raise _GiveUp(f"no connection: {host} did not answer a moment ago")
            path.parent.mkdir(parents=True, exist_ok=True)
            _retry(
                functools.partial(pooch.retrieve, url, known_hash, path.name, path.parent, downloader=fetch),
                tries,
                back_off_s,
            )
            return path
        except (_GiveUp, _Transient, ValueError) as error:  # ValueError: pooch's, for a wrong hash
            if isinstance(error.__cause__, requests.ConnectionError):
                _unreachable[host] = time.monotonic()
            failures.append(f"download from {url}: {error}")
            print(failures[-1])
        except cache.NoRoom as error:
            raise DownloadError(str(error)) from error
        except OSError as error:
            with contextlib.suppress(OSError):
                path.with_name(f"{path.name}.partial").unlink()
            raise DownloadError(cache.cannot_write(path.parent, error)) from error
    raise DownloadError("\n".join(failures))


def addresses(urls, file_name):
    """Return a list of where a file is asked for: below `TLBOOK_UPSTREAM`, where that is set, then at its own `urls`.

    Raises `ValueError` where `TLBOOK_UPSTREAM` is no address that begins with https:// or http://.
    """
    base = upstream()
    return [f"{base}/{file_name}", *urls] if base and urls else list(urls)


def upstream():
    """Return the address that `TLBOOK_UPSTREAM` names, without a slash at its end, or an empty string.

    Raises `ValueError` as `addresses` does.
    """
    base = os.environ.get("TLBOOK_UPSTREAM", "")
    parts = urllib.parse.urlsplit(base)
    if base and (parts.scheme not in ("https", "http") or not parts.netloc):
        raise ValueError(f"TLBOOK_UPSTREAM: got {base!r}, expected an address such as https://HOST/FOLDER")
    return base.rstrip("/")


def _retry(work, tries, back_off_s):
    for attempt in range(tries):
        try:
            return work()
        except _Transient:
            if attempt == tries - 1:
                raise
        time.sleep(back_off_s * 2**attempt)


def _resume(url, output_file, _pooch, *, partial, size_bytes, patience_s, sample_s, stall_s, connect_s):
    """Bring `partial` to its full size, then rename it to `output_file`, where pooch checks the hash."""
    start = partial.stat().st_size if partial.exists() else 0
    cache.check_room(partial.parent, (size_bytes or start) - start)
    if start != size_bytes:
        try:
            with _request(url, start, (connect_s, stall_s)) as response:
                _receive(response, partial, start, size_bytes, patience_s, sample_s)
        except requests.ConnectTimeout as error:
            raise _GiveUp(f"no connection within {connect_s:g} s") from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _Transient(f"stalled: not a byte for {stall_s:g} s") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _Transient(f"no connection, or it broke off ({type(error).__name__})") from error
    os.replace(partial, output_file)


def _request(url, start, timeout):
    # Compression would make positions in the stream differ from positions in the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    response = requests.get(url, headers=headers, stream=True, timeout=timeout)
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _Transient(f"HTTP {response.status_code} {response.reason}")
    # 416: what we hold is longer than the file; `_receive` starts again.
    if response.status_code >= 400 and response.status_code != 416:
        raise _GiveUp(f"HTTP {response.status_code} {response.reason}")
    return response


def _receive(response, partial, start, size_bytes, patience_s, sample_s):
    resumed = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    if start and not resumed:
        start = 0
        partial.unlink()
        if response.status_code != 200:
            raise _Transient(f"the server cannot resume (HTTP {response.status_code}); starting again")
    promised = response.headers.get("Content-Length")
    expected = start + int(promised) if promised else size_bytes
    if size_bytes and expected != size_bytes:
        raise _GiveUp(f"the file measures {expected:,} bytes there, expected {size_bytes:,}")
    position = sample_start = start
    clock = time.monotonic()
    name = partial.name.removesuffix(".partial")
    with (
        open(partial, "ab") as file,
        tqdm(total=expected, initial=start, unit="B", unit_scale=True, desc=name, ncols=79) as bar,
    ):
        # read1 returns what has come; read would wait for a whole block and hide a trickle.
        while block := response.raw.read1(1 << 16):
            if os.fstat(file.fileno()).st_size != position:
                raise _GiveUp(f"another process is downloading {name}; wait for it and try again")
            file.write(block)
            file.flush()
            position += len(block)
            bar.update(len(block))
            seconds = time.monotonic() - clock
            if seconds >= sample_s:
                rate = (position - sample_start) / seconds
                if expected and (expected - position) / rate > patience_s:
                    raise _GiveUp(
                        f"too slow: {rate / 1000:.0f} kB/s, another {(expected - position) / rate / 60:.0f} minutes; "
                        f"given up after {position:,} bytes, which are kept"
                    )
                clock, sample_start = time.monotonic(), position
    if expected and position != expected:
        raise _Transient(f"the connection ended after {position:,} of {expected:,} bytes")
