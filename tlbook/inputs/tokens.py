"""Tokens: what a tagger sees of a word (the word itself, its shape, its characters), as padded arrays and batches.

Taught in chapter 5.6.
"""

import collections
import re

import numpy as np

from tlbook.inputs.text import PADDING, UNKNOWN, numbered

NO_TAG = -1  # where there is no word
SHAPES = ("pad", "lower", "Capital", "CAPITALS", "mixed", "number", "other")
LETTERS = 16  # of a word that the network sees: the first and the last half
CHARACTERS = 97  # pad, the 95 printable ones of ASCII, and one for all others


def vocabulary(sentences, at_least=1, known=()):
    """Number the words of sentences as `normal` gives them, in order of appearance: a dict of str to int, from 2 on.

    Parameters
    ----------
    sentences : sequence of tlbook.inputs.tags.Sentence
        Training sentences only. They may be none.
    at_least : int
        Leave out words that occur less often.
    known : dict of str to int
        A vocabulary whose words keep their numbers; new ones come behind them.

    As in `tlbook.inputs.text.vocabulary`, 0 is padding, 1 any other word, and an embedding has `len(result) + 2` rows.
    Taught in chapter 5.6.

    >>> from tlbook.inputs.tags import Sentence
    >>> seen = vocabulary([Sentence(["In", "1984"], ["O", "O"])])
    >>> vocabulary([Sentence(["In", "Oslo"], ["O", "O"])], known=seen)
    {'in': 2, '0000': 3, 'oslo': 4}
    """
    counts = collections.Counter(normal(token) for sentence in sentences for token in sentence.tokens)
    return numbered([*known, *(word for word, count in counts.items() if count >= at_least)])


def normal(token):
    """Return a word as the vocabulary knows it: lower case, every digit a 0.

    >>> normal("B52")
    'b00'
    """
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
    Taught in chapter 5.6.
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
    vocabulary : dict of str to int
        Which words have a vector of their own.
    tag_names : sequence of str, optional
        The tags that the head tells apart, "O" first. Without it no tags are returned.
    length : int, optional
        Pad to this many words.

    Returns
    -------
    inputs : dict of str to numpy.ndarray
        int32: `words` and `shapes` (n, length), `characters` (n, length, 16). `PADDING` where there is no word.
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
    sizes = {"words": (n, length), "shapes": (n, length), "characters": (n, length, LETTERS)}
    inputs = {name: np.full(size, PADDING, "int32") for name, size in sizes.items()}
    tags = np.full((n, length), NO_TAG, "int32")
    for i, sentence in enumerate(sentences):
        for j, token in enumerate(sentence.tokens):
            inputs["words"][i, j] = vocabulary.get(normal(token), UNKNOWN)
            inputs["shapes"][i, j] = shape(token)
            inputs["characters"][i, j, : len(token)] = characters(token)
        if tag_names is not None:
            if unknown := set(sentence.tags) - set(tag_names):
                raise ValueError(f"sentences: got the tags {sorted(unknown)}, expected only {list(tag_names)}")
            tags[i, : len(sentence)] = [tag_names.index(tag) for tag in sentence.tags]
    return inputs, tags if tag_names is not None else None
