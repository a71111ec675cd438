"""A Sphinx extension for the back matter: indices and tables that are generated while the book is built.

In a page, a fenced directive stands where one goes: `{figure-index}`, `{experiment-index}`, `{reproduce-table}`,
`{book-cost}`, `{pinned-versions}`, `{references-checked}`.
"""

import collections
import csv
import pathlib

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

import chapter_pages
import record_facts


class figure_index(nodes.General, nodes.Element):
    """Stands on its page until all pages have been read."""


class FigureIndex(SphinxDirective):
    """All figures of the book, by chapter, with the first sentence of each caption."""

    def run(self):
        """Leave a mark: the captions are known when all pages have been read."""
        return [figure_index()]


class ExperimentIndex(SphinxDirective):
    """All experiments: what each asks, its table and command, and who reads it."""

    def run(self):
        """Return a definition list."""
        readers, items = record_facts.readers(), []
        for entry in record_facts.experiments():
            name = entry["name"]
            rows = record_facts.table(name)
            size = f"{len(rows):,} runs" if rows is not None else "not recorded yet"
            over = f", intervals over the {entry['unit']}" if entry["unit"] else ""
            what = nodes.paragraph("", "", nodes.literal("", f"results/{name}.csv"), nodes.Text(f": {size}{over}."))
            how = nodes.paragraph(
                "", "Recorded by ", nodes.literal("", f"python -m experiments.{name}"), nodes.Text(".")
            )
            read = nodes.paragraph("", "Read in ")
            for i, document in enumerate(readers.get(name, ())):
                read += [nodes.Text(", ")] * bool(i) + [_to(document, self.env.docname)]
            read += nodes.Text("." if readers.get(name) else "no chapter; it settles what another experiment uses.")
            body = nodes.definition("", what, how, read)
            term = nodes.term("", entry["question"], ids=[f"experiment-{name.replace('_', '-')}"])
            items.append(nodes.definition_list_item("", term, body))
        return [nodes.definition_list("", *items, classes=["experiments"])]


class ReproduceTable(SphinxDirective):
    """What each recorded table took, and all of them together."""

    def run(self):
        """Return the table and a sentence with the sums."""
        names = [entry["name"] for entry in record_facts.experiments()]
        costs = {name: record_facts.cost(rows) for name in names if (rows := record_facts.table(name)) is not None}
        lines = [
            [nodes.literal("", name), str(c["runs"]), duration(c["cpu_hours"]), f"{c['memory_mb'] / 1000:.1f}"]
            for name, c in costs.items()
        ]
        head = ["NAME", "runs", "CPU time", "memory (GB)"]
        return [nodes.paragraph("", sums(costs.values())), table(head, lines)]


def duration(hours):
    """Return CPU time as people say it: `35 min`, `4.2 h`."""
    return f"{60 * hours:.0f} min" if hours < 1 else f"{hours:.1f} h"


def sums(costs):
    """Say in words what all tables took together."""
    costs = list(costs)
    cpus = sorted({cpu for cost in costs for cpu in cost["cpus"]})
    keras = sorted({version for cost in costs for version in cost["keras"]})
    first, last = (pick(cost["dates"][i] for cost in costs) for i, pick in enumerate((min, max)))
    return (
        f"{len(costs)} tables hold {sum(cost['runs'] for cost in costs):,} runs. Together they took "
        f"{sum(cost['cpu_hours'] for cost in costs):.0f} hours of CPU time, pretraining included; the largest process "
        f"needed {max(cost['memory_mb'] for cost in costs) / 1000:.1f} GB. They were recorded from {first} to {last} "
        f"with Keras {', '.join(keras)}, on: {'; '.join(cpus)}."
    )


class BookCost(SphinxDirective):
    """What the pages with code take on the reference laptop."""

    def run(self):
        """Return a sentence."""
        cost = record_facts.book_cost(record_facts.table("places"))
        text = (
            f"On the laptop of that page, {cost['pages']} chapters were measured. One after another they take "
            f"{cost['minutes']:.0f} minutes, the longest {cost['longest_seconds']:.0f} seconds, and none needs more than "
            f"{cost['memory_mb'] / 1000:.1f} GB."
        )
        return [nodes.paragraph("", text)]


class PinnedVersions(SphinxDirective):
    """The versions that the readers' requirements pin."""

    def run(self):
        """Return one paragraph."""
        return [
            nodes.paragraph("", ", ".join(f"{name} {version}" for name, version in record_facts.pins().items()) + ".")
        ]


class ReferencesChecked(SphinxDirective):
    """What `references-checked.csv` says, in words and as a table."""

    def run(self):
        """Return a paragraph and a table."""
        path = pathlib.Path(self.env.srcdir, "book", "references-checked.csv")
        self.env.note_dependency(str(path))
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        lines = [[where, str(count)] for where, count in where_seen(rows).most_common()]
        return [nodes.paragraph("", what_was_seen(rows)), table(["where", "works"], lines)]


