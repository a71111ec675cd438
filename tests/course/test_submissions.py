"""The helper of the assignments' tests: it makes the mistake that it is asked for, or says that it cannot."""

import pytest
import submissions
from small_course import GOOD, write_small

from course import student

CELLS = [("cell 1", "import numpy as np\nSEED = 0"), ("cell 2", "def f(x):\n    return x"), ("cell 3", "y = f(1)")]


def test_a_function_takes_the_place_of_its_cell():
    cells = submissions.with_mistake(CELLS, "\ndef f(x):\n    return -x\n")
    assert cells == [CELLS[0], ("cell 2", "\ndef f(x):\n    return -x\n"), CELLS[2]]


def test_pieces_are_exchanged_one_after_the_other():
    cells = submissions.with_mistake(CELLS, [("return x", "return 2 * x"), ("2 * x", "3 * x")])
    assert cells[1] == ("cell 2", "def f(x):\n    return 3 * x")


@pytest.mark.parametrize("mistake", ["def g(x):\n    return x", [("nowhere", "x")], [("f(", "g(")]])
def test_what_is_nowhere_or_in_two_cells_cannot_be_exchanged(mistake):
    with pytest.raises(ValueError, match=r"mistake: got .* in [02] cells, expected one"):
        submissions.with_mistake(CELLS, mistake)


def test_cells_are_left_out_by_a_word_that_is_there():
    assert submissions.without(CELLS, "SEED", "y =") == CELLS[1:2]
    with pytest.raises(ValueError, match="got 'model.fit'"):
        submissions.without(CELLS, "model.fit")


def test_what_makes_a_run_short_has_to_be_there(tmp_path):
    notebook = student.solution(write_small(tmp_path))
    assert submissions.code_of(notebook)
    with pytest.raises(ValueError, match="changed: got 'PASSES = 9'"):
        submissions.code_of(notebook, [("PASSES = 9", "PASSES = 1")])


def test_some_mistakes_or_all(monkeypatch):
    monkeypatch.setattr(submissions, "ALL", False)
    assert submissions.tried({"a": 1, "b": 2}, ["b"]) == ["b"]
    monkeypatch.setattr(submissions, "ALL", True)
    assert submissions.tried({"a": 1, "b": 2}, ["b"]) == ["a", "b"]
    with pytest.raises(ValueError, match=r"got \['c'\]"):
        submissions.tried({"a": 1}, ["c"])


def test_what_a_submission_loses_is_told_in_words(tmp_path):
    task = write_small(tmp_path)
    good = [(f"cell {number}", source) for number, source in enumerate(GOOD, start=1)]
    assert submissions.lost(task, good, task.probe()) == {}
    words = submissions.lost(task, good[:-1], task.probe())
    assert set(words) < submissions.names(task) and all(words.values())
