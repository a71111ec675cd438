"""Gradients: what computer vision read from a picture before networks learned to, histograms of oriented gradients."""

import numpy as np

_EPSILON = 1e-3


def hog(images, cell=4, bins=9):
    """Return histograms of oriented gradients of pictures, float32 (n, features).

    Parameters
    ----------
    images : numpy.ndarray
        (n, height, width, 3), uint8 or float, RGB of 0..255; sides are multiples of `cell`, two cells or more.
    cell : int
        Pixels a side of the squares that a histogram is made of.
    bins : int
        Directions, evenly over 180 degrees: an edge has no sign.

    Each pixel votes with the length of its gradient, in the colour where that is longest, shared between the two
    nearest directions. Four neighbouring cells make a block, which is scaled to length one: a darker picture gives the
    same numbers. Blocks overlap by one cell, so there are (height / cell - 1) x (width / cell - 1) x 4 x `bins`
    features. Nothing is learned. Raises `ValueError` for other shapes.

    Source: Dalal and Triggs (2005). Taught in chapter 8.1.
    """
    images = np.asarray(images, "float32") / 255
    if images.ndim != 4 or images.shape[3] != 3 or any(side % cell or side < 2 * cell for side in images.shape[1:3]):
        raise ValueError(
            f"images: got shape {images.shape}, expected (n, height, width, 3) "
            f"with sides that are multiples of {cell}, {2 * cell} or more"
        )
    n, height, width, _ = images.shape
    down, right = np.gradient(images, axis=(1, 2))
    length = np.hypot(down, right)
    strongest = length.argmax(axis=3)[..., None]
    down, right, length = (np.take_along_axis(part, strongest, 3)[..., 0] for part in (down, right, length))
    place = (np.arctan2(down, right) % np.pi) / np.pi * bins - 0.5  # in bins, from the middle of the first one
    lower = np.floor(place).astype(int)
    share = place - lower
    votes = np.zeros((n, height, width, bins), "float32")
    for number, weight in ((lower % bins, 1 - share), ((lower + 1) % bins, share)):
        np.put_along_axis(
            votes, number[..., None], np.take_along_axis(votes, number[..., None], 3) + (length * weight)[..., None], 3
        )
    rows, columns = height // cell, width // cell
    cells = votes.reshape(n, rows, cell, columns, cell, bins).sum(axis=(2, 4))
    blocks = np.concatenate([cells[:, r : rows - 1 + r, c : columns - 1 + c] for r in (0, 1) for c in (0, 1)], axis=3)
    blocks /= np.sqrt(np.square(blocks).sum(axis=3, keepdims=True) + _EPSILON)
    return blocks.reshape(n, -1)
