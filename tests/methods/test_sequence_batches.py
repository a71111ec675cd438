"""Batches of sentences: every sentence once an epoch, words that are forgotten, and what the seed draws."""

import numpy as np
import pytest

from tlbook.inputs import tokens
from tlbook.inputs.tags import Sentence
from tlbook.methods import tagger

NAMES = ("O", "B-X", "I-X")
SENTENCES = [
    Sentence(("Ada", "met", "ada"), ("B-X", "O", "B-X")),
    Sentence(("In", "1984", "Ada", "Bo", "slept"), ("O", "O", "B-X", "I-X", "O")),
]


def many(n):
    """Sentences that say who they are: sentence i is i + 1 times the word w<i>."""
    return [
        Sentence((f"w{'abcdefghij'[i // 10]}{'abcdefghij'[i % 10]}",) * (i % 7 + 1), "O" * (i % 7 + 1))
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def known():
    """Fifty sentences and their vocabulary."""
    return many(50), tokens.vocabulary(many(50))


def test_every_sentence_once_an_epoch_in_a_new_order(known):
    batches = tagger.SequenceBatches(*known, NAMES, batch_size=8, forget=0.0)
    orders = []
    for _ in range(2):
        read = [batches[i] for i in range(len(batches))]
        assert len(read) == 7 and sorted(len(tags) for _, tags in read) == [2, 8, 8, 8, 8, 8, 8]
        orders.append([row for inputs, _ in read for row in inputs["words"][:, 0]])
        assert sorted(orders[-1]) == list(range(2, 52))
        for inputs, tags in read:
            assert ((inputs["words"] > 0) == (tags >= 0)).all()
            assert (tags >= 0).sum(1).max() == tags.shape[1], "padded to the longest of the batch"
        batches.on_epoch_end()
    assert orders[0] != orders[1]


def test_some_words_are_forgotten_and_padding_is_not(known):
    batches = tagger.SequenceBatches(*known, NAMES, forget=0.4)
    read = [batches[i] for i in range(len(batches))]
    words = np.concatenate([inputs["words"][tags >= 0] for inputs, tags in read])
    assert 0.25 < (words == tokens.UNKNOWN).mean() < 0.55
    assert all((inputs["words"][tags < 0] == tokens.PADDING).all() for inputs, tags in read)
    assert all((inputs["shapes"][tags >= 0] > 0).all() for inputs, tags in read), "the shape is still known"
    assert all(inputs["words"].dtype == np.int32 for inputs, _ in read)


def test_seed_says_which_sentences_and_words_are_drawn():
    def words(seed):
        batches = tagger.SequenceBatches(many(20), tokens.vocabulary(many(20)), NAMES, 4, seed=seed)
        return [batches[i][0]["words"].tolist() for i in range(len(batches))]

    assert words(1) == words(1) and words(1) != words(2)


def test_batches_of_nothing_or_unknown_tags_are_refused():
    vocabulary = tokens.vocabulary(SENTENCES)
    with pytest.raises(ValueError, match="length: got 0"):
        tagger.SequenceBatches([], vocabulary, NAMES)
    with pytest.raises(ValueError, match="sentences: got the tags"):
        tagger.SequenceBatches(SENTENCES, vocabulary, ("O", "B-Y"))
