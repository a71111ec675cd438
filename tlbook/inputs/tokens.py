"""Tokens: what a tagger sees of a word (the word itself, its shape, its characters), as padded arrays and batches.

Taught in chapter 5.4.
"""

import re

import numpy as np

PAD, UNKNOWN = 0, 1  # the first two rows of the table of word vectors
PAD, UNKNOWN = 0, 1  # the first two rows of the table of word vectors
NO_TAG = -1  # where there is no word
SHAPES = ("pad", "lower", "Capital", "CAPITALS", "mixed", "number", "other")
LETTERS = 16  # of a word that the network sees: the first and the last half
CHARACTERS = 97  # pad, the 95 printable ones of ASCII, and one for all others


class Vocabulary:
    """The words that have a vector of their own, in lower case, every digit a 0; all others share one.

    Taught in chapter 5.4.
    """

    def __init__(self, words=()):
        """Number the words from 2: 0 is padding and 1 the unknown word."""
        self.rows = {word: row for row, word in enumerate(dict.fromkeys(words), start=2)}

    def __len__(self):
        """Return the number of rows that the table of vectors needs."""
        return len(self.rows) + 2

    def with_words_of(self, sentences, at_least=1):
        """Return a vocabulary with new words, in order of appearance, behind the old ones, which keep their rows."""
        counts = {}
        for sentence in sentences:
            for token in sentence.tokens:
                counts[normal(token)] = counts.get(normal(token), 0) + 1
        return Vocabulary([*self.rows, *(word for word, count in counts.items() if count >= at_least)])

    def row(self, token):
        """Return the row of a word."""
        return self.rows.get(normal(token), UNKNOWN)


def normal(token):
    """Return a word as the vocabulary knows it: lower case, every digit a 0."""
    return re.sub(r"\d", "0", token.lower())


def shape(token):
    """Return what `normal` throws away, an index into `SHAPES`: how the word is written."""
    letters = [c for c in token if c.islower() or c.isupper()]
    if not letters:
        return SHAPES.index("number" if any(c.isdigit() for c in token) else "other")
    if all(c.islower() for c in letters):
        return SHAPES.index("lower")
    if letters[0].isupper() and all(c.islower() for c in letters[1:]):
        return SHAPES.index("Capital")
    return SHAPES.index("mixed" if any(c.islower() for c in letters) else "CAPITALS")


def characters(token):
    """Return the numbers of a word's characters, a list of at most `LETTERS`."""
    if len(token) > LETTERS:
        token = token[: LETTERS // 2] + token[-LETTERS // 2 :]
    return [ord(c) - 31 if 32 <= ord(c) < 127 else CHARACTERS - 1 for c in token]


def describe(sentence):
    """Return what is seen of each word and its neighbours, a list of dicts: the classical way to show words.

    A word gives itself as the vocabulary knows it, its shape, and its first and last three characters.
    Taught in chapter 5.4.
    """
    seen = [
        {"word": normal(token), "shape": SHAPES[shape(token)], "start": token[:3], "end": token[-3:]}
        for token in sentence.tokens
    ]
    before, after = [{"word": "(start)"}, *seen[:-1]], [*seen[1:], {"word": "(end)"}]
    places = {"before": before, "here": seen, "after": after}
    return [
        {f"{place} {name}": value for place, words in places.items() for name, value in words[i].items()}
        for i in range(len(sentence))
    ]


def encode(sentences, vocabulary, tag_names=None, length=None):
    """Turn sentences into arrays, padded at the end to the longest.

    Parameters
    ----------
    sentences : sequence of tlbook.inputs.tags.Sentence
        One or more.
    vocabulary : Vocabulary
        Which words have a vector of their own.
    tag_names : sequence of str, optional
        The tags that the head tells apart, "O" first. Without it no tags are returned.
    length : int, optional
        Pad to this many words.

    Returns
    -------
    inputs : dict of str to numpy.ndarray
        int32: `words` and `shapes` (n, length), `characters` (n, length, 16). 0 where there is no word.
    tags : numpy.ndarray or None
        int32 (n, length), `NO_TAG` where there is no word.

    Raises `ValueError` for no sentences, a `length` that is too short, or a tag that is not among `tag_names`.
    """
    longest = max((len(sentence) for sentence in sentences), default=0)
    length = longest if length is None else length
    if not longest or length < longest:
        raise ValueError(
            f"length: got {length}, expected {longest} or more, the longest of {len(sentences)} sentences, n > 0"
        )
    n = len(sentences)
    inputs = {name: np.zeros((n, length), "int32") for name in ("words", "shapes")}
    inputs["characters"] = np.zeros((n, length, LETTERS), "int32")
    tags = np.full((n, length), NO_TAG, "int32")
    for i, sentence in enumerate(sentences):
        for j, token in enumerate(sentence.tokens):
            inputs["words"][i, j] = vocabulary.row(token)
            inputs["shapes"][i, j] = shape(token)
            inputs["characters"][i, j, : len(token)] = characters(token)
        if tag_names is not None:
            if unknown := set(sentence.tags) - set(tag_names):
                raise ValueError(f"sentences: got the tags {sorted(unknown)}, expected only {list(tag_names)}")
            tags[i, : len(sentence)] = [tag_names.index(tag) for tag in sentence.tags]
    return inputs, tags if tag_names is not None else None
