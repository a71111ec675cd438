"""Explorable figures: small HTML pages with their own script, which work without a kernel and without a network.

An output must stand alone: JupyterLab and Colab know no file beside it, and a page of the book is opened from disk. So
`show` puts what the figures share, `explorable.js` and `explorable.css`, into the output of each.
"""

import importlib.resources
import itertools
import json

from IPython.display import HTML

_numbers = itertools.count(1)


def show(name, data=None, still=None):
    """Return the explorable figure `tlbook/figures/interactive/NAME.html` for a notebook to display.

    Each call gives it an id of its own, so that one page can hold several. `data` is what the figure shows, anything
    that JSON can hold, computed in the cell that runs: no number need be typed into the page. `still` is what stands
    there without a script, a table of `tlbook.tables.show`; with one it is folded below the figure. Raises
    `FileNotFoundError` for a name that is not there, and `ValueError` for data or a table where the figure takes none,
    or none where it needs some.
    """
    html = _text(f"{name}.html")
    for what, given in (("data", data), ("still", still)):
        takes = f"{{{what}}}" in html
        if takes != (given is not None):
            raise ValueError(
                f"{what}: got {'some' if given is not None else 'none'}, expected {'some' if takes else 'none'} "
                f"for {name}"
            )
    html = html.replace("{explorable.css}", _text("explorable.css")).replace("{explorable.js}", _text("explorable.js"))
    html = html.replace("{id}", f"{name}-{next(_numbers)}").replace("{still}", still.data if still else "")
    # A script element ends at the first "</script", wherever it stands: no "<" may stand in the data.
    return HTML(html.replace("{data}", json.dumps(data, allow_nan=False).replace("<", "\\u003c")))


def _text(file):
    return importlib.resources.files(__name__).joinpath(file).read_text(encoding="utf-8")
