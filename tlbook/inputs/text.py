"""Text: from sentences to words, and from words to the whole numbers that a network reads."""

import collections
import re

import numpy as np

PADDING, UNKNOWN = 0, 1  # the two numbers that stand for no word of the vocabulary
# "don't" becomes "do" and "n't", "it's" becomes "it" and "'s": corpora differ in how they write them, and the "n't"
# turns a sentence around. Of the other signs only "!" and "?" say something about opinions.
_TOKEN = re.compile(r"\w+?(?=n't\b)|n't\b|'(?:s|m|re|ve|ll|d|t)\b|\w+|[!?]")


def tokenize(sentence):
    """Return the words of a sentence as a list of str: lower case, "!" and "?" as words, other signs dropped.

    Raises `ValueError` where `sentence` is not a str. Taught in chapter 5.2.

    >>> tokenize("The zoom isn't good!")
    ['the', 'zoom', 'is', "n't", 'good', '!']
    """
    if not isinstance(sentence, str):
        raise ValueError(f"sentence: got {type(sentence).__name__}, expected a str")
    return _TOKEN.findall(sentence.lower().replace("\u2019", "'"))


def vocabulary(sentences, size):
    """Number the most frequent words of `sentences`.

    Parameters
    ----------
    sentences : sequence of str
        Training sentences only: a word that is known from the test set alone would be knowledge of the test set.
    size : int
        How many numbers there are at most, with 0 (padding) and 1 (any other word): 3 or more.

    Returns
    -------
    dict of str to int
        Words from 2 on, by falling frequency and at a tie by the alphabet. An embedding has `len(result) + 2` rows.

    Raises `ValueError` for a smaller size, or where there is no word. Taught in chapter 5.2.
    """
    if size < 3:
        raise ValueError(f"size: got {size}, expected 3 or more (padding, unknown and a word)")
    counts = collections.Counter(word for sentence in _checked(sentences) for word in tokenize(sentence))
    if not counts:
        raise ValueError("sentences: got no word in them, expected one or more")
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return numbered(ordered[: size - 2])


def numbered(words):
    """Return a vocabulary: each of `words` and its number, in their order, from 2 on, repeated ones once."""
    return {word: number for number, word in enumerate(dict.fromkeys(words), start=2)}


def encode(sentences, vocabulary, length):
    """Return sentences as numbers, int32 (n, length): cut at `length` words, padded with 0 behind the last.

    A word that `vocabulary` does not know becomes 1. Raises `ValueError` for no sentences, or a length below 1.
    Taught in chapter 5.2.

    >>> encode(["Good zoom!"], vocabulary(["good phone", "good zoom"], size=10), length=4).tolist()
    [[2, 4, 1, 0]]
    """
    if length < 1:
        raise ValueError(f"length: got {length}, expected 1 or more")
    sentences = _checked(sentences)
    numbers = np.full((len(sentences), length), PADDING, "int32")
    for row, sentence in zip(numbers, sentences, strict=True):
        words = [vocabulary.get(word, UNKNOWN) for word in tokenize(sentence)[:length]]
        row[: len(words)] = words
    return numbers


def _checked(sentences):
    if isinstance(sentences, str):
        raise ValueError("sentences: got one str, expected a sequence of them")
    if not len(sentences):
        raise ValueError("sentences: got none, expected one or more")
    return sentences
