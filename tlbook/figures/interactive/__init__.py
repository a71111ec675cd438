"""Interactive figures: small HTML pages with their own script, which work without a kernel and without a network."""

import importlib.resources
import itertools

from IPython.display import HTML

_numbers = itertools.count(1)


def show(name):
    """Return the interactive figure `tlbook/figures/interactive/NAME.html` for a notebook to display.

    Each call gives it an id of its own, so that one page can hold several. Raises `FileNotFoundError` for a name that
    is not there.
    """
    html = importlib.resources.files(__name__).joinpath(f"{name}.html").read_text(encoding="utf-8")
    return HTML(html.replace("{id}", f"{name}-{next(_numbers)}"))
