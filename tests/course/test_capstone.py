"""The project on own data: its template runs on its stand-in, its marks add up, and it is in both zips."""

import re

import nbformat
import pytest
import submissions

from course import build, perform, submission


def test_marks_of_the_rubric_add_up():
    rubric = (build.CAPSTONE / "rubric.md").read_text(encoding="utf-8")
    marks = [int(found) for found in re.findall(r"^\| (\d+) \|", rubric, re.MULTILINE)]
    said = int(re.search(r"^(\d+) marks\.", rubric, re.MULTILINE)[1])
    assert len(marks) == 8 and sum(marks) == said
    assert f"| marks | {said}," in (build.CAPSTONE / "brief.md").read_text(encoding="utf-8")


def test_every_row_of_the_rubric_says_each_level_in_words():
    lines = (build.CAPSTONE / "rubric.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if re.match(r"\| \d+ \|", line)]
    assert all(len(row) == 6 and all(cell.strip() for cell in row) for row in rows)


def test_students_and_teachers_get_it(tmp_path, monkeypatch):
    packed = {}
    monkeypatch.setattr(build, "pack", lambda path, files: packed.update({path.name: files}))
    monkeypatch.setattr(build, "wheel", lambda: ("tlbook.whl", b""))
    monkeypatch.setattr(build, "STUDENT", tmp_path)
    build.main([])
    for name in ("course-students.zip", "course-teachers.zip"):
        assert {f"capstone/{part}" for part in ("brief.md", "rubric.md", "template.ipynb")} <= set(packed[name])


def template():
    text = (build.CAPSTONE / "template.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    assert text == nbformat.writes(notebook).rstrip("\n") + "\n", "stored as nbformat writes it"
    assert not [cell for cell in notebook.cells if cell.get("outputs")]
    return submission.code_cells(text.encode())


QUICK = (("epochs=5", "epochs=1"), ("source.train, 3_000", "source.train, 500"))


@pytest.mark.slow
def test_the_template_runs_as_it_stands(drawn_pictures, capsys):
    cells = submissions.with_mistake(template(), QUICK)
    [opens] = [cell for cell in cells if "opened += 1" in cell[1]]
    _, report = perform.perform([*cells, opens], [], {})
    [(_, words)] = report["errors"]
    assert "The test was opened 2 times" in words, "the last cell is the second look; the others have no error"
    said = capsys.readouterr().out
    assert re.search(r"pretrained, against (no model|redrawn): (better|worse|not told apart)", said)
    assert said.count("✓") == 7, "one of them once more, before the second look"


@pytest.mark.slow
def test_texts_are_read_and_a_changed_protocol_does_not_open_the_test(tmp_path, drawn_pictures, capsys):
    """Without weights the arms with a pretrained network fail, and say so; the rest is there."""
    for label, words in {"good": "a fine and sunny day", "bad": "rain and grey mist"}.items():
        (tmp_path / "mine" / label).mkdir(parents=True)
        for i in range(12):
            (tmp_path / "mine" / label / f"{i}.txt").write_text(f"{words} number {i}", encoding="utf-8")
    own = (("MY_FOLDER = None", f"MY_FOLDER = {str(tmp_path / 'mine')!r}"), ('KIND = "pictures"', 'KIND = "texts"'))
    cells = submissions.with_mistake(template(), own)
    arms = next(number for number, (_, source) in enumerate(cells) if "def redraw(" in source)
    _, report = perform.perform(cells[:arms] + cells[arms + 1 : arms + 2], [], {})
    said = capsys.readouterr().out
    assert "no model: 100.0% in cross-validation" in said
    assert [words for _, words in report["errors"] if "it has changed since" in words], "the seal was not written down"
    assert "95 % interval" not in said
