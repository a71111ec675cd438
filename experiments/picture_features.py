"""Features of small pictures that no body of ours made: pixels, gradients, patches, and published ones.

Each function takes a task and a seed. It returns what turns pictures into vectors (n, features), and what a row of a
table says about it.
"""

import math

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from experiments.budgeted_pretraining import of_source
from experiments.code_digest import digest
from experiments.pretraining import trained_once
from tlbook import backbones, features
from tlbook.backbones import vgg16
from tlbook.files import cache
from tlbook.methods import generative

PATCHES, PATCH, CENTRES = 40_000, 5, 300


def pixels(task, seed):
    """Return what sees the small pictures themselves."""
    return lambda images: generative.small(images).reshape(len(images), -1), {}


def gradients(task, seed):
    """Return what sees how strong the edges of eight directions are in each sixteenth, and its mean colour.

    A plain form of the histograms of oriented gradients of Dalal and Triggs (2005).
    """

    def see(images):
        x = generative.small(images)
        grey = np.pad(x.mean(axis=3), ((0, 0), (1, 1), (1, 1)), "edge")
        down, right = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1], grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
        direction = np.floor(np.arctan2(down, right) / (2 * np.pi) * 8).astype(int) % 8
        edges = np.hypot(down, right)[..., None] * (direction[..., None] == np.arange(8))
        cells = np.concatenate([edges, x], axis=3).reshape(len(x), 4, 4, 4, 4, -1).mean(axis=(2, 4))
        histogram = cells[..., :8] / (np.linalg.norm(cells[..., :8], axis=3, keepdims=True) + 0.02)
        return np.concatenate([histogram, cells[..., 8:]], axis=3).reshape(len(x), -1)

    return see, {}


def patches(task, seed):
    """Return what sees, in each quarter, how near the whitened patches are to centres found without labels.

    The single-layer features of Coates, Ng and Lee (2011), with k-means and their triangle activation.
    """
    split = of_source(task.pictures)
    rng = np.random.default_rng(seed)

    def train():
        pictures = generative.small(split.images[rng.integers(len(split), size=PATCHES // 4)])
        cut = windows(pictures)
        drawn = normed(
            np.concatenate([cut[np.arange(len(cut)), rng.integers(cut.shape[1], size=len(cut))] for _ in range(4)])
        )
        mean = drawn.mean(axis=0)
        sizes, axes = np.linalg.eigh(np.cov(drawn - mean, rowvar=False))
        whiten = (axes / np.sqrt(sizes + 0.1)) @ axes.T
        whitened = (drawn - mean) @ whiten
        means = MiniBatchKMeans(min(CENTRES, len(drawn)), batch_size=2_000, n_init=1, random_state=seed).fit(whitened)
        return {"mean": mean, "whiten": whiten, "centres": means.cluster_centers_.astype("float32")}

    key = cache.fingerprint(split.images, text=[digest(patches), seed, PATCHES])
    found, seconds = trained_once(key, train)

    def some(images):
        flat = (normed(windows(generative.small(images))) - found["mean"]) @ found["whiten"]
        squares = (flat**2).sum(axis=2, keepdims=True) - 2 * flat @ found["centres"].T
        distances = np.sqrt(np.maximum(squares + (found["centres"] ** 2).sum(axis=1), 0))
        near = np.maximum(0, distances.mean(axis=2, keepdims=True) - distances)
        places = int(math.sqrt(near.shape[1]))
        grid, half = near.reshape(len(images), places, places, -1), places // 2
        quarters = [grid[:, a, b].sum(axis=(1, 2)) for a in halves(half) for b in halves(half)]
        return np.concatenate(quarters, axis=1).astype("float32")

    def see(images):
        return np.concatenate([some(images[start : start + 200]) for start in range(0, len(images), 200)])

    return see, {"pretraining_seconds": seconds, "figures": {"unlabelled": len(split)}}


def halves(half):
    """Return the slices of two halves of a side."""
    return slice(0, half), slice(half, None)


def windows(pictures):
    """Return all patches of pictures (n, side, side, 3): (n, places, PATCH x PATCH x 3)."""
    cut = np.lib.stride_tricks.sliding_window_view(pictures, (PATCH, PATCH), axis=(1, 2))
    return cut.reshape(len(pictures), -1, 3 * PATCH * PATCH)


def normed(patches):
    """Return patches with mean zero and, but for the flat ones, variance one."""
    patches = patches - patches.mean(axis=-1, keepdims=True)
    return patches / np.sqrt(patches.var(axis=-1, keepdims=True) + 0.01)


def published(task, seed):
    """Return what sees the features of VGG16's fourth block, of the pictures at their 32 pixels."""
    body, _ = backbones.split(vgg16.pretrained()[0], "block4_pool")
    return lambda images: features.extract(body, images).reshape(len(images), -1), {}
