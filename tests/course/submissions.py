"""Build a submission with one mistake, run it and say which checks it loses: what the tests of all assignments share.

The submissions run in this process, without a cell: what is tried is what the checks say of functions.
"""

import collections
import os
import re

import matplotlib.pyplot as plt
import pytest

from course import bands, check, grade, isolation, perform, student, submission, tables

ALL = os.environ.get("TLBOOK_COURSE_TESTS") == "all"


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


def lost(task, cells, inputs, band=None):
    """Return what the checks say that fail: a dict from the name of a check to its words.

    `inputs` is `task.probe()`. Without a `band` any accuracy will do.
    """
    probe, truth = inputs
    arrays, report = perform.perform(cells, task.records, probe)
    plt.close("all")
    band = collections.defaultdict(float) if band is None else band
    results, _ = check.marks(task, probe, truth, arrays, report["missing"], band)
    return {one["check"]: one["words"] for one in results if one["words"]}


def names(task):
    """Return the names of all checks of an assignment."""
    return {one.name for one in task.checks}


def tried(mistakes, always):
    """Return the names of the mistakes to try: all where TLBOOK_COURSE_TESTS=all says so, otherwise those of `always`.

    Raises `ValueError` where `always` names one that is not there.
    """
    if unknown := set(always) - set(mistakes):
        raise ValueError(f"always: got {sorted(unknown)}, expected names of mistakes")
    return list(mistakes) if ALL else list(always)


def graded_in_a_cell(task, folder):
    """Grade the solution as any submission, in a cell, with its bands; return its state. Skips where that cannot be."""
    if task.needs_bands and min(map(len, bands.recorded(task.folder).values()), default=0) < bands.FEWEST:
        pytest.skip(f"too few seeds are recorded: python -m course.record {task.name}")
    try:
        isolation.try_it()
    except isolation.NoIsolation as error:
        pytest.skip(f"this system offers no isolation: {error}")
    (folder / "in").mkdir()
    (folder / "in" / "ann.ipynb").write_text(student.text(student.solution(task)), encoding="utf-8")
    grading = grade.Grading(task, folder / "out")
    [found] = grading.run(submission.all_in(folder / "in"), say=lambda words: None)
    return found


def has_full_marks(task, state):
    """Assert that a state has all marks, and neither errors nor notes."""
    assert not [one for one in state["results"] if one["words"]]
    assert tables.total(state) == task.marks and not state["errors"] and not state["notes"]
