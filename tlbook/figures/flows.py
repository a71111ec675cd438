"""Flows: boxes of text joined by arrows, the way through a method."""

import matplotlib.pyplot as plt
import numpy as np

from tlbook.figures.style import COLOURS, GREY

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
