"""How the notebooks of the students' zip ran where students open it who have installed nothing."""

import html

from tlbook import results

PLACES = ("colab", "binder")  # of `results/places.csv`
HEAD = ["notebook", *(results.PLACES[place] for place in PLACES)]
CAPTION = f"The solved notebook: seconds at {results.REFERENCE_GFLOPS} GFLOP/s a core, and memory at most."


def lines(rows, titles):
    """Return the lines of a table, lists of HTML, from the rows of `results/places.csv` and titles by name."""
    known = {(row.place, row.notebook): row for row in rows.itertuples()}
    return [[html.escape(title), *(_run(known, place, name) for place in PLACES)] for name, title in titles.items()]


def _run(known, place, name):
    """Return in words how a notebook ran in a place: why it failed, untouched or solved, or what it took solved."""
    for kind in ("untouched", "solved"):
        row = known.get((place, f"course/{kind}/{name}"))
        if row is not None and not row.passed:
            return html.escape(f"✗ {kind}: {row.error} ({row.date})")
    if row is None:
        return "not measured"
    return f"{results.at_reference(row.seconds, row.gflops):.0f} s, {row.peak_memory_mb:,.0f} MB"
