"""Shares of test examples that were answered right: intervals for one model, a test between two."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


def wilson(right, n, confidence=0.95):
    """Return `(low, high)`, Wilson's interval for a share of which `right` out of `n` independent examples were seen.

    It stays within 0..1, and is sound for few examples and for shares near 0 and 1. Raises `ValueError` for counts that
    cannot be. Source: Wilson (1927). Taught in chapter 8.3.

    >>> [round(end, 3) for end in wilson(10, 10)]
    [0.722, 1.0]
    """
    if not (n > 0 and 0 <= right <= n and right == int(right) and n == int(n)):
        raise ValueError(f"right, n: got {right} of {n}, expected whole numbers, 0 <= right <= n, n > 0")
    found = stats.binomtest(int(right), int(n)).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def bootstrap(values, groups=None, draws=2_000, seed=0, confidence=0.95):
    """Return `(low, high)`, the percentile bootstrap interval for the mean of `values`.

    Parameters
    ----------
    values : numpy.ndarray
        Finite numbers (n,): 1 where the answer was right and 0 where it was wrong, or any other figure an example.
    groups : numpy.ndarray, optional
        Names (n,) of what was drawn: the speaker of a recording, the drawing in a picture. Whole groups are then drawn
        in place of single examples. An interval that ignores them is too narrow.
    draws, seed : int
        How often, and the seed of the draws.
    confidence : float
        The share of the means that lies between the ends.

    Raises `ValueError` for lengths that differ, numbers that are not finite, or fewer than two groups. Source: Efron
    and Tibshirani (1993). Taught in chapter 8.3.
    """
    values = np.asarray(values, "float64")
    names = np.arange(len(values)) if groups is None else np.asarray(groups)
    if values.ndim != 1 or names.shape != values.shape or not np.isfinite(values).all():
        raise ValueError(f"values: got {values.shape}, groups {names.shape}, expected finite numbers, both (n,)")
    numbers = np.unique(names, return_inverse=True)[1]
    counts, sums = np.bincount(numbers), np.bincount(numbers, values)
    if len(counts) < 2:
        raise ValueError(f"groups: got {len(counts)}, expected two or more")
    drawn = np.random.default_rng(seed).integers(len(counts), size=(draws, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Disagreement:
    """Where two models differ: how often `only_a` and `only_b` was right, and the `p_value` of McNemar's exact test."""

    only_a: int
    only_b: int
    p_value: float


def mcnemar(labels, a, b):
    """Test exactly whether two models are right equally often on the same examples: return a `Disagreement`.

    Examples on which both are right, or both wrong, say nothing about which is better. Of the others, a fair coin
    would give each model half. The test knows only these two trained models: another draw of the training examples, or
    another seed, would make other ones. `labels`, `a` and `b` are (n,). Raises `ValueError` for shapes that differ.
    Source: McNemar (1947). Taught in chapter 8.3.

    >>> mcnemar([0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1])
    Disagreement(only_a=5, only_b=1, p_value=0.21875)
    """
    labels, a, b = (np.asarray(each) for each in (labels, a, b))
    if labels.ndim != 1 or not labels.shape == a.shape == b.shape or not len(labels):
        raise ValueError(f"a, b: got shapes {a.shape} and {b.shape}, expected that of labels, {labels.shape}, n > 0")
    only_a, only_b = (int(((x == labels) & (y != labels)).sum()) for x, y in ((a, b), (b, a)))
    apart = only_a + only_b
    p_value = stats.binomtest(only_a, apart).pvalue if apart else 1.0
    return Disagreement(only_a, only_b, float(p_value))
