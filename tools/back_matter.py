"""A Sphinx extension for the back matter: indices and tables that are generated while the book is built.

In a page, a fenced directive stands where one goes: `{experiment-index}`, `{reproduce-table}`,
`{book-cost}`, `{pinned-versions}`, `{references-checked}`.
"""

import collections
import csv
import math
import pathlib

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

import record_facts
from chapter_facts import chapter_number


class ExperimentIndex(SphinxDirective):
    """All experiments: what each asks, its table and command, and who reads it."""

    def run(self):
        """Return a definition list."""
        readers, items = record_facts.readers(), []
        for entry in record_facts.experiments():
            name = entry["name"]
            rows = record_facts.table(name)
            size = f"{len(rows):,} runs" if rows is not None else "not recorded yet"
            over = f"; intervals are over {entry['unit']}" if entry["unit"] else ""
            not_run = "".join(f" Not run: {what}." for what in entry["left_out"])
            said = f": {size}{over}.{not_run}"
            what = nodes.paragraph("", "", nodes.literal("", f"results/{name}.csv"), nodes.Text(said))
            how = nodes.paragraph(
                "", "Recorded by ", nodes.literal("", f"python -m experiments.{name}"), nodes.Text(".")
            )
            if rows is not None:
                to = nodes.reference("", "Explore it", refuri=f"explorer.html#table={name}", internal=False)
                how += [nodes.Text(" "), to, nodes.Text(".")]
            read = nodes.paragraph("", "Read in ")
            if readers.get(name):
                read += [links(readers[name], self.env.docname), nodes.Text(".")]
            else:
                read += nodes.Text("no chapter.")
            body = nodes.definition("", what, how, read)
            term = nodes.term("", entry["question"], ids=[f"experiment-{name.replace('_', '-')}"])
            items.append(nodes.definition_list_item("", term, body))
        return [nodes.definition_list("", *items, classes=["experiments"])]


class ReproduceTable(SphinxDirective):
    """What each recorded table took, with what, and who reads it; and what all of them took together."""

    def run(self):
        """Return a sentence with the sums, then a sentence and a table for each set of versions and devices."""
        readers, groups, costs = record_facts.readers(), {}, []
        for name, rows in record_facts.recorded().items():
            costs.append(record_facts.cost(rows))
            line = [nodes.literal("", name), *what_it_took(costs[-1]), links(readers.get(name), self.env.docname)]
            groups.setdefault(record_facts.ran_with(rows), []).append(line)
        head = ["NAME", "runs", "CPU time", "memory (GB)", "read in"]
        shown = [(nodes.paragraph("", recorded_with(*key)), table(head, lines)) for key, lines in groups.items()]
        return [nodes.paragraph("", sums(costs)), *(node for pair in shown for node in pair)]


def what_it_took(cost):
    """Return the cells of a table's cost: runs, CPU time, the largest memory in GB; dashes where no run says it."""
    memory = f"{cost['memory_mb'] / 1000:.1f}" if cost["measured"] else "–"
    return [f"{cost['runs']:,}", time_of(cost), memory]


def recorded_with(versions, device):
    """Say in words with what the tables below were recorded."""
    return f"Recorded with {versions}, on {device or 'a device that the rows do not name'}:"


def time_of(cost):
    """Return the CPU time of a table as people say it: `20 s`, `35 min`, `4.2 h`; a dash where no run says it."""
    if not cost["measured"]:
        return "–"
    hours = cost["cpu_hours"]
    minutes = f"{60 * hours:.0f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"
    text = minutes if hours < 1 else f"{hours:.1f} h"
    return text if cost["measured"] == cost["runs"] else f"{text} ({cost['measured']} runs)"


def sums(costs):
    """Say in words what all tables took together."""
    costs = list(costs)
    runs, measured = (sum(cost[name] for cost in costs) for name in ("runs", "measured"))
    cpus = sorted({cpu for cost in costs for cpu in cost["cpus"]})
    keras = sorted({version for cost in costs for version in cost["keras"]})
    first, last = (pick(cost["dates"][i] for cost in costs) for i, pick in enumerate((min, max)))
    who = "Together they" if measured == runs else f"The {measured:,} of them that say what they cost"
    hours = sum(cost["cpu_hours"] for cost in costs)
    memory = max(cost["memory_mb"] for cost in costs if cost["measured"]) / 1000
    text = (
        f"{len(costs)} tables hold {runs:,} runs. {who} took {hours:.1f} hours of CPU time, measured pretraining "
        f"included; the largest process needed {memory:.1f} GB. They were recorded from {first} to {last} with Keras "
    )
    return text + ", ".join(keras) + (f", on: {'; '.join(cpus)}." if cpus else ".")


class BookCost(SphinxDirective):
    """What the pages with code take on the reference laptop."""

    def run(self):
        """Return a sentence."""
        cost = record_facts.book_cost(record_facts.table("places"))
        text = (
            f"On the laptop of that page, {cost['pages']} chapters were measured. One after another they take "
            f"{cost['minutes']:.0f} minutes, the longest {cost['longest_seconds']:.0f} seconds, and none needs more "
            f"than {cost['memory_mb'] / 1000:.1f} GB."
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
    """Count the rows of `references-checked.csv` by the kind of page where each work was seen."""
    return collections.Counter(
        row["where"].split(";")[0] if row["seen"] != "not seen" else "not looked up" for row in rows
    )


def what_was_seen(rows):
    """Say in words how many works were seen, and how many of them on the publisher's page."""
    seen = [row for row in rows if row["seen"] != "not seen"]
    own = sum("publisher's page" in row["where"] for row in seen)
    left = len(rows) - len(seen)
    return (
        f"The list has {len(rows)} works. Of {'each' if not left else len(seen)} we saw, in copies of public pages, "
        f"some or all of title, authors, venue and identifier; {own} of them on a page of the publisher."
        + (f" {left} {'was' if left == 1 else 'were'} not looked up." if left else "")
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


def links(documents, here):
    """Return links from the page `here` to documents, chapters first, with commas; a dash where there are none."""
    found = nodes.inline("", "" if documents else "–")
    for i, document in enumerate(sorted(documents or (), key=lambda name: chapter_number(name) or (math.inf,))):
        found += [nodes.Text(", ")] * bool(i) + [_to(document, here)]
    return found


def _to(document, here):
    number = ".".join(map(str, chapter_number(document)))
    options = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{document}", "refdoc": here}
    return addnodes.pending_xref("", nodes.inline("", number), refwarn=True, refexplicit=bool(number), **options)


def setup(app):
    """Register the directives with Sphinx."""
    for name, directive in {
        "experiment-index": ExperimentIndex,
        "reproduce-table": ReproduceTable,
        "book-cost": BookCost,
        "pinned-versions": PinnedVersions,
        "references-checked": ReferencesChecked,
    }.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
