"""What a server sends, waited for only as long as one likes."""

import queue
import threading
import time

import requests


class Stream:
    """The answer to a request, read by a thread of its own.

    A server may send one byte a minute, of its headers too: every single wait at the socket ends in time, and the whole
    never does. So whoever reads a stream waits at a queue, with a clock of his own, and may leave it at any moment.

    Parameters
    ----------
    url : str
    headers : dict of str to str
    timeout : tuple of float
        Seconds for a connection, and for each wait at the socket: then the thread ends, too.
    get : callable
        `requests.get`, or that of a session.
    """

    def __init__(self, url, headers, timeout, get=requests.get):
        """Send the request."""
        self._items, self._left = queue.Queue(maxsize=4), threading.Event()
        threading.Thread(target=self._read, args=(get, url, headers, timeout), daemon=True).start()

    def __enter__(self):
        """Return the stream, which is left at the end of the block."""
        return self

    def __exit__(self, *_):
        """Leave the stream; its thread ends at its next wait."""
        self._left.set()

    def take(self, seconds):
        """Return the `requests.Response` the first time, then blocks of bytes as they come, and b"" at the end.

        Raises `TimeoutError` where none comes in time, and whatever the request raises.
        """
        try:
            item = self._items.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"nothing came for {seconds:g} s") from None
        if isinstance(item, Exception):
            raise item
        return item

    def _read(self, get, url, headers, timeout):
        try:
            with get(url, headers=headers, stream=True, timeout=timeout) as response:
                self._put(response)
                # read1 returns what has come; read would wait for a whole block and hide a trickle.
                while not self._left.is_set() and (block := response.raw.read1(1 << 16)):
                    self._put(block)
            self._put(b"")
        except Exception as error:  # it belongs to whoever takes
            self._put(error)

    def _put(self, item):
        while not self._left.is_set():
            try:
                return self._items.put(item, timeout=0.1)
            except queue.Full:
                continue


def read(url, headers, seconds, most_bytes, get=requests.get):
    """Return `(response, content)` of a small file: a `requests.Response` and bytes.

    Raises `TimeoutError` where it takes longer than `seconds`, `ValueError` where it has more than `most_bytes`, and
    whatever the request raises.
    """
    end, blocks, size = time.monotonic() + seconds, [], 0
    with Stream(url, headers, (seconds, seconds), get) as stream:
        response = stream.take(seconds)
        while block := stream.take(max(0.0, end - time.monotonic())):
            size += len(block)
            if size > most_bytes:
                raise ValueError(f"{url}: more came than {most_bytes:,} bytes")
            blocks.append(block)
    return response, b"".join(blocks)


class Pace:
    """Watches how fast the bytes of a file come.

    Parameters
    ----------
    start : int
        Bytes that are here already.
    expected : int or None
        Bytes of the whole file; None where nobody says.
    patience_s, sample_s : float
        How long the rest may take at the rate of the last `sample_s` seconds, or all of it where no end is known.
    """

    def __init__(self, start, expected, patience_s, sample_s):
        """Start the clock."""
        self.expected, self.patience_s, self.sample_s = expected, patience_s, sample_s
        self.begin = self.clock = time.monotonic()
        self.sample_start = start

    def lost(self, position):
        """Say why it is no use to wait for the bytes behind `position`, or return None while it is."""
        now = time.monotonic()
        if not self.expected and now - self.begin > self.patience_s:
            return f"no end after {self.patience_s:g} s and {position:,} bytes, which are kept"
        if now - self.clock < self.sample_s:
            return None
        rate = (position - self.sample_start) / (now - self.clock)
        if self.expected and (left := (self.expected - position) / rate) > self.patience_s:
            slow = f"too slow: {rate / 1000:.0f} kB/s, another {left / 60:.0f} minutes"
            return f"{slow}; given up after {position:,} bytes, which are kept"
        self.clock, self.sample_start = now, position
        return None
