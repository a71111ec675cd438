"""Flows: boxes hold their texts, stay in the picture, and are joined as their lines say."""

import matplotlib
import matplotlib.pyplot as plt
import pytest

from tlbook import figures

matplotlib.use("Agg")  # no window, wherever the tests run


def boxes(axes):
    return [patch for patch in axes.patches if isinstance(patch, plt.Rectangle)]


def arrows(axes):
    return [text for text in axes.texts if getattr(text, "arrow_patch", None)]


def test_boxes_hold_their_texts_and_stay_in_the_picture():
    axes = figures.flow([["pictures"], ["body\n512 numbers", "head"], ["answers"]], {"head": "learns"})
    axes.figure.canvas.draw()
    assert {"pictures", "body\n512 numbers", "head", "answers"} <= {text.get_text() for text in axes.texts}
    assert len(boxes(axes)) == 4 and len(arrows(axes)) == 4
    texts = [text for text in axes.texts if text.get_text()]
    for box, text in zip(boxes(axes), texts, strict=True):
        outer, inner = box.get_window_extent(), text.get_window_extent()
        assert outer.x0 < inner.x0 < inner.x1 < outer.x1 and outer.y0 < inner.y0 < inner.y1 < outer.y1
        low, high = box.get_y(), box.get_y() + box.get_height()
        assert axes.get_ylim()[0] <= low < high <= axes.get_ylim()[1]
    widths = {text.get_text(): box.get_linewidth() for box, text in zip(boxes(axes), texts, strict=True)}
    assert widths["head"] > widths["answers"], "what learns is seen in black and white"


def test_columns_of_boxes_are_joined_one_by_one_or_not_at_all():
    assert len(arrows(figures.flow([["a", "b"], ["c", "d"]]))) == 2
    assert not arrows(figures.flow([["a", "b"], ["c", "d"]], arrows=False))


def test_boxes_that_cannot_be_joined_and_unknown_looks_are_refused():
    with pytest.raises(ValueError, match="got 2 boxes above 3, expected as many, or one of them alone"):
        figures.flow([["a", "b"], ["c", "d", "e"]])
    with pytest.raises(ValueError, match=r"looks: got \['melts'\], expected some of"):
        figures.flow([["a"]], {"a": "melts"})
