"""Dots: a row for each thing compared, with every run, the mean and its interval; a long table at a glance.

Names stand above their rows, not beside them, so that the numbers keep the width of a phone.
"""

import matplotlib.pyplot as plt
import numpy as np

from tlbook.figures.style import COLOURS, GREY, MARKERS, name_data

NAME, LINE, GAP = 0.24, 0.17, 0.1  # inches: a name, a line of dots, the space below a row


def rows_of_runs(runs, y, names, *, by="arm", x="n_train"):
    """Return rows for `dot_rows`: name -> value of `x` -> the values of the column `y`, one a run.

    `runs` is a long table, as `tlbook.results.read` returns it; `names` maps values of the column `by` to what the
    reader sees, in the order of the rows. What has no run is left out.
    """
    rows = {}
    for value, name in names.items():
        groups = runs[runs[by] == value].dropna(subset=y).groupby(x)[y]
        if groups.ngroups:
            rows[name] = {size: group.to_numpy() for size, group in groups}
    return rows


def rows_of_differences(runs, y, pairs, *, by="arm", x="n_train"):
    """Return rows for `dot_rows`: paired differences in points, 100 times `y` of an arm less that of its control.

    `pairs` maps a name to `(arm, control)`, two values of the column `by`; runs that share `x` and the seed are paired.
    A control that has a single value of `x` (no label, say) stands beside each of the arm's.
    """
    rows = {}
    for name, (arm, control) in pairs.items():
        mine, theirs = (runs[runs[by] == value].set_index([x, "seed"])[y] for value in (arm, control))
        if not len(mine) or not len(theirs):
            continue
        sizes = theirs.index.unique(x)
        per_size = {
            size: mine[size].sub(theirs[size if size in sizes else sizes[0]]).dropna() * 100
            for size in mine.index.unique(x).sort_values()
            if size in sizes or len(sizes) == 1
        }
        rows[name] = {size: values.to_numpy() for size, values in per_size.items() if len(values)}
    return {name: row for name, row in rows.items() if row}


def dot_rows(panels, source, *, at=None, lines=(), series=None, **limits):
    """Draw one row for each name: every value a faint dot, the mean with its 95 % interval over it.

    Parameters
    ----------
    panels : dict
        From the label of an axis to its rows, one or two of them with the same names. Rows map a name to its values,
        to a dict of values by series (a number of labels, say), or to None: then the name is a heading. A number, or a
        value that is alone, is drawn without an interval; a tuple is a mean with an interval made elsewhere, `(mean,
        half)` or `(mean, low, high)`.
    source : tlbook.files.sources.Source or str
        Where the data came from.
    at : float, optional
        What means are compared with, a grey line: zero for differences. A mark is filled where the interval leaves it
        out, and hollow where it holds it.
    lines : sequence of float, optional
        Values that a dashed line marks beside the dots of each row, such as guessing. The caption says what they are.
    series : dict, optional
        From a series to what the reader sees; those that it lacks are not drawn.
    **limits
        Go to `axes.set` of each panel (`xlim`).

    Returns the axes, a list. Raises `ValueError` for no rows, or more series than there are colours.
    """
    first = next(iter(panels.values()), {})
    rows = {name: _series(row, series) for name, row in first.items()}
    kinds = list(series or dict.fromkeys(kind for row in rows.values() for kind in row))
    if not 0 < len(kinds) <= len(COLOURS):
        raise ValueError(f"panels: got {len(kinds)} series in {len(rows)} rows, expected 1..{len(COLOURS)} series")
    tops = np.cumsum([0] + [NAME + bool(row) * (LINE * len(row) + GAP) for row in rows.values()])
    size = (5.6 if len(panels) == 1 else 6.8, tops[-1] + 0.8)
    figure, grid = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for axes, (xlabel, given) in zip(grid[0], panels.items(), strict=True):
        for (name, row), top in zip(rows.items(), tops, strict=False):
            shown = _series(given[name], series)
            for place, kind in enumerate(row):
                if kind in shown:
                    _line(axes, top + NAME + (place + 0.3) * LINE, shown[kind], kinds.index(kind), at)
        for value, style in [(at, "-")] * (at is not None) + [(value, "--") for value in lines]:
            axes.vlines(
                [value] * len(rows), tops[:-1] + NAME, tops[1:], color=GREY, linewidth=1, linestyle=style, zorder=0
            )
        axes.set(xlabel=xlabel, ylim=(tops[-1], 0), yticks=[], **limits)
        axes.margins(x=0.06)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
    _name(grid[0], rows, tops, kinds, {kind: str(kind) for kind in kinds} | (series or {}))
    name_data(grid[0, 0], source)
    return list(grid[0])


def _series(row, series):
    """Return a row as a dict by series; a heading has none."""
    if row is None:
        return {}
    row = row if isinstance(row, dict) else {"": row}
    return {kind: values for kind, values in row.items() if series is None or kind in series}


def _line(axes, place, values, number, at):
    """Draw the runs of one series at the height `place`, and their mean with its interval."""
    from tlbook import evaluation  # pictures alone need no scikit-learn

    colour, ends = COLOURS[number], None
    if isinstance(values, tuple):
        mean, *ends = values if len(values) == 3 else (values[0], values[0] - values[1], values[0] + values[1])
    else:
        values = np.atleast_1d(np.asarray(values, "float64"))
        mean = values.mean()
        if len(values) > 1:
            mean, half = evaluation.interval(values)
            ends = mean - half, mean + half
            axes.plot(values, [place] * len(values), ".", color=colour, alpha=0.35, markersize=5, label="_a run")
    told = at is None or ends is None or not ends[0] <= at <= ends[1]
    reach = ends and [[mean - ends[0]], [ends[1] - mean]]
    style = {"color": colour, "marker": MARKERS[number], "markersize": 6, "capsize": 2.5, "linestyle": ""}
    axes.errorbar([mean], [place], xerr=reach, markerfacecolor=colour if told else "white", label="_a mean", **style)


def _name(grid, rows, tops, kinds, called):
    """Write the names above the rows, and those of the series at the right of the first row that has several."""
    for (name, row), top in zip(rows.items(), tops, strict=False):
        weight = "normal" if row else "bold"
        across = grid[0].get_yaxis_transform()
        text = grid[0].text(0, top + NAME / 2, name, transform=across, va="center", fontsize=9.5, weight=weight)
        text.set_in_layout(False)  # it may run on into the next panel
    if len(kinds) < 2:
        return
    fullest = max(rows, key=lambda name: len(rows[name]))
    top = tops[list(rows).index(fullest)]
    where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "xytext": (5, 0), "va": "center"}
    for place, kind in enumerate(rows[fullest]):
        height = top + NAME + (place + 0.3) * LINE
        grid[-1].annotate(called[kind], (1, height), color=COLOURS[kinds.index(kind)], fontsize=8.5, **where)
