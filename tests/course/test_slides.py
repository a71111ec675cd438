"""Slides: plans that point at what there is, decks of what ran, and clear words where something is missing."""

import pathlib
import re

import headless
import nbformat
import pytest
import slide_look
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from selenium.webdriver.common.keys import Keys

import page_parts
import slide_cells
import slide_plan
import slides
from course import build

ROOT = pathlib.Path(__file__).parents[2]
PLANS = slides.plans()
SVG = '<svg width="288pt" height="216pt" viewBox="0 0 288 216"><g id="a"><text x="9" y="9">a curve</text></g></svg>'
PLAN = """# A small lecture

Hello.

Book: 01_small

Notes: 1 minute

{words}

---

## It *helps*

{{01_small#drawn figure}}
|||
{{01_small#said says "by"}}

Book: 01_small, A section

Notes: 2 minutes

{words}

---

## Code

{{01_small#said code "x = 1" "print"}}
{{01_small#shown table "two"}}
$$y = f(Wx + b)$$

Book: 01_small

Notes: 2 minutes

{words}
"""

each_plan = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def cells(**sources):
    """Return the executed cells of the small chapter."""
    alt = {"mystnb": {"image": {"alt": "A curve that rises."}}}
    drawn = new_code_cell("plt.show()", id="drawn", metadata=alt)
    drawn.outputs = [new_output("display_data", {"image/svg+xml": SVG})]
    said = new_code_cell("import this\nx = 1\nif x:\n    y = 2\nprint(x)\nz = 3", id="said")
    said.outputs = [stream("loud\n", "stderr"), stream("one,\nagainst two:\n  helps by 1 ± 0 points\nno\n")]
    shown = new_code_cell("tables.show(t)", id="shown")
    html = "<table class='x'><tr><th>a</th></tr><tr><td>one</td></tr><tr><td>two &lt;</td></tr></table>"
    shown.outputs = [new_output("display_data", {"text/html": f"<details><table></table></details>{html}"})]
    return [drawn, said, shown]


def test_numbers_folded_below_a_figure_are_a_table_of_a_slide_and_a_ledger_is_not():
    cell = new_code_cell("tables.show(t, folded=True)", id="folded")
    html = "<table><tr><th>a</th></tr><tr><td>{}</td></tr></table>"
    for look, text in (("ledger", "cost"), ("ledger numbers", "accuracy")):
        folded = f'<details class="{look}"><summary>x</summary>{html.format(text)}</details>'
        cell.outputs.append(new_output("display_data", {"text/html": folded}))
    assert "accuracy" in slide_cells.table(cell, [], "here") and "cost" not in slide_cells.table(cell, [], "here")


