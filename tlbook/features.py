"""Features: what a frozen network makes of its inputs, batch by batch, computed once and kept."""

import keras
import numpy as np
from tqdm import tqdm

from tlbook.files.cache import cached_arrays, fingerprint, versions


def forward(model, inputs, batch_size=100):
    """Return what a network makes of its inputs, computed batch by batch and not as in training.

    Parameters
    ----------
    model : keras.Model or callable
        Called as `model(batch, training=False)`; returns one array.
    inputs : numpy.ndarray, or dict of str to numpy.ndarray
        (n, ...), n > 0. Pictures (uint8) and floats of any size become float32, one batch at a time; other integers
        are words and stay as they are.
    batch_size : int
        Examples a batch. Networks that read step by step gain from large ones.

    Returns
    -------
    numpy.ndarray
        (n, ...), of the dtype that the model returns: float32 as a rule.

    Raises `ValueError` for arrays that differ in length, or no examples. Taught in chapter 5.2.

    >>> double = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(2.0)])
    >>> forward(double, np.array([[1, 2], [3, 4]], "uint8"))
    array([[2., 4.],
           [6., 8.]], dtype=float32)
    """
    arrays = inputs if isinstance(inputs, dict) else {"": inputs}
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    sizes = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"inputs: got {sorted(sizes)} examples, expected the same number in every array, n > 0")
    (n,), outputs = sizes, None
    for start in tqdm(range(0, n, batch_size), desc=getattr(model, "name", None), leave=False, disable=None):
        batch = {name: _numbers(array[start : start + batch_size]) for name, array in arrays.items()}
        batch = batch if isinstance(inputs, dict) else batch[""]
        found = keras.ops.convert_to_numpy(model(batch, training=False))
        if outputs is None:
            outputs = np.empty((n, *found.shape[1:]), found.dtype)
        outputs[start : start + batch_size] = found
    return outputs


def _numbers(array):
    return array.astype("float32") if array.dtype == np.uint8 or array.dtype.kind == "f" else array


def extract(backbone, inputs, batch_size=64, mirrored=False):
    """Return the features that a frozen backbone computes, from the cache where they were computed before.

    Parameters
    ----------
    backbone : keras.Model
        Its output is what is wanted. `tlbook.backbones.split` cuts a backbone at any layer.
    inputs : numpy.ndarray
        uint8 pictures (n, height, width, 3), RGB; or float16 (n, ...), features that an earlier part computed. Only one
        batch at a time becomes float32: CIFAR-10 at 224 pixels would be 30 GB.
    batch_size : int
        Pictures a batch.
    mirrored : bool
        Flip the pictures left to right first.

    Returns
    -------
    numpy.ndarray
        float16 (n, ...): half the memory, and finer than the differences between two photographs of one thing.

    Raises
    ------
    ValueError
        For inputs of another shape or dtype, none at all, or not finite, and for features that float16 cannot hold.

    What was computed by another version of Keras, of its backend or of this package is computed anew. Taught in
    chapter 4.2.
    """
    inputs = np.asarray(inputs)
    expected = backbone.input_shape[1:]
    if inputs.shape[1:] != expected or not len(inputs) or inputs.dtype not in (np.uint8, np.float16):
        raise ValueError(
            f"inputs: got {inputs.dtype} {inputs.shape}, expected uint8 or float16 (n, *{expected}), n > 0"
        )
    if mirrored and inputs.ndim != 4:
        raise ValueError(f"mirrored: got inputs of shape {inputs.shape}, expected pictures (n, height, width, 3)")
    if not np.isfinite(inputs).all():
        raise ValueError("inputs: got numbers that are not finite (NaN or infinity)")

    def compute():
        return {"features": forward(halved(backbone), inputs[:, :, ::-1] if mirrored else inputs, batch_size)}

    key = fingerprint(inputs, text=[identity(backbone), mirrored, versions()])
    return cached_arrays(f"features-{key}", compute)["features"]


def halved(backbone):
    """Return what calls a backbone as `forward` does and returns float16.

    It raises `ValueError` for features that float16 cannot hold.
    """

    def call(batch, training=False):
        output = keras.ops.convert_to_numpy(backbone(batch, training=training))
        if not np.abs(output).max() <= np.finfo("float16").max:
            raise ValueError(f"features of {backbone.name}: got {np.abs(output).max()}, more than float16 can hold")
        return output.astype("float16")

    return call


def identity(backbone):
    """Return a digest of what a Keras model computes for the key of a cache: weights, operations, what feeds which."""
    return fingerprint(*backbone.get_weights(), text=[*_operations(backbone), _connections(backbone)])


def _operations(backbone):
    """Return what a backbone does, step by step, without the names: Keras counts them up while a process runs."""
    operations = getattr(backbone, "operations", backbone.layers)  # a Sequential has layers alone
    configs = [(type(operation).__name__, operation.get_config()) for operation in operations]
    return [
        (kind, {key: value for key, value in config.items() if key not in ("name", "trainable")})
        for kind, config in configs
    ]


def _connections(backbone):
    """Return what each operation of a functional model takes in, with the places of operations for their names."""
    if not hasattr(backbone, "operations"):
        return []
    listed = backbone.get_config().get("layers", [])  # a subclass with arguments of its own lists none
    places = {each["name"]: place for place, each in enumerate(listed)}

    def placed(value):
        if isinstance(value, dict) and "keras_history" in value:
            name, *tensor = value["keras_history"]
            return [places[name], *tensor]
        if isinstance(value, dict):
            return {key: placed(each) for key, each in value.items()}
        return [placed(each) for each in value] if isinstance(value, list | tuple) else value

    return [placed(each["inbound_nodes"]) for each in listed]
