"""A lexicon: opinions by a list of rated words, with no label of the task. Taught in chapter 5.2."""

import numpy as np

from tlbook.inputs import text

NEGATIONS = frozenset(("not", "n't", "no", "never", "nor", "neither", "without", "cannot"))
TURNED = -0.74  # what a negation makes of a rating: the other sign, and weaker
REACH = 3  # words that a negation reaches


def lean(texts, ratings):
    """Return how far each text leans to praise (above 0) or blame (below 0), float64 (n,).

    Parameters
    ----------
    texts : sequence of str
        What is judged.
    ratings : dict of str to float
        Words in lower case and what they are worth, as `tlbook.data.sentiment.ratings` returns them.

    A text's lean is the sum over its words. A word that stands at most three words behind a negation counts -0.74
    times. These are the two main rules of VADER; its rules for capitals, "very" and "but" are left out. Raises
    `ValueError` for no ratings. Source: Hutto and Gilbert (2014). Taught in chapter 5.2.

    >>> lean(["The zoom is good", "The zoom is not good"], {"good": 2.0}).tolist()
    [2.0, -1.48]
    """
    if not ratings:
        raise ValueError("ratings: got none, expected one or more words")
    sums = []
    for sentence in texts:
        words = text.tokenize(sentence)
        turned = [bool(NEGATIONS & set(words[max(0, i - REACH) : i])) for i in range(len(words))]
        sums.append(sum(ratings.get(w, 0.0) * (TURNED if t else 1.0) for w, t in zip(words, turned, strict=True)))
    return np.array(sums, float)
