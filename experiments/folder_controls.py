"""What a folder of pictures allows without a network, and how a penalty is chosen where there are no other labels.

Every method sees each picture and its mirror image, and a mirror image stays on the side of its picture.
"""

import numpy as np
from sklearn.model_selection import StratifiedKFold

from experiments import cifar10_classical
from experiments.protocol import Fitted
from tlbook import heads
from tlbook.methods import patches

FOLDS = 4


def mirrored(images):
    """Flip pictures left to right."""
    return images[:, :, ::-1]


def by_folds(variants, labels, grid, make):
    """Return the accuracy of each C in cross-validation, a dict; a mirror image stays with its picture."""
    scores = dict.fromkeys(grid, 0.0)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for learn, judge in folds.split(labels, labels):
        for C in grid:
            probe = fit(variants, labels, learn, C, make)
            scores[C] += probe.score(variants[0][judge], labels[judge]) / FOLDS
    return scores


def fit(variants, labels, positions, C, make=heads.regression):
    """Fit one classifier on all variants of the pictures at some positions."""
    rows = np.concatenate([variant[positions] for variant in variants])
    return heads.linear_probe(rows, np.tile(labels[positions], len(variants)), C, make)


def classical(task, arm, seed, see, make):
    """Fit a classifier on what `see` makes of the pictures."""
    images, labels = task.train.images, task.train.labels
    variants = [see(images), see(mirrored(images))]
    scores = by_folds(variants, labels, arm.grid, make)
    C = max(sorted(scores), key=scores.get)
    probe = fit(variants, labels, np.arange(len(labels)), C, make)
    return Fitted(predict=lambda images: probe.predict(see(images)), validation=scores[C], chosen=C)


def colours(images):
    """Count the pixels of each of 4 x 4 x 4 colours: float32 (n, 64), shares."""
    codes = (images // 64) @ np.array([16, 4, 1])
    counts = np.stack([np.bincount(code.ravel(), minlength=64) for code in codes])
    return counts.astype("float32") / codes[0].size


def pixels(images):
    """Return the pictures at 16 x 16 pixels: float64 (n, 768)."""
    n, side = images.shape[:2]
    return images.reshape(n, 16, side // 16, 16, side // 16, 3).mean(axis=(2, 4)).reshape(n, -1)


def kernel(C):
    """Return an unfitted support vector machine with a Gaussian kernel on standardised features."""
    return cifar10_classical.kernel(C, 0.99)  # the components that hold 99 % of the variance


def by_patches(task, arm, seed):
    """Fit logistic regression on patches, whose centres are found among those of the folder."""
    found = patches.learn(task.train.images, seed=seed)
    return classical(task, arm, seed, found.describe, heads.regression)
