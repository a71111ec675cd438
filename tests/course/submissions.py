"""Build a submission with one mistake, run it and say which checks it loses: what the tests of all assignments share.

The submissions run in this process, without a cell: what is tried is what the checks say of functions.
"""

import collections
import os
import re

import matplotlib.pyplot as plt
import pytest

from course import assignment, bands, check, grade, isolation, perform, student, submission, tables

ALL = os.environ.get("TLBOOK_COURSE_TESTS") == "all"
only_with_all = pytest.mark.skipif(not ALL, reason="needs TLBOOK_COURSE_TESTS=all")


def code_of(notebook, changed=()):
    """Return the code of a notebook, [(name, source)], with texts changed: pairs (pattern, text), as for `re.sub`.

    Raises `ValueError` where a pattern is not found: what was to make a test short would do so no more.
    """
    cells = submission.code_cells(student.text(notebook).encode())
    for pattern, text in changed:
        if not any(re.search(pattern, source) for _, source in cells):
            raise ValueError(f"changed: got {pattern!r}, expected a pattern of the notebook")
        cells = [(name, re.sub(pattern, text, source)) for name, source in cells]
    return cells


def without(cells, *words):
    """Return the cells without those that hold one of these words: training that no check needs.

    Raises `ValueError` where a word is in no cell.
    """
    for word in words:
        if not any(word in source for _, source in cells):
            raise ValueError(f"words: got {word!r}, expected a word of a cell")
    return [(name, source) for name, source in cells if not any(word in source for word in words)]


def with_mistake(cells, mistake):
    """Return the cells with a mistake: the text of a function, or pairs (right, wrong) of pieces of text.

    A function takes the place of the cell that defines it; it is known by its first name. Raises `ValueError` where no
    cell, or more than one, holds what is to be exchanged.
    """
    if isinstance(mistake, str):
        start = re.search(r"^def \w+\(", mistake, re.MULTILINE)[0]
        number = _the_one(cells, f"^{re.escape(start)}")
        return [*cells[:number], (cells[number][0], mistake), *cells[number + 1 :]]
    for right, wrong in mistake:
        number = _the_one(cells, re.escape(right))
        name, source = cells[number]
        cells = [*cells[:number], (name, source.replace(right, wrong)), *cells[number + 1 :]]
    return cells


def _the_one(cells, pattern):
    """Return the number of the one cell that holds a pattern."""
    found = [number for number, (_, source) in enumerate(cells) if re.search(pattern, source, re.MULTILINE)]
    if len(found) != 1:
        raise ValueError(f"mistake: got {pattern!r} in {len(found)} cells, expected one")
    return found[0]


def lost(task, cells, inputs, whole=False):
    """Return what the checks say that fail: a dict from the name of a check to its words.

    `inputs` is `task.probe()`. Any accuracy will do. Where the cells are `whole`, none of them may fail.
    """
    probe, truth = inputs
    arrays, report = perform.perform(cells, task.records, probe)
    plt.close("all")
    assert not (whole and report["errors"]), report["errors"]
    results, _ = check.marks(task, probe, truth, arrays, report["missing"], collections.defaultdict(float))
    return {one["check"]: one["words"] for one in results if one["words"]}


def names(task):
    """Return the names of all checks of an assignment."""
    return {one.name for one in task.checks}


def tried(mistakes, always=None):
    """Return the names of the mistakes to try: those of `always`, or all where it is None or TLBOOK_COURSE_TESTS=all.

    Raises `ValueError` where `always` names one that is not there.
    """
    if unknown := set(always or ()) - set(mistakes):
        raise ValueError(f"always: got {sorted(unknown)}, expected names of mistakes")
    return list(mistakes if ALL or always is None else always)


def needs_isolation():
    """Skip the test where submissions cannot be kept in a cell."""
    try:
        isolation.try_it()
    except isolation.NoIsolation as error:
        pytest.skip(f"this system offers no isolation: {error}")


def graded_in_a_cell(task, folder):
    """Grade the solution as any submission, in a cell, with its bands; return its state. Skips where that cannot be."""
    if task.needs_bands and min(map(len, bands.recorded(task.folder).values()), default=0) < bands.FEWEST:
        pytest.skip(f"too few seeds are recorded: python -m course.record {task.name}")
    needs_isolation()
    (folder / "in").mkdir()
    (folder / "in" / "ann.ipynb").write_text(student.text(student.solution(task)), encoding="utf-8")
    grading = grade.Grading(task, folder / "out")
    [found] = grading.run(submission.all_in(folder / "in"), say=lambda words: None)
    return found


def tests(name, mistakes, code_of=code_of, solved=None, ways=None, always=None, untried=(), in_a_cell=False):
    """Return a class with the tests that every assignment has to pass.

    Parameters
    ----------
    name : str
        The name of the assignment.
    mistakes : dict
        From a mistake to what `with_mistake` takes, and the names of the checks that it costs.
    code_of : callable
        Takes a notebook, returns the cells that are tried, without training that no check needs.
    solved : callable
        As `code_of`, for the solution alone, none of whose cells may then fail. Default: `code_of`.
    ways : dict
        From another right way, which costs nothing, to its function.
    always : sequence of str
        The mistakes that are tried without TLBOOK_COURSE_TESTS=all. Default: all.
    untried : sequence of str
        The checks that no mistake costs.
    in_a_cell : bool
        Whether the solution is graded in a cell without TLBOOK_COURSE_TESTS=all.
    """
    task, ways = assignment.find(name), ways or {}

    @pytest.mark.slow
    @pytest.mark.usefixtures("drawn_pictures")
    class Tests:
        @pytest.fixture(scope="class")
        @classmethod
        def inputs(cls):
            return task.probe()

        def test_the_solution_gets_all_marks(self, inputs):
            cells = (solved or code_of)(student.solution(task))
            assert lost(task, cells, inputs, whole=solved is not None) == {}

        @(pytest.mark.slow if in_a_cell else only_with_all)
        def test_the_solution_gets_all_marks_in_a_cell(self, tmp_path):
            """The whole way of a submission, with its training and its bands: up to 50 CPU seconds."""
            state = graded_in_a_cell(task, tmp_path)
            assert not [one for one in state["results"] if one["words"]]
            assert tables.total(state) == task.marks and not state["errors"] and not state["notes"]

        def test_an_untouched_version_gets_none(self, inputs):
            assert set(lost(task, code_of(student.version(task)), inputs)) == names(task)

        @pytest.mark.parametrize("mistake", tried(mistakes, always))
        def test_a_mistake_costs_its_own_marks(self, mistake, inputs):
            wrong, costs = mistakes[mistake]
            found = lost(task, with_mistake(code_of(student.solution(task)), wrong), inputs)
            assert set(found) == costs
            assert all(len(re.findall(r"\w+", words)) > 5 for words in found.values()), "it says what is wrong"

        @pytest.mark.parametrize("way", ways)
        def test_another_right_way_costs_nothing(self, way, inputs):
            assert lost(task, with_mistake(code_of(student.solution(task)), ways[way]), inputs) == {}

        def test_every_check_is_tried_by_a_mistake(self):
            assert names(task) - set().union(*(costs for _, costs in mistakes.values())) == set(untried)

        def test_there_are_twenty_marks_and_accuracies_are_recorded_where_they_are_judged(self):
            assert task.marks == 20 and task.needs_bands == (task.folder / "seeds.csv").exists()

    return Tests