def where_seen(rows):
    """Count the rows of `references-checked.csv` by where each work was seen."""
    return collections.Counter(row["where"] if row["seen"] != "not seen" else "not looked up" for row in rows)


def what_was_seen(rows):
    """Say in words how many works were seen, and how many of them on the publisher's page."""
    seen = [row for row in rows if row["seen"] != "not seen"]
    own = sum("publisher's page" in row["where"] for row in seen)
    left = len(rows) - len(seen)
    return (
        f"The list has {len(rows)} works. Of {len(seen)} of them we saw, in stored copies of public pages, some or all "
        f"of title, authors, venue and identifier; for {own}, that was the publisher's page itself. "
        + (f"{left} {'was' if left == 1 else 'were'} not looked up." if left else "None was left out.")
    )


def table(head, lines):
    """Return a docutils table; a cell is text or a node."""
    group = nodes.tgroup("", *(nodes.colspec("", colwidth=1) for _ in head), cols=len(head))
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, lines))
    return nodes.table("", group, classes=["generated"])


def _row(cells):
    return nodes.row("", *(nodes.entry("", _paragraph(cell)) for cell in cells))


def _paragraph(cell):
    return nodes.paragraph("", "", cell if isinstance(cell, nodes.Node) else nodes.Text(cell))


def _to(document, here):
    options = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{document}", "refdoc": here, "refexplicit": True}
    name = document.split("/")[-1]
    number = ".".join(str(n) for n in chapter_number(name)) or name.replace("-", " ")
    return addnodes.pending_xref("", nodes.inline("", number), refwarn=True, **options)


def chapter_number(name):
    """Return the number of a chapter from the name of its file: (5, 10) of `05_10_synthetic_speech`; () of a page."""
    numbers = []
    for part in name.split("_"):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _captions(env):
    """Return document and words of each figure's caption: a dict that Sphinx keeps with its environment."""
    return env.__dict__.setdefault("tlbook_captions", {})


def collect(app, doctree):
    """Remember the first sentence of each caption."""
    for paragraph in doctree.findall(nodes.paragraph):
        if number := chapter_pages.number_of(paragraph):
            _captions(app.env)[number] = (app.env.docname, first_sentence(paragraph))


def first_sentence(caption):
    """Return what a caption says first, without its number, as a list of nodes: text and formulas."""
    after = [child for child in caption.children if child.astext()][1:]
    found = []
    for child in after:
        text = child.astext()
        stop = text.find(". ") if isinstance(child, nodes.Text) else -1
        if isinstance(child, nodes.math | nodes.literal | nodes.emphasis):
            found.append(child.deepcopy())
        else:
            found.append(nodes.Text(text[: stop + 1] if stop >= 0 else text))
        if stop >= 0:
            break
    if found and isinstance(found[0], nodes.Text):
        found[0] = nodes.Text(found[0].lstrip())
    return found


def fill(app, doctree, docname):
    """Put the list of figures where its mark stands."""
    for mark in list(doctree.findall(figure_index)):
        chapters = collections.defaultdict(list)
        for number, (home, words) in _captions(app.env).items():
            chapters[home].append((tuple(int(n) for n in number.replace("-", ".").split(".")), number, words))
        parts = []
        for home in sorted(chapters, key=lambda home: min(chapters[home])[0]):
            address = app.builder.get_relative_uri(docname, home)
            title = nodes.reference("", app.env.titles[home].astext(), refuri=address, internal=True)
            items = []
            for _, number, words in sorted(chapters[home], key=lambda figure: figure[0]):
                link = nodes.reference(
                    "", f"Figure {number}", refuri=f"{address}#{chapter_pages.anchor(number)}", internal=True
                )
                items.append(nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(": "), *words)))
            parts += [nodes.paragraph("", "", nodes.strong("", "", title)), nodes.bullet_list("", *items)]
        mark.replace_self(parts)


def forget(app, env, docname):
    """Forget the captions of a page that is read again or gone."""
    for number in [number for number, (home, _) in _captions(env).items() if home == docname]:
        del _captions(env)[number]


def setup(app):
    """Register the directives with Sphinx."""
    app.add_node(figure_index)
    for name, directive in {
        "figure-index": FigureIndex,
        "experiment-index": ExperimentIndex,
        "reproduce-table": ReproduceTable,
        "book-cost": BookCost,
        "pinned-versions": PinnedVersions,
        "references-checked": ReferencesChecked,
    }.items():
        app.add_directive(name, directive)
    app.connect("doctree-read", collect)
    app.connect("doctree-resolved", fill, priority=400)  # before the mentions of figures become links
    app.connect("env-purge-doc", forget)
    return {"parallel_read_safe": False, "version": "1"}
