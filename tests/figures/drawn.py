"""What stands in a figure once it is drawn."""

import io
import warnings

import matplotlib


def words(axes):
    """Everything that the reader can read, after drawing it; a warning would be a figure that does not fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes.figure.savefig(io.BytesIO())
    return [text.get_text() for text in axes.figure.findobj(matplotlib.text.Text) if text.get_visible()]
