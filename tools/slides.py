"""Slides for the lectures, from their plans and the executed notebooks: `make book`, then `make slides`.

`course/slides/NN_name.md` is the plan of a lecture (`slide_plan`). Every figure, table and number of it is a part of a
cell that ran (`slide_cells`). The decks in `_build/slides/` need no network: reveal.js and the fonts lie beside them.
"""

import argparse
import html
import pathlib
import re
import shutil
import sys

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import read
from pygments.formatters import HtmlFormatter

import chapter_pages
import formulas
import mark
import slide_cells
import slide_plan

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "course" / "slides"
STYLES = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="reveal/reset.css"><link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="slides.css"><script src="theme.js"></script></head>
<body><div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="reveal/reveal.js"></script><script src="reveal/notes.js"></script><script src="slides.js"></script>
</body></html>
"""
CONTENTS = """<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Lectures</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="slides.css"><script src="theme.js"></script></head>
<body class="contents"><main><div class="way">{way}</div><h1>Six lectures</h1><ol>{rows}</ol>
<h2>Keys</h2><table>
<tr><td>→ and ←, space</td><td>next slide, slide before</td></tr>
<tr><td>S</td><td>the speaker's window: notes, clock, next slide</td></tr>
<tr><td>D</td><td>light or dark</td></tr>
<tr><td>O, Esc</td><td>all slides at a glance</td></tr>
<tr><td>F, B</td><td>the whole screen; a black screen</td></tr>
<tr><td>?</td><td>all keys</td></tr></table>
<p><strong>On paper:</strong> open "on paper" above, then print; Chromium, Chrome and Edge keep one slide a sheet. With
"notes", each slide is followed by what the lecturer says.</p>
<p>Links into the book work where the built book lies in the folder <code>html</code> beside this folder, as
<code>make book</code> leaves it.</p></main></body></html>
"""


def markdown():
    """Return what turns Markdown with formulas into HTML."""
    text = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
    for kind, block in (("math_inline", False), ("math_block", True)):
        text.add_render_rule(kind, lambda self, tokens, n, *_, block=block: _formula(tokens[n].content, block))
    return text


def _formula(source, block):
    made = formulas.to_mathml(source, block)
    return f'<div class="math">{made}</div>' if block else made


class Writer:
    """Makes decks of plans, with the `executed` notebooks of the book in `root`."""

    def __init__(self, root):
        """Read where the outputs are."""
        self.root, self.executed, self.text = root, slide_cells.Executed(root), markdown()
        self.titles, self.headings, self.drawings = {}, {}, 0

    def deck(self, plan):
        """Return the page of a lecture. Raises `ValueError` for what cannot be shown."""
        parts, clock = [], 0
        for number, slide in enumerate(plan.slides, 1):
            parts.append(self.slide(slide, f"{plan.name}, slide {number}", clock, first=number == 1))
            clock += slide.minutes
        return PAGE.format(title=html.escape(plan.title), slides="\n".join(parts))

    def slide(self, slide, where, clock, first=False):
        """Return a slide that begins `clock` minutes after the lecture did."""
        try:
            columns = [self.column(column) for column in slide.columns]
            book = self.link(slide) + self.figures(slide)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        columns = [f'<div class="column">{column}</div>' for column in columns]
        title = self.text.renderInline(slide.title)
        way = f'<div class="way">{"".join(mark.svg(states, mark.PAGE) for states in mark.WAY)}</div>' if first else ""
        notes = f"<p><strong>Minute {clock} to {clock + slide.minutes}.</strong></p>{self.text.render(slide.notes)}"
        return (
            f'<section data-timing="{60 * slide.minutes}"{" class=first" if first else ""}><div class="sheet">{way}'
            f'<h2>{title}</h2><div class="columns n{len(columns)}">{"".join(columns)}</div>'
            f'<p class="book">{book}</p></div><aside class="notes">{notes}</aside></section>'
        )

    def column(self, parts):
        """Return a column of Markdown texts and places."""
        return "".join(self.text.render(part) if isinstance(part, str) else self.place(part) for part in parts)

    def place(self, place):
        """Return a part of an executed cell."""
        if place.kind not in slide_cells.KINDS:
            raise ValueError(f"{place.where}: {place.kind!r} is none of {', '.join(slide_cells.KINDS)}")
        cell, _ = self.executed.cell(place.chapter, place.cell)
        made = slide_cells.KINDS[place.kind](cell, place.words, place.where)
        if place.kind != "figure":
            return made
        self.drawings += 1
        return slide_cells.own_names(made, f"figure-{self.drawings}")

    def figures(self, slide):
        """Return links to the figures of a slide in the book."""
        links = []
        for place in (part for column in slide.columns for part in column if isinstance(part, slide_plan.Place)):
            number = slide_cells.number(self.executed.cell(place.chapter, place.cell)[1])
            if place.kind == "figure" and number:
                there = f"../html/notebooks/{place.chapter}.html#{chapter_pages.anchor(number)}"
                links.append(f' · <a href="{there}">Figure {number}</a>')
        return "".join(links)

    def link(self, slide):
        """Return the link to the section of the book that a slide follows."""
        title = self.title(slide.chapter)
        anchor, words = "", html.escape(title)
        if slide.heading:
            if slide.heading not in self.headings[slide.chapter]:
                raise ValueError(f"Book: {slide.chapter} has no section {slide.heading!r}")
            anchor, words = f"#{slide_plan.anchor(slide.heading)}", f"{words} · {html.escape(slide.heading)}"
        return f'<a href="../html/notebooks/{slide.chapter}.html{anchor}">{words}</a>'

    def title(self, chapter):
        """Return the title of a chapter, its number first."""
        if chapter not in self.titles:
            path = self.root / "notebooks" / f"{chapter}.ipynb"
            if not path.exists():
                raise ValueError(f"Book: {chapter}: there is no such chapter in notebooks/")
            text = "\n".join(cell.source for cell in read(path, 4).cells if cell.cell_type == "markdown")
            self.headings[chapter] = set(re.findall(r"^#{2,3} (.+)$", text, flags=re.M))
            self.titles[chapter] = re.search(r"^# (.+)$", text, flags=re.M)[1]
        return self.titles[chapter]


def contents(plans):
    """Return the page that leads to all decks."""
    rows = "".join(
        f'<li><a href="{plan.name}.html">{html.escape(plan.title)}</a> '
        f"({len(plan.slides)} slides, {plan.minutes} minutes; "
        f'<a href="{plan.name}.html?view=print">on paper</a>, '
        f'<a href="{plan.name}.html?view=print&amp;showNotes=separate-page">with notes</a>)</li>'
        for plan in plans
    )
    return CONTENTS.format(way="".join(mark.svg(states, mark.PAGE) for states in mark.WAY), rows=rows)


def colours():
    """Return the style sheet of code, light and dark."""
    where = '[data-theme="{}"] .highlight'
    return "\n".join(HtmlFormatter(style=s).get_style_defs(where.format(theme)) for theme, s in STYLES.items())


def write(root, plans, target):
    """Write the decks of plans into a folder, which holds all that they need; return the names of changed cells.

    The older slides stay until the new ones are whole.
    """
    writer = Writer(root)
    pages = {f"{plan.name}.html": writer.deck(plan) for plan in plans}
    new = target.with_name(f"{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name, page in (pages | {"index.html": contents(plans)}).items():
        (new / name).write_text(page, encoding="utf-8")
    shutil.copytree(HOME / "reveal", new / "reveal")
    shutil.copytree(ROOT / "book" / "_static" / "fonts", new / "fonts")
    for name in ("theme.js", "slides.js"):
        shutil.copy(HOME / name, new)
    style = (HOME / "slides.css").read_text(encoding="utf-8")
    (new / "slides.css").write_text(f"{style}\n{colours()}\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    places = {(place.chapter, place.cell) for plan in plans for place in plan.places}
    return writer.executed.used_older(sorted(places))


def plans():
    """Return the plans of all lectures, in order."""
    return [slide_plan.read(path) for path in sorted(HOME.glob("[0-9]*.md"))]


def main():
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=ROOT, help="the folder of the book")
    root = parser.parse_args().root.resolve()
    try:
        lectures = plans()
        older = write(root, lectures, root / "_build" / "slides")
    except ValueError as error:
        print(f"{error}\n\nThere are no new slides.", file=sys.stderr)
        return 1
    if older:
        print(f"Changed since they ran (make book runs them): {', '.join(older)}", file=sys.stderr)
    print(f"{len(lectures)} lectures: open {root / '_build' / 'slides' / 'index.html'} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
