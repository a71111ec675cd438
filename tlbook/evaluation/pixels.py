"""A class for every pixel against the true ones: intersection over union, over all pictures or in each."""

import numpy as np

from tlbook.evaluation.classes import confusion


def class_iou(truth, answer, classes):
    """Return the intersection over union of each class, over all pixels together: float64 (classes,).

    Parameters
    ----------
    truth, answer : numpy.ndarray
        Integers 0..classes - 1, of one shape: (height, width), (n, height, width) or any other.
    classes : int
        How many.

    A class that neither the truth nor the answer holds has none (nan). Raises `ValueError` for shapes that differ, no
    pixels, or a class out of range. Source: Everingham et al. (2010). Taught in chapter 5.13.

    >>> class_iou(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), classes=2)
    array([0.66666667, 0.5       ])
    """
    truth, answer = _of_one_shape(truth, answer)
    return _ratio(confusion(truth.ravel(), answer.ravel(), classes))


def picture_iou(truth, answer, classes):
    """Return the mean IoU of each picture, over the classes that its truth or its answer holds: float64 (n,).

    `truth` and `answer` are integers (n, height, width). One number a picture is what an interval over pictures needs;
    a small thing then weighs as much as a large one. Raises `ValueError` as `class_iou` does, and for other axes.
    Taught in chapter 5.13.
    """
    truth, answer = _of_one_shape(truth, answer)
    if truth.ndim != 3:
        raise ValueError(f"truth: got shape {truth.shape}, expected (n, height, width)")
    pairs = zip(truth, answer, strict=True)
    return np.array([np.nanmean(_ratio(confusion(one.ravel(), other.ravel(), classes))) for one, other in pairs])


def _ratio(table):
    """Return intersection over union of each class, from a confusion matrix."""
    hit = np.diagonal(table).astype("float64")
    union = table.sum(axis=0) + table.sum(axis=1) - hit
    return np.divide(hit, union, out=np.full(len(table), np.nan), where=union > 0)


def _of_one_shape(truth, answer):
    """Return both as arrays."""
    truth, answer = np.asarray(truth), np.asarray(answer)
    if truth.shape != answer.shape or not truth.size:
        raise ValueError(f"answer: got shape {answer.shape}, expected that of truth, {truth.shape}, with pixels")
    return truth, answer
