"""Named entities: what tags mean, and how found entities are counted."""

import math

import numpy as np
import pytest
from nervaluate import Evaluator

from tlbook import evaluation
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


def random_tags(rng, n, kinds="XYZ"):
    """Tags in which every I- goes on."""
    tags = []
    for _ in range(n):
        choices = ["O", "O"] + [f"B-{kind}" for kind in kinds]
        if tags and tags[-1] != "O":
            choices += 3 * [f"I-{tags[-1][2:]}"]
        tags.append(choices[rng.integers(len(choices))])
    return tags


@pytest.mark.parametrize("seed", range(5))
def test_bio_and_spans_undo_each_other(seed):
    found = random_tags(np.random.default_rng(seed), 50)
    assert list(tags.to_iob2(found)) == found


TRUE = [["B-X", "I-X", "O", "O", "B-Y"], ["O", "O", "O"], ["B-X", "O", "B-Y", "I-Y", "I-Y"]]
GIVEN = [["B-X", "I-X", "O", "B-Y", "O"], ["O", "B-X", "O"], ["B-Y", "O", "B-Y", "I-Y", "O"]]


def test_scores_counted_by_hand():
    table = evaluation.entity_scores(TRUE, GIVEN)
    assert list(table) == ["X", "Y", "all"]
    assert table["X"] == {"true": 2, "predicted": 2, "correct": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert table["Y"] == {"true": 2, "predicted": 3, "correct": 0, "precision": 0, "recall": 0, "f1": 0}
    assert (table["all"]["true"], table["all"]["predicted"], table["all"]["correct"]) == (4, 5, 1)
    assert table["all"]["f1"] == evaluation.entity_f1(TRUE, GIVEN) == pytest.approx(2 / 9)


def test_errors_counted_by_hand():
    assert evaluation.entity_errors(TRUE, GIVEN) == {"right": 1, "type": 1, "boundary": 1, "missed": 1, "invented": 2}


def test_nothing_found_and_nothing_there():
    nothing = [["O"] * len(tags) for tags in TRUE]
    silent = evaluation.entity_scores(TRUE, nothing)["all"]
    assert (silent["recall"], silent["f1"]) == (0, 0) and math.isnan(silent["precision"])
    empty = evaluation.entity_scores(nothing, nothing)
    assert list(empty) == ["all"] and all(math.isnan(empty["all"][name]) for name in ("precision", "recall", "f1"))
    made_up = evaluation.entity_scores(nothing, TRUE)
    assert made_up["X"]["f1"] == 0 and math.isnan(made_up["X"]["recall"])


def test_a_type_that_is_never_found_or_never_there_has_its_row():
    table = evaluation.entity_scores([["B-X", "O"]], [["O", "B-Z"]])
    assert list(table) == ["X", "Z", "all"]
    assert table["X"]["f1"] == table["Z"]["f1"] == 0 and math.isnan(table["X"]["precision"])


@pytest.mark.parametrize("seed", range(5))
def test_the_best_and_symmetry(seed):
    rng = np.random.default_rng(seed)
    true, given = ([random_tags(rng, n) for n in (3, 30, 60)] for _ in range(2))
    assert evaluation.entity_f1(true, true) == 1
    assert evaluation.entity_f1(true, given) == pytest.approx(evaluation.entity_f1(given, true))
    counts = evaluation.entity_errors(true, given)
    assert sum(counts.values()) - counts["invented"] == evaluation.entity_scores(true, given)["all"]["true"]
    assert counts["right"] == evaluation.entity_scores(true, given)["all"]["correct"]


@pytest.mark.parametrize("seed", range(10))
def test_counts_agree_with_nervaluate(seed):
    """Its "strict" scheme asks for the exact span and type as well."""
    rng = np.random.default_rng(seed)
    true = [random_tags(rng, rng.integers(1, 20)) for _ in range(30)]
    given = [tags if rng.random() < 0.5 else random_tags(rng, len(tags)) for tags in true]
    ours = evaluation.entity_scores(true, given)
    theirs = Evaluator(true, given, tags=list("XYZ"), loader="list").evaluate()
    for kind, row in theirs["entities"].items():
        assert (row["strict"].correct, row["strict"].possible) == (ours[kind]["correct"], ours[kind]["true"])
        assert row["strict"].recall == pytest.approx(ours[kind]["recall"])
    strict = theirs["overall"]["strict"]
    assert strict.correct == ours["all"]["correct"]
    assert strict.recall == pytest.approx(ours["all"]["recall"])
    assert strict.precision == pytest.approx(ours["all"]["precision"])
    assert strict.f1 == pytest.approx(ours["all"]["f1"])


def test_token_accuracy_counts_words():
    assert evaluation.token_accuracy(TRUE, GIVEN) == pytest.approx(8 / 13)
    assert evaluation.token_accuracy([["O", "O", "O", "B-X"]], [["O"] * 4]) == 0.75


@pytest.mark.parametrize(
    "call", [evaluation.entity_scores, evaluation.entity_f1, evaluation.entity_errors, evaluation.token_accuracy]
)
@pytest.mark.parametrize(
    ("true", "given"), [([], []), ([["O"]], []), ([["O"]], [["O", "O"]]), ([["O"], ["O"]], [["O"]])]
)
def test_tags_that_do_not_fit_are_refused(call, true, given):
    with pytest.raises(ValueError, match="predicted: got"):
        call(true, given)


def test_names_and_types_of_tags():
    assert tags.tag_names(("PER", "LOC")) == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert tags.types([Sentence("ab", ("I-Y", "O")), Sentence("c", ("B-X",))]) == ("X", "Y")
    assert tags.types([Sentence("a", ("O",))]) == ()
