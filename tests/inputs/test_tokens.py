"""Tokens: what the network is told of a word."""

import numpy as np
import pytest

from tlbook.inputs import tokens
from tlbook.inputs.tags import Sentence

NAMES = ("O", "B-X", "I-X")
SENTENCES = [
    Sentence(("Ada", "met", "ada"), ("B-X", "O", "B-X")),
    Sentence(("In", "1984", "Ada", "Bo", "slept"), ("O", "O", "B-X", "I-X", "O")),
]


@pytest.fixture
def vocabulary():
    return tokens.vocabulary(SENTENCES)


def test_vocabulary_forgets_case_and_digits(vocabulary):
    assert list(vocabulary) == ["ada", "met", "in", "0000", "bo", "slept"]
    assert sorted(vocabulary.values()) == list(range(2, 8))
    written = Sentence(("ADA", "ada", "1999", "0000", "Oslo"), "OOOOO")
    assert tokens.encode([written], vocabulary)[0]["words"].tolist() == [[2, 2, 5, 5, tokens.UNKNOWN]]


def test_words_that_are_rare_are_left_out():
    assert list(tokens.vocabulary(SENTENCES, at_least=2)) == ["ada"]


def test_old_words_keep_their_rows(vocabulary):
    larger = tokens.vocabulary([Sentence(("Oslo", "met", "Ada"), "OOO")], known=vocabulary)
    assert list(larger)[:6] == list(vocabulary) and list(larger)[6:] == ["oslo"]
    assert list(larger.values()) == list(range(2, 9))
    assert len(vocabulary) == 6, "the old vocabulary has not changed"


@pytest.mark.parametrize(
    ("token", "shape"),
    [
        ("dog", "lower"),
        ("Dog", "Capital"),
        ("I", "Capital"),
        ("USA", "CAPITALS"),
        ("iPhone", "mixed"),
        ("McKay", "mixed"),
        ("1984", "number"),
        ("3:1", "number"),
        ("...", "other"),
        ("Zoë", "Capital"),
        ("O'Neil", "mixed"),
        ("b2b", "lower"),
        ("東京", "other"),
        ("", "other"),
    ],
)
def test_shape_says_how_a_word_is_written(token, shape):
    assert tokens.SHAPES[tokens.shape(token)] == shape


def test_characters_keep_case_and_both_ends():
    assert tokens.characters("Aa~ ") == [34, 66, 95, 1]
    assert tokens.characters("ë\t") == [96, 96], "all others share one number"
    long = "abcdefghijklmnopqrstuvwxyz"
    assert tokens.characters(long) == tokens.characters(long[:8] + long[-8:]) and len(tokens.characters(long)) == 16


def test_arrays_hold_the_words_and_padding_is_zero(vocabulary):
    inputs, tags = tokens.encode(SENTENCES, vocabulary, NAMES)
    assert {name: array.shape for name, array in inputs.items()} == {
        "words": (2, 5),
        "shapes": (2, 5),
        "characters": (2, 5, 16),
    }
    assert all(array.dtype == np.int32 for array in [*inputs.values(), tags])
    assert inputs["words"].tolist() == [[2, 3, 2, 0, 0], [4, 5, 2, 6, 7]]
    assert tags.tolist() == [[1, 0, 1, -1, -1], [0, 0, 1, 2, 0]]
    assert not inputs["shapes"][0, 3:].any() and not inputs["characters"][0, 3:].any()
    assert (inputs["shapes"] > 0).sum() == (inputs["words"] > 0).sum() == 8
    assert inputs["characters"][0, 0, :4].tolist() == [34, 69, 66, 0]
    longer, _ = tokens.encode(SENTENCES, vocabulary, length=9)
    assert all(np.array_equal(longer[name][:, :5], inputs[name]) and not longer[name][:, 5:].any() for name in inputs)


def test_without_names_of_tags_there_are_none(vocabulary):
    assert tokens.encode(SENTENCES, vocabulary)[1] is None


def test_what_cannot_be_encoded_is_refused(vocabulary):
    with pytest.raises(ValueError, match="length: got 4, expected 5 or more, the longest of 2 sentences"):
        tokens.encode(SENTENCES, vocabulary, length=4)
    with pytest.raises(ValueError, match="length: got 0"):
        tokens.encode([], vocabulary)
    with pytest.raises(ValueError, match=r"sentences: got the tags \['I-X'\], expected only \['O', 'B-X'\]"):
        tokens.encode(SENTENCES, vocabulary, ["O", "B-X"])
