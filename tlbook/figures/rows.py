"""Rows: one name a line, with its runs, their mean and their interval; differences around zero; boxes with arrows."""

import matplotlib.pyplot as plt
import numpy as np

from tlbook.figures.style import COLOURS, GREY, name_data


def dot_rows(groups, source, *, xlabel, line=None, axes=None, **limits):
    """Draw one line a name, the first on top: a faint dot a run, and the mean with its 95 % interval. Returns the axes.

    `groups` maps a name to an array of runs. Where only a summary is known, it is a tuple `(mean, half)`, as
    `tlbook.evaluation.paired` returns it, or `(mean, low, high)`. A run that is alone has no interval: it stands as a
    mark. Names without a run are left out. `line` is what all are compared with, drawn dashed. `limits` go to
    `axes.set`.
    """
    return _rows(groups, source, xlabel, line, axes, limits, lambda low, high: True)


def difference_rows(differences, source, *, xlabel="difference in points", axes=None, **limits):
    """Draw differences as `dot_rows` does, around a line at zero. Returns the axes.

    What is not told apart from zero, because its interval holds it, is grey and hollow.
    """
    return _rows(differences, source, xlabel, 0, axes, limits, lambda low, high: low > 0 or high < 0)


def _rows(groups, source, xlabel, line, axes, limits, sure):
    groups = {name: runs for name, runs in groups.items() if len(runs)}
    axes = axes or plt.subplots(figsize=(5.6, 1 + 0.4 * len(groups)))[1]
    for place, runs in enumerate(groups.values()):
        runs = runs if isinstance(runs, tuple) else np.asarray(runs, "float64")
        if not isinstance(runs, tuple) and len(runs) > 1:
            axes.plot(runs, [place] * len(runs), ".", color=COLOURS[0], alpha=0.5, markersize=5)
        mean, low, high = _summary(runs)
        told = sure(low, high)
        look = {"color": COLOURS[0] if told else GREY, "markerfacecolor": COLOURS[0] if told else "none"}
        reach = [[mean - low], [high - mean]] if high > low else None
        axes.errorbar(mean, place, xerr=reach, fmt="o", capsize=3, **look)
    if line is not None:
        axes.axvline(line, color=GREY, linestyle="--", linewidth=1, zorder=0)
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set_ylim(len(groups) - 0.5, -0.5)  # the first on top
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=xlabel, **limits)
    name_data(axes, source)
    return axes


def _summary(runs):
    """Return the mean and the two ends of its 95 % interval; both ends are the mean where a run is alone."""
    from tlbook import evaluation  # pictures alone need no scikit-learn

    if isinstance(runs, tuple):
        return runs if len(runs) == 3 else (runs[0], runs[0] - runs[1], runs[0] + runs[1])
    mean, half = evaluation.interval(runs) if len(runs) > 1 else (runs[0], 0)
    return mean, mean - half, mean + half


LOOKS = {  # what a box does; lines differ in width and dash too, for print
    "": {"edgecolor": GREY, "linewidth": 1},
    "frozen": {"edgecolor": COLOURS[0], "linewidth": 1.6},
    "learns": {"edgecolor": COLOURS[1], "linewidth": 3},
    "left out": {"edgecolor": GREY, "linewidth": 1, "linestyle": "--"},
}


def flow(rows, looks=None, *, width=4.6, arrows=True):
    """Draw boxes of text from top to bottom, joined by arrows: the way through a method. Returns the axes.

    `rows` holds one list of texts a line, which stand side by side; `looks` maps a text to "frozen", "learns" or
    "left out". Arrows lead from each box to the one below it; where one line has a single box, from or to all. Raises
    `ValueError` for two neighbouring lines of which neither is single and that differ in length, and for an unknown
    look.
    """
    looks = looks or {}
    if unknown := sorted(set(looks.values()) - set(LOOKS)):
        raise ValueError(f"looks: got {unknown}, expected some of {list(LOOKS)}")
    tall = [0.3 + 0.2 * max(text.count("\n") + 1 for text in row) for row in rows]
    gap = 0.32 if arrows else 0.06
    tops = np.cumsum([0, *(-height - gap for height in tall)])
    axes = plt.subplots(figsize=(width, -tops[-1]))[1]
    for row, top, height in zip(rows, tops, tall, strict=False):
        for place, text in zip(_places(row, width), row, strict=True):
            wide = width / len(row) - 0.12
            corner = place - wide / 2, top - height
            axes.add_patch(plt.Rectangle(corner, wide, height, facecolor="none", **LOOKS[looks.get(text, "")]))
            axes.text(place, top - height / 2, text, ha="center", va="center", fontsize=10)
    for upper, lower, top, height in zip(rows, rows[1:], tops, tall, strict=False):
        for start, end in _pairs(upper, lower, width) if arrows else ():
            look = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 1, "shrinkB": 1}
            axes.annotate("", (end, top - height - gap), (start, top - height), arrowprops=look)
    axes.set(xlim=(0, width), ylim=(tops[-1], 0.05))
    axes.axis("off")
    return axes


def _places(row, width):
    """Return the middles of the boxes of a line."""
    return (np.arange(len(row)) + 0.5) * width / len(row)


def _pairs(upper, lower, width):
    """Return where the arrows between two lines start and end."""
    starts, ends = _places(upper, width), _places(lower, width)
    if 1 in (len(starts), len(ends)):
        return [(start, end) for start in starts for end in ends]
    if len(starts) != len(ends):
        raise ValueError(f"rows: got {len(starts)} boxes above {len(ends)}, expected as many, or one of them alone")
    return list(zip(starts, ends, strict=True))
