"""A small assignment of two questions, so that a submission costs a second and not a minute."""

import pathlib

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course import assignment

SOLVED = {
    "add": "def add(a, b):\n    ### BEGIN SOLUTION\n    return a + b\n    ### END SOLUTION",
    "mean": "def mean(x):\n    ### BEGIN SOLUTION\n    return float(x.mean())\n    ### END SOLUTION",
}


def hidden(question, name, marks, source):
    about = {"question": question, "check": name, "marks": marks, "says": f"{name} holds.", "chapter": "2"}
    return new_code_cell(source, metadata={"tags": ["hidden"], "course": about})


def record(question, source):
    return new_code_cell(source, metadata={"tags": ["record"], "course": {"question": question}})


def small_notebook():
    """Return the solved notebook of the small assignment."""
    answers = [
        new_code_cell(source, metadata={"nbgrader": {"solution": True, "grade_id": name}})
        for name, source in SOLVED.items()
    ]
    cells = [
        new_markdown_cell("# A small assignment"),
        new_code_cell("made, probe, truth = {}, {}, {}", metadata={"tags": ["author"]}),
        new_code_cell("import numpy as np"),
        answers[0],
        new_code_cell("assert add(1, 2) == 3, 'one and two are three'", metadata={"tags": ["visible"]}),
        new_code_cell("import numpy as np\nprobe['a'] = np.arange(5)\ntruth['b'] = 7", metadata={"tags": ["probe"]}),
        record("add", "made['sum'] = add(probe['a'], 7)"),
        hidden("add", "sums", 3, "assert (made['sum'] == probe['a'] + truth['b']).all(), 'A sum is wrong.'"),
        answers[1],
        record("mean", "made['mean'] = mean(probe['a'])"),
        hidden("mean", "means", 2, "assert made['mean'] == 2, f'The mean is {made[\"mean\"]}.'"),
        new_markdown_cell("| 1 | a clear sentence |", metadata={"tags": ["rubric"]}),
    ]
    return new_notebook(cells=cells, metadata={"course": {"title": "Small"}})


def write_small(folder):
    """Write the small assignment below a folder and return it."""
    folder = folder / "small"
    folder.mkdir(parents=True)
    (folder / "assignment.ipynb").write_text(nbformat.writes(small_notebook()), encoding="utf-8")
    return assignment.Assignment(folder)


def notebook(*sources):
    """Return the text of a notebook with cells of code."""
    return nbformat.writes(new_notebook(cells=[new_code_cell(source) for source in sources]))


def hand_in(folder, **students):
    """Write what students hand in, each a tuple of cells of code, and return the folder."""
    folder.mkdir(exist_ok=True)
    for student, sources in students.items():
        (folder / f"{student}.ipynb").write_text(notebook(*sources), encoding="utf-8")
    return folder


GOOD = ("import numpy as np", "def add(a, b):\n    return a + b", "def mean(x):\n    return float(x.mean())")
ROOT = pathlib.Path(__file__).parents[1]
