"""A lead in labels: the number is right where it is known, its interval holds it, and open ends are said."""

import numpy as np
import pytest

from tlbook import evaluation


def made(rng, zero=300, runs=4, noise=0.02, sizes=(10, 100, 1_000, 10_000)):
    """Differences whose mean is a line on a logarithmic axis that meets zero at `zero`, seen with noise."""
    return {n: 0.1 * np.log(zero / n) / np.log(10) + rng.normal(0, noise, runs) for n in sizes}


def test_number_is_that_of_a_line():
    found = evaluation.break_even(made(np.random.default_rng(0), noise=1e-9))
    assert found.labels == pytest.approx(300) and found.low == pytest.approx(300) and found.high == pytest.approx(300)


@pytest.mark.parametrize("runs", [3, 10])
def test_interval_holds_the_truth_about_as_often_as_it_says(runs):
    rng = np.random.default_rng(1)
    found = [evaluation.break_even(made(rng, runs=runs), draws=400, seed=i) for i in range(120)]
    held = np.mean([each.low <= 300 <= each.high for each in found])
    assert 0.88 <= held <= 1, held


def test_few_runs_stray_as_far_as_the_interval_of_their_mean():
    late = [-0.09, -0.1, -0.11]
    half = evaluation.interval(late)[1]
    found = evaluation.break_even({10: [0.1, 0.1, 0.1], 1_000: late}, draws=20_000)
    ends = [10 * 100 ** (0.1 / (0.2 + side * half)) for side in (1, -1)]
    assert [found.low, found.high] == pytest.approx(ends, rel=0.03)


def test_of_several_zeros_the_last_one_counts():
    found = evaluation.break_even({10: [-1, -1], 100: [1, 1], 1_000: [-1, -1]})
    assert found.labels == pytest.approx(np.sqrt(100 * 1_000))
    assert evaluation.break_even({10: [1, 1], 100: [-1, -1], 1_000: [1, 1]}).labels == np.inf


def test_open_ends_are_said():
    always = evaluation.break_even({10: [0.1, 0.2], 1_000: [0.1, 0.2]}, draws=50)
    assert always.labels == np.inf and str(always).startswith("1,000 or more (95 %")
    never = evaluation.break_even({10: [-0.3, -0.3], 1_000: [-0.1, -0.1]})
    assert never.labels == 0 and str(never) == "10 or fewer (95 %)"
    unsure = evaluation.break_even({10: [0.3, 0.3], 1_000: [-0.2, 0.15]})
    assert 10 < unsure.labels < 1_000 and unsure.high == np.inf and "to 1,000 or more)" in str(unsure)


def test_examples_widen_the_interval_and_are_drawn_alike_for_all_sizes():
    rng = np.random.default_rng(2)
    hard = rng.normal(0, 0.5, 200)  # one example is easier for the arm than the next, with any number of labels
    over = {n: np.tile(mean + hard - hard.mean(), (3, 1)) for n, mean in {10: 0.2, 1_000: -0.2}.items()}
    runs = {n: values.mean(axis=1) for n, values in over.items()}
    one, other = evaluation.break_even(over), evaluation.break_even(runs)
    assert one.labels == pytest.approx(other.labels) and other.high == pytest.approx(other.low)
    log = np.log10([one.low, one.high])  # a shift of all by d moves the zero by 5 d decades
    assert np.ptp(log) == pytest.approx(2 * 1.96 * 5 * 0.5 / np.sqrt(200), rel=0.15)


def test_worth_is_read_off_the_control():
    control = {10: [0.2, 0.2], 100: [0.4, 0.4], 1_000: [0.35, 0.35], 10_000: [0.6, 0.6]}
    assert evaluation.worth([0.3, 0.3], control).labels == pytest.approx(10**1.5)
    assert evaluation.worth([0.5, 0.5], control).labels == pytest.approx(10**3.5), "what was reached is not lost"
    assert evaluation.worth([0.7, 0.7], control).labels == np.inf
    assert evaluation.worth([0.1, 0.1], control).labels == 0


@pytest.mark.parametrize(
    "differences",
    [
        {10: [1, 2]},
        {10: [1], 100: [1, 2]},
        {10: [1, np.nan], 100: [1, 2]},
        {100: [1, 2], 10: [1, 2]},
        {10: np.ones((2, 5)), 100: np.ones((2, 6))},
        {10: np.ones((2, 5)), 100: [1, 2]},
    ],
)
def test_what_says_nothing_is_refused(differences):
    with pytest.raises(ValueError, match="expected"):
        evaluation.break_even(differences)
