"""Calibration: does a model that says 80 % turn out right 80 times in 100? Measured, drawn up, and mended."""

import numpy as np
import pandas as pd
from scipy import optimize, special

_LOG_TEMPERATURES = (-7.0, 7.0)


def negative_log_likelihood(probabilities, labels):
    """Return the mean negative logarithm of the probability that was given to the true class, in nats.

    `probabilities` is (n, classes), rows that sum to one; `labels` are integers (n,). Infinite where a true class got
    none. It is small where a model is right and knows it. Raises `ValueError` for anything else. Taught in chapter 8.3.

    >>> round(negative_log_likelihood(np.array([[0.5, 0.5], [0.25, 0.75]]), [0, 1]), 3)
    0.49
    """
    probabilities, labels = _checked(probabilities, labels)
    with np.errstate(divide="ignore"):
        return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


def reliability(probabilities, labels, bins=15):
    """Sort the answers by confidence into bins of equal width: return a DataFrame, one row a bin that is not empty.

    Its columns are `confidence`, the mean probability of the answers given; `accuracy`, the share of them that is
    right; and `count`. A bin holds its upper end. Raises `ValueError` as `negative_log_likelihood` does, or for no
    bins. Source: Guo et al. (2017). Taught in chapter 8.3.
    """
    probabilities, labels = _checked(probabilities, labels)
    if bins < 1:
        raise ValueError(f"bins: got {bins}, expected 1 or more")
    rows = pd.DataFrame(
        {"confidence": probabilities.max(axis=1), "accuracy": probabilities.argmax(axis=1) == labels, "count": 1}
    )
    which = np.clip(np.ceil(rows.confidence * bins), 1, bins)
    found = rows.groupby(which).agg({"confidence": "mean", "accuracy": "mean", "count": "sum"})
    return found.reset_index(drop=True)


def calibration_error(probabilities, labels, bins=15):
    """Return the expected calibration error, 0..1: the mean gap between confidence and accuracy over `reliability`.

    Bins count by the examples in them. It is biased upwards: of a few examples a bin's accuracy is off by chance, and
    every gap counts as positive. Compare it only over equally many examples and bins. Raises `ValueError` as
    `reliability` does. Source: Naeini et al. (2015). Taught in chapter 8.3.
    """
    rows = reliability(probabilities, labels, bins)
    return float(np.average((rows.confidence - rows.accuracy).abs(), weights=rows["count"]))


def temperature(logits, labels):
    """Return the temperature T for which softmax(logits / T) has the least negative log likelihood.

    `logits` is finite floats (n, classes), of examples that neither train nor test; `labels` are integers (n,). Above
    1 the model was too sure. Dividing by it changes no answer. Raises `ValueError` for anything else. Source: Guo et
    al. (2017). Taught in chapter 8.3.
    """
    logits, labels = _checked(logits, labels, "logits")

    def loss(log_temperature):
        scaled = special.log_softmax(logits * np.exp(-log_temperature), axis=1)
        return -scaled[np.arange(len(labels)), labels].mean()

    return float(np.exp(optimize.minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x))


def _checked(scores, labels, name="probabilities"):
    scores, labels = np.asarray(scores, "float64"), np.asarray(labels)
    if scores.ndim != 2 or scores.shape[1] < 2 or not len(scores) or not np.isfinite(scores).all():
        raise ValueError(f"{name}: got shape {scores.shape}, expected finite numbers (n, classes), n > 0")
    if labels.shape != scores.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(f"labels: got {labels.dtype} {labels.shape}, expected integers ({len(scores)},)")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(f"labels: got {labels.min()}..{labels.max()}, expected 0..{scores.shape[1] - 1}")
    if name == "probabilities" and (scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=1e-3)):
        raise ValueError("probabilities: got rows that do not sum to one, expected what a softmax returns")
    return scores, labels
