"""Advice counts what the record holds, and is silent where it holds nothing."""

import itertools
import json

import pandas as pd
import pytest

from tlbook.methods import advice, comparisons

WORDS = list(itertools.product(advice.KINDS, advice.LABELS, advice.NEARNESS, advice.COMPUTE))


def rows(*differences, **columns):
    """Comparisons with these differences, (mean, half)."""
    table = pd.DataFrame(differences, columns=["mean", "half"])
    plain = {"kind": "text", "near": "near", "trains": "head", "n_train": 50, "n_choose": 10}
    table["collection"] = [f"collection {place}" for place in range(len(table))]
    return table.assign(**plain | {"over_head": float("nan"), "over_head_half": float("nan")} | columns)


@pytest.mark.parametrize(
    "differences, words",
    [
        (
            [(0.05, 0.01)],
            "Try transfer, with the control beside it. In the one comparison that was recorded, transfer was ahead of",
        ),
        ([(0.05, 0.01), (0.02, 0.01)], "in 2, +2.0 to +5.0 points."),
        ([(0.05, 0.01), (0.02, 0.01)], "Transfer. In 2 recorded comparisons on 2 collections of data"),
        ([(0.05, 0.01), (0.02, 0.03)], "Try transfer, with the control beside it."),
        ([(0.01, 0.02), (-0.05, 0.01)], "Take the control first."),
        ([(-0.05, 0.01)], "Take the control first."),
        ([(-0.05, 0.01), (-0.04, 0.01)], "Leave it: take the control."),
        ([(0.05, 0.01), (-0.05, 0.01)], "It depends"),
        ([(0.02, 0.02)], "not told apart from the strongest control"),
    ],
)
def test_the_sentence_follows_the_counts(differences, words):
    assert words in advice.say(rows(*differences))


def test_what_training_the_network_added_is_said_where_it_was_recorded():
    added = rows((0.05, 0.01), (0.04, 0.01), over_head=[0.03, float("nan")], over_head_half=[0.01, float("nan")])
    assert advice.say(added).endswith(
        "To train weights of the network as well was ahead of a linear classifier alone in 1."
    )


def test_one_collection_is_not_enough_for_a_plain_yes():
    assert advice.say(rows((0.05, 0.01), (0.04, 0.01), collection="reviews")).startswith("Try transfer")
    assert advice.say(rows((-0.05, 0.01), (-0.04, 0.01), collection="reviews")).startswith("Take the control first.")


def test_labels_that_chose_are_told_where_they_are_more_than_taught():
    assert "Beware" not in advice.say(rows((0.05, 0.01), (0.04, 0.01)))
    said = advice.say(rows((0.05, 0.01), (0.04, 0.01), n_choose=[10, 1_000]))
    assert said.endswith("in 1 of them the settings were chosen on more labels than taught, up to 1,000 further ones.")


def test_another_situation_advises_nothing():
    for answer in advice.evidence()["answers"].values():
        if answer["nearest"]:
            assert answer["say"].startswith(f"{advice.SILENT} {answer['nearest']} In ")


def word_for(n):
    ranges = {word: advice.label_range(word) for word in advice.LABELS}
    (word,) = [word for word, (least, most) in ranges.items() if least <= n <= most]
    return word


@pytest.mark.parametrize("n, word", [(0, "none"), (1, "tens"), (74, "tens"), (75, "hundreds"), (10_000, "more")])
def test_each_number_of_labels_has_one_word(n, word):
    assert word_for(n) == word


def test_every_answer_agrees_with_the_record():
    record = comparisons.comparisons()
    answers = advice.evidence()["answers"]
    assert set(answers) == {"|".join(words) for words in WORDS}
    for kind, labels, near, compute in WORDS:
        answer = answers["|".join((kind, labels, near, compute))]
        found = record.loc[answer["rows"]]
        fits = record[
            (record.kind == kind)
            & (record.n_train.map(word_for) == labels)
            & (record.near == near)
            & ((compute == "network") | (record.trains == "head"))
        ]
        assert (found.near == near).all() and not ((compute == "head") & (found.trains == "network")).any()
        if len(fits):
            assert answer["rows"] == fits.index.tolist() and not answer["nearest"]
            assert advice.SILENT not in answer["say"]
        else:
            assert answer["say"].startswith(advice.SILENT) and bool(answer["nearest"]) == bool(answer["rows"])
        if len(found) > 1:
            ahead = (found["mean"] > found.half).sum()
            assert (f"ahead of the strongest control in {ahead}," in answer["say"]) == (ahead > 0)


def test_evidence_is_json_and_every_row_has_its_chapter():
    evidence = json.loads(json.dumps(advice.evidence(), allow_nan=False))
    record = comparisons.comparisons()
    assert [row["verdict"] for row in evidence["rows"]] == record.verdict.tolist()
    assert all(row["chapter"].startswith(f"{int(row['place'].split('.')[0]):02}_") for row in evidence["rows"])


@pytest.mark.parametrize("place, name", list(enumerate(["kind", "labels", "near", "compute"])))
def test_another_word_is_an_error(place, name):
    words = list(WORDS[0])
    words[place] = "some"
    with pytest.raises(ValueError, match=f"{name}: got 'some'"):
        advice.answer(comparisons.comparisons(), *words)