@pytest.fixture
def book(tmp_path):
    """A book of one small chapter that has run."""
    (tmp_path / "notebooks").mkdir()
    ran = cells()
    texts = [new_markdown_cell("# 1 Small\n\n## A section"), new_markdown_cell("**Figure 1-1.** A curve.")]
    notebook = new_notebook(cells=[texts[0], ran[0], texts[1], *ran[1:]])
    path = tmp_path / "notebooks" / "01_small.ipynb"
    cache = get_cache(str(tmp_path / "_build" / ".jupyter_cache"))
    executed = new_notebook(cells=ran, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    record = cache.cache_notebook_bundle(CacheBundleIn(executed, str(path)), check_validity=False, overwrite=True)
    page_parts.write_record(tmp_path / "_build" / ".page_parts" / "notebooks" / "01_small.json", record.hashkey, {})
    for cell in ran:
        cell.outputs = []
    nbformat.write(notebook, path)
    return tmp_path


def plan(folder, text=PLAN):
    path = folder / "01_small.md"
    path.write_text(text.format(words="Say this in your own words. " * 5) if "{words}" in text else text)
    return slide_plan.read(path)


def change(book, **sources):
    """Change the source of cells in the stored notebook, as after an edit, or take a cell away."""
    path = book / "notebooks" / "01_small.ipynb"
    notebook = nbformat.read(path, 4)
    for cell in list(notebook.cells):
        if cell.id in sources:
            cell.source = sources[cell.id] or ""
            if sources[cell.id] is None:
                notebook.cells.remove(cell)
    nbformat.write(notebook, path)


# The plans of the six lectures, without any output.


@each_plan
def test_a_lecture_takes_45_minutes_and_has_one_idea_a_slide(plan):
    assert plan.minutes == 45, f"{plan.minutes} minutes"
    assert 15 <= len(plan.slides) <= 22
    assert len({slide.title for slide in plan.slides}) == len(plan.slides)
    notes = "\n".join(slide.notes for slide in plan.slides)
    assert notes.count("**Ask the room") >= 5 and notes.count("**Expected misconception") >= 1
    assert min(len(slide.notes.split()) for slide in plan.slides) >= 15


@each_plan
def test_every_place_is_a_cell_that_can_give_it(plan):
    for place in plan.places:
        notebook = nbformat.read(ROOT / "notebooks" / f"{place.chapter}.ipynb", 4)
        found = [cell for cell in notebook.cells if cell.id == place.cell and cell.cell_type == "code"]
        assert found, place.where
        source, tags = found[0].source, found[0].metadata.get("tags", [])
        assert place.kind in slide_cells.KINDS, place.where
        assert place.kind != "figure" or "figure" in tags, f"{place.where}: no cell that draws"
        assert place.kind != "table" or "tables.show(" in source, f"{place.where}: no cell with a table"
        if place.kind == "code":
            slide_cells.code(found[0], place.words, place.where)
        assert "solution" not in tags, f"{place.where}: a slide may not show a solution"


@each_plan
def test_every_section_that_a_slide_names_is_there(plan):
    writer = slides.Writer.__new__(slides.Writer)
    writer.root, writer.titles, writer.headings = ROOT, {}, {}
    assert all("html#" in writer.link(slide) for slide in plan.slides if slide.heading)


@each_plan
def test_no_result_is_typed(plan):
    for slide in plan.slides:
        shown = " ".join(part for column in slide.columns for part in column if isinstance(part, str))
        text = re.sub(r"95 % interval|\$[^$]*\$", "", f"{slide.title} {shown} {slide.notes}")
        typed = re.findall(r"\d[\d.,]*\s?(?:%|points?|times|seconds|MB|million)|0\.\d+", text)
        assert not typed, f"{slide.title}: let a cell say {typed}"


def test_each_lecture_begins_with_its_place_and_says_what_to_do_next():
    assert [plan.name[:2] for plan in PLANS] == ["01", "02", "03", "04", "05", "06"]
    for number, plan in enumerate(PLANS, 1):
        assert plan.slides[0].columns[0][0].startswith(f"Lecture {number} of 6 · chapter")
        assert "assignment" in plan.slides[-1].columns[0][0] or "exercises" in plan.slides[-1].columns[0][0]


# Decks of a small book.


def test_a_deck_shows_what_ran(book):
    deck = slides.Writer(book).deck(plan(book))
    assert 'aria-label="A curve that rises."' in deck and "a curve</text>" in deck
    assert '<p class="says">one, against two: helps by 1 ± 0 points</p>' in deck and "loud" not in deck
    assert "two &lt;" in deck and ">one<" not in deck, "of the table, the row with the word"
    assert "<math" in deck and "import this" not in deck and "z = 3" not in re.sub(r"<[^>]+>", "", deck)
    assert "Minute 0 to 1." in deck and "Minute 3 to 5." in deck
    assert "../html/notebooks/01_small.html#a-section" in deck and "#figure-1-1" in deck


def test_the_same_drawing_twice_keeps_its_parts_apart(book):
    text = PLAN.replace("|||", "{{01_small#drawn figure}}\n|||")
    names = re.findall(r'\bid="([^"]+)"', slides.Writer(book).deck(plan(book, text)))
    assert len(names) == len(set(names)) == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("01_small#drawn", "02_gone#drawn", "02_gone: there is no such chapter"),
        ("#drawn", "#lost", "01_small#lost: there is no such code cell"),
        ("#drawn figure", "#said figure", "01_small#said figure: this cell drew no figure"),
        ("#shown table", "#said table", "this cell showed no table"),
        ("#said says", "#drawn says", "this cell printed nothing"),
        ('says "by"', 'says "nine"', "no line holds 'nine'; the lines are"),
        ('"x = 1" "print"', '"x = 1" "return"', "no code from 'x = 1' to 'return'"),
        ("drawn figure", "drawn picture", "'picture' is none of figure, table, text, says, code"),
        ("A section", "No section", "01_small has no section 'No section'"),
    ],
)
def test_what_is_missing_is_named(book, old, new, words):
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        slides.Writer(book).deck(plan(book, PLAN.replace(old, new)))
    assert str(error.value).startswith("01_small, slide "), "and on which slide"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello", "slide 1: expected a heading first"),
        ("# A\n\nNotes: 1 minute\n\nHello", "slide 1: expected a line `Book:"),
        ("# A\n\nBook: 01_small", "slide 1: expected one line `Notes: N minutes`"),
        ("# A\n\nBook: 01_small\n\n{a}\n\nNotes: 1 minute\n\nHello", 'expected {CHAPTER#CELL KIND "words"}, got {a}'),
    ],
)
def test_a_plan_that_cannot_be_read_says_why(book, text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        plan(book, text)


def test_a_chapter_that_has_not_run_is_named(book):
    (book / "_build" / ".page_parts" / "notebooks" / "01_small.json").unlink()
    with pytest.raises(ValueError, match=r"01_small: this chapter has not run.*make book"):
        slides.Writer(book).deck(plan(book))


def test_without_a_built_book_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["slides.py", str(tmp_path)])
    assert slides.main() == 1
    assert "the book was not built. Run make book" in capsys.readouterr().err


