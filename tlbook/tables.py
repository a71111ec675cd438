"""Tables: one look for all, with names that people use, and numbers aligned at the right."""

import html

from IPython.display import HTML

MISSING = "–"


def show(table, formats=None, names=None, caption=""):
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
    return HTML(
        f'<table class="dataframe tlbook-table">{title}<thead>{head}</thead><tbody>{"".join(body)}</tbody></table>'
    )


def badge(source):
    """Return the badge that says where data came from, and warns where a stand-in takes the place of recorded data.

    `source` is a `tlbook.files.sources.Source`.
    """
    stand_in = source.kind == "bundled" or "stand-in" in source.name
    look, word = ("stand-in", "Stand-in") if stand_in else ("recorded", "Data")
    said = f"<b>{word}: {html.escape(source.name)}.</b> {html.escape(source.remark)}"
    return HTML(f'<p class="tlbook-badge {look}" role="note">{said}</p>')
