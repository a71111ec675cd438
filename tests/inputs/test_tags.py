"""Tags: what they mean, and which are refused."""

import numpy as np
import pytest
from made_inputs import random_tags

from tlbook.inputs import tags
from tlbook.inputs.tags import Sentence


@pytest.mark.parametrize(
    ("tokens", "tags", "message"),
    [
        ((), (), "got 0 for 0 tokens"),
        (("a",), (), "got 0 for 1 tokens"),
        (("a",), ("O", "O"), "got 2 for 1 tokens"),
        (("a", ""), ("O", "O"), "expected words of one character"),
        (("a", np.nan), ("O", "O"), "expected words of one character"),
        (("a",), ("E-PER",), "tags: got 'E-PER'"),
        (("a",), (np.nan,), "tags: got nan"),
        (("a",), (None,), "tags: got None"),
        (("a",), (1,), "tags: got 1"),
    ],
)
def test_sentences_that_make_no_sense_are_refused(tokens, tags, message):
    with pytest.raises(ValueError, match=message):
        Sentence(tokens, tags)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-X", [(0, 1, "X")]),
        ("B-X I-X O", [(0, 2, "X")]),
        ("B-X B-X", [(0, 1, "X"), (1, 2, "X")]),
        ("I-X I-X", [(0, 2, "X")]),
        ("O I-X", [(1, 2, "X")]),
        ("B-X I-Y", [(0, 1, "X"), (1, 2, "Y")]),
        ("I-X I-Y I-Y", [(0, 1, "X"), (1, 3, "Y")]),
        ("I-X B-X I-X", [(0, 1, "X"), (1, 3, "X")]),
        ("B-a-b I-a-b", [(0, 2, "a-b")]),
        ("B-X O I-X", [(0, 1, "X"), (2, 3, "X")]),
    ],
)
def test_spans_are_read_as_conlleval_reads_them(written, expected):
    assert tags.spans(written.split()) == expected


def test_bio_says_outright_what_the_tags_mean():
    assert tags.to_iob2(["I-X", "I-X", "O", "I-Y", "I-X"]) == ("B-X", "I-X", "O", "B-Y", "B-X")
    assert tags.to_iob2(["B-X", "B-X"]) == ("B-X", "B-X")
    assert tags.to_iob2([]) == ()


@pytest.mark.parametrize("call", [tags.spans, tags.to_iob2, tags.check_tags])
@pytest.mark.parametrize("tag", ["S-X", "X", "", "b-X", "B_X", "I-", "B-X Y", None, float("nan")])
def test_unknown_prefix_is_refused(call, tag):
    with pytest.raises(ValueError, match="tags: got"):
        call(["O", tag])


@pytest.mark.parametrize("seed", range(5))
def test_bio_and_spans_undo_each_other(seed):
    found = random_tags(np.random.default_rng(seed), 50)
    assert list(tags.to_iob2(found)) == found


def test_names_and_types_of_tags():
    assert tags.tag_names(("PER", "LOC")) == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert tags.types([Sentence("ab", ("I-Y", "O")), Sentence("c", ("B-X",))]) == ("X", "Y")
    assert tags.types([Sentence("a", ("O",))]) == ()
