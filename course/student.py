"""What students and teachers get of an assignment, made from the solved notebook: never edited by hand.

The markers are nbgrader's: what stands between `### BEGIN SOLUTION` and `### END SOLUTION` is taken out, in cells that
nbgrader would call solutions. A test compares the result with nbgrader's own, where it is installed.
"""

import copy

import nbformat

from course.assignment import KEPT_BACK

BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"
# On Colab the book is not there, and a lab without internet has it already.
INSTALL = """# @title Installs the book's package where it is missing
import importlib.util
import pathlib
import subprocess
import sys
from importlib import metadata

if importlib.util.find_spec("tlbook") is None:
    folders = pathlib.Path(".."), pathlib.Path()
    wheels = [path for folder in folders for path in folder.glob("tlbook-*.whl")]
    assert wheels, "Put the file tlbook-....whl of the zip beside this notebook."
    # These stay as they are: on Colab they fit its graphics card.
    there = {found.name for found in metadata.distributions()}
    keep = sorted(there & {"numpy", "keras", "tensorflow", "protobuf"})
    lines = [f"{name}=={metadata.version(name)}\\n" for name in keep]
    pathlib.Path("keep.txt").write_text("".join(lines))
    pip = [sys.executable, "-m", "pip", "install", "-q", "-c", "keep.txt"]
    done = subprocess.run([*pip, str(wheels[-1])], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    importlib.invalidate_caches()"""
STUBS = {"code": ("# YOUR CODE HERE", "raise NotImplementedError()"), "markdown": ("YOUR ANSWER HERE",)}


def without_solution(source, cell_type):
    """Return the source of a cell with what the student writes in place of its solution.

    Raises `ValueError` for a BEGIN without END, an END without BEGIN, or one solution within another.
    """
    lines, inside = [], False
    for line in source.split("\n"):
        if BEGIN in line:
            if inside:
                raise ValueError(f"a solution begins within another: {source[:80]}")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + words for words in STUBS[cell_type]]
        elif END in line:
            if not inside:  # what stands above it would go to the students
                raise ValueError(f"a solution ends that has not begun: {source[:80]}")
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"a solution does not end: {source[:80]}")
    return "\n".join(lines)


def _kept(task):
    """A copy of the notebook without the cells that students do not get."""
    notebook = copy.deepcopy(task.notebook)
    notebook.cells = [cell for cell in notebook.cells if not set(cell.metadata.get("tags", [])) & KEPT_BACK]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return with_install(notebook)


def with_install(notebook):
    """Put the cell that installs the package below the title of a notebook, and return the notebook."""
    about = {"grade": False, "grade_id": "install", "locked": True, "schema_version": 3, "solution": False}
    folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # in JupyterLab, on Colab
    metadata = {"nbgrader": about | {"task": False}, **folded}
    install = nbformat.v4.new_code_cell(INSTALL, id="install", metadata=metadata)
    notebook.cells.insert(1, install)
    return notebook


def version(task):
    """Return the notebook of the students."""
    notebook = _kept(task)
    for cell in notebook.cells:
        is_answer = cell.metadata.get("nbgrader", {}).get("solution")
        marked = BEGIN in cell.source or END in cell.source
        if bool(is_answer) != marked:
            raise ValueError(f"{task.path}: expected BEGIN SOLUTION in answers and nowhere else: {cell.source[:80]}")
        if is_answer:
            cell.source = without_solution(cell.source, cell.cell_type)
    return notebook


def solution(task):
    """Return the solved notebook, without hidden cells and without the lines that mark solutions."""
    notebook = _kept(task)
    for cell in notebook.cells:
        lines = cell.source.split("\n")
        cell.source = "\n".join(line for line in lines if BEGIN not in line and END not in line)
    return notebook


def text(notebook):
    """Return a notebook as it is stored."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"
