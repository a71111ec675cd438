"""Predicted classes against true ones: accuracy, the confusion matrix, recall."""

import numpy as np
from sklearn import metrics


def accuracy(labels, predictions):
    """Return the share of predictions that are right, 0..1.

    Raises `ValueError` for lengths that differ or no labels.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1 or not len(labels):
        raise ValueError(f"predictions: got shape {predictions.shape}, expected that of labels, {labels.shape}, n > 0")
    return float(metrics.accuracy_score(labels, predictions))


def confusion(labels, predictions, classes):
    """Return the confusion matrix, int64 (classes, classes): row = true class, column = predicted class.

    Raises `ValueError` for a label or a prediction out of 0..classes - 1.
    """
    for name, values in (("labels", labels), ("predictions", predictions)):
        if not np.isin(values, np.arange(classes)).all():
            raise ValueError(f"{name}: got {np.unique(values)}, expected 0..{classes - 1}")
    return metrics.confusion_matrix(labels, predictions, labels=np.arange(classes))


def recall(labels, predictions, classes):
    """Return the recall of each class, float64 (classes,): of its pictures, the share that was found.

    A class without pictures has no recall (nan).
    """
    return metrics.recall_score(labels, predictions, labels=np.arange(classes), average=None, zero_division=np.nan)
