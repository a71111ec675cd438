"""An assignment: a solved notebook, the only source, whose cells say by their tags what they are for.

=============  =======================================================  ==========================================
cell           holds                                                    goes where
=============  =======================================================  ==========================================
no tag         text and given code                                      students, solution
nbgrader       `solution: true`, with BEGIN SOLUTION, END SOLUTION      students without what stands between
`visible`      checks that students see                                 students, solution
`author`       what the cells below need to run with the notebook       nowhere
`probe`        inputs on which functions are tried (`probe`), and what  runs with the teacher; `probe` goes into the
               only the checks may know (`truth`)                       cell of a submission, `truth` never does
`record`       calls the functions of the submission, fills `made`      runs in the cell, after the submission
`hidden`       asserts on `made`, with marks                            runs outside, on the file of the submission
`rubric`       how the part is marked that a teacher reads              rubric
=============  =======================================================  ==========================================
"""

import ast
import hashlib
import pathlib
from dataclasses import dataclass

import nbformat

FOLDER = pathlib.Path(__file__).parent / "assignments"
KEPT_BACK = {"author", "probe", "record", "hidden", "rubric"}


@dataclass(frozen=True)
class Check:
    """A hidden check: its `name`, `question`, `marks`, what has to hold (`says`), the `chapter`, and its `source`."""

    name: str
    question: str
    marks: int
    says: str
    chapter: str
    source: str


class Assignment:
    """The assignment in a folder that holds `assignment.ipynb`. Raises `ValueError` where a check lacks a word."""

    def __init__(self, folder):
        """Read it."""
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "assignment.ipynb"
        self.name = self.folder.name
        self.notebook = nbformat.reads(self.path.read_text(encoding="utf-8"), as_version=4)
        self.title = self.notebook.metadata.get("course", {}).get("title", self.name)
        self.checks = [self._check(cell) for cell in self.cells("hidden")]
        if not self.checks or len({check.name for check in self.checks}) < len(self.checks):
            raise ValueError(f"{self.path}: expected hidden checks, each with a name of its own")

    def cells(self, tag):
        """Return the cells with a tag."""
        return [cell for cell in self.notebook.cells if tag in cell.metadata.get("tags", [])]

    @property
    def marks(self):
        """The marks of all hidden checks together."""
        return sum(check.marks for check in self.checks)

    @property
    def records(self):
        """What gathers in the cell of a submission, a list of (question, source)."""
        return [(cell.metadata["course"]["question"], cell.source) for cell in self.cells("record")]

    def digest(self):
        """Return a word that changes with what marks depend on: the hidden cells, and the code of the grader."""
        parts = [cell.source for tag in ("probe", "record", "hidden") for cell in self.cells(tag)]
        parts += [repr(check) for check in self.checks]
        parts += [path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.csv"))]
        here = pathlib.Path(__file__).parent
        names = ("jail", "isolation", "perform", "watching", "made", "check", "outcome", "watch", "bands", "submission")
        parts += [(here / f"{name}.py").read_text(encoding="utf-8") for name in names]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def needs_bands(self):
        """Whether a hidden check judges an accuracy."""
        return any("band[" in check.source for check in self.checks)

    def probe(self):
        """Run the probe cells; return `probe`, inputs that a submission sees, and `truth`, which it does not."""
        import numpy as np

        namespace = {"np": np, "probe": {}, "truth": {}}
        for cell in self.cells("probe"):
            exec(compile(cell.source, f"<probe of {self.name}>", "exec"), namespace)
        return namespace["probe"], namespace["truth"]

    def _check(self, cell):
        said = cell.metadata.get("course", {})
        missing = {"question", "check", "marks", "says", "chapter"} - set(said)
        if missing:
            raise ValueError(f"{self.path}: a hidden check lacks {sorted(missing)}: {cell.source[:60]}")
        ast.parse(cell.source)
        return Check(said["check"], said["question"], said["marks"], said["says"], said["chapter"], cell.source)


def find(name):
    """Return the assignment of a name, or in a folder. Raises `ValueError` where there is none."""
    folder = pathlib.Path(name) if (pathlib.Path(name) / "assignment.ipynb").exists() else FOLDER / name
    if not (folder / "assignment.ipynb").exists():
        raise ValueError(f"assignment: got {name!r}, expected one of {[a.name for a in everything()]}")
    return Assignment(folder)


def everything():
    """Return all assignments, in order."""
    return [Assignment(path.parent) for path in sorted(FOLDER.glob("*/assignment.ipynb"))]
