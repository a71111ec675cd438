"""The lexicon: what it adds up, what a negation turns, and what it refuses."""

import numpy as np
import pytest

from tlbook.methods import lexicon

RATINGS = {"good": 2.0, "bad": -2.5}


def test_words_add_up_and_others_count_nothing():
    assert lexicon.lean(["Good, good and bad!", "a zoom", ""], RATINGS).tolist() == [1.5, 0.0, 0.0]


@pytest.mark.parametrize(
    ("sentence", "sign"), [("isn't good", -1), ("not a very bad one", 1), ("not by far so good", 1)]
)
def test_a_negation_reaches_three_words(sentence, sign):
    assert np.sign(lexicon.lean([sentence], RATINGS)) == [sign]


def test_no_ratings_are_refused():
    with pytest.raises(ValueError, match="ratings: got none"):
        lexicon.lean(["good"], {})
