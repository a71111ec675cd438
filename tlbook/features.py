"""Features: what a frozen backbone makes of pictures, computed once and kept."""

import keras
import numpy as np
from tqdm import tqdm

from tlbook.files.cache import cached_arrays, fingerprint


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

    Taught in chapter 4.2.
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
    network = fingerprint(*backbone.get_weights(), text=_operations(backbone))
    key = fingerprint(inputs, text=[network, mirrored])
    return cached_arrays(f"features-{key}", lambda: {"features": _extract(backbone, inputs, batch_size, mirrored)})[
        "features"
    ]


def _extract(backbone, inputs, batch_size, mirrored):
    outputs = np.empty((len(inputs), *backbone.output_shape[1:]), "float16")
    for start in tqdm(range(0, len(inputs), batch_size), desc=backbone.name, leave=False, disable=None):
        batch = inputs[start : start + batch_size]
        batch = batch[:, :, ::-1] if mirrored else batch
        output = keras.ops.convert_to_numpy(backbone(batch.astype("float32"), training=False))
        if not np.abs(output).max() <= np.finfo("float16").max:
            raise ValueError(f"features of {backbone.name}: got {np.abs(output).max()}, more than float16 can hold")
        outputs[start : start + batch_size] = output
    return outputs


def _operations(backbone):
    """Return what a backbone does, step by step, without the names: Keras counts them up while a process runs."""
    operations = getattr(backbone, "operations", backbone.layers)  # a Sequential has layers alone
    configs = [(type(operation).__name__, operation.get_config()) for operation in operations]
    return [
        (kind, {key: value for key, value in config.items() if key not in ("name", "trainable")})
        for kind, config in configs
    ]


def forward(encoder, numbers, batch_size=512):
    """Return what a frozen encoder makes of encoded sentences (n, length), float32 (n, ...).

    Raises `ValueError` for another shape or no sentence. Taught in chapter 5.2.
    """
    if np.ndim(numbers) != 2 or not len(numbers):
        raise ValueError(f"numbers: got shape {np.shape(numbers)}, expected (n, length), n > 0")
    batches = (numbers[start : start + batch_size] for start in range(0, len(numbers), batch_size))
    return np.concatenate([keras.ops.convert_to_numpy(encoder(batch, training=False)) for batch in batches])
