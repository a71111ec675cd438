"""Figures: one look for all, readable in light and dark, with colours that survive colour blindness."""

import matplotlib.pyplot as plt
import numpy as np

# Okabe and Ito (2008), without yellow, which is lost on white. Lines also differ in dash and marker.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
STYLE = {
    "axes.prop_cycle": plt.cycler(color=COLOURS, marker=MARKERS),
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "figure.figsize": (6.4, 3.6),
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "lines.markersize": 5,
}
plt.rcParams.update(STYLE)


def titled(axes, title, source):
    """Give the figure of `axes` its title, with the name of the data under it: no figure without its source.

    `source` is a `tlbook.files.sources.Source` or a str.
    """
    axes.figure.suptitle(title, fontsize=11)
    axes.set_title(f"data: {getattr(source, 'name', source)}", fontsize=8, color="0.35")


def pictures(images, titles, title, source, columns=10):
    """Draw a grid of pictures, uint8 (n, h, w, 3), each under its title; long titles are broken at line ends.

    Raises `ValueError` where pictures and titles differ in number. Returns the figure.
    """
    if len(images) != len(titles) or not len(images):
        raise ValueError(f"titles: got {len(titles)} for {len(images)} pictures, expected as many, n > 0")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = 0.95 + 0.16 * max(str(text).count("\n") + bool(text) for text in titles) - 0.16
    figure, grid = plt.subplots(rows, columns, figsize=(0.85 * columns + 0.2, height * rows + 0.5), squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, image, text in zip(grid.flat, images, titles, strict=False):
        axes.imshow(image, interpolation="nearest")
        axes.set_title(text, fontsize=7.5, pad=2)
    figure.suptitle(f"{title}\ndata: {getattr(source, 'name', source)}", fontsize=10)
    return figure


def learning_curves(histories, title, source):
    """Plot accuracy by epoch, training (dashed) and validation (solid), for one or more trainings.

    `histories` maps a name to what `tlbook.training.fit` returned. Returns the figure. Raises `ValueError` for more
    trainings than there are colours.
    """
    if not 0 < len(histories) <= len(COLOURS):
        raise ValueError(f"histories: got {len(histories)}, expected 1..{len(COLOURS)}")
    figure, axes = plt.subplots()
    for (name, history), colour, marker in zip(histories.items(), COLOURS, MARKERS, strict=False):
        epochs = np.arange(1, len(history["accuracy"]) + 1)
        axes.plot(epochs, history["accuracy"], color=colour, marker=marker, linestyle="--", label=f"{name}, training")
        axes.plot(epochs, history["val_accuracy"], color=colour, marker=marker, label=f"{name}, validation")
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8)
    titled(axes, title, source)
    return figure


def confusion_matrix(counts, class_names, title, source):
    """Draw a confusion matrix (row = true class, column = predicted) with its counts. Returns the figure.

    Raises `ValueError` where `counts` is not (classes, classes).
    """
    if np.shape(counts) != (len(class_names),) * 2:
        raise ValueError(f"counts: got shape {np.shape(counts)}, expected {(len(class_names),) * 2}")
    figure, axes = plt.subplots(figsize=(6.2, 5.6))
    axes.imshow(counts, cmap="Blues", vmin=0)
    axes.grid(False)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if count > 0.7 * counts.max() else "black"
            axes.text(column, row, count, ha="center", va="center", fontsize=7.5, color=colour)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="predicted class", ylabel="true class")
    titled(axes, title, source)
    return figure


def intervals(axes, positions, groups, **style):
    """Draw means with 95 % intervals over seeds: `groups` holds one array of values a position."""
    from tlbook import evaluation  # pictures alone need no scikit-learn

    means, halves = zip(*(evaluation.interval(values) for values in groups), strict=True)
    axes.errorbar(positions, means, yerr=halves, capsize=3, **style)
