"""Features of small patches, found without labels and without a network: a control for everything that is pretrained.

The single-layer features of Coates, Ng and Lee (2011): whitened patches, the centres of k-means, and for each patch how
much nearer than average each centre is, summed over each quarter of the picture. Chapter 5.1 uses them.
"""

import dataclasses

import numpy as np
from sklearn.cluster import MiniBatchKMeans

SIDE = 5  # pixels
FLAT = 0.01  # added to the variance of a patch: what is nearly flat stays small
FLOOR = 0.1  # added to the variance along each axis: directions that hold noise are not blown up
BATCH = 100  # pictures that are cut up at once


@dataclasses.dataclass(frozen=True)
class Patches:
    """What `learn` found: the mean of the patches (75,), the matrix that whitens (75, 75), the centres (n, 75)."""

    mean: np.ndarray
    whiten: np.ndarray
    centres: np.ndarray

    def describe(self, images):
        """Return float32 (n, 4 * centres) for uint8 pictures (n, height, width, 3): quarter by quarter."""
        parts = [self._describe(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        return np.concatenate(parts)

    def _describe(self, images):
        flat = (_cut(images) - self.mean) @ self.whiten
        squares = (flat**2).sum(axis=-1, keepdims=True) + (self.centres**2).sum(axis=1)
        distances = np.sqrt(np.maximum(squares - 2 * flat @ self.centres.T, 0))
        near = np.maximum(distances.mean(axis=-1, keepdims=True) - distances, 0)
        quarters = [part for rows in np.array_split(near, 2, axis=1) for part in np.array_split(rows, 2, axis=2)]
        return np.concatenate([part.sum(axis=(1, 2)) for part in quarters], axis=1).astype("float32")


def learn(images, centres=200, patches=20_000, seed=0):
    """Find centres among some patches of uint8 pictures (n, height, width, 3); no label is needed.

    Raises `ValueError` for pictures of another shape, and for fewer patches than centres.
    """
    shape = np.shape(images)
    if len(shape) != 4 or shape[3] != 3 or min(shape[1:3]) < 2 * SIDE:
        raise ValueError(f"images: got shape {shape}, expected (n, height, width, 3) of at least {2 * SIDE} pixels")
    rng = np.random.default_rng(seed)
    each = -(-patches // len(images))
    height, width = shape[1] - SIDE + 1, shape[2] - SIDE + 1
    drawn = []
    for image in images:
        places = rng.permutation(height * width)[:each]
        drawn.append(_cut(image[None])[0].reshape(height * width, -1)[places])
    drawn = np.concatenate(drawn)
    if len(drawn) < centres:
        raise ValueError(f"centres: got {centres}, expected at most {len(drawn)}, the number of patches")
    mean = drawn.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(drawn - mean, rowvar=False))
    whiten = (axes / np.sqrt(variances + FLOOR)) @ axes.T
    means = MiniBatchKMeans(centres, batch_size=2_000, n_init=3, random_state=seed).fit((drawn - mean) @ whiten)
    return Patches(mean, whiten.astype("float32"), means.cluster_centers_.astype("float32"))


def _cut(images):
    """Return all patches, each with mean zero and variance at most one: float32 (n, height, width, 75)."""
    scaled = np.asarray(images, "float32") / 127.5 - 1
    windows = np.lib.stride_tricks.sliding_window_view(scaled, (SIDE, SIDE), axis=(1, 2))
    cut = windows.reshape(*windows.shape[:3], -1)
    cut = cut - cut.mean(axis=-1, keepdims=True)
    return cut / np.sqrt(cut.var(axis=-1, keepdims=True) + FLAT)
