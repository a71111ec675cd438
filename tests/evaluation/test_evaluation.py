"""Evaluation: counted by hand, and compared with SciPy and nervaluate."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from made_inputs import random_tags
from nervaluate import Evaluator
from scipy import stats

from tlbook import evaluation

# Three classes of four; nobody predicts class 2, and class 3 has no pictures.
LABELS = [0, 0, 0, 1, 1, 2]
PREDICTIONS = [0, 0, 1, 1, 1, 0]


def test_accuracy_is_the_share_that_is_right():
    assert evaluation.accuracy(LABELS, PREDICTIONS) == pytest.approx(4 / 6)
    assert evaluation.accuracy(np.array(LABELS), np.array(LABELS)) == 1.0
    assert evaluation.accuracy([0], [1]) == 0.0
    assert type(evaluation.accuracy(LABELS, PREDICTIONS)) is float


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 1], [0], r"got shape \(1,\), expected that of labels, \(2,\)"),
        ([], [], r"got shape \(0,\), .* n > 0"),
        ([0, 1], [[0.2, 0.8], [0.9, 0.1]], r"got shape \(2, 2\)"),
        ([[0], [1]], [[0], [1]], r"got shape \(2, 1\)"),
        ([0, 1], [[0], [1]], r"got shape \(2, 1\), expected that of labels, \(2,\)"),
        (1, 1, r"got shape \(\)"),
    ],
)
def test_accuracy_refuses_what_does_not_match(labels, predictions, message):
    with pytest.raises(ValueError, match=rf"predictions: {message}"):
        evaluation.accuracy(labels, predictions)


def counted(labels, predictions, classes):
    counts = np.zeros((classes, classes), int)
    for label, prediction in zip(labels, predictions, strict=True):
        counts[label, prediction] += 1
    return counts


def test_confusion_has_a_row_for_each_true_class():
    got = evaluation.confusion(LABELS, PREDICTIONS, 4)
    assert got.tolist() == [[2, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert got.dtype == np.int64


def test_confusion_against_counting():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(10, size=(2, 500))
    np.testing.assert_array_equal(evaluation.confusion(labels, predictions, 10), counted(labels, predictions, 10))


def test_recall_is_the_share_of_each_class_that_was_found():
    got = evaluation.recall(LABELS, PREDICTIONS, 4)
    np.testing.assert_allclose(got, [2 / 3, 1, 0, np.nan])
    assert got.dtype == np.float64


def test_recall_against_counting():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(10, size=(2, 500))
    counts = counted(labels, predictions, 10)
    np.testing.assert_allclose(evaluation.recall(labels, predictions, 10), counts.diagonal() / counts.sum(axis=1))


@pytest.mark.filterwarnings("error")
def test_missing_class_is_no_warning_on_the_page():
    assert np.isnan(evaluation.recall(LABELS, PREDICTIONS, 4)[3])


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_interval_is_students(n, confidence):
    values = np.random.default_rng(n).normal(0.7, 0.02, n)
    mean, half = evaluation.interval(values, confidence)
    low, high = stats.t.interval(confidence, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert type(mean) is float and type(half) is float


def test_interval_of_three_seeds_by_hand():
    """Student's table: 4.303 for two degrees of freedom and 95 %."""
    mean, half = evaluation.interval([0.70, 0.72, 0.77])
    standard_error = np.sqrt(((0.03**2 + 0.01**2 + 0.04**2) / 2) / 3)
    assert mean == pytest.approx(0.73) and half == pytest.approx(4.303 * standard_error, rel=1e-4)


def test_interval_holds_the_mean_as_often_as_it_promises():
    rng = np.random.default_rng(0)
    held = [abs(mean) <= half for mean, half in (evaluation.interval(rng.normal(size=3)) for _ in range(500))]
    assert 0.92 < np.mean(held) < 0.98


def test_interval_of_equal_values_has_no_width():
    assert evaluation.interval([0.5, 0.5, 0.5]) == (0.5, 0.0)


