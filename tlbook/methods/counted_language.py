"""Language models that count: interpolated Kneser-Ney over pieces of words, and a mixture of several models."""

import numpy as np

from tlbook.inputs.pieces import END


class KneserNey:
    r"""A model of the next piece, counted: what came after the last pieces, and where that is rare, after fewer.

    Parameters
    ----------
    texts : sequence of sequence of int
        Each text as `tlbook.inputs.pieces.encode` returns it.
    size : int
        Pieces are 0..size - 1; `order` pieces must fit into 63 bits.
    order : int
        How many pieces hang together, 2 or more: 3 is a trigram model.

    With :math:`c` for counts and :math:`h'` for a context :math:`h` without its first piece,

    .. math:: p(w | h) = \frac{\max(c(hw) - D, 0)}{c(h)} + \frac{D\, N(h)}{c(h)}\, p(w | h').

    :math:`N(h)` is the number of different pieces behind :math:`h`, and :math:`D = n_1 / (n_1 + 2 n_2)` comes from the
    numbers of what was seen once and twice. Below the highest order, :math:`c` counts not how often, but after how many
    different pieces something came. The lowest order falls back on all pieces alike. Raises `ValueError` for no texts,
    a piece outside the range, or an order that does not fit. Source: Kneser and Ney (1995), in the interpolated form of
    Chen and Goodman (1999). Taught in chapter 5.16.
    """

    def __init__(self, texts, size, order=3):
        """Count."""
        if not len(texts):
            raise ValueError("texts: got none, expected one or more")
        if order < 2 or order * np.log2(size) > 62:
            raise ValueError(f"order: got {order} for {size} pieces, expected 2..{int(62 / np.log2(size))}")
        self.size, self.order = size, order
        grams = np.concatenate([windows(text, order) for text in texts])
        if grams.min() < 0 or grams.max() >= size:
            raise ValueError(f"texts: got pieces {grams.min()}..{grams.max()}, expected 0..{size - 1}")
        keys, counts = np.unique(_keys(grams, size), return_counts=True)
        self.levels = []
        for n in range(order, 0, -1):
            self.levels.append(_Level(keys, counts, size))
            if n > 1:  # drop the first piece: how many different ones stood there
                keys, counts = np.unique(keys % size ** (n - 1), return_counts=True)

    def log_probabilities(self, texts):
        """Return log p of each piece and of the end, one float64 array (pieces + 1,) a text."""
        scores = np.log(self.probabilities(np.concatenate([windows(text, self.order) for text in texts])))
        return np.split(scores, np.cumsum([len(text) + 1 for text in texts])[:-1])

    def probabilities(self, grams):
        """Return p(last | those before), float64 (n,), for rows of `order` pieces, int (n, order)."""
        share = np.full(len(grams), 1 / self.size)
        for n, level in zip(range(1, self.order + 1), reversed(self.levels), strict=True):
            share = level(_keys(grams[:, -n:], self.size), share)
        return share


class _Level:
    """The counts of one order."""

    def __init__(self, keys, counts, size):
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        # With no single counts nothing tells the discount: half a count, as is usual.
        discount = once / (once + 2 * twice) if once else 0.5
        self.keys, self.kept, self.size = keys, np.maximum(counts - discount, 0), size
        self.contexts, where = np.unique(keys // size, return_inverse=True)
        self.totals = np.bincount(where, weights=counts)
        self.left = (self.totals - np.bincount(where, weights=self.kept)) / self.totals

    def __call__(self, keys, lower):
        """Return the shares of this order, given those of the one below."""
        kept = _looked_up(keys, self.keys, self.kept, 0.0)
        totals = _looked_up(keys // self.size, self.contexts, self.totals, 1.0)
        left = _looked_up(keys // self.size, self.contexts, self.left, 1.0)
        return kept / totals + left * lower


def _keys(grams, size):
    keys = np.zeros(len(grams), "int64")
    for column in grams.T:
        keys = keys * size + column
    return keys


def _looked_up(keys, known, values, otherwise):
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, values[place], otherwise)


def windows(text, order):
    """Return each piece of a text and its end, with the `order - 1` before it, int64 (pieces + 1, order).

    >>> windows([7, 8], order=3).tolist()
    [[0, 0, 7], [0, 7, 8], [7, 8, 0]]
    """
    padded = np.concatenate([np.full(order - 1, END), np.asarray(text, "int64"), [END]])
    return np.lib.stride_tricks.sliding_window_view(padded, order)


def mixed(scores, weights):
    """Return log of the weighted mean of several models' probabilities: `scores` (models, n) are logarithms.

    Raises `ValueError` where the weights are not one for each model, none below 0, with the sum 1. Source: Jelinek and
    Mercer (1980). Taught in chapter 5.16.
    """
    scores, weights = np.asarray(scores, "float64"), np.asarray(weights, "float64")
    if weights.shape != scores.shape[:1] or (weights < 0).any() or not np.isclose(weights.sum(), 1):
        raise ValueError(f"weights: got {weights}, expected {len(scores)} of 0 or more with the sum 1")
    with np.errstate(divide="ignore"):
        return np.logaddexp.reduce(scores + np.log(weights)[:, None], axis=0)


def best_weights(scores, rounds=50):
    """Return the weights with which `mixed` gives a text the highest probability, float64 (models,).

    `scores` (models, n) are the logarithms that each model gave to a text from which **none** of them learned: a model
    that counted the text itself would take all the weight. Each round gives a model the share of the pieces that it
    explains (expectation and maximisation). Raises `ValueError` for anything but finite numbers in two dimensions.
    Source: Jelinek and Mercer (1980). Taught in chapter 5.16.
    """
    scores = np.asarray(scores, "float64")
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise ValueError(f"scores: got shape {scores.shape}, expected finite numbers (models, n)")
    weights = np.full(len(scores), 1 / len(scores))
    for _ in range(rounds):
        shares = scores + np.log(np.maximum(weights, 1e-12))[:, None]
        weights = np.exp(shares - np.logaddexp.reduce(shares, axis=0)).mean(axis=1)
    return weights / weights.sum()
