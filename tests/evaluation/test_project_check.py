"""Checks of a project: silent mistakes are named, and what is well passes."""

import pytest

from tlbook.evaluation import project_check

PROTOCOL = {
    "question": "?",
    "measure": "share right",
    "arms": ["pretrained", "no model"],
    "controls": ["no model"],
    "chosen by": "folds",
}
ROW = {"n_train": 80, "n_choose": 80, "trials": 4, "pretraining": "none", "cpu_seconds": 1.0}
LEDGER = [ROW | {"arm": "pretrained"}, ROW | {"arm": "no model"}]


def test_what_is_well_passes(capsys):
    project_check.groups_apart(["a", "a"], ["b"])
    project_check.protocol_kept(PROTOCOL, project_check.seal(PROTOCOL))
    project_check.ledger_whole(LEDGER, PROTOCOL)
    project_check.tested_once(1)
    assert capsys.readouterr().out.count("✓") == 4


def test_a_group_on_both_sides_is_named():
    with pytest.raises(AssertionError, match=r"1 groups are on both sides, such as \['b'\].*Read again: chapter 5\.1"):
        project_check.groups_apart(["a", "b"], ["b", "c"])
    with pytest.raises(AssertionError, match="A side is empty"):
        project_check.groups_apart(["a"], [])


def test_any_word_of_a_protocol_changes_its_seal():
    written = project_check.seal(PROTOCOL)
    assert written == project_check.seal(dict(reversed(PROTOCOL.items()))), "the order of its lines does not"
    with pytest.raises(AssertionError, match="it has changed since"):
        project_check.protocol_kept(PROTOCOL | {"measure": "F1"}, written)


def test_a_protocol_says_all_that_it_has_to():
    for name in PROTOCOL:
        lacking = PROTOCOL | {name: ""}
        with pytest.raises(AssertionError, match=f"does not say: {name}"):
            project_check.protocol_kept(lacking, project_check.seal(lacking))
    other = PROTOCOL | {"controls": ["guessing"]}
    with pytest.raises(AssertionError, match="no arms: \\['guessing'\\]"):
        project_check.protocol_kept(other, project_check.seal(other))


@pytest.mark.parametrize(
    "rows, words",
    [
        (LEDGER[:1], "no row for no model"),
        ([LEDGER[0], LEDGER[1] | {"pretraining": ""}], "'no model' does not say: pretraining"),
        ([LEDGER[0], LEDGER[1] | {"n_choose": 0}], "no model: settings were tried, and no label chose"),
    ],
)
def test_a_ledger_with_a_gap_is_found(rows, words):
    with pytest.raises(AssertionError, match=words):
        project_check.ledger_whole(rows, PROTOCOL)


def test_a_test_that_was_opened_twice_is_found():
    with pytest.raises(AssertionError, match="opened 2 times.*Read again: the page 'How we measure'"):
        project_check.tested_once(2)
