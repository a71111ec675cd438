"""Recognised strings against spoken ones: edit distance, and the word error rate."""

import numpy as np


def edits(true, predicted):
    """Count the edits that turn a predicted string into the true one, as few as possible: a dict of str to int.

    "substituted", "deleted" (a true word has no counterpart) and "inserted" (a predicted one has none). Where several
    ways are shortest, substitutions are preferred. Words are compared with `==`. Taught in chapter 5.14.

    >>> edits("1123", "1234")
    {'substituted': 0, 'deleted': 1, 'inserted': 1}
    """
    rows, columns = len(true) + 1, len(predicted) + 1
    cost = np.zeros((rows, columns), np.int64)
    cost[:, 0], cost[0] = np.arange(rows), np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            same = true[i - 1] == predicted[j - 1]
            cost[i, j] = min(cost[i - 1, j - 1] + (not same), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    counts = {"substituted": 0, "deleted": 0, "inserted": 0}
    i, j = rows - 1, columns - 1
    while i or j:  # back along one of the cheapest ways
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (true[i - 1] != predicted[j - 1]):
            counts["substituted"] += int(true[i - 1] != predicted[j - 1])
            i, j = i - 1, j - 1
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            counts["deleted"] += 1
            i -= 1
        else:
            counts["inserted"] += 1
            j -= 1
    return counts


def edit_distance(true, predicted):
    """Return how many edits `edits` counts, an int. Source: Levenshtein (1966). Taught in chapter 5.14.

    >>> edit_distance("kitten", "sitting")
    3
    """
    return sum(edits(true, predicted).values())


def word_error_rate(true, predicted):
    """Return all edits over all true words, a float of 0 or more. With many inserted words it exceeds 1.

    `true` and `predicted` are sequences of sequences of words: one of them for each utterance. Raises `ValueError`
    where they differ in number, or no word was said. Taught in chapter 5.14.

    >>> word_error_rate([(1, 1, 2), (7,)], [(1, 2), (7,)])
    0.25
    """
    if len(true) != len(predicted):
        raise ValueError(f"predicted: got {len(predicted)} strings, expected one for each of {len(true)}")
    words = sum(map(len, true))
    if not words:
        raise ValueError("true: got no word, expected one or more")
    return sum(edit_distance(a, b) for a, b in zip(true, predicted, strict=True)) / words
