"""A Sphinx extension: the page that explores the recorded tables.

Each table goes into a script of its own beside the page, since a page that is opened from disk may load scripts and
nothing else. The page loads one when its reader asks for it. `book/_static/explorer.js` does the rest.
"""

import html
import json
import pathlib
import shutil

from docutils import nodes
from scipy import stats
from sphinx.util.docutils import SphinxDirective

import record_facts

PAGE = "book/explorer"
PAIRS = ("seed", "repeat")  # the column whose values two arms share: they are compared pair by pair
MOST_RUNS = 400  # of one interval for which the page knows Student's quantile: 399 degrees of freedom
COSTS = ("cpu_seconds", "tmac", "peak_memory_mb", "seconds", "cores")
SHARES = ("accuracy", "f1", "precision", "recall", "who", "one_shot", "iou", "agreement")
PROVENANCE = ("source", "kind", "note", "python", "keras", "tensorflow", "cpu", "device", "date", "code")
_MOUNT = """<div id="explorer" data-tables="{tables}" data-student="{student}">
<noscript><p>The explorer needs a script, which is off here. All tables stand below, for a spreadsheet.</p></noscript>
</div>"""


def tables(root=record_facts.ROOT):
    """Return what the page offers: the experiments with a recorded table, as `record_facts.experiments` gives them."""
    return [entry for entry in record_facts.experiments(root) if record_facts.table(entry["name"], root) is not None]


def record(entry, root=record_facts.ROOT):
    """Return a table as the page's script reads it, a dict that JSON can hold.

    `pair` is the column that pairs the runs, `by` those of the design that a reader may choose a value of, `measures`
    those with results (name to whether it is a share), `rows` a dict from column to list, and `provenance` the
    distinct values of each column that says where rows come from. Blank cells are None.
    """
    rows = record_facts.table(entry["name"], root)
    pair = next((name for name in PAIRS if name in rows), None)
    designed, found = columns(rows)
    by = [name for name in designed if name not in ("arm", pair) and rows[name].nunique() > 1]
    numbers = set(rows.select_dtypes("number"))  # which test pictures were right is a text
    measures = {name: is_share(name) for name in found if name in numbers and rows[name].notna().any()}
    kept = [name for name in ("arm", pair, *by, *measures) if name in rows]
    return {
        **entry,
        "pair": pair,
        "by": by,
        "measures": measures,
        "rows": {name: [None if value != value else value for value in rows[name].tolist()] for name in kept},
        "provenance": {name: sorted(rows[name].dropna().astype(str).unique()) for name in PROVENANCE if name in rows},
    }


def columns(rows):
    """Return the columns of a table's design, and those of its results: the test's, else those that chose."""
    names = [name for name in rows.columns if name not in COSTS]
    if "chosen" in names:
        designed = names[: names.index("chosen")]
        found = [name for name in names if name.startswith("test_")]
        return designed, [*(found or [name for name in names if name.startswith("validation_")]), *_costs(rows)]
    numbers = [name for name in rows.select_dtypes("number") if name in names and name not in PAIRS]
    return [name for name in names if name in ("arm", *PAIRS)], [*numbers, *_costs(rows)]


def _costs(rows):
    return [name for name in ("cpu_seconds", "tmac") if name in rows]


def is_share(measure):
    """Return whether a column holds shares of one, which readers want as percent."""
    return any(measure.removeprefix("test_").removeprefix("validation_").startswith(share) for share in SHARES)


def write(folder, root=record_facts.ROOT):
    """Write the scripts with the tables, and the tables themselves, to a folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in tables(root):
        name = entry["name"]
        text = json.dumps(record(entry, root), allow_nan=False, separators=(",", ":"))
        (folder / f"{name}.js").write_text(f'tlbookRecord("{name}", {text});\n', encoding="utf-8")
        shutil.copy(root / "results" / f"{name}.csv", folder)
    for whole in (root / "results").glob("map.csv"):  # of several experiments: its data sheet offers it
        shutil.copy(whole, folder)


def mount():
    """Return the element that the script fills, with the questions and Student's quantiles that it needs."""
    student = [round(float(stats.t.ppf(0.975, df)), 6) for df in range(1, MOST_RUNS)]
    said = {entry["name"]: entry["question"] for entry in tables()}
    return _MOUNT.format(tables=html.escape(json.dumps(said)), student=json.dumps(student))


class Explorer(SphinxDirective):
    """The place of the explorer on its page."""

    def run(self):
        """Return that place."""
        return [nodes.raw("", mount(), format="html")]


class RecordFiles(SphinxDirective):
    """The list of all tables, as files."""

    def run(self):
        """Return a list of links, each with the question that the table answers."""
        items = []
        for entry in tables():
            file = f"{entry['name']}.csv"
            link = nodes.reference("", file, refuri=f"../_static/records/{file}", internal=False)
            text = nodes.paragraph("", "", link, nodes.Text(f": {entry['question']}"))
            items.append(nodes.list_item("", text))
        return [nodes.bullet_list("", *items)]


def _add_script(app, pagename, *_):
    if pagename == PAGE:
        app.add_js_file("explorer.js", loading_method="defer")


def setup(app):
    """Register the extension with Sphinx."""
    app.add_directive("explorer", Explorer)
    app.add_directive("record-files", RecordFiles)
    app.connect("html-page-context", _add_script)
    app.connect("build-finished", lambda app, error: error or write(pathlib.Path(app.outdir) / "_static" / "records"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
