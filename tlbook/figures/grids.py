"""Grids: a table that is seen before it is read; each cell has its number, its interval and its number of runs."""

import matplotlib.pyplot as plt
import numpy as np

from tlbook.figures.style import COLOURS, GREY, name_data

WIDTH, HEIGHT, NAMES = 6.8, 0.42, 0.3  # inches: the figure, a row; the share of the width that names take
DARKEST = 0.5  # of the colour: black letters can be read on it, and in the dark white ones


def cell_grid(rows, source, *, headings, scale=None, groups=None):
    """Draw a grid of cells, darker where the number is larger, and a frame round the largest of each column.

    Returns the axes. A cell that rests on a single run gets no frame.

    Parameters
    ----------
    rows : dict
        From a name to its cells, a dict from heading to `(mean, half width, runs)`: shares, which are drawn in percent.
        A cell that is not there is a dot.
    source : tlbook.files.sources.Source or str
        Where the data came from.
    headings : dict
        From a heading to what stands above the column, in their order.
    scale : pair of float, optional
        What is white, and what is darkest; by default the least and the largest mean.
    groups : dict, optional
        From a text to how many columns it stands above, in their order.

    Raises `ValueError` for no rows, or groups that do not count all columns.
    """
    if not rows or sum((groups or {"": len(headings)}).values()) != len(headings):
        raise ValueError(
            f"rows: got {len(rows)}, and {len(headings)} columns in groups {groups}, expected a row, and groups "
            "that count all columns"
        )
    means = [cell[0] for line in rows.values() for cell in line.values()]
    low, high = scale or (min(means), max(means))
    best = {
        heading: max(
            (line[heading][0] for line in rows.values() if heading in line and line[heading][2] > 1), default=None
        )
        for heading in headings
    }
    axes = plt.subplots(figsize=(WIDTH, HEIGHT * (len(rows) + 1 + bool(groups)) + 0.3))[1]
    for row, (name, line) in enumerate(rows.items()):
        axes.text(-0.6, row, name, ha="right", va="center", fontsize=9.5)
        for column, heading in enumerate(headings):
            if heading not in line:
                axes.text(column, row, "·", ha="center", va="center", color=GREY)
                continue
            mean, half, runs = line[heading]
            framed = runs > 1 and mean == best[heading]
            _cell(axes, row, column, (mean - low) / ((high - low) or 1), framed)
            below = f"±{100 * half:.1f} ({runs:.0f})" if np.isfinite(half) else "one run"
            axes.text(column, row - 0.14, f"{100 * mean:.1f}", ha="center", va="center", fontsize=10)
            axes.text(column, row + 0.24, below, ha="center", va="center", fontsize=7.5)
    _name(axes, headings, groups or {})
    axes.set(xlim=(-0.5 - len(headings) * NAMES / (1 - NAMES), len(headings) - 0.5))
    axes.set(ylim=(len(rows) - 0.4, -1.2 - 0.8 * bool(groups)))
    axes.axis("off")
    name_data(axes, source)
    return axes


def _cell(axes, row, column, share, framed):
    """Draw the field of one cell."""
    share = float(np.clip(share, 0, 1))
    place = (column - 0.47, row - 0.46), 0.94, 0.92
    axes.add_patch(plt.Rectangle(*place, color=COLOURS[0], alpha=DARKEST * share, linewidth=0))
    if framed:
        axes.add_patch(plt.Rectangle(*place, fill=False, edgecolor="black", linewidth=1.6))


def _name(axes, headings, groups):
    """Write the headings above the columns, and what several columns have in common above these."""
    for column, text in enumerate(headings.values()):
        axes.text(column, -0.75, text, ha="center", va="center", fontsize=9)
    start = 0
    for text, count in groups.items():
        end = start + count - 1
        axes.text((start + end) / 2, -1.6, text, ha="center", va="center", fontsize=9.5, weight="bold")
        axes.plot([start - 0.4, end + 0.4], [-1.2, -1.2], color=GREY, linewidth=1, marker="")
        start = end + 1
