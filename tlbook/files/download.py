"""Downloads that are verified, resumed, retried and, where they would take too long, given up with a clear message."""

import contextlib
import functools
import os
import pathlib
import shutil
import time
import urllib.parse

import pooch
import requests
import urllib3
from tqdm import tqdm

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
        Addresses of the same file, tried in order.
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

    Raises `DownloadError`. Taught in chapter 4.1.
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
    for url in urls:
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
        except OSError as error:
            with contextlib.suppress(OSError):
                path.with_name(f"{path.name}.partial").unlink()
            raise DownloadError(cannot_write(path.parent, error)) from error
    raise DownloadError("\n".join(failures))


def cannot_write(folder, error):
    """Return a message for an `OSError` from writing into the cache."""
    return (
        f"cannot write into {folder}: {error.strerror or error}. "
        "Make room there, or set TLBOOK_CACHE to a folder that can be written"
    )


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
    free = shutil.disk_usage(partial.parent).free
    if size_bytes and free < size_bytes - start:
        raise OSError(f"{free / 1e6:.0f} MB are free on the disk, {(size_bytes - start) / 1e6:.0f} MB are needed")
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
