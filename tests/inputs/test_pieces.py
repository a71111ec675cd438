"""Pieces: every word can be spelled, a frequent one is whole, and the count of words knows nothing of pieces."""

import pytest

from tlbook.inputs import pieces

SENTENCES = ["the cat sat on the mat"] * 20 + ["the dog isn't there!"]


def test_frequent_words_are_whole_and_new_ones_are_spelled():
    cutter = pieces.learn(SENTENCES, 120)
    shown = [[cutter.id_to_token(i) for i in ids] for ids in pieces.encode(["the mat", "zoo"], cutter)]
    assert shown == [["the", "mat"], ["z", "##o", "##o"]]
    assert pieces.spelled([*pieces.encode(["the zoo"], cutter)[0], pieces.END], cutter) == "the zoo ."


def test_no_word_is_lost():
    cutter = pieces.learn(["a b"], 100)
    for sentence in ("Zo\u00eb's caf\u00e9: 42 \u4e16\u754c", "it's the n't 9!", "_"):
        (ids,) = pieces.encode([sentence], cutter)
        assert pieces.spelled(ids, cutter) == " ".join(pieces.words(sentence))
        assert pieces.END not in ids and max(ids) < cutter.get_vocab_size()


def test_size_is_kept():
    assert pieces.learn(SENTENCES, 100).get_vocab_size() <= 100


def test_words_are_counted_with_ends():
    assert pieces.count_words(["The cat.", ""]) == 4


@pytest.mark.parametrize("sentences, size, says", [(SENTENCES, 99, "size"), ([], 200, "sentences"), ("a", 200, "str")])
def test_bad_input(sentences, size, says):
    with pytest.raises(ValueError, match=says):
        pieces.learn(sentences, size)
