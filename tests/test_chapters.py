"""The form of a chapter, as CONTRIBUTING.md gives it: numbers, blocks, quiz, exercises, figures, and its length."""

import ast
import pathlib
import re

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

import cell_forms

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LAST_SECTIONS = ["Quiz", "Exercises", "Key points", "Further reading"]
MOST_LINES = 220  # of code that stands open
MOST_COLUMNS = 84
FIGURE = r"Figure (\d+(?:\.\d+)?)-(\d+)"
# Names of arms, columns and labels of formulas are for programs. (`code` in the text is a word of the lesson.)
IDENTIFIER = re.compile(r"(?<![\w`./])[a-z]+\d*(?:_[a-z0-9]+)+(?![\w`/(])")

each_chapter = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind=None):
    return [cell for cell in nbformat.read(path, 4).cells if kind in (None, cell.cell_type)]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def text(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def section(path, name):
    return re.split(r"^## ", text(path).partition(f"## {name}\n")[2], maxsplit=1, flags=re.M)[0]


def number(path):
    part, place = re.match(r"0*(\d+)(?:_(\d+))?_", path.name).groups()
    return f"{part}.{place}" if place else part


@each_chapter
def test_chapter_begins_with_its_number_its_place_in_the_article_and_its_idea(path):
    install, title, *rest = cells(path)
    assert "remove-cell" in tags(install), "first the hidden cell for Colab"
    heading, place = title.source.split("\n\n")[:2]
    assert heading.startswith(f"# {number(path)} ")
    assert re.fullmatch(r'<span lang="zh-Hans">[^<]+</span> · \{doc\}`\.\./book/map`', place), place
    assert "**You will be able to**" in title.source
    setups = [cell for cell in rest if "setup" in tags(cell)]
    assert len(setups) == 1 and setups[0] is rest[0], "one folded set-up cell below the title"
    assert f'results.needs("{path.stem}")' in setups[0].source


@each_chapter
def test_chapter_ends_with_quiz_exercises_key_points_and_reading(path):
    headings = re.findall(r"^## (.+)$", text(path), flags=re.M)
    assert headings[-4:] == LAST_SECTIONS
    assert not set(headings[:-4]) & set(LAST_SECTIONS)
    assert re.search(r"^#{2,3} The mistake: ", text(path), flags=re.M), "a mistake, made and mended"


@each_chapter
def test_quiz_has_five_questions_with_one_right_option_each(path):
    quiz = section(path, "Quiz")
    assert re.findall(r"^\*\*(\d)\. ", quiz, flags=re.M) == list("12345")
    option = (
        r'<details class="quiz (right|wrong)"><summary>[^\n`]+</summary>\n\n\*\*(Right|No)\.\*\* \S.*?\n\n</details>'
    )
    places = []
    for question in re.split(r"^\*\*\d\. ", quiz, flags=re.M)[1:]:
        options = re.findall(option, question, flags=re.S)
        assert len(options) == question.count("<details") >= 3, f"not as CONTRIBUTING.md shows it: {question[:60]}"
        assert all((look == "right") == (word == "Right") for look, word in options), question[:60]
        looks = [look for look, _ in options]
        assert looks.count("right") == 1, question[:60]
        places.append(looks.index("right"))
    assert len(set(places)) > 1, "the right option always stands in the same place"


@each_chapter
def test_every_exercise_has_a_hidden_solution(path):
    """After each exercise comes a solution, in words or in code or both, and nothing else that looks like one."""
    order = []
    for cell in cells(path):
        if cell.cell_type == "markdown":
            found = re.findall(
                r'^(### Exercise) \d|(<details class="solution"><summary>Show solution</summary>\n\n)',
                cell.source,
                flags=re.M,
            )
            order += ["exercise" if exercise else "solution" for exercise, _ in found]
            assert not re.search(r"\{(?:dropdown|admonition)\}\s*Solution", cell.source), "solutions have one look"
        elif "solution" in tags(cell):
            assert "hide-cell" in tags(cell), f"a solution in the open: {cell.source[:60]}"
            order.append("solution")
    kept = [word for word, before in zip(order, [None, *order], strict=False) if (word, before) != ("solution",) * 2]
    assert kept == ["exercise", "solution"] * (len(kept) // 2) and len(kept) >= 4


@each_chapter
def test_code_fits_its_column_and_a_chapter_is_not_long(path):
    shown = 0
    for cell in cells(path, "code"):
        if "remove-cell" in tags(cell):
            continue
        wide = [line for line in cell.source.splitlines() if len(line) > MOST_COLUMNS]
        assert not wide, f"wider than {MOST_COLUMNS} characters: {wide[0]}"
        if not any(tag.startswith("hide-") for tag in tags(cell)):
            shown += len(cell.source.splitlines())
    assert shown <= MOST_LINES, f"{shown} lines of code stand open: fold what draws, or split the chapter"


@each_chapter
def test_cells_are_folded_by_what_they_do(path):
    for cell in cells(path, "code"):
        source, known = cell.source, tags(cell) & set(cell_forms.FOLDED)
        if "remove-cell" in tags(cell) or "solution" in known:
            continue
        if "plt.show()" in source:
            assert "figure" in known, f"tag it `figure`: {source[:60]}"
        statements = ast.parse(TransformerManager().transform_cell(source)).body
        if all(isinstance(statement, ast.Assert) for statement in statements):
            assert known & {"check"}, f"tag it `check`, with a comment that says what holds: {source[:60]}"
    assert any("assert " in cell.source for cell in cells(path, "code")), "no lesson of this chapter is checked"


@each_chapter
def test_figures_have_alt_text_numbers_captions_and_mentions(path):
    captions, mentions = [], set()
    everything = cells(path)
    for cell, following in zip(everything, [*everything[1:], None], strict=True):
        if cell.cell_type == "markdown":
            found = re.findall(rf"^(\*\*)?{FIGURE}(\.\*\* \S)?|(?<!\*){FIGURE}", cell.source, flags=re.M)
            captions += [(chapter, int(place)) for bold, chapter, place, end, *_ in found if bold and end]
            mentions |= {(m[1], int(m[2])) for m in re.finditer(rf"(?<!\*){FIGURE}", cell.source)}
        elif "figure" in tags(cell) and "solution" not in tags(cell):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 5, f"say in mystnb.image.alt what this figure shows: {cell.source[-80:]}"
            assert re.match(rf"\*\*{FIGURE}\.\*\* \S", following.source), f"no caption after {cell.source[-80:]}"
    assert captions == [(number(path), i + 1) for i in range(len(captions))], "number the figures in their order"
    silent = set(captions) - mentions
    assert not silent, f"the text does not refer to {sorted(silent)}"


@each_chapter
def test_pages_show_no_names_of_programs(path):
    prose = re.sub(
        r"\{[a-z:]+\}`[^`]*`|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|https?://\S+|```.*?```", "", text(path), flags=re.S
    )
    assert not (found := IDENTIFIER.findall(prose)), f"an identifier in the text: {found}"
    assert not re.search(r"\b[Cc]hapters? \d", prose), "cite a chapter with {doc}: it shows the number by itself"


def test_quiz_of_another_form_is_found(tmp_path, monkeypatch):
    good = NOTEBOOKS[0]
    notebook = nbformat.read(good, 4)
    for cell in notebook.cells:
        cell.source = cell.source.replace('class="quiz right"', 'class="quiz wrong"')
    path = tmp_path / good.name
    nbformat.write(notebook, path)
    test_quiz_has_five_questions_with_one_right_option_each(good)
    with pytest.raises(AssertionError):
        test_quiz_has_five_questions_with_one_right_option_each(path)


NUMBER = r"(?:\d+(?:\.\d+)?|one|two|three|four|five|six|seven|eight|nine|ten)"
GAINED = re.compile(
    r"\b(?:adds?|added|gains?|gained|helps?|helped|hurts?|loses?|lost|wins?|won|improves?|improved|raises?|raised|costs?)"
    r"\b[^.|]{0,60}?"
    rf"(?<![-\w]){NUMBER} (?:percentage )?points?\b",
    re.I,
)


def typed_gains(prose):
    """Return the sentences that give a number of points gained or lost, and cite nobody for it."""
    sentences = re.split(r"(?<=[.!?])\s|\n\n|\|", prose)
    return [sentence for sentence in sentences if GAINED.search(sentence) and "{cite" not in sentence]


@each_chapter
def test_points_gained_are_printed_by_a_verdict_and_not_typed(path):
    lesson, _, rest = text(path).partition("## Quiz\n")
    points = rest.partition("## Key points\n")[2]
    assert not (found := typed_gains(lesson + "\n\n" + points)), f"let `evaluation.verdict` print it: {found}"


def test_typed_gains_are_found():
    assert typed_gains("Fine. Transfer adds 1.2 points here.") == ["Transfer adds 1.2 points here."]
    assert typed_gains("It hurts, and costs two percentage points.")
    assert not typed_gains(
        "Models lose 11 to 14 points {cite:p}`recht2019`. 200 points always lie so. It adds nothing."
    )


SHOWS = ("show", "ledger", "badge")  # of `tlbook.tables`: each returns what a cell displays if it ends with it


def lost_tables(source):
    """Return the calls in a cell that make a table which no reader sees: nothing takes it, and the cell goes on."""
    body = ast.parse(TransformerManager().transform_cell(source)).body
    statements = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Expr)]
    calls = [one.value for one in statements if one is not body[-1] and isinstance(one.value, ast.Call)]
    names = [f"tables.{name}" for name in SHOWS]
    return [ast.unparse(call) for call in calls if ast.unparse(call.func) in names]


@each_chapter
def test_every_table_is_displayed(path):
    lost = [call for cell in cells(path, "code") for call in lost_tables(cell.source)]
    assert not lost, f"only a cell's last expression is displayed: write display({lost[0]})"


def test_lost_tables_are_found():
    assert lost_tables("tables.show(a)\nb = 1") == ["tables.show(a)"]
    assert lost_tables("if a:\n    tables.ledger(a)") == ["tables.ledger(a)"]
    assert not lost_tables("tables.show(a)\n")
    assert not lost_tables("b = tables.show(a)\ndisplay(tables.show(a))\nplt.show()")
