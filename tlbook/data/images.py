"""Data sets of pictures, split into training, validation and test sets that never overlap."""

import os
from dataclasses import dataclass

import numpy as np

from tlbook.data import cifar10, emoji10, splits
from tlbook.files import sources

HOLDOUT_SEED = 2_026  # of its own: no recorded run has used it


@dataclass(frozen=True, eq=False)
class Split:
    """Pictures and their labels: `images` (n, height, width, 3) uint8, RGB, and `labels` (n,), integers of 0 or more.

    Labels become int64. Raises `ValueError` for anything else. Taught in chapter 4.1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        """Check both arrays."""
        images, labels = np.asarray(self.images), np.asarray(self.labels)
        if images.ndim != 4 or images.shape[-1] != 3 or 0 in images.shape:
            raise ValueError(f"images: got shape {images.shape}, expected (n, height, width, 3) with n of 1 or more")
        if images.dtype != np.uint8:
            hint = " and not a number (NaN) among them" if images.dtype.kind == "f" and np.isnan(images).any() else ""
            raise ValueError(f"images: got {images.dtype}{hint}, expected uint8 pixels of 0..255")
        if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
            raise ValueError(
                f"labels: got {labels.dtype} of shape {labels.shape}, expected integers of shape {images.shape[:1]}"
            )
        if labels.min() < 0:
            raise ValueError(f"labels: got {labels.min()}, expected 0 or more")
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", labels.astype(np.int64))

    def __len__(self):
        """Return the number of pictures."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits, the names of the classes, and where all of it came from.

    Raises `ValueError` where a label has no class name. Taught in chapter 4.1.
    """

    train: Split
    validation: Split
    test: Split | None
    class_names: tuple[str, ...]
    source: sources.Source

    def __post_init__(self):
        """Check the labels against the class names."""
        object.__setattr__(self, "class_names", tuple(self.class_names))
        for name, split in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            if split is not None and split.labels.max() >= len(self.class_names):
                raise ValueError(
                    f"{name}.labels: got {split.labels.max()}, expected 0..{len(self.class_names) - 1} "
                    f"({len(self.class_names)} class names)"
                )


def load_target(validation=None, seed=0):
    """Load the target data set of the book: CIFAR-10 where it can be found, otherwise the bundled emoji-10.

    Which one it is gets printed, and `source` of the result says it. `TLBOOK_DATA` ("cifar10" or "emoji10") forces one.
    CIFAR-10 comes with the pictures of `holdout`, as the recorded runs that the chapters show have drawn from them.
    Raises `ValueError` for any other value of `TLBOOK_DATA`. Taught in chapter 4.1.
    """
    choice = os.environ.get("TLBOOK_DATA", "")
    if choice not in ("", "cifar10", "emoji10"):
        raise ValueError(f"TLBOOK_DATA: got {choice!r}, expected 'cifar10', 'emoji10' or nothing")
    size = {} if validation is None else {"validation": validation}
    if choice != "emoji10":
        try:
            return load_cifar10(seed=seed, with_holdout=True, **size)
        except sources.NotFound:
            if choice == "cifar10":
                raise
            print("CIFAR-10 was not found (python -m tlbook doctor says why): the bundled stand-in takes its place.")
    return load_emoji10(seed=seed, **size)


def load_cifar10(validation=5_000, seed=0, with_holdout=False):
    """Load CIFAR-10: 32 x 32 pixels, ten classes, 10,000 pictures for the test, the rest cut by `split_off`.

    Neither the training nor the validation set holds a picture of `holdout`, unless `with_holdout` asks for it: then
    both are drawn from all 50,000, as in the runs that were recorded before there was a holdout.
    Raises `tlbook.files.sources.NotFound` where it cannot be had and `ValueError` where a file holds something else.
    Source: Krizhevsky (2009). Taught in chapter 4.1.
    """
    arrays, source = cifar10.find_arrays()
    images, labels = arrays["x_train"], arrays["y_train"]
    if not with_holdout:
        free = ~_in_holdout(labels)
        images, labels = images[free], labels[free]
    train, held_out = split_off(Split(images, labels), validation, seed)
    return Dataset(train, held_out, Split(arrays["x_test"], arrays["y_test"]), cifar10.CLASS_NAMES, source)


def holdout():
    """Return 5,000 training pictures of CIFAR-10, 500 of each class, that `load_cifar10` keeps out of its splits.

    They test what was decided after the test set had been seen. They are drawn by position, always the same; a copy of
    CIFAR-10 with its pictures in another order gives other ones. Raises as `load_cifar10` does. Taught in chapter 4.1.
    """
    arrays, _ = cifar10.find_arrays()
    kept = _in_holdout(arrays["y_train"])
    return Split(arrays["x_train"][kept], arrays["y_train"][kept])


def _in_holdout(labels):
    """Return which pictures are kept back, bool (n,): a tenth of all, equally many of each class."""
    return splits.ranks(labels, np.random.default_rng(HOLDOUT_SEED).permutation) < len(labels) // 100


def load_emoji10(validation=500, seed=0):
    """Load emoji-10, the bundled stand-in for CIFAR-10: drawings of its ten classes, 2,000 and, for the test, 1,000.

    The drawing styles of the test set are not among those of the training set. Taught in chapter 2.
    """
    train, held_out = split_off(Split(*emoji10.target_pictures("train")), validation, seed)
    source = sources.Source(
        "emoji-10 stand-in", "bundled", "Drawings, not photographs: its numbers say nothing about CIFAR-10."
    )
    print(source)
    return Dataset(train, held_out, Split(*emoji10.target_pictures("test")), emoji10.CLASS_NAMES, source)


def load_emoji10_source(validation=500, seed=0):
    """Load the source task for pretraining: drawings of about 118 other classes. It has no test set (`test` is None).

    Taught in chapter 2.
    """
    images, labels, class_names = emoji10.source_pictures()
    train, held_out = split_off(Split(images, labels), validation, seed)
    source = sources.Source("emoji source task", "bundled", "Drawings of classes that are not among the ten targets.")
    print(source)
    return Dataset(train, held_out, None, class_names, source)


def split_off(split, n, seed=0):
    """Cut `n` pictures off a split, stratified by class: `(the rest, the n pictures)`.

    Raises `ValueError` where either part would have fewer pictures than there are classes, or a class has only one.
    Taught in chapter 4.1.

    >>> pictures = Split(np.zeros((6, 32, 32, 3), "uint8"), [0, 0, 0, 1, 1, 1])
    >>> [part.labels.tolist() for part in split_off(pictures, 2)]
    [[0, 0, 1, 1], [0, 1]]
    """
    counts = np.unique(split.labels, return_counts=True)[1]
    classes = len(counts)
    if counts.min() < 2:
        raise ValueError("split: got a class with a single picture, expected two or more of each")
    if not classes <= n <= len(split) - classes:
        raise ValueError(
            f"n: got {n}, expected {classes}..{len(split) - classes} ({len(split)} pictures of {classes} classes)"
        )
    parts = map(np.sort, splits.stratified(split.labels, n, seed))
    return tuple(Split(split.images[positions], split.labels[positions]) for positions in parts)


def subset(split, n, seed=0):
    """Draw `n` pictures from a split, stratified by class: the small training sets of the experiments.

    Raises `ValueError` as `split_off` does, except that `n` may be the whole split. Taught in chapter 4.1.
    """
    return split if n == len(split) else split_off(split, n, seed)[1]
