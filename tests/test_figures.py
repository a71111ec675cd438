"""Figures: each shows the numbers that it was given, says what it is of, and where the data came from."""

import io
import itertools
import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy import stats

from tlbook import figures
from tlbook.files import sources

matplotlib.use("Agg")  # no window, wherever the tests run
SOURCE = sources.Source("emoji-10 stand-in", "bundled", "Drawings.")
IMAGES = np.random.default_rng(0).integers(256, size=(5, 4, 6, 3), dtype=np.uint8)
HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.2, 0.5, 0.9],
    "val_loss": [2.1, 1.1, 0.9],
    "val_accuracy": [0.1, 0.4, 0.6],
}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def words(figure):
    """Everything that the reader can read, after drawing it; a warning would be a figure that does not fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO())
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def curves(n):
    return figures.learning_curves({f"run {i}": HISTORY for i in range(n)}, "Fine-tuning", SOURCE)


FIGURES = {
    "pictures": lambda source: figures.pictures(IMAGES, "abcde", "A title", source),
    "learning curves": lambda source: figures.learning_curves({"run": HISTORY}, "A title", source),
    "confusion matrix": lambda source: figures.confusion_matrix(
        np.eye(2, dtype=int), ["cat", "dog"], "A title", source
    ),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_has_its_title_and_its_source(draw):
    figure = draw(SOURCE)
    assert isinstance(figure, plt.Figure)
    said = words(figure)
    assert "A title" in said and "data: emoji-10 stand-in" in said and "Source(" not in said
    assert "data: two sources" in words(draw("two sources"))


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_each_call_draws_a_figure_of_its_own(draw):
    assert draw(SOURCE) is not draw(SOURCE)


@pytest.mark.parametrize(("columns", "grid"), [(10, (1, 5)), (3, (2, 3)), (2, (3, 2)), (1, (5, 1))])
def test_pictures_stand_in_a_grid_each_under_its_title(columns, grid):
    titles = ["a", "two\nlines", 3, "", "e"]
    figure = figures.pictures(IMAGES, titles, "Pictures", SOURCE, columns)
    assert len(figure.axes) == grid[0] * grid[1]
    assert figure.axes[0].get_gridspec().get_geometry() == grid
    for axes, image, title in itertools.zip_longest(figure.axes, IMAGES, titles):
        assert not axes.axison
        if image is None:
            assert not axes.images
        else:
            np.testing.assert_array_equal(axes.images[0].get_array(), image)
            assert axes.images[0].get_interpolation() == "nearest", "pixels must be seen as they are"
            assert axes.get_title() == str(title)
    words(figure)


@pytest.mark.parametrize(("n", "titles"), [(5, "abcd"), (4, "abcde"), (0, ""), (5, "")])
def test_pictures_need_as_many_titles(n, titles):
    with pytest.raises(ValueError, match=rf"titles: got {len(titles)} for {n} pictures, expected as many, n > 0"):
        figures.pictures(IMAGES[:n], titles, "Pictures", SOURCE)


def test_learning_curves_show_the_histories():
    other = {"accuracy": [0.3], "val_accuracy": [0.25]}
    figure = figures.learning_curves({"first": HISTORY, "second": other}, "Fine-tuning", SOURCE)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["first, training", "first, validation", "second, training", "second, validation"]
    for name, history in (("first", HISTORY), ("second", other)):
        for kind, key, style in (("training", "accuracy", "--"), ("validation", "val_accuracy", "-")):
            line = lines[f"{name}, {kind}"]
            np.testing.assert_array_equal(line.get_ydata(), history[key])
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, len(history[key]) + 1))
            assert line.get_linestyle() == style
    assert lines["first, training"].get_color() == lines["first, validation"].get_color()
    assert lines["first, training"].get_color() != lines["second, training"].get_color()
    assert lines["first, training"].get_marker() != lines["second, training"].get_marker()
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_ylim()) == ("epoch", "accuracy", (0, 1))
    assert axes.get_legend() is not None and "second, validation" in words(figure)
    assert all(float(tick).is_integer() for tick in axes.get_xticks()), "there is no half epoch"


def test_learning_curves_have_as_many_colours_as_trainings():
    assert len({line.get_color() for line in curves(len(figures.COLOURS)).axes[0].lines}) == len(figures.COLOURS)
    for n in (0, len(figures.COLOURS) + 1):
        with pytest.raises(ValueError, match=rf"histories: got {n}, expected 1\.\.{len(figures.COLOURS)}"):
            curves(n)


def test_confusion_matrix_says_the_true_class_in_its_row():
    counts = np.array([[7, 0, 2], [0, 5, 0], [1, 0, 9]])
    names = ("cat", "dog", "frog")
    figure = figures.confusion_matrix(counts, names, "Confusions", SOURCE)
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), counts)
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "predicted class")
    for axis in (axes.xaxis, axes.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == list(names)
        assert axis.get_ticklocs().tolist() == [0, 1, 2]
    written = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert written == {place: str(count) for place, count in np.ndenumerate(counts) if count}, "zeros stay empty"
    words(figure)


def contrast(colour, other):
    """Contrast ratio of WCAG 2."""
    light = []
    for channels in (to_rgb(colour), to_rgb(other)):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        light.append(np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(light) / min(light)


@pytest.mark.parametrize("least", [1, 80])
def test_counts_can_be_read_on_their_field(least):
    counts = np.arange(least, least + 100).reshape(10, 10)
    (axes,) = figures.confusion_matrix(counts, list("abcdefghij"), "Confusions", SOURCE).axes
    for text in axes.texts:
        column, row = text.get_position()
        field = axes.images[0].to_rgba(counts)[row, column, :3]
        assert contrast(text.get_color(), field) > 4, text.get_text()


def test_matrix_without_any_count_is_drawn():
    figure = figures.confusion_matrix(np.zeros((2, 2), int), ["cat", "dog"], "Confusions", SOURCE)
    assert not figure.axes[0].texts
    words(figure)


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (2,), (1, 2, 2)])
def test_confusion_matrix_needs_a_row_and_a_column_for_each_class(shape):
    with pytest.raises(ValueError, match=r"counts: got shape \(.*\), expected \(2, 2\)"):
        figures.confusion_matrix(np.zeros(shape, int), ["cat", "dog"], "Confusions", SOURCE)


def test_intervals_are_students_over_the_seeds():
    groups = [np.array([0.5, 0.6, 0.7]), np.array([0.8, 0.81, 0.85, 0.9])]
    _, axes = plt.subplots()
    figures.intervals(axes, [100, 1000], groups, label="linear probe", color=figures.COLOURS[2])
    (container,) = axes.containers
    assert container.get_label() == "linear probe" and container[0].get_color() == figures.COLOURS[2]
    np.testing.assert_array_equal(container[0].get_xdata(), [100, 1000])
    np.testing.assert_allclose(container[0].get_ydata(orig=False), [group.mean() for group in groups])
    (bars,) = container[2]
    for segment, group in zip(bars.get_segments(), groups, strict=True):
        expected = stats.t.interval(0.95, len(group) - 1, group.mean(), stats.sem(group))
        np.testing.assert_allclose(segment[:, 1], expected)


def test_intervals_of_a_single_seed_are_refused():
    _, axes = plt.subplots()
    with pytest.raises(ValueError, match="two or more finite numbers"):
        figures.intervals(axes, [1], [[0.5]])


def test_titled_names_the_data_under_the_title():
    figure, axes = plt.subplots()
    figures.titled(axes, "A title", SOURCE)
    assert figure.get_suptitle() == "A title" and axes.get_title() == "data: emoji-10 stand-in"


def test_lines_differ_in_colour_and_marker():
    assert len(set(figures.COLOURS)) == len(set(figures.MARKERS)) == len(figures.COLOURS) == len(figures.MARKERS)
    assert [figure["color"] for figure in plt.rcParams["axes.prop_cycle"]] == list(figures.COLOURS)
    assert all(contrast(colour, "white") > 2 for colour in figures.COLOURS), "lost on the white card"
