"""The style: colours apart for every eye, text that stays text, and the name of the data."""

import io

import matplotlib
import matplotlib.pyplot as plt
from conftest import contrast
from IPython.testing.globalipapp import start_ipython

from tlbook import figures
from tlbook.figures import style
from tlbook.files import sources

matplotlib.use("Agg")  # no window, wherever the tests run


def svg():
    figure, axes = plt.subplots()
    axes.plot([1, 2], [3, 4])
    figures.name_data(axes, sources.Source("CIFAR-10", "mirror", "a note"))
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    return file.getvalue()


def test_lines_differ_in_colour_and_marker():
    assert len(set(figures.COLOURS)) == len(set(figures.MARKERS)) == len(figures.COLOURS) == len(figures.MARKERS)
    assert [entry["color"] for entry in plt.rcParams["axes.prop_cycle"]] == list(figures.COLOURS)
    assert all(contrast(colour, "white") > 2 for colour in figures.COLOURS), "lost on white"
    assert contrast(figures.GREY, "white") > 4.5


def test_text_stays_text_and_the_same_figure_is_the_same_file():
    drawn = svg()
    assert ">data: CIFAR-10</text>" in drawn and "a note" not in drawn
    assert drawn == svg()


def test_a_notebook_draws_in_svg():
    from matplotlib_inline.config import InlineBackend

    style._use_svg(start_ipython())
    backend = InlineBackend.instance()
    assert backend.figure_formats == {"svg"} and backend.print_figure_kwargs["metadata"] == {"Date": None}
