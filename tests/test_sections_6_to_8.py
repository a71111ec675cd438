"""Sections 6 to 8: eight questions are eight headings with evidence that ran; no chapter is without a figure."""

import pathlib
import re

import nbformat
import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb") if path.name[:3] in ("06_", "07_", "08_"))


def questions():
    """The cells below each heading `## Question N: ...`, up to the next one or the quiz: a list of pairs."""
    found = []
    for path in NOTEBOOKS:
        below = None
        for cell in nbformat.read(path, 4).cells:
            for heading in re.findall(r"^## (.+)$", cell.source, re.M) if cell.cell_type == "markdown" else []:
                if question := re.match(r"Question (\d+): \S", heading):
                    below = []
                    found.append((int(question[1]), below))
                elif heading == "Quiz":
                    below = None
            if below is not None:
                below.append(cell)
    return found


def test_the_eight_questions_are_eight_headings():
    assert [number for number, _ in questions()] == list(range(1, 9))


@pytest.mark.parametrize(("number", "below"), questions())
def test_each_answer_shows_something_that_ran(number, below):
    ran = [cell for cell in below if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", [])]
    assert ran, f"question {number} has no cell that runs"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_chapter_has_a_figure_with_its_number(path):
    cells = nbformat.read(path, 4).cells
    assert any("figure" in cell.metadata.get("tags", []) for cell in cells)
    assert re.search(r"^\*\*Figure [\d.]+-1\.\*\*", "\n".join(cell.source for cell in cells), re.M)


def test_no_section_is_left_for_later():
    assert "later edition" not in (ROOT / "book/map.md").read_text(encoding="utf-8")
