"""A Sphinx extension for the page "To teach with this book": what it says of chapters is read from them.

In `book/teaching.md` a fenced directive stands where one goes: `{chapter-objectives}` and `{chapter-mistakes}`, from
the text of the chapters; `{chapter-costs}`, minutes and memory; `{course-plan} NAME`, from `book/teaching-plan.csv`;
`{course-runs}`, how the students' zip ran elsewhere, from `results/places.csv`.
"""

import csv
import html
import json
import pathlib
import re

import nbformat
import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

import chapter_strip
import course_runs
import front_page
from tlbook import results

ROOT = pathlib.Path(__file__).parents[1]
ABLE = re.compile(r"\*\*You will be able to\*\*\s*\n+((?:- .+\n?(?:  .+\n?)*)+)")
MISTAKE = re.compile(r"^###? The mistake: (.+)$", re.MULTILINE)


class teaching_part(nodes.General, nodes.Element):
    """Stands on the page until all chapters have been read."""


def chapters(srcdir):
    """Return the chapters in the order of the book: a list of (caption of the part, names)."""
    parts = yaml.safe_load(pathlib.Path(srcdir, "_toc.yml").read_text(encoding="utf-8"))["parts"]
    found = []
    for part in parts:
        files = [one["file"] for one in part["chapters"] if pathlib.Path(srcdir, f"{one['file']}.ipynb").exists()]
        if files:
            found.append((part["caption"], [file.removeprefix("notebooks/") for file in files]))
    return found


def words(srcdir, name):
    """Return the text of a chapter, without its code; references to other chapters hold anywhere in the book."""
    notebook = nbformat.read(pathlib.Path(srcdir, "notebooks", f"{name}.ipynb"), as_version=4)
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.sub(r"\{doc\}`(?=\w)", "{doc}`/notebooks/", text.replace("{doc}`../", "{doc}`/"))


def objectives(text):
    """Return what a reader will be able to do, a list, from the text of a chapter. Raises `ValueError` without one."""
    found = ABLE.search(text)
    if not found:
        raise ValueError("expected a list below **You will be able to**")
    lines = re.split(r"^- ", found[1], flags=re.MULTILINE)[1:]
    return [" ".join(line.split()).rstrip(";.?") for line in lines]


class FromChapters(SphinxDirective):
    """Something of the text of each chapter, part by part."""

    def run(self):
        """Return lists."""
        lines = []
        for caption, names in chapters(self.env.srcdir):
            lines += [f'<details class="by-part"><summary>{html.escape(caption)}</summary>', ""]
            for name in names:
                self.env.note_dependency(str(pathlib.Path(self.env.srcdir, "notebooks", f"{name}.ipynb")))
                lines += self.lines(name, words(self.env.srcdir, name))
            lines += ["", "</details>", ""]
        holder = nodes.container(classes=["from-chapters"])
        self.state.nested_parse(StringList(lines, self.env.docname), self.content_offset, holder)
        return [holder]


class ChapterObjectives(FromChapters):
    """What one can do after each chapter: its own words, in one line."""

    def lines(self, name, text):
        """Return the line of a chapter, Markdown."""
        return [f"- {{doc}}`/notebooks/{name}`: {'; '.join(objectives(text))}."]


class ChapterMistakes(FromChapters):
    """The mistakes that chapters make and mend."""

    def lines(self, name, text):
        """Return the line of a chapter, Markdown; none where it makes no mistake."""
        found = "; ".join(MISTAKE.findall(text))
        return [f"- {{doc}}`/notebooks/{name}`: {found}."] if found else []


class ChapterCosts(SphinxDirective):
    """What each chapter takes: minutes to read and to do, seconds and memory to run."""

    def run(self):
        """Leave a mark: minutes are known when all chapters have been read."""
        return [teaching_part(part="costs")]


class CourseRuns(SphinxDirective):
    """How the notebooks of the students' zip ran where students open it who have installed nothing."""

    def run(self):
        """Return a table."""
        self.env.note_dependency(str(results.FOLDER / "places.csv"))
        names = sorted(path.parent.name for path in (ROOT / "course" / "assignments").glob("*/assignment.ipynb"))
        titles = {name: assignment(name)[0] for name in names} | {"capstone/template": "The frame of the project"}
        found = course_runs.lines(results.read("places"), titles)
        return [nodes.raw("", table(course_runs.HEAD, found, course_runs.CAPTION), format="html")]


