"""Mirrors: good ones and damaged ones."""

import hashlib
import json
import os

import pytest
from conftest import write_mirror

from tlbook.files import mirror


@pytest.fixture
def folder(tmp_path):
    return write_mirror(tmp_path / "mirror", {"a.bin": b"content of a"}, note="Made for a test.")


def rewrite(folder, manifest):
    (folder / "manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))


def test_file_is_found_and_verified(folder):
    assert mirror.find_in_mirror(folder, "a.bin") == (folder / "a.bin", "Made for a test.")
    assert mirror.find_in_mirror(folder, "b.bin") is None


def test_note_may_be_left_out(folder):
    rewrite(folder, {"files": {"a.bin": {"sha256": hashlib.sha256(b"content of a").hexdigest()}}})
    assert mirror.find_in_mirror(folder, "a.bin") == (folder / "a.bin", "")


def test_damaged_file_names_both_checksums(folder):
    (folder / "a.bin").write_bytes(b"content of b")
    with pytest.raises(mirror.MirrorError) as caught:
        mirror.find_in_mirror(folder, "a.bin")
    for part in (
        str(folder / "a.bin"),
        *(hashlib.sha256(text).hexdigest() for text in (b"content of a", b"content of b")),
    ):
        assert part in str(caught.value)


def test_missing_file_and_missing_manifest(folder):
    (folder / "a.bin").unlink()
    with pytest.raises(mirror.MirrorError, match=r"a\.bin: the manifest names it, but it cannot be read \(No such"):
        mirror.find_in_mirror(folder, "a.bin")
    (folder / "manifest.json").unlink()
    with pytest.raises(mirror.MirrorError, match=r"no readable manifest\.json \(No such file"):
        mirror.find_in_mirror(folder, "a.bin")


@pytest.mark.parametrize(
    "manifest",
    [
        "[" * 100_000,
        "{",
        "[]",
        "null",
        {"file": {}},
        {"files": ["a.bin"]},
        {"files": {"a.bin": "hash"}},
        {"files": {"a.bin": {}}},
        {"files": {"a.bin": {"sha256": "0" * 64, "note": None}}},
        {"files": {"a.bin": {"sha256": 0}}},
    ],
)
def test_manifest_of_another_form(folder, manifest):
    rewrite(folder, manifest)
    with pytest.raises(mirror.MirrorError, match=r"manifest\.json is not a manifest.*Expected"):
        mirror.read_manifest(folder)


@pytest.mark.parametrize("kind", ["parent", "absolute", "link", "linked folder"])
def test_manifest_that_leads_out_of_the_mirror(folder, tmp_path, kind):
    outside = tmp_path / "secret.bin"
    outside.write_bytes(b"secret")
    (folder / "link.bin").symlink_to(outside)
    (folder / "sub").symlink_to(tmp_path)
    names = {"parent": "../secret.bin", "absolute": str(outside), "link": "link.bin", "linked folder": "sub/secret.bin"}
    rewrite(folder, {"files": {names[kind]: {"sha256": hashlib.sha256(b"secret").hexdigest()}}})
    with pytest.raises(mirror.MirrorError, match="names .*secret.bin|names .*link.bin") as caught:
        mirror.find_in_mirror(folder, names[kind])
    assert "outside the mirror" in str(caught.value)


@pytest.mark.parametrize("name", ["a\0b", "\ud800.bin", "loop"])
def test_names_that_no_file_has(folder, name):
    (folder / "loop").symlink_to(folder / "loop")
    rewrite(folder, {"files": {name: {"sha256": "0" * 64}}})
    with pytest.raises(mirror.MirrorError):
        mirror.find_in_mirror(folder, name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["a.bin", "manifest.json"])
def test_a_pipe_is_not_waited_for(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(mirror.MirrorError, match="no plain file"):
        mirror.find_in_mirror(folder, "a.bin")
