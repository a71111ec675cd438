"""Splits: positions drawn by class, by whole group, or within each group; every data set here is cut with these.

A group is what must not stand on both sides: a document, a product, a speaker.
"""

import numpy as np


def stratified(labels, n, seed):
    """Draw `n` positions so that each class keeps its share: `(rest, cut)`, int64, both in the order of the draw.

    `labels` are integers (n,). Raises `ValueError` where a part would hold fewer positions than there are classes, or a
    class has only one.

    >>> rest, cut = stratified([0, 0, 0, 0, 1, 1, 1, 1], n=4, seed=0)
    >>> [int(i) // 4 for i in sorted(cut)]
    [0, 0, 1, 1]
    """
    from sklearn.model_selection import train_test_split  # here: `doctor` and those who only load data do without

    return train_test_split(np.arange(len(labels)), test_size=n, stratify=labels, random_state=seed)


def whole_groups(groups, n, draw):
    """Draw whole groups until they hold `n` positions: `(rest, cut)`, int64, `cut` in the order of the draw.

    `groups` (n,) names the group of each position. `draw` takes their number and returns the order in which they are
    drawn, a permutation of the sorted names. Where all groups hold fewer than `n`, all are drawn.

    >>> whole_groups(["b", "a", "b", "c"], n=2, draw=np.random.default_rng(0).permutation)
    (array([0, 2]), array([3, 1]))
    """
    numbers = np.unique(groups, return_inverse=True)[1]
    counts = np.bincount(numbers)
    order = draw(len(counts))
    needed = np.searchsorted([0, *np.cumsum(counts[order])], n)
    positions = np.argsort(np.argsort(order)[numbers], kind="stable")
    size = counts[order[:needed]].sum()
    return np.sort(positions[size:]), positions[:size]


def ranks(groups, draw):
    """Number the positions of each group in a random order: int64 (n,), from 0 in every group.

    `draw` takes the size of a group and returns a permutation; it is called for each group, in their sorted order. All
    below rank k are k of each group, drawn at random, and a smaller k draws some of the same.

    >>> ranks(["a", "a", "a", "b", "b"], draw=np.random.default_rng(0).permutation)
    array([2, 0, 1, 1, 0])
    """
    groups = np.asarray(groups)
    numbers = np.empty(len(groups), np.int64)
    for group in np.unique(groups):
        mine = groups == group
        numbers[mine] = draw(mine.sum())
    return numbers