class CoursePlan(SphinxDirective):
    """A plan of `book/teaching-plan.csv`."""

    required_arguments, final_argument_whitespace = 1, True

    def run(self):
        """Leave a mark, as the costs do."""
        self.env.note_dependency(str(pathlib.Path(self.env.srcdir, "book", "teaching-plan.csv")))
        return [teaching_part(part="plan", plan=self.arguments[0])]


def plan(name, path=ROOT / "book" / "teaching-plan.csv"):
    """Return the rows of a plan, a list of dict with `chapters` as a list. Raises `ValueError` where there is none."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [row | {"chapters": row["chapters"].split()} for row in rows if row["plan"] == name]
    if not found:
        raise ValueError(f"course-plan: got {name!r}, expected one of {sorted({row['plan'] for row in rows})}")
    return found


def assignment(name, folder=ROOT / "course" / "assignments"):
    """Return the title of an assignment and its minutes, (fewest, most), from its notebook."""
    path = folder / name / "assignment.ipynb"
    if not path.exists():
        return name, None
    about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["course"]
    return about["title"], tuple(about["minutes"])


def fill(app, doctree, docname):
    """Put the tables where their marks stand."""
    for mark in list(doctree.findall(teaching_part)):
        text = costs(app, docname) if mark["part"] == "costs" else plan_table(app, docname, mark["plan"])
        mark.replace_self(nodes.raw("", text, format="html"))


def table(head, rows, caption):
    """Return a table as HTML: `rows` are lists of HTML, of which the first cell names the row."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = (f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>' for row in rows)
    return (
        f'<div class="pst-scrollable-table-container"><table class="table teaching"><caption>{caption}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def costs(app, docname):
    """Return the table of what each chapter takes, HTML."""
    facts, rows = front_page.facts(app.env), []
    for name in (name for _, names in chapters(app.srcdir) for name in names):
        known = facts.get(f"notebooks/{name}")
        if known:
            link = front_page.link(app, docname, f"notebooks/{name}")
            rows.append([link, str(known["read"]), str(known["do"]), chapter_strip.run_time(name)])
    head = ["chapter", "to read (min)", "to do (min)", "a run, on a laptop"]
    return table(head, rows, "Minutes of the words, of exercises with quiz, and what the notebook takes to run.")


def number(app, docname, document):
    """Return a link to a chapter that shows its number, with the whole title where it is asked for, as HTML."""
    title = app.env.titles[document].astext()
    address = html.escape(app.builder.get_relative_uri(docname, document))
    shown = html.escape(title.split()[0])
    return f'<a class="reference internal" href="{address}" title="{html.escape(title)}">{shown}</a>'


def plan_table(app, docname, name):
    """Return a plan as a table, HTML."""
    facts, rows, sums = front_page.facts(app.env), [], [0, 0]
    for row in plan(name):
        names = [f"notebooks/{one}" for one in row["chapters"] if f"notebooks/{one}" in facts]
        read, do = (sum(facts[one][what] for one in names) for what in ("read", "do"))
        links = ", ".join(number(app, docname, one) for one in names)
        title, minutes = assignment(row["assignment"])
        span = f", {minutes[0]} to {minutes[1]} min" if minutes else ""
        sums = [total + int(row[what]) for total, what in zip(sums, ("teach", "exercise"), strict=True)]
        when, what = html.escape(row["when"]).replace(" ", "&nbsp;", 1), html.escape(row["what"])
        task = f"{html.escape(title)}{span}"
        rows.append([when, f"{what}: {links}", row["teach"], row["exercise"], str(read), str(do), task])
    head = ["when", "chapters", "teaching", "exercises in class", "to read", "to do", "assignment"]
    caption = f"In minutes. {sums[0] / 60:.1f} hours of teaching and {sums[1] / 60:.1f} hours of exercises in class."
    return table(head, rows, caption.replace(".0 hours", " hours"))


def setup(app):
    """Register the directives with Sphinx."""
    app.add_node(teaching_part)
    for name, directive in {
        "chapter-objectives": ChapterObjectives,
        "chapter-mistakes": ChapterMistakes,
        "chapter-costs": ChapterCosts,
        "course-plan": CoursePlan,
        "course-runs": CourseRuns,
    }.items():
        app.add_directive(name, directive)
    app.connect("doctree-resolved", fill, priority=400)
    return {"parallel_read_safe": True, "version": "1"}
