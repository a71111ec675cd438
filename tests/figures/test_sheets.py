"""Sheets: pictures in a grid, each under its title, and counts that can be read on their field."""

import io
import itertools
import warnings

import matplotlib
import numpy as np
import pytest
from conftest import contrast

from tlbook import figures
from tlbook.files import sources

matplotlib.use("Agg")  # no window, wherever the tests run
SOURCE = sources.Source("emoji-10 stand-in", "bundled", "Drawings.")
IMAGES = np.random.default_rng(0).integers(256, size=(5, 4, 6, 3), dtype=np.uint8)


def words(figure):
    """Everything that the reader can read, after drawing it; a warning would be a figure that does not fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO())
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


@pytest.mark.parametrize("source", [SOURCE, "emoji-10 stand-in"])
def test_every_sheet_names_its_data_and_has_no_title(source):
    sheet = figures.pictures(IMAGES, "abcde", source)
    assert words(sheet).count("data: emoji-10 stand-in") == 1 and sheet.get_suptitle().startswith("data: ")
    matrix = figures.confusion_matrix(np.eye(2, dtype=int), ["cat", "dog"], source)
    assert "data: emoji-10 stand-in" in words(matrix) and not matrix.get_suptitle()
    assert figures.pictures(IMAGES, "abcde", source) is not sheet


@pytest.mark.parametrize(("columns", "grid"), [(5, (1, 5)), (10, (1, 5)), (3, (2, 3)), (2, (3, 2)), (1, (5, 1))])
def test_pictures_stand_in_a_grid_each_under_its_title(columns, grid):
    titles = ["a", "two\nlines", 3, "", "e"]
    figure = figures.pictures(IMAGES, titles, SOURCE, columns)
    assert len(figure.axes) == grid[0] * grid[1]
    assert figure.axes[0].get_gridspec().get_geometry() == grid
    for axes, image, title in itertools.zip_longest(figure.axes, IMAGES, titles):
        assert not axes.axison
        if image is None:
            assert not axes.images
        else:
            np.testing.assert_array_equal(axes.images[0].get_array(), image)
            assert axes.images[0].get_interpolation() == "none", "pixels must be seen as they are"
            assert axes.get_title() == str(title)
    words(figure)


@pytest.mark.parametrize(("n", "titles"), [(5, "abcd"), (4, "abcde"), (0, ""), (5, "")])
def test_pictures_need_as_many_titles(n, titles):
    with pytest.raises(ValueError, match=rf"titles: got {len(titles)} for {n} pictures, expected as many, n > 0"):
        figures.pictures(IMAGES[:n], titles, SOURCE)


def test_confusion_matrix_says_the_true_class_in_its_row():
    counts = np.array([[7, 0, 2], [0, 5, 0], [1, 0, 9]])
    names = ("cat", "dog", "frog")
    figure = figures.confusion_matrix(counts, names, SOURCE)
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), counts)
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "predicted class")
    for axis in (axes.xaxis, axes.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == list(names)
        assert axis.get_ticklocs().tolist() == [0, 1, 2]
    written = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert written == {place: str(count) for place, count in np.ndenumerate(counts) if count}, "zeros stay empty"
    words(figure)


@pytest.mark.parametrize("least", [1, 80])
def test_counts_can_be_read_on_their_field(least):
    counts = np.arange(least, least + 100).reshape(10, 10)
    (axes,) = figures.confusion_matrix(counts, list("abcdefghij"), SOURCE).axes
    for text in axes.texts:
        column, row = text.get_position()
        field = axes.images[0].to_rgba(counts)[row, column, :3]
        assert contrast(text.get_color(), field) > 4, text.get_text()


def test_matrix_without_any_count_is_drawn():
    figure = figures.confusion_matrix(np.zeros((2, 2), int), ["cat", "dog"], SOURCE)
    assert not figure.axes[0].texts
    words(figure)


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (2,), (1, 2, 2)])
def test_confusion_matrix_needs_a_row_and_a_column_for_each_class(shape):
    with pytest.raises(ValueError, match=r"counts: got shape \(.*\), expected \(2, 2\)"):
        figures.confusion_matrix(np.zeros(shape, int), ["cat", "dog"], SOURCE)


def test_rows_of_pictures_stand_below_each_other_each_with_its_name():
    figure = figures.rows_of_pictures({"originals": IMAGES, "copies": IMAGES[::-1]}, SOURCE, count=3)
    assert [axes.get_ylabel() for axes in figure.axes] == ["originals", "copies"]
    assert words(figure).count("data: emoji-10 stand-in") == 1
    for axes, row in zip(figure.axes, [IMAGES, IMAGES[::-1]], strict=True):
        shown = np.asarray(axes.images[0].get_array())
        assert shown.shape == (6, 3 * 8, 3)
        for place in range(3):
            assert np.array_equal(shown[1:5, 8 * place + 1 : 8 * place + 7], row[place])