@pytest.mark.parametrize("values", [[], [0.7], 0.7, [0.7, np.nan], [0.7, np.inf], [[0.7, 0.8], [0.7, 0.9]]])
def test_interval_refuses_what_has_none(values):
    with pytest.raises(ValueError, match="(?s)values: got .*expected two or more finite numbers"):
        evaluation.interval(values)


def test_pairs_share_what_their_seed_makes_hard():
    luck = np.array([0.1, -0.2, 0.05])
    better, worse = 0.8 + luck + [0.01, 0.0, 0.02], 0.7 + luck
    mean, half = evaluation.paired(better, worse)
    assert (mean, half) == pytest.approx(evaluation.interval(better - worse)) and mean == pytest.approx(0.11)
    assert half < evaluation.interval(better)[1] / 5
    assert evaluation.paired(worse, better) == pytest.approx((-mean, half))
    assert evaluation.paired(list(better), list(worse), 0.8)[1] < half


def test_series_are_paired_by_their_index():
    a, b = pd.Series([0.9, 0.7, 0.8], [0, 1, 2]), pd.Series([0.6, 0.8, 0.7], [1, 0, 2])
    assert evaluation.paired(a, b) == pytest.approx((0.1, 0.0), abs=1e-9)
    with pytest.raises(ValueError, match="(?s)values: got .*nan"):
        evaluation.paired(a, b.rename({2: 3}))


@pytest.mark.parametrize(("a", "b"), [([0.1, 0.2], [0.1]), ([0.1, 0.2], 0.1), ([[0.1], [0.2]], [0.1, 0.2])])
def test_what_has_no_partner_is_refused(a, b):
    with pytest.raises(ValueError, match="b: got shape .*, expected that of a"):
        evaluation.paired(a, b)


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ((0.0123, 0.0081), "helps by 1.2 ± 0.8 points"),
        ((-0.0123, 0.0081), "hurts by 1.2 ± 0.8 points"),
        ((0.0123, 0.0124), "not told apart: +1.2 ± 1.2 points"),
        ((-0.003, 0.01), "not told apart: -0.3 ± 1.0 points"),
        ((0.01, 0.01), "not told apart: +1.0 ± 1.0 points"),
        ((0.0, 0.0), "not told apart: +0.0 ± 0.0 points"),
        ((0.02, 0.0), "helps by 2.0 ± 0.0 points"),
    ],
)
def test_verdict_says_what_a_difference_shows(difference, expected):
    assert evaluation.verdict(difference) == expected


@pytest.mark.parametrize("difference", [(np.nan, 0.1), (0.1, np.nan), (0.1, -0.1), (np.inf, 0.1), (0.1, np.inf)])
def test_verdict_on_no_interval_is_refused(difference):
    with pytest.raises(ValueError, match="difference: got"):
        evaluation.verdict(difference)


def test_neither_evaluation_nor_figures_load_keras():
    code = "import sys; from tlbook import evaluation, figures; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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


def test_one_shot():
    vectors = np.repeat(np.eye(3), 4, axis=0) * np.arange(1, 13)[:, None]  # the length does not matter
    speakers = np.repeat([0, 1, 5], 4)
    assert evaluation.one_shot(vectors, speakers, 10, np.random.default_rng(0)).tolist() == [1.0] * 10
    noise = np.random.default_rng(0).normal(size=(600, 20))
    shares = evaluation.one_shot(noise, np.tile(np.arange(6), 100), 50, np.random.default_rng(0))
    assert shares.shape == (50,) and abs(shares.mean() - 1 / 6) < 0.02
    again = evaluation.one_shot(noise, np.tile(np.arange(6), 100), 50, np.random.default_rng(0))
    assert np.array_equal(shares, again)


