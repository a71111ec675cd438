"""The style of every figure: colours that survive colour blindness, and text that stays text (SVG)."""

import pathlib

import matplotlib.pyplot as plt
from IPython import get_ipython
from matplotlib import font_manager

# Okabe and Ito (2008), without yellow, which is lost on white. Lines also differ in marker.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "#595959"  # what is not one of the things compared: guessing, a bound, the name of the data
# The font of the pages, regular and bold, cut by tools/subset_fonts.py.
FONTS = tuple(pathlib.Path(__file__).with_name(name) for name in ("text.ttf", "text-bold.ttf"))


def families(paths=FONTS):
    """Return the families that figures are set in: of the files `paths` if there, then Matplotlib's own."""
    if not all(path.exists() for path in paths):
        return ["DejaVu Sans"]
    for path in paths:
        font_manager.fontManager.addfont(path)
    return [font_manager.FontProperties(fname=paths[0]).get_name(), "DejaVu Sans"]


STYLE = {
    "axes.grid": True,
    "axes.prop_cycle": plt.cycler(color=COLOURS, marker=MARKERS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "figure.figsize": (5.6, 3.4),  # narrow, so that its text can be read on a phone
    "font.family": families(),  # what the first one lacks, the second one has
    "font.size": 11,
    "grid.alpha": 0.3,
    "image.interpolation": "none",  # a small picture goes into the page as it is
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "lines.markersize": 5,
    "svg.fonttype": "none",
    "svg.hashsalt": "tlbook",  # the same figure is the same file
}
plt.rcParams.update(STYLE)


def _use_svg(shell):
    from matplotlib_inline.config import InlineBackend  # comes with IPython's kernel

    backend = InlineBackend.instance(parent=shell)
    backend.figure_formats = {"svg"}
    backend.print_figure_kwargs = {"bbox_inches": "tight", "metadata": {"Date": None}}


if hasattr(get_ipython(), "kernel"):  # a notebook, not a terminal
    _use_svg(get_ipython())


def name_data(axes, source):
    """Write the name of the data above `axes`: no figure without its source.

    `source` is a `tlbook.files.sources.Source` or a str.
    """
    axes.set_title(f"data: {getattr(source, 'name', source)}", fontsize=9, color=GREY, loc="left")
