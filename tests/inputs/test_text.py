"""Words and numbers: what counts as a word, who gets which number, and what happens at the edges."""

import numpy as np
import pytest

from tlbook.inputs import text

SENTENCES = ["The zoom is good.", "the battery is bad", "Good zoom!"]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("The zoom isn't good!", ["the", "zoom", "is", "n't", "good", "!"]),
        ("I can\u2019t say it's bad...", ["i", "ca", "n't", "say", "it", "'s", "bad"]),
        ("it does n't 'just' work ?", ["it", "does", "n't", "just", "work", "?"]),
        ("caf\u00e9 4mp (3x)", ["caf\u00e9", "4mp", "3x"]),
        ("battery[-2]##dies", ["battery", "2", "dies"]),
        (" ... ", []),
        ("", []),
    ],
)
def test_words(sentence, words):
    assert text.tokenize(sentence) == words


@pytest.mark.parametrize("sentence", [None, 3, b"bytes", ["a", "list"]])
def test_only_strings_have_words(sentence):
    with pytest.raises(ValueError, match="sentence: got"):
        text.tokenize(sentence)


def test_numbers_follow_frequency_and_then_the_alphabet():
    # good, is, the and zoom occur twice each.
    assert text.vocabulary(SENTENCES, 100) == {
        word: number for number, word in enumerate(["good", "is", "the", "zoom", "!", "bad", "battery"], start=2)
    }
    assert text.vocabulary(SENTENCES, 4) == {"good": 2, "is": 3}
    assert text.vocabulary(SENTENCES[::-1], 4) == text.vocabulary(SENTENCES, 4)


@pytest.mark.parametrize("size", [2, 0, -1])
def test_a_vocabulary_has_room_for_a_word(size):
    with pytest.raises(ValueError, match=f"size: got {size}"):
        text.vocabulary(SENTENCES, size)


@pytest.mark.parametrize("sentences", [[], ["..."], "one str"])
def test_a_vocabulary_needs_words(sentences):
    with pytest.raises(ValueError, match="sentences: got"):
        text.vocabulary(sentences, 10)


def test_encoding_pads_behind_cuts_and_knows_the_unknown():
    numbers = text.encode(["good zoom", "the screen is good , the zoom too", ""], text.vocabulary(SENTENCES, 100), 4)
    assert numbers.dtype == np.int32
    np.testing.assert_array_equal(numbers, [[2, 5, 0, 0], [4, 1, 3, 2], [0, 0, 0, 0]])


def test_encoding_then_looking_up_gives_the_words_back():
    known = text.vocabulary(SENTENCES, 100)
    word_of = {number: word for word, number in known.items()}
    for sentence, row in zip(SENTENCES, text.encode(SENTENCES, known, 10), strict=True):
        assert [word_of[number] for number in row if number] == text.tokenize(sentence)


@pytest.mark.parametrize("length", [0, -3])
def test_a_sentence_has_a_length(length):
    with pytest.raises(ValueError, match=f"length: got {length}"):
        text.encode(SENTENCES, {}, length)


@pytest.mark.parametrize("sentences", [[], (), "one str"])
def test_encoding_needs_sentences(sentences):
    with pytest.raises(ValueError, match="sentences: got"):
        text.encode(sentences, {}, 4)