@pytest.mark.parametrize(
    ("vectors", "speakers", "draws", "message"),
    [
        (np.ones(4), [0, 0, 1, 1], 1, r"vectors: got float64 \(4,\), expected finite floats \(n, units\)"),
        (np.ones((4, 2), int), [0, 0, 1, 1], 1, "vectors: got int64"),
        (np.full((4, 2), np.nan), [0, 0, 1, 1], 1, "vectors: got float64"),
        (np.ones((4, 2)), [0, 0, 1], 1, r"speakers: got shape \(3,\), expected \(4,\), 2 recordings each"),
        (np.ones((4, 2)), [0, 0, 0, 0], 1, "speakers: got"),
        (np.ones((4, 2)), [0, 0, 0, 1], 1, "speakers: got"),
        (np.ones((0, 2)), [], 1, "speakers: got"),
        (np.ones((4, 2)), [0, 0, 1, 1], 0, "draws: got 0, expected 1 or more"),
    ],
)
def test_one_shot_refuses(vectors, speakers, draws, message):
    with pytest.raises(ValueError, match=message):
        evaluation.one_shot(vectors, speakers, draws, np.random.default_rng(0))


def test_agree_prints_the_largest_difference_and_fails_where_it_is_too_large(capsys):
    evaluation.agree("sums", [1.0, 2.0], [1.0, 2.5], tolerance=0.6)
    assert capsys.readouterr().out == "sums: largest difference 5.0e-01, tolerance 6e-01\n"
    with pytest.raises(AssertionError, match="sums: the two disagree"):
        evaluation.agree("sums", [1.0, 2.0], [1.0, 2.5], tolerance=0.5)
    with pytest.raises(AssertionError, match=r"the shapes differ, \(2,\) and \(1, 2\)"):
        evaluation.agree("sums", [1.0, 2.0], [[1.0, 2.0]])
    with pytest.raises(AssertionError):
        evaluation.agree("sums", [1.0, np.nan], [1.0, np.nan])


@pytest.mark.parametrize(
    ("labels", "predictions", "name"), [([0, 5], [0, 1], "labels"), ([0, 1], [0, -1], "predictions")]
)
def test_confusion_drops_no_pair(labels, predictions, name):
    with pytest.raises(ValueError, match=rf"{name}: got .*, expected 0\.\.1"):
        evaluation.confusion(labels, predictions, 2)


@pytest.mark.parametrize("confidence", [0, 1, 2, 95, -0.5, np.nan])
def test_a_confidence_that_is_none(confidence):
    with pytest.raises(ValueError, match="confidence: got"):
        evaluation.interval([0.1, 0.2], confidence)


def test_an_interval_over_runs_and_examples_holds_both_and_the_truth():
    """Drawn with an effect for each run and for each example: about 95 of 100 intervals hold the true mean."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        runs, examples = 0.05 * rng.normal(size=(5, 1)), 0.4 * rng.normal(size=(1, 100))
        values = 0.3 + runs + examples + 0.2 * rng.normal(size=(5, 100))
        mean, half = evaluation.crossed(values)
        assert mean == pytest.approx(values.mean())
        assert half > evaluation.interval(values.mean(axis=1))[1]
        held += abs(mean - 0.3) <= half
    assert held >= 184


@pytest.mark.parametrize("shape", [(5,), (1, 9), (9, 1)])
def test_an_interval_over_runs_and_examples_needs_two_of_each(shape):
    with pytest.raises(ValueError, match=r"values: got shape .*expected \(runs, examples\)"):
        evaluation.crossed(np.ones(shape))


def test_which_were_right_survives_a_table():
    rng = np.random.default_rng(0)
    right = rng.random((3, 2_500)) < 0.7
    texts = [evaluation.packed_right(row) for row in right]
    assert max(map(len, texts)) < 430 and np.array_equal(evaluation.unpacked_right(texts), right)
    mean, half = evaluation.crossed(evaluation.unpacked_right(texts))
    assert mean == pytest.approx(right.mean()) and half > 0


@pytest.mark.parametrize("texts", [["nothing"], ["3:?"], ["x:oA=="], ["99:oA=="], ["3:oA==", "4:oA=="], [float("nan")]])
def test_texts_that_nobody_packed_are_named(texts):
    with pytest.raises(ValueError, match="texts: got"):
        evaluation.unpacked_right(texts)


def test_right_answers_are_one_row():
    with pytest.raises(ValueError, match="right: got shape"):
        evaluation.packed_right(np.ones((2, 2), bool))
