"""Corruptions: small pictures with noise, blur or too much light, at five severities, as CIFAR-10-C defines them.

Hendrycks and Dietterich made CIFAR-10-C of the test set of CIFAR-10 with nineteen kinds of corruption. Six of them are
here, with the constants of the authors' program; each needs nothing but NumPy, SciPy and Pillow.
"""

import io

import numpy as np
from PIL import Image
from scipy import ndimage

SEVERITIES = (1, 2, 3, 4, 5)
_STRENGTHS = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.09, 0.10),  # its standard deviation, where white is 1
    "gaussian_blur": (0.4, 0.6, 0.7, 0.8, 1.0),  # its standard deviation, in pixels
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),  # added to the value of a colour (HSV), where white has 1
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),  # the share that is left of the difference from the mean colour
    "pixelate": (0.95, 0.9, 0.85, 0.75, 0.65),  # the share of the side that is left before it is enlarged again
    "jpeg_compression": (80, 65, 58, 50, 40),  # quality
}
KINDS = tuple(_STRENGTHS)


def corrupted(images, kind, severity, seed=0):
    """Return pictures corrupted in one way.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, side, side, 3), RGB. The constants were made for 32 pixels a side.
    kind : str
        One of `KINDS`. "gaussian_blur" is one of the four extra kinds of CIFAR-10-C, the others of its fifteen.
    severity : int
        1 (hardly seen) to 5.
    seed : int
        Of the noise.

    Returns uint8 of the same shape; as in the original, numbers are cut off, not rounded. Raises `ValueError` for
    another array, kind or severity. Source: Hendrycks and Dietterich (2019), and their program `make_cifar_c.py`.

    >>> grey = np.full((1, 32, 32, 3), 100, "uint8")
    >>> int(corrupted(grey, "brightness", 5)[0, 0, 0, 0])
    176
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3:
        raise ValueError(f"images: got {images.dtype} {images.shape}, expected uint8 (n, side, side, 3)")
    if kind not in KINDS:
        raise ValueError(f"kind: got {kind!r}, expected one of {', '.join(KINDS)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity: got {severity!r}, expected 1..5")
    strength = _STRENGTHS[kind][severity - 1]
    if kind in ("pixelate", "jpeg_compression"):
        change = _pixelated if kind == "pixelate" else _compressed
        return np.stack([np.asarray(change(Image.fromarray(image), strength)) for image in images])
    x = images / 255
    if kind == "gaussian_noise":
        x = x + np.random.default_rng(seed).normal(0, strength, x.shape)
    elif kind == "gaussian_blur":
        x = ndimage.gaussian_filter(x, (0, strength, strength, 0), mode="nearest")
    elif kind == "brightness":
        x = _brighter(x, strength)
    else:
        mean = x.mean(axis=(1, 2), keepdims=True)
        x = (x - mean) * strength + mean
    return (np.clip(x, 0, 1) * 255).astype("uint8")


def _brighter(x, amount):
    """Return colours 0..1 with more value, and the same hue and saturation: all three numbers grow by one factor."""
    value = x.max(axis=-1, keepdims=True)
    more = np.minimum(value + amount, 1)
    return np.where(value > 0, x * more / np.where(value > 0, value, 1), more)  # black has no hue: it turns grey


def _pixelated(image, share):
    side = int(image.width * share)
    return image.resize((side, side), Image.Resampling.BOX).resize(image.size, Image.Resampling.BOX)


def _compressed(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)
