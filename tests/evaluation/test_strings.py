"""Edit distance: against the recursion in its plainest form, and by hand."""

import functools
import itertools

import numpy as np
import pytest

from tlbook import evaluation


def distance(a, b):
    """The definition: try every last step."""

    @functools.cache
    def of(i, j):
        if not i or not j:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return of(len(a), len(b))


def test_distance_is_that_of_the_definition():
    words = [word for n in range(4) for word in itertools.product("ab", repeat=n)]
    assert all(evaluation.edit_distance(a, b) == distance(a, b) for a in words for b in words)
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = (tuple(rng.integers(4, size=rng.integers(9)).tolist()) for _ in range(2))
        counts = evaluation.edits(a, b)
        assert sum(counts.values()) == distance(a, b) == evaluation.edit_distance(b, a)
        assert counts["deleted"] - counts["inserted"] == len(a) - len(b)


@pytest.mark.parametrize(
    ("true", "predicted", "counts"),
    [
        ("112", "12", (0, 1, 0)),
        ("12", "112", (0, 0, 1)),
        ("123", "193", (1, 0, 0)),
        ("", "77", (0, 0, 2)),
        ("345", "345", (0, 0, 0)),
    ],
)
def test_edits_are_counted_by_kind(true, predicted, counts):
    assert tuple(evaluation.edits(true, predicted).values()) == counts


def test_word_error_rate_counts_words_and_may_exceed_one():
    assert evaluation.word_error_rate([(1, 2, 3), (4,)], [(1, 3), (4, 4)]) == 0.5
    assert evaluation.word_error_rate([(1,)], [(2, 2, 2)]) == 3.0
    assert evaluation.word_error_rate([(1, 2)], [()]) == 1.0


def test_word_error_rate_refuses_what_it_cannot_count():
    with pytest.raises(ValueError, match="predicted: got 1 strings, expected one for each of 2"):
        evaluation.word_error_rate([(1,), (2,)], [(1,)])
    with pytest.raises(ValueError, match="true: got no word"):
        evaluation.word_error_rate([()], [(1,)])
