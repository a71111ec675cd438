"""Plots: lines by step, means with intervals, paired differences, bars."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from tlbook.figures.style import COLOURS, GREY, MARKERS, name_data

NAME = 9.5  # points: the name of a line


def name_lines(axes):
    """Write the label of each line of `axes` at its right end, in its colour, in place of a legend.

    Labels that would overlap move apart. Call it when the axis limits stand.
    """
    axes.figure.draw_without_rendering()  # a log axis has its limits only now
    lines = [line for line in axes.get_lines() if line.get_label()[:1] != "_"]
    box = axes.get_window_extent()
    ends = [axes.transData.transform(line.get_xydata()[-1])[1] - box.y0 for line in lines]
    gap = 1.45 * NAME * axes.figure.dpi / 72
    where = {"xycoords": "axes fraction", "xytext": (5, 0), "textcoords": "offset points", "va": "center"}
    for line, place in zip(lines, _apart(ends, gap, box.height), strict=True):
        axes.annotate(line.get_label(), (1, place / box.height), color=line.get_color(), fontsize=NAME, **where)


def _apart(places, gap, height):
    """Move places on a line so far apart that neighbours keep a `gap`, inside 0..height where they fit."""
    order, moved = np.argsort(places, kind="stable"), np.sort(places).astype("float64")
    for _ in range(200):
        overlap = np.maximum(gap - np.diff(moved), 0)
        moved[:-1] -= overlap / 2
        moved[1:] += overlap / 2
        if gap * (len(moved) - 1) < height:
            moved = np.clip(moved, 0, height)
    return moved[np.argsort(order)]


def _axes(axes):
    return plt.subplots()[1] if axes is None else axes


def curves(series, source, *, xlabel, ylabel, axes=None, **limits):
    """Draw lines, each named at its end.

    `series` maps a name to its values, one for each step from 1 on, or to a pair (x, y). `limits` go to `axes.set`
    (`ylim`, `xscale`). Returns the axes. Raises `ValueError` for none, or more than there are colours.
    """
    if not 0 < len(series) <= len(COLOURS):
        raise ValueError(f"series: got {len(series)}, expected 1..{len(COLOURS)}")
    axes = _axes(axes)
    for name, values in series.items():
        x, y = values if isinstance(values, tuple) else (np.arange(1, len(values) + 1), values)
        axes.plot(x, y, marker="" if len(x) > 20 else None, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel, **limits)
    name_lines(axes)
    name_data(axes, source)
    return axes


MEASURES = {"accuracy": "training accuracy", "val_accuracy": "validation accuracy"}


def learning_curves(histories, source):
    """Draw accuracy by epoch, training on the left and validation on the right, for one or more trainings.

    `histories` maps a name to what `tlbook.training.fit` returned. Returns the figure. Raises `ValueError` as `curves`
    does.
    """
    figure, panels = plt.subplots(1, 2, figsize=(6.6, 3.2), sharey=True)
    for axes, (key, ylabel) in zip(panels, MEASURES.items(), strict=True):
        named = {name: history[key] for name, history in histories.items()}
        curves(named, source, xlabel="epoch", ylabel=ylabel, axes=axes, ylim=(0, 1))
        axes.xaxis.get_major_locator().set_params(integer=True)
    for text in panels[0].texts:  # the same names stand at the right
        text.set_visible(False)
    return figure


def interval_plot(rows, x, y, by, source, *, names=None, xlabel, ylabel, axes=None, **limits):
    """Draw means with 95 % intervals, one line for each value of the column `by`; each run is a faint dot.

    `rows` is a long table, one row a run, as `tlbook.results.read` returns it; `x` and `y` are columns, `names` maps
    values of `by` to the names that the reader sees, in the order of drawing, and leaves out all others. Numbers on
    `x` that grow by factors get a logarithmic axis; words stand side by side. A run that is alone has no interval: only
    its dot is drawn. A name without any run is left out, and the others keep their colours. Returns the axes.
    Raises `ValueError` for more names than there are colours.
    """
    names = names or {value: str(value) for value in rows[by].unique()}
    if len(names) > len(COLOURS):
        raise ValueError(f"names: got {len(names)}, expected at most {len(COLOURS)}, one for each colour")
    axes = _axes(axes)
    ticks = list(dict.fromkeys(rows[x])) if rows[x].dtype.kind not in "iuf" else sorted(rows[x].unique())
    words = bool(ticks) and not isinstance(ticks[0], int | float | np.number)
    log = not words and len(ticks) > 1 and ticks[0] > 0 and ticks[-1] / ticks[0] >= 8
    for number, (value, name) in enumerate(names.items()):
        groups = [(tick, rows.loc[(rows[by] == value) & (rows[x] == tick), y].dropna()) for tick in ticks]
        groups = [(tick, group) for tick, group in groups if len(group)]
        side = number - (len(names) - 1) / 2  # side by side, so that the intervals do not hide each other
        at = [
            ticks.index(t) + 0.08 * side if words else t * 1.05**side if log else t + 0.01 * side * np.ptp(ticks)
            for t, _ in groups
        ]
        style = {"color": COLOURS[number], "marker": MARKERS[number], "linestyle": "" if words else "-"}
        for place, (_, group) in zip(at, groups, strict=True):
            axes.plot([place] * len(group), group, ".", color=COLOURS[number], alpha=0.35, markersize=4, label="_a run")
        several = [(place, group) for place, (_, group) in zip(at, groups, strict=True) if len(group) > 1]
        if several:
            intervals(axes, *zip(*several, strict=True), **style).lines[0].set_label(name)
    if log:
        axes.set_xscale("log")
    axes.minorticks_off()
    shown = [f"{tick:,}" if isinstance(tick, int | np.integer) else str(tick) for tick in ticks]
    axes.set_xticks(range(len(ticks)) if words else ticks, shown)
    axes.set(xlabel=xlabel, ylabel=ylabel, **limits)
    name_lines(axes)
    name_data(axes, source)
    return axes


def difference_plot(rows, x, y, by, pairs, source, *, xlabel, ylabel="difference in points", axes=None):
    """Draw the paired difference of two arms, in percentage points, with its 95 % interval; each pair is a faint dot.

    `pairs` maps a name to `(arm, control)`, two values of the column `by`; runs that share `x` and the seed are paired.
    Above the line of zero the arm is ahead of its control. An arm that has no row yet is left out. Returns the axes.
    """
    wide = rows.pivot_table(y, [x, "seed"], by)
    wide = wide.reindex(columns=sorted({*wide.columns, *(arm for pair in pairs.values() for arm in pair)}))
    long = [
        (100 * (wide[arm] - wide[control])).dropna().rename("points").reset_index().assign(pair=name)
        for name, (arm, control) in pairs.items()
    ]
    names = {name: name for name in pairs}
    axes = interval_plot(
        pd.concat(long), x, "points", "pair", source, names=names, xlabel=xlabel, ylabel=ylabel, axes=axes
    )
    axes.axhline(0, color=GREY, linewidth=1, zorder=0)
    return axes


def intervals(axes, positions, groups, **style):
    """Draw means with 95 % intervals over seeds: `groups` holds one array of values a position.

    `style` goes to `axes.errorbar`, whose container is returned.
    """
    from tlbook import evaluation  # pictures alone need no scikit-learn

    means, halves = zip(*(evaluation.interval(values) for values in groups), strict=True)
    return axes.errorbar(positions, means, yerr=halves, capsize=3, **style)


def bars(values, source, *, xlabel, axes=None, form="{:.0%}", **limits):
    """Draw horizontal bars, each with its name at the left and its value at its end. Returns the axes.

    `values` maps a name to a number; `form` writes it.
    """
    axes = axes or plt.subplots(figsize=(5.6, 0.9 + 0.45 * len(values)))[1]
    drawn = axes.barh(list(values), list(values.values()), color=COLOURS[0], height=0.6)
    axes.bar_label(drawn, [form.format(value) for value in values.values()], padding=3)
    axes.invert_yaxis()  # the first on top
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=xlabel, **limits)
    name_data(axes, source)
    return axes
