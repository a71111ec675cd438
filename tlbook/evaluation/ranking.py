"""Ranking: does a score put candidates into the order that turned out right? Kendall's tau, with its interval."""

import numpy as np


def kendall(scores, accuracies, against=None, confidence=0.95, draws=2_000, seed=0):
    """Return `(tau, low, high)`: Kendall's tau-b between scores and what followed, and its interval.

    Of all pairs of candidates, tau is the share that both order alike, less the share that they order otherwise; pairs
    that are equal in both count for neither. It is 1 for the same order, -1 for the opposite, 0 for none.

    Parameters
    ----------
    scores, accuracies : array
        Numbers (runs, candidates), or (candidates,): of each run, that is seed or draw, a tau is taken; `tau` is their
        mean.
    against : array, optional
        Another score of the same shape: then tau is the difference, that of `scores` less that of `against`.
    confidence : float
        Of the percentile interval, over runs *and* candidates: both are drawn anew with replacement (crossed
        bootstrap). What it says holds for other candidates like these, not for these alone.
    draws, seed : int
        Of the bootstrap.

    Raises `ValueError` for shapes that differ, fewer than three candidates, numbers that are not finite, or a run in
    which all candidates are equal. Source: Kendall (1945) for tau-b.

    >>> tau, low, high = kendall([1, 2, 3, 4], [0.5, 0.7, 0.6, 0.9])
    >>> round(tau, 3)
    0.667
    """
    every = [np.atleast_2d(np.asarray(each, "float64")) for each in (scores, accuracies, against) if each is not None]
    for name, each in zip(("scores", "accuracies", "against"), every, strict=False):
        if each.ndim != 2 or each.shape != every[0].shape or each.shape[1] < 3 or not np.isfinite(each).all():
            raise ValueError(
                f"{name}: got shape {np.shape(each)}, expected finite numbers (runs, candidates), three or more "
                f"candidates, of the shape of scores, {every[0].shape}"
            )
        if (np.ptp(each, axis=1) == 0).any():
            raise ValueError(f"{name}: got a run in which all candidates are equal, expected an order")
    signs = [np.sign(each[:, :, None] - each[:, None, :]) for each in every]  # (runs, candidates, candidates)
    runs, candidates = every[0].shape
    rng = np.random.default_rng(seed)
    found = []
    for draw in range(draws + 1):
        weights = rng.multinomial(candidates, [1 / candidates] * candidates) if draw else np.ones(candidates)
        chosen = rng.integers(runs, size=runs) if draw else np.arange(runs)
        found.append(_tau(signs[0], signs[1], weights)[chosen].mean())
        if against is not None:
            found[-1] -= _tau(signs[2], signs[1], weights)[chosen].mean()
    low, high = np.nanpercentile(found[1:], [50 * (1 - confidence), 50 * (1 + confidence)])
    return float(found[0]), float(low), float(high)


def _tau(one, other, weights):
    """Return tau-b of each run, each candidate counted as often as its weight says."""
    agree, first, second = (
        np.einsum("i,rij,j->r", weights, each, weights, optimize=True) for each in (one * other, one**2, other**2)
    )
    lengths = np.sqrt(first * second)
    return np.divide(agree, lengths, out=np.full(len(agree), np.nan), where=lengths > 0)
