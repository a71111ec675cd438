"""The style: colours apart for every eye, text that stays text, and the name of the data."""

import io

import matplotlib
import matplotlib.pyplot as plt
from conftest import contrast
from IPython.testing.globalipapp import start_ipython
from matplotlib import font_manager

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


def test_figures_are_set_in_the_font_of_the_pages(caplog):
    assert plt.rcParams["font.family"] == ["Tlbook Sans", "DejaVu Sans"]
    figure = plt.figure()
    bold = figure.text(0, 0, "Accuracy ▁", weight="bold")  # the font lacks that sign
    figure.canvas.draw()
    assert bold.get_window_extent().width > 0 and not caplog.records
    for weight, path in zip((400, 700), style.FONTS, strict=True):
        wanted = font_manager.FontProperties(family="Tlbook Sans", weight=weight)
        assert font_manager.findfont(wanted) == str(path)


def test_without_its_file_figures_are_set_as_matplotlib_does(tmp_path):
    assert style.families([tmp_path / "gone.ttf"]) == ["DejaVu Sans"]
