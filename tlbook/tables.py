"""Tables: one look for all, with names that people use, and numbers aligned at the right."""

import html

import pandas as pd
from IPython.display import HTML

MISSING = "–"


def show(table, formats=None, names=None, caption="", folded=False):
    """Return a table for a notebook to display.

    Parameters
    ----------
    table : pandas.DataFrame
        Its index is not shown: `reset_index` first where it says something.
    formats : dict, optional
        From a column to a format such as "{:.1%}" or "{:,}". A column of numbers has none by default only where it
        holds integers; missing values become a dash.
    names : dict, optional
        From a column, or a word in a cell, to what the reader sees: "cpu_minutes" to "CPU time (min)".
    caption : str, optional
        One sentence above the table.
    folded : bool
        Whether it is folded under "The same in numbers": where a figure says the same.

    Raises `ValueError` for a format of a column that is not there or without braces, and for a column of fractions
    without a format.

    >>> import pandas as pd
    >>> shown = show(pd.DataFrame({"way": ["probe"], "accuracy": [0.75]}), {"accuracy": "{:.0%}"})
    >>> "75%" in shown.data
    True
    """
    formats, names = formats or {}, names or {}
    if unknown := [column for column in formats if column not in table.columns]:
        raise ValueError(f"formats: got {unknown}, expected some of the columns {list(table.columns)}")
    if constant := [column for column, text in formats.items() if "{" not in text]:
        raise ValueError(f"formats: those of {constant} would show every cell alike, expected braces for the value")
    bare = [column for column in table.select_dtypes("floating").columns if column not in formats]
    if bare:
        raise ValueError(f"formats: none for {bare}, expected one for each column of fractions, such as '{{:.1f}}'")
    right = {column: table[column].dtype.kind in "iufc" for column in table.columns}

    def cell(column, value):
        if value is None or value != value:
            return MISSING
        value = names.get(value, value) if isinstance(value, str) else value
        return formats.get(column, "{}").format(value)

    def row(tag, values, attributes=""):
        cells = []
        for column, text in zip(table.columns, values, strict=True):
            number = ' class="number"' if right[column] else ""
            cells.append(f"<{tag}{attributes}{number}>{html.escape(str(text))}</{tag}>")
        return f"<tr>{''.join(cells)}</tr>"

    head = row("th", [names.get(column, column) for column in table.columns], ' scope="col"')
    body = [row("td", map(cell, table.columns, values)) for values in table.itertuples(index=False, name=None)]
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    shown = f'<table class="dataframe tlbook-table">{title}<thead>{head}</thead><tbody>{"".join(body)}</tbody></table>'
    return HTML(_fold("The same in numbers", shown, "ledger numbers") if folded else shown)


def _fold(summary, shown, look="ledger"):
    return f'<details class="{look}"><summary>{summary}</summary>{shown}</details>'


def badge(source):
    """Return the badge that says where data came from, and warns where a stand-in takes the place of recorded data.

    `source` is a `tlbook.files.sources.Source`.
    """
    stand_in = source.kind == "bundled" or "stand-in" in source.name
    look, word = ("stand-in", "Stand-in") if stand_in else ("recorded", "Data")
    said = f"<b>{word}: {html.escape(source.name)}.</b> {html.escape(source.remark)}"
    return HTML(f'<p class="tlbook-badge {look}" role="note">{said}</p>')


def ledger(rows, names):
    """Return the ledger of a recorded comparison, folded: what each arm was given, and what it cost, one line an arm.

    `rows` is a table as `tlbook.results.read` returns it; `names` maps an arm to what the reader sees, in the order of
    the lines, and leaves out all others. Where an arm ran at several sizes, a cell gives the least and the largest of
    the means. What was measured with features in a cache is no cost, and neither is what was not measured: a dash.
    Where the best setting lay at the edge of its grid, a better one may lie outside: a cell says in how many runs.
    """
    lines = [_entry(name, rows[rows.arm == arm]) for arm, name in names.items() if (rows.arm == arm).any()]
    shown = show(pd.DataFrame(lines)).data
    return HTML(_fold("The ledger: labels, trials and costs", shown))


def _entry(name, rows):
    """Return one line of a ledger, of the runs of one arm."""
    seconds = rows.cpu_seconds.where(rows.cache == "cold").groupby(rows.n_train).mean()
    measured = pd.to_numeric(rows.pretraining, errors="coerce").groupby(rows.n_train).mean()
    edge = rows.at_edge.dropna()
    paid = rows.pretraining.iloc[0] if measured.isna().all() else f"{_span(measured)} s"
    return {
        "arm": name,
        "labels learned from": _span(rows.n_train),
        "labels that chose": _span(rows.n_choose),
        "source labels": "the publisher's" if paid == "published" else _span(rows.n_source),
        "settings tried": _span(rows.trials),
        "best at the grid's edge": f"{int(edge.sum())} of {len(edge)}" if len(edge) else MISSING,
        "CPU seconds": _span(seconds),
        "pretraining": paid,
    }


def _span(numbers):
    """Return the least and the largest of some numbers as one text: whole ones, or one decimal where they are small."""
    if numbers.isna().all():
        return MISSING
    ends = [f"{end:,.0f}" if end >= 10 or end == int(end) else f"{end:.1f}" for end in (numbers.min(), numbers.max())]
    return " to ".join(dict.fromkeys(ends))