def test_cells_that_changed_since_they_ran_are_named(book, tmp_path):
    change(book, said="x = 1\nprint(2)")
    assert slides.write(book, [plan(book)], tmp_path / "made") == ["01_small#said"]


def test_a_new_run_leaves_nothing_of_the_old(book, tmp_path):
    target = tmp_path / "made"
    target.mkdir()
    (target / "old.html").write_text("old")
    assert slides.write(book, [plan(book)], target) == []
    names = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert {"01_small.html", "index.html", "reveal/reveal.js", "reveal/LICENSE", "fonts/sans.woff2"} <= names
    assert "old.html" not in names


def test_the_copy_of_reveal_is_the_version_that_it_says():
    folder = slides.HOME / "reveal"
    version = re.search(r"reveal\.js (\d+\.\d+\.\d+)", (folder / "README.md").read_text(encoding="utf-8"))[1]
    assert f"`{version}`" in (folder / "reveal.js").read_text(encoding="utf-8")
    for name in ("LICENSE", "LICENSE-marked"):
        assert "Permission is hereby granted" in (folder / name).read_text(encoding="utf-8")


def test_in_a_browser(book, tmp_path):
    long = PLAN.replace("Hello.", "Hello. " * 400)
    slides.write(book, [plan(book)], tmp_path / "good")
    slides.write(book, [plan(book, long)], tmp_path / "bad")
    with headless.browser(watch=True) as driver:
        good = tmp_path / "good" / "01_small.html"
        assert slide_look.complaints(driver, good) == {}
        asked = headless.asked_for(driver)
        assert len(asked) > 6 and all(address.startswith(("file:", "data:")) for address in asked), asked
        assert not headless.errors(driver)
        slide_look.press(driver, Keys.ARROW_LEFT)
        assert driver.execute_script("return Reveal.getSlidePastCount()") == 1
        theme = "return document.documentElement.dataset.theme"
        before = driver.execute_script(theme)
        slide_look.press(driver, "d")
        assert {before, driver.execute_script(theme)} == {"light", "dark"}
        [title, *_] = slide_look.complaints(driver, tmp_path / "bad" / "01_small.html").items()
        assert title[0] == 1 and "too high" in title[1][0]


def test_teachers_get_the_slides_where_they_were_built(book, tmp_path):
    assert build.slides(tmp_path / "nowhere") == {}
    slides.write(book, [plan(book)], tmp_path / "made")
    files = build.slides(tmp_path / "made")
    assert b"A small lecture" in files["slides/01_small.html"] and "slides/reveal/reveal.js" in files
    build.pack(tmp_path / "course.zip", files)
