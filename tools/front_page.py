"""A Sphinx extension: what stands on the front page beside its words, made while the book is built.

In `book/index.md`, a fenced directive stands where one goes: `{front-instrument}`, the recorded curves with a slider
over the labels; `{front-route} TITLE`, with the names of chapters as its lines; and `{chapter-cards}`, all chapters.
"""

import csv
import html
import pathlib

import nbformat
import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

import chapter_facts
import front_curves
import front_instrument
import thumbnails
from page_parts import code_of

DIFFICULTY = {1: "first steps", 2: "practice", 3: "with derivations"}
FEW = 2


class front_part(nodes.General, nodes.Element):
    """Stands on the front page until all chapters have been read."""


class FrontInstrument(SphinxDirective):
    """The recorded curves, one sentence, and a slider over the labels."""

    def run(self):
        """Return it as HTML that says all it has to say without a script, too."""
        return [nodes.raw("", front_instrument.drawn(front_curves.record()), format="html")]


class FrontRoute(SphinxDirective):
    """A way through the book: a list of chapters with minutes."""

    required_arguments, final_argument_whitespace, has_content = 1, True, True
    option_spec = {"exercises": directives.flag, "guide": directives.unchanged}

    def run(self):
        """Leave a mark: minutes are known when all chapters have been read."""
        names = [line.strip() for line in self.content if line.strip()]
        options = {"exercises": "exercises" in self.options, "guide": self.options.get("guide")}
        return [front_part(part="route", title=self.arguments[0], names=names, **options)]


class ChapterCards(SphinxDirective):
    """All chapters as cards."""

    def run(self):
        """Leave a mark, as a route does."""
        return [front_part(part="cards")]


def facts(env):
    """Return what is known of each chapter: a dict that Sphinx keeps with its environment."""
    return env.__dict__.setdefault("tlbook_front", {})


def collect(app, doctree):
    """Remember of a chapter how long it takes, what data it uses, and a drawing of its first figure."""
    name = app.env.docname
    if not name.startswith("notebooks/"):
        return
    paths = [pathlib.Path(app.srcdir, image["uri"]) for image in doctree.findall(nodes.image)]
    drawn = (thumbnails.thumbnail(p.read_text(encoding="utf-8")) for p in paths if p.suffix == ".svg" and p.is_file())
    code = code_of(nbformat.read(pathlib.Path(app.srcdir, f"{name}.ipynb"), as_version=4))
    facts(app.env)[name] = {
        "read": chapter_facts.minutes_to_read(doctree),
        "do": chapter_facts.minutes_to_do(doctree),
        "data": chapter_facts.data(code),
        "thumb": next((one for one in drawn if one), None),
    }


def fill(app, doctree, docname):
    """Put routes and cards where their marks stand."""
    for mark in list(doctree.findall(front_part)):
        text = _cards(app, docname) if mark["part"] == "cards" else _route(app, docname, mark)
        mark.replace_self(nodes.raw("", text, format="html"))


def _route(app, docname, mark):
    items, total = [], 0
    for name in mark["names"]:
        document = f"notebooks/{name}"
        its = facts(app.env).get(document)
        if its is None:
            continue  # a book with fewer chapters
        minutes = its["read"] + (its["do"] if mark["exercises"] else 0)
        total += minutes
        items.append(f"<li>{link(app, docname, document)} <span>{minutes} min</span></li>")
    guide = f'<p class="guide">{link(app, docname, mark["guide"])}</p>' if mark.get("guide") else ""
    hours = f"{total} min" if total < 100 else f"{total / 60:.0f} hours"
    with_what = "with exercises and quizzes" if mark["exercises"] else "to read"
    return (
        f'<section class="front-route"><h3>{html.escape(mark["title"])}</h3>'
        f'<p class="total">{hours} {with_what}</p>{guide}<ol>{"".join(items)}</ol></section>'
    )


def link(app, docname, document):
    """Return a link from a page to another, with its title, as HTML."""
    address = html.escape(app.builder.get_relative_uri(docname, document))
    return f'<a class="reference internal" href="{address}">{html.escape(app.env.titles[document].astext())}</a>'


def difficulties(path):
    """Return how hard each chapter is, 1 to 3, from a table. Raises `ValueError` for another value."""
    with path.open(encoding="utf-8", newline="") as file:
        found = {row["chapter"]: int(row["difficulty"]) for row in csv.DictReader(file)}
    if wrong := {name: level for name, level in found.items() if level not in DIFFICULTY}:
        raise ValueError(f"{path.name}: got {wrong}, expected one of {', '.join(map(str, DIFFICULTY))}")
    return found


def _cards(app, docname):
    parts = yaml.safe_load(pathlib.Path(app.config.external_toc_path).read_text(encoding="utf-8"))["parts"]
    levels = difficulties(pathlib.Path(app.srcdir, "book", "cards.csv"))
    groups = []  # of heading and chapters; a part with few chapters shares its row with the next
    for part in parts:
        names = [entry["file"] for entry in part["chapters"] if entry["file"] in facts(app.env)]
        if names and groups and len(groups[-1][1]) < FEW:
            groups[-1] = (f"{groups[-1][0]} · {part['caption']}", [*groups[-1][1], *names])
        elif names:
            groups.append((part["caption"], names))
    found = ['<p id="chapters-read" role="status"></p>']
    for title, names in groups:
        cards = "".join(_card(app, docname, name, levels.get(name.split("/")[-1])) for name in names)
        found.append(f'<h3 class="cards-part">{html.escape(title)}</h3><ul class="chapter-cards">{cards}</ul>')
    return "".join(found)


def _card(app, docname, document, level):
    its = facts(app.env)[document]
    drawn = (
        its["thumb"] or f'<span class="thumb" aria-hidden="true">{app.env.titles[document].astext().split()[0]}</span>'
    )
    hard = f'<span class="difficulty level-{level}">{DIFFICULTY[level]}</span>' if level else ""
    return (
        f'<li class="chapter-card">{drawn}{link(app, docname, document)}'
        f"<p><span>{its['read']} min</span><span>{html.escape(its['data'])}</span>{hard}</p></li>"
    )


def add_files(app, pagename, templatename, context, doctree):
    """Give the front page, and no other, its style and its script."""
    if pagename == app.config.root_doc:
        app.add_css_file("front.css")
        app.add_js_file("front.js", loading_method="defer")


def forget(app, env, docname):
    """Forget a chapter that is read again or gone."""
    facts(env).pop(docname, None)


def setup(app):
    """Register the directives with Sphinx, and connect the steps to its build."""
    app.add_node(front_part)
    for name, directive in {
        "front-instrument": FrontInstrument,
        "front-route": FrontRoute,
        "chapter-cards": ChapterCards,
    }.items():
        app.add_directive(name, directive)
    app.connect("doctree-read", collect, priority=700)
    app.connect("doctree-resolved", fill, priority=400)
    app.connect("html-page-context", add_files)
    app.connect("env-purge-doc", forget)
    return {"parallel_read_safe": False, "version": "1"}
