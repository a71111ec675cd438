"""Evaluation: predictions against labels, and how far a few seeds can be trusted."""

import keras
import numpy as np
from scipy import stats
from sklearn import metrics


def predict(model, inputs, batch_size=100):
    """Return the most probable class of each input, int64 (n,), of a model that returns logits or probabilities.

    Only one batch at a time is float32.
    """
    batches = (np.asarray(inputs[i : i + batch_size], "float32") for i in range(0, len(inputs), batch_size))
    scores = [keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches]
    return np.concatenate(scores).argmax(axis=1)


def accuracy(labels, predictions):
    """Return the share of predictions that are right, 0..1.

    Raises `ValueError` for lengths that differ or no labels.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1 or not len(labels):
        raise ValueError(f"predictions: got shape {predictions.shape}, expected that of labels, {labels.shape}, n > 0")
    return float(metrics.accuracy_score(labels, predictions))


def confusion(labels, predictions, classes):
    """Return the confusion matrix, int64 (classes, classes): row = true class, column = predicted class."""
    return metrics.confusion_matrix(labels, predictions, labels=np.arange(classes))


def recall(labels, predictions, classes):
    """Return the recall of each class, float64 (classes,): of its pictures, the share that was found.

    A class without pictures has no recall (nan).
    """
    return metrics.recall_score(labels, predictions, labels=np.arange(classes), average=None, zero_division=np.nan)


def interval(values, confidence=0.95):
    """Return `(mean, half width)` of Student's interval for the mean of a few runs, one value a seed.

    With three seeds the half width is 4.3 standard errors: few seeds say little, and the interval says so. Raises
    `ValueError` for fewer than two values or one that is not finite. Source: Student (1908). Taught in chapter 4.3.
    """
    values = np.asarray(values, "float64")
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"values: got {values}, expected two or more finite numbers")
    return float(values.mean()), float(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values))
