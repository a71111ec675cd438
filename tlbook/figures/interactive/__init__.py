"""Interactive figures: small HTML pages with their own script, which work without a kernel and without a network."""

import importlib.resources
import itertools
import json

from IPython.display import HTML

_numbers = itertools.count(1)


def show(name, data=None):
    """Return the interactive figure `tlbook/figures/interactive/NAME.html` for a notebook to display.

    Each call gives it an id of its own, so that one page can hold several. `data` is what the figure shows, anything
    that JSON can hold, computed in the cell that runs: no number need be typed into the page. Raises
    `FileNotFoundError` for a name that is not there, and `ValueError` for data where the figure takes none, or none
    where it needs some.
    """
    html = importlib.resources.files(__name__).joinpath(f"{name}.html").read_text(encoding="utf-8")
    takes = "{data}" in html
    if takes != (data is not None):
        raise ValueError(
            f"data: got {'none' if data is None else 'some'}, expected {'some' if takes else 'none'} for {name}"
        )
    html = html.replace("{id}", f"{name}-{next(_numbers)}")
    # A script element ends at the first "</script", wherever it stands: no "<" may stand in the data.
    return HTML(html.replace("{data}", json.dumps(data, allow_nan=False).replace("<", "\\u003c")))
