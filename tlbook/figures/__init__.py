"""Figures: one look for all.

A figure carries no title. What it shows stands below it as "**Figure 4.3-1.** ...", where it can be read, searched and
translated; what only a run can know, the name of the data, stands in the figure.
"""

from tlbook.figures.dots import dot_rows, rows_of_differences, rows_of_runs
from tlbook.figures.flows import flow
from tlbook.figures.grids import cell_grid
from tlbook.figures.plots import (
    bars,
    curves,
    difference_plot,
    interval_plot,
    intervals,
    learning_curves,
    name_lines,
)
from tlbook.figures.sheets import confusion_matrix, pictures, rows_of_pictures
from tlbook.figures.sounds import player, spectrograms
from tlbook.figures.style import COLOURS, GREY, MARKERS, STYLE, name_data

__all__ = [
    "COLOURS",
    "GREY",
    "MARKERS",
    "STYLE",
    "bars",
    "cell_grid",
    "confusion_matrix",
    "curves",
    "difference_plot",
    "dot_rows",
    "flow",
    "interval_plot",
    "intervals",
    "learning_curves",
    "name_data",
    "name_lines",
    "pictures",
    "player",
    "rows_of_differences",
    "rows_of_pictures",
    "rows_of_runs",
    "spectrograms",
]
