"""The stand-in for the corpora: the same every time, in two styles, with names that mostly are new."""

import functools

import numpy as np

from tlbook.data import made_up_entities
from tlbook.inputs import tags

corpora = functools.cache(made_up_entities.corpora)


def names_in(sentences):
    return {s.tokens[a:b] for s in sentences for a, b, _ in tags.spans(s.tags)}


def test_sizes_types_and_documents():
    messages, more, articles = corpora()
    assert [len(part) for part in (messages, more, articles)] == [1_000, 200, 900]
    assert tags.types(messages) == tags.types(more)
    assert tags.types(messages) == ("corporation", "creative-work", "group", "location", "person", "product")
    assert tags.types(articles) == ("LOC", "MISC", "ORG", "PER")
    assert np.bincount([s.document for s in articles]).tolist() == [10] * 90


def test_the_same_every_time_and_another_with_another_seed():
    assert made_up_entities.corpora() == corpora()
    assert corpora() != corpora(1)


def test_every_slot_is_filled_and_most_words_are_no_part_of_a_name():
    for part in corpora():
        assert not any("<" in token or ">" in token for s in part for token in s.tokens)
        assert 0.6 < np.mean([tag == "O" for s in part for tag in s.tags]) < 0.9
        assert all(tags.to_iob2(s.tags) == s.tags for s in part)


def test_most_names_of_the_articles_are_in_no_message():
    messages, _, articles = corpora()
    known = names_in(articles) & names_in(messages)
    assert len(known) < 0.2 * len(names_in(articles))
