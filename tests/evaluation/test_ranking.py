"""Kendall's tau: what SciPy says, an interval that holds and that tells apart, and what is refused."""

import numpy as np
import pytest
from scipy import stats

from tlbook import evaluation


def test_tau_is_that_of_scipy_with_ties_as_well():
    rng = np.random.default_rng(0)
    scores, accuracies = rng.integers(6, size=(3, 20)), rng.integers(9, size=(3, 20))
    expected = [stats.kendalltau(*pair).statistic for pair in zip(scores, accuracies, strict=True)]
    assert evaluation.kendall(scores, accuracies, draws=10)[0] == pytest.approx(np.mean(expected))


def test_interval_holds_what_is_true():
    rng = np.random.default_rng(1)
    truth = 2 / np.pi * np.arcsin(0.5)  # tau of two normal numbers with correlation 0.5
    held = 0
    for trial in range(25):
        x = rng.normal(size=60)
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=60)
        tau, low, high = evaluation.kendall(x, y, draws=150, seed=trial)
        held += low <= truth <= high
        assert low < tau < high
    assert held >= 20


def test_a_better_score_is_told_apart_from_a_worse_one():
    rng = np.random.default_rng(2)
    accuracies = np.tile(np.arange(40.0), (4, 1))
    good, bad = accuracies + rng.normal(size=(4, 40)), rng.normal(size=(4, 40))
    difference, low, high = evaluation.kendall(good, accuracies, against=bad)
    assert 0.5 < low < difference < high
    assert evaluation.kendall(good, accuracies, against=good) == (0, 0, 0)


def test_what_has_no_order_is_refused():
    with pytest.raises(ValueError, match=r"scores: got shape \(1, 2\)"):
        evaluation.kendall([1, 2], [1, 2])
    with pytest.raises(ValueError, match="accuracies: got a run in which all candidates are equal"):
        evaluation.kendall([1, 2, 3], [5, 5, 5])
    with pytest.raises(ValueError, match=r"against: got shape \(1, 4\)"):
        evaluation.kendall([1, 2, 3], [1, 2, 3], against=[1, 2, 3, 4])
    with pytest.raises(ValueError, match="accuracies: got"):
        evaluation.kendall([1, 2, 3], [1, 2, np.nan])
