"""Corpora of labelled sentences: product reviews as the target, and three sources, one nearer than the other."""

import functools
from dataclasses import dataclass

import numpy as np

from tlbook.data import sentiment_files, splits
from tlbook.files import assets, sources

TARGET = "product_reviews"
_POLARITY, _FEELING = ("negative", "positive"), ("objective", "subjective")
# For each corpus: its files, who reads them, the names of its classes, and what stands in.
_CORPORA = {
    TARGET: (
        (assets.PRODUCT_REVIEWS_1, assets.PRODUCT_REVIEWS_2),
        sentiment_files.product_reviews,
        _POLARITY,
        "Amazon reviews",
    ),
    "pros_cons": ((assets.PROS_CONS,), sentiment_files.pros_cons, _POLARITY, "tweets"),
    "film_reviews": ((assets.SENTENCE_POLARITY,), sentiment_files.film_reviews, _POLARITY, "film reviews"),
    "subjectivity": ((assets.SUBJECTIVITY,), sentiment_files.subjectivity, _FEELING, "New York Times, feeling or none"),
}


@dataclass(frozen=True, eq=False)
class Corpus:
    """Sentences with labels: `texts`, `labels` int64 (n,), `class_names`, `source`, and `groups`.

    `groups` names the product or review that each text is about ("" where that is unknown). Raises `ValueError` for
    lengths that differ, no texts, or a label without a class name. Taught in chapter 5.2.
    """

    texts: tuple[str, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    source: sources.Source
    groups: tuple[str, ...] = ()

    def __post_init__(self):
        """Check them against each other."""
        labels = np.asarray(self.labels)
        groups = tuple(self.groups) or ("",) * len(self.texts)
        if not len(self.texts) or labels.shape != (len(self.texts),) or labels.dtype.kind not in "iu":
            raise ValueError(
                f"labels: got {labels.dtype} of shape {labels.shape} for {len(self.texts)} texts, "
                "expected one integer for each, n > 0"
            )
        if len(groups) != len(self.texts):
            raise ValueError(f"groups: got {len(groups)}, expected {len(self.texts)}, one for each text")
        if labels.min() < 0 or labels.max() >= len(self.class_names):
            raise ValueError(
                f"labels: got {labels.min()}..{labels.max()}, expected 0..{len(self.class_names) - 1} "
                f"({len(self.class_names)} class names)"
            )
        object.__setattr__(self, "texts", tuple(self.texts))
        object.__setattr__(self, "labels", labels.astype(np.int64))
        object.__setattr__(self, "groups", groups)

    def __len__(self):
        """Return the number of texts."""
        return len(self.texts)


def load(name):
    """Load one of four corpora of labelled sentences, without repeated ones.

    Parameters
    ----------
    name : str
        "product_reviews" (the target: sentences of Amazon reviews with the sign of the opinions that are marked in
        them; sentences without an opinion, or with opposite ones in balance, are left out), "pros_cons" (what buyers
        listed for and against a product), "film_reviews" (snippets, positive or negative) or "subjectivity" (snippets
        of reviews against sentences of plots: another task).

    Returns
    -------
    Corpus
        No text of a source occurs in the target as well. The labels are no longer in the text.

    Where a corpus is not to be had, one from the package vaderSentiment stands in, which is printed: Amazon reviews for
    the target, film reviews for film reviews, tweets for pros and cons, and for subjectivity editorials of the New York
    Times, with and without feeling. Raises `ValueError` for another name or a damaged file, and
    `tlbook.files.sources.NotFound` where neither is there.

    Source: Hu and Liu (2004), Ding et al. (2008), Ganapathibhotla and Liu (2008), Pang and Lee (2004, 2005); Hutto and
    Gilbert (2014). Taught in chapter 5.2.
    """
    if name not in _CORPORA:
        raise ValueError(f"name: got {name!r}, expected one of {', '.join(_CORPORA)}")
    rows, source = _find(name)
    unwanted = set()
    if name != TARGET:
        # The target announces itself where it is asked for.
        unwanted = {sentiment_files.key(text) for text, *_ in _find(TARGET, quiet=True)[0]}
    return _corpus(sentiment_files.without_repeats(rows, unwanted), _CORPORA[name][2], source)


def raw_target():
    """Return the target corpus, in the same order, with each line as it stands in its file: the label is in the text.

    For the lesson on leaks. Raises as `load` does. Taught in chapter 5.2.
    """
    rows, source = _find(TARGET)
    kept = sentiment_files.without_repeats(rows)
    return _corpus([(line, label, group, line) for _, label, group, line in kept], _POLARITY, source)


def ratings():
    """Return VADER's lexicon, a dict of str to float: words, and how people rated them, from -4 to 4.

    Ten people rated each word. No sentence of the target was needed for it. Raises
    `tlbook.files.sources.NotFound` where it is not to be had. Source: Hutto and Gilbert (2014). Taught in chapter 5.2.
    """
    path, _ = sources.find(assets.VADER, quiet=True)
    return sentiment_files.ratings(path)


def fold(corpus, k, of):
    """Cut a corpus by whole products, so that every product is in the test of one fold: `(rest, chosen, test)`.

    Parameters
    ----------
    corpus : Corpus
        Its `groups` name the products.
    k : int
        0..of - 1: which fold.
    of : int
        How many folds. Products are dealt out by falling size, one by one.

    Returns
    -------
    rest, chosen, test : Corpus
        To draw labelled texts from; the next fold's products, to choose by; and fold `k`. No product is in two.

    Raises `ValueError` for another fold, fewer than three, or more than there are products. Taught in chapter 5.16.
    """
    names, sizes = np.unique(corpus.groups, return_counts=True)
    if not (0 <= k < of and 3 <= of <= len(names)):
        raise ValueError(
            f"k, of: got {k} and {of}, expected k below of, and 3 to {len(names)} folds, as many as products"
        )
    place = dict(zip(names[np.lexsort([names, -sizes])], np.arange(len(names)) % of, strict=True))
    number = np.array([place[group] for group in corpus.groups])
    parts = (number != k) & (number != (k + 1) % of), number == (k + 1) % of, number == k
    return tuple(take(corpus, np.flatnonzero(part)) for part in parts)


def _find(name, quiet=False):
    """Return `(rows, source)` of a corpus or of its stand-in, announced unless `quiet`."""
    needed, read, _, stand_in = _CORPORA[name]
    try:
        found = [sources.find(asset, quiet=quiet) for asset in needed]
    except sources.NotFound:
        path, source = sources.find(assets.VADER, quiet=True)
        note = f"Not {name}: {stand_in}, rated by about twenty people each, from the package vaderSentiment 3.3.2."
        source = sources.Source(f"VADER stand-in ({stand_in})", source.kind, note)
        if not quiet:
            print(source)
        return _parsed(sentiment_files.vader, path, name), source
    source = found[0][1]
    if len(found) > 1:
        source = sources.Source("product reviews", source.kind, " ".join(dict.fromkeys(s.note for _, s in found)))
    return _parsed(read, *(path for path, _ in found)), source


@functools.cache
def _parsed(read, *arguments):
    return read(*arguments)


def _corpus(rows, class_names, source):
    texts, labels, groups, _ = zip(*rows, strict=True)
    return Corpus(texts, np.array(labels), class_names, source, groups)


def split(corpus, test=800, validation=400):
    """Cut a corpus into three, always the same: `(train, validation, test)`, each a `Corpus`.

    The test set has at least `test` texts and consists of whole groups, drawn at random: nothing was learned about its
    products. The `validation` texts are drawn from the rest, stratified by class. Where a group is unknown, the test
    set is drawn by text. Raises `ValueError` where nothing is left to learn from. Taught in chapter 5.2.
    """
    groups = np.array(corpus.groups)
    if (groups == "").any():
        groups = np.arange(len(corpus)).astype(str)
    rest, held_out = splits.whole_groups(groups, test, np.random.default_rng(0).permutation)
    if test < 1 or validation < 2 or len(rest) < validation + 2:
        raise ValueError(
            f"test, validation: got {test} and {validation}, expected 1 or more and 2 or more that leave something of "
            f"{len(corpus)} texts to learn from"
        )
    train, chosen = splits.stratified(corpus.labels[rest], validation, seed=0)
    return tuple(take(corpus, np.sort(positions)) for positions in (rest[train], rest[chosen], held_out))


def subset(corpus, n, seed=0):
    """Draw `n` texts, stratified by class: the small training sets of the experiments.

    Raises `ValueError` for fewer than one text a class, or more than there are.
    """
    classes = len(np.unique(corpus.labels))
    if not classes <= n <= len(corpus):
        raise ValueError(f"n: got {n}, expected {classes}..{len(corpus)}")
    if n > len(corpus) - classes:
        return take(corpus, np.random.default_rng(seed).permutation(len(corpus))[:n])
    return take(corpus, splits.stratified(corpus.labels, len(corpus) - n, seed)[0])


def take(corpus, indices):
    """Return the texts at `indices` (integers) as a `Corpus`."""
    texts, groups = [corpus.texts[i] for i in indices], [corpus.groups[i] for i in indices]
    return Corpus(tuple(texts), corpus.labels[indices], corpus.class_names, corpus.source, tuple(groups))
