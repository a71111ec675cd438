"""Sheets: pictures in a grid, and a confusion matrix."""

import matplotlib.pyplot as plt
import numpy as np

from tlbook.figures.style import GREY, name_data


def pictures(images, titles, source, columns=5):
    """Draw a sheet of pictures, uint8 (n, h, w, 3), each under its title; long titles are broken at line ends.

    Raises `ValueError` where pictures and titles differ in number. Returns the figure.
    """
    if len(images) != len(titles) or not len(images):
        raise ValueError(f"titles: got {len(titles)} for {len(images)} pictures, expected as many, n > 0")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = 0.95 + 0.18 * (max(str(text).count("\n") + bool(text) for text in titles) - 1)
    figure, grid = plt.subplots(rows, columns, figsize=(1.05 * columns + 0.2, 1.1 * height * rows + 0.3), squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, image, text in zip(grid.flat, images, titles, strict=False):
        axes.imshow(image)
        axes.set_title(text, fontsize=9, pad=2)
    figure.suptitle(f"data: {getattr(source, 'name', source)}", fontsize=9, color=GREY)
    return figure


def confusion_matrix(counts, class_names, source):
    """Draw a confusion matrix (row = true class, column = predicted) with its counts. Returns the figure.

    Raises `ValueError` where `counts` is not (classes, classes).
    """
    if np.shape(counts) != (len(class_names),) * 2:
        raise ValueError(f"counts: got shape {np.shape(counts)}, expected {(len(class_names),) * 2}")
    figure, axes = plt.subplots(figsize=(5.8, 5.4))
    axes.imshow(counts, cmap="Blues", vmin=0)
    axes.grid(visible=False)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if count > 0.7 * counts.max() else "#00060d"
            axes.text(column, row, count, ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="predicted class", ylabel="true class")
    name_data(axes, source)
    return figure


def rows_of_pictures(rows, source, count=10):
    """Draw one row of pictures for each name: originals above, say, and their copies below. Returns the figure.

    `rows` maps a name to uint8 pictures (n, h, w, 3), of which the first `count` are shown.
    """
    figure, grid = plt.subplots(len(rows), 1, figsize=(5.6, 0.5 * len(rows) + 0.4), squeeze=False)
    for axes, (name, row) in zip(grid.flat, rows.items(), strict=True):
        strip = np.pad(row[:count], [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=255)
        axes.imshow(np.concatenate(strip, axis=1))
        axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    name_data(grid[0, 0], source)
    return figure
