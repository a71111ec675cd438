"""A Sphinx extension: each chapter opens with a strip that says what freezes, learns or is left out in it.

Below come minutes, data and the chapters that it builds on. `book/strips.csv` declares the network of a chapter, its
parts and what it builds on; all else is counted or read: the words of the page, its exercises, the record of run times,
the code that loads data. The sentence about run time that the notebook prints goes, since the strip says it.
"""

import csv
import html
import math
import pathlib
import re

from docutils import nodes
from sphinx.util import logging

import front_page
import mark
from tlbook import results

TABLE = pathlib.Path(__file__).parents[1] / "book" / "strips.csv"
SAID = {mark.FROZEN: "frozen", mark.LEARNS: "learning", mark.LEFT_OUT: "left out"}
_RANGE = re.compile(r"(\d+) to (\d+)$")
_logger = logging.getLogger(__name__)


def declared(path=TABLE):
    """Return a dict from the name of each notebook to its row: a dict with `network`, `parts`, `builds_on`.

    `parts` is a list of pairs, name and state. Raises `ValueError` for a part without a state that `mark` knows.
    """
    found = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            parts = [tuple(text.strip() for text in part.rpartition(":")[::2]) for part in row["parts"].split(";")]
            if unknown := [part for part in parts if part[1] not in mark.STATES or not part[0]]:
                raise ValueError(f"{row['chapter']}: got {unknown}, expected names with one of {mark.STATES}")
            found[row["chapter"]] = {**row, "parts": parts, "builds_on": row["builds_on"].split()}
    return found


def states(parts):
    """Return the state of each bar: "blocks 1 to 4" are four bars, any other part is one."""
    found = []
    for name, state in parts:
        span = _RANGE.search(name)
        found += [state] * (int(span[2]) - int(span[1]) + 1 if span else 1)
    return found


def in_words(parts):
    """Return which parts are in which state, a list of pairs (state, names), in the order of `mark.STATES`."""
    named = {state: ", ".join(name for name, its in parts if its == state) for state in mark.STATES}
    return [(state, names) for state, names in named.items() if names]


def run_time(notebook):
    """Return in a few words how long a notebook runs on the reference laptop, from its row in `results/places.csv`."""
    try:
        rows = results.read("places")
    except FileNotFoundError:
        return "not measured"
    rows = rows[(rows.place == results.REFERENCE) & (rows.notebook == notebook)]
    if rows.empty:
        return "not measured"
    row = rows.iloc[0]
    if not row.passed:
        return "failed when last measured"
    return f"{results.at_reference(row.seconds, row.gflops):.0f} s, {math.ceil(row.peak_memory_mb / 100) / 10:.1f} GB"


def drawn(row, facts):
    """Return the strip as HTML. `facts` is a list of pairs: a word, and HTML that says it."""
    bars = mark.svg(states(row["parts"]), mark.PAGE, 'class="strip-mark" aria-hidden="true"')
    said = [
        f'<span class="{state.replace(" ", "-")}"><b>{SAID[state]}</b> {html.escape(names)}</span>'
        for state, names in in_words(row["parts"])
    ]
    items = "".join(f"<div><dt>{word}</dt><dd>{what}</dd></div>" for word, what in facts)
    return (
        f'<div class="strip" role="group" aria-label="This chapter at a glance">{bars}'
        f'<p class="strip-states">In {html.escape(row["network"])}: {"; ".join(said)}.</p><dl>{items}</dl></div>'
    )


def _link(app, docname, target):
    address = html.escape(app.builder.get_relative_uri(docname, target))
    title = app.env.titles[target].astext().partition(":")[0]
    return f'<a class="reference internal" href="{address}">{html.escape(title)}</a>'


def add(app, doctree, docname):
    """Put the strip below the title of a chapter, and take out what it says again."""
    folder, _, notebook = docname.rpartition("/")
    if app.builder.format != "html" or folder != "notebooks":
        return
    row = declared().get(notebook)
    if row is None:
        _logger.warning("%s has no row in %s", notebook, TABLE.name, location=docname)
        return
    counted = front_page.facts(app.env)[docname]
    places = html.escape(app.builder.get_relative_uri(docname, "book/places"))
    facts = [
        ("Read", f"{counted['read']} min"),
        ("Run", f'<a class="reference internal" href="{places}">{run_time(notebook)}</a>'),
        ("Exercise", f"{counted['do']} min"),
        ("Data", html.escape(counted["data"])),
    ]
    known = [f"notebooks/{name}" for name in row["builds_on"] if f"notebooks/{name}" in app.env.titles]
    if known:
        facts.append(("Builds on", ", ".join(_link(app, docname, target) for target in known)))
    first = next(doctree.findall(nodes.section))
    below = 2 if len(first) > 2 and _names_the_article(first[1]) else 1
    first.insert(below, nodes.raw("", drawn(row, facts), format="html"))
    say_once(doctree, results.needs(notebook))


def _names_the_article(node):
    return isinstance(node, nodes.paragraph) and any("lang=" in raw.astext() for raw in node.findall(nodes.raw))


def say_once(doctree, sentence):
    """Take a printed sentence out of the output of the set-up cell, and the output where nothing else is in it."""
    for cell in [cell for cell in doctree.findall(nodes.container) if "tag_setup" in cell["classes"]]:
        for block in [block for block in cell.findall(nodes.literal_block) if sentence in block.astext()]:
            rest = block.astext().replace(sentence, "").strip("\n")
            if rest:
                block.children = [nodes.Text(rest)]
                block.rawsource = rest
                continue
            output = block.parent
            output.remove(block)
            if not output.children:
                output.parent.remove(output)


def setup(app):
    """Connect the steps to Sphinx's build."""
    app.connect("doctree-resolved", add, priority=450)  # before figures and mentions change the page
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
