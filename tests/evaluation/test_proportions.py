"""Intervals for a share, and the test between two models: formulas, counting and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from tlbook import evaluation


@pytest.mark.parametrize(("right", "n"), [(0, 5), (3, 5), (5, 5), (38, 40), (700, 1_000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_wilson_is_the_formula(right, n, confidence):
    z = stats.norm.ppf((1 + confidence) / 2)
    share = right / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert evaluation.wilson(right, n, confidence) == pytest.approx((centre - half, centre + half), abs=1e-9)


def test_bootstrap_of_single_examples_is_close_to_the_normal_interval():
    values = np.arange(400) % 4 == 0
    low, high = evaluation.bootstrap(values)
    half = 1.96 * math.sqrt(0.25 * 0.75 / 400)
    assert (low, high) == pytest.approx((0.25 - half, 0.25 + half), abs=0.01)
    assert evaluation.bootstrap(values) == (low, high), "the seed decides"


def test_bootstrap_draws_whole_groups():
    """Forty groups of ten that are all right or all wrong hold as much as forty examples."""
    groups = np.arange(400) // 10
    values = groups % 2
    alone, together = evaluation.bootstrap(values), evaluation.bootstrap(values, groups)
    assert np.diff(together) == pytest.approx(np.diff(alone) * math.sqrt(10), rel=0.15)


def test_mcnemar_counts_and_adds_up_the_binomial_tail():
    rng = np.random.default_rng(0)
    labels, a, b = rng.integers(3, size=(3, 60))
    found = evaluation.mcnemar(labels, a, b)
    only_a = sum(x == y != z for y, x, z in zip(labels, a, b, strict=True))
    only_b = sum(z == y != x for y, x, z in zip(labels, a, b, strict=True))
    assert (found.only_a, found.only_b) == (only_a, only_b)
    n, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n
    assert found.p_value == pytest.approx(min(1, 2 * tail), abs=1e-9)
    assert evaluation.mcnemar(labels, a, a).p_value == 1


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="right, n: got 6 of 5"):
        evaluation.wilson(6, 5)
    with pytest.raises(ValueError, match="groups: got 1"):
        evaluation.bootstrap([1.0, 0.0], groups=["a", "a"])
    with pytest.raises(ValueError, match=r"values: got \(2,\), groups \(3,\)"):
        evaluation.bootstrap([1.0, 0.0], groups=[1, 2, 3])
    with pytest.raises(ValueError, match="a, b: got shapes"):
        evaluation.mcnemar([0, 1], [0, 1], [0])
