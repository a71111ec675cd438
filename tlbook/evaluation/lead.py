"""A lead in labels: with how many of them it is used up, and how many it is worth; each with its interval."""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Labels:
    """A number of labels that lies between `least` and `most`, those that were tried, with the ends of its interval.

    0 says that it lies below `least`, infinity that it lies above `most`.
    As text: "2,300 (95 %: 900 to 10,000 or more)".
    """

    labels: float
    low: float
    high: float
    least: float
    most: float

    def __str__(self):
        """Return the number and its interval in words, two digits of each."""
        labels, low, high = map(self._said, (self.labels, self.low, self.high))
        return f"{labels} (95 %)" if labels == low == high and " or " in labels else f"{labels} (95 %: {low} to {high})"

    def _said(self, labels):
        if not self.least < labels < self.most:
            return f"{self.least:,} or fewer" if labels <= self.least else f"{self.most:,} or more"
        return f"{float(f'{labels:.2g}'):,.0f}"


def break_even(differences, draws=2_000, seed=0):
    """Return with how many labels an arm has lost its lead over a control, as `Labels`.

    Parameters
    ----------
    differences : dict
        From a number of labels to what the arm is ahead there, two numbers of labels or more: an array (runs,), or
        (runs, examples) where all runs were judged on the same examples, as `crossed` takes it.
    draws, seed : int
        Of the bootstrap, whose 95 % percentile interval it is. A draw takes the examples anew with replacement, the
        same for every number of labels, and moves the mean of the runs as far as Student's distribution lets a mean of
        so few stray.

    The difference is a line between neighbours on a logarithmic axis of labels. Of several zeros the last one counts:
    beyond it, the control stays ahead as far as was tried. Raises `ValueError` for fewer than two numbers of labels or
    two runs, numbers that are not finite, or examples that differ in number. Taught in chapter 4.8.

    >>> print(break_even({10: [0.2, 0.2], 1_000: [-0.2, -0.2]}))
    100 (95 %: 100 to 100)
    >>> print(break_even({10: [0.2, 0.2], 1_000: [0.1, 0.1]}))
    1,000 or more (95 %)
    """
    sizes, curves = _drawn(differences, draws, seed)
    return _summary([_last_zero(sizes, curve) for curve in curves], sizes)


def worth(arm, control, draws=2_000, seed=0):
    """Return how many labels a control needs to be as good as an arm, as `Labels`.

    `arm` is an array (runs,) or (runs, examples), with one number of labels; `control` is a dict, from numbers of
    labels to such arrays, judged on the same examples. The control's score is a line between neighbours on a
    logarithmic axis of labels, and what it reaches once is not lost with more labels. Otherwise as `break_even`.
    Source: Hernandez et al. (2021), who call it effective data. Taught in chapter 4.8.

    >>> print(worth([0.5, 0.5], {10: [0.3, 0.3], 1_000: [0.7, 0.7]}))
    100 (95 %: 100 to 100)
    """
    sizes, curves = _drawn({**control, "arm": arm}, draws, seed)
    levels, curves = curves[:, -1], np.maximum.accumulate(curves[:, :-1], axis=1)
    found = [_last_zero(sizes, level - curve) for level, curve in zip(levels, curves, strict=True)]
    return _summary(found, sizes)


def _drawn(runs, draws, seed):
    """Return the sizes and the means, (1 + draws, arrays): first those of the data, then those of the bootstrap."""
    sizes = [size for size in runs if size != "arm"]
    if len(sizes) < 2 or sizes != sorted(sizes):
        raise ValueError(f"differences, control: got {sizes} labels, expected two numbers or more, the least first")
    arrays = {size: np.asarray(values, "float64") for size, values in runs.items()}
    for size, values in arrays.items():
        if values.ndim not in (1, 2) or len(values) < 2 or not np.isfinite(values).all():
            raise ValueError(f"{size}: got shape {values.shape}, expected finite numbers of two runs or more")
    if len(kinds := {values.shape[1:] for values in arrays.values()}) > 1:
        raise ValueError(f"differences, arm, control: got examples {sorted(kinds)}, expected as many in all of them")
    rng = np.random.default_rng(seed)
    return np.array(sizes, "float64"), np.stack([_means(values, draws, rng, seed) for values in arrays.values()], 1)


def _means(values, draws, rng, seed):
    """Return the mean of one array, then its means in the draws."""
    of_runs = values if values.ndim == 1 else values.mean(axis=1)
    moved = stats.t.rvs(len(values) - 1, size=draws, random_state=rng) * stats.sem(of_runs)
    middle = of_runs.mean() if values.ndim == 1 else _weights(values.shape[1], draws, seed) @ values.mean(axis=0)
    return np.concatenate([[of_runs.mean()], middle + moved])


@functools.lru_cache(maxsize=1)
def _weights(n, draws, seed):
    """Return how much each of n examples counts in each draw, (draws, n): a chapter asks many times for the same."""
    return (np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws) / n).astype("float32")


def _last_zero(sizes, curve):
    """Return where a curve falls below zero for good: 0 if it begins there, infinity if it ends above."""
    above = np.flatnonzero(curve > 0)
    if not len(above):
        return 0.0
    left = above[-1]
    if left == len(sizes) - 1:
        return np.inf
    share = curve[left] / (curve[left] - curve[left + 1])
    return float(np.exp((1 - share) * np.log(sizes[left]) + share * np.log(sizes[left + 1])))


def _summary(found, sizes):
    """Return the first number with the 95 % interval of the others."""
    low, high = np.quantile(found[1:], [0.025, 0.975], method="nearest")
    return Labels(found[0], float(low), float(high), int(sizes[0]), int(sizes[-1]))
