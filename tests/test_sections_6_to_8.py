"""Sections 6 to 8: the eight questions are eight headings with evidence that ran, and no chapter is without a figure."""

import pathlib
import re

import nbformat
import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb") if path.name[:3] in ("06_", "07_", "08_"))


def questions():
    """The cells below each heading `## Question N: ...`, up to the next heading of its rank: a list of pairs."""
    found, number = [], None
    for path in NOTEBOOKS:
        number = None
        for cell in nbformat.read(path, 4).cells:
            for heading in re.findall(r"^## (.+)$", cell.source, re.M) if cell.cell_type == "markdown" else []:
                number = re.match(r"Question (\d+): \S", heading)
                if number:
                    found.append((int(number[1]), []))
            if number:
                found[-1][1].append(cell)
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
