"""Rows: each name with its runs, mean and interval; differences that are told apart; boxes that stay in the picture."""

import io
import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from tlbook import evaluation, figures

matplotlib.use("Agg")  # no window, wherever the tests run
RUNS = {"probe": np.array([0.5, 0.6, 0.64]), "scratch": np.array([0.2, 0.25, 0.1]), "lone": np.array([0.4])}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(axes):
    """The texts of a figure, drawn without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes.figure.savefig(io.BytesIO())
    return [text.get_text() for text in axes.figure.findobj(matplotlib.text.Text) if text.get_visible()]


def means(axes):
    return [container[0].get_xdata()[0] for container in axes.containers]


def reach(container):
    """The ends of an interval, or None where there is none."""
    return container[2][0].get_segments()[0][:, 0] if container[2] else None


def test_rows_show_every_run_the_mean_and_its_interval_the_first_on_top():
    axes = figures.dot_rows(RUNS, "CIFAR-10", xlabel="test accuracy", line=0.1, xlim=(0, 1))
    assert {*RUNS, "data: CIFAR-10", "test accuracy"} <= set(drawn(axes)) and axes.get_xlim() == (0, 1)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(RUNS) and axes.yaxis_inverted()
    dots = np.concatenate([line.get_xdata() for line in axes.lines if line.get_marker() == "."])
    assert sorted(dots) == sorted([*RUNS["probe"], *RUNS["scratch"]])
    np.testing.assert_allclose(means(axes), [runs.mean() for runs in RUNS.values()])
    mean, half = evaluation.interval(RUNS["probe"])
    np.testing.assert_allclose(reach(axes.containers[0]), [mean - half, mean + half])
    assert reach(axes.containers[2]) is None, "a lone run has no interval"
    (line,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert set(line.get_xdata()) == {0.1}


def test_a_summary_stands_in_for_runs_and_a_name_without_runs_is_left_out():
    axes = figures.dot_rows({"pair": (0.5, 0.1), "none": [], "ends": (0.5, 0.45, 0.7)}, "x", xlabel="")
    assert "none" not in drawn(axes) and means(axes) == [0.5, 0.5]
    np.testing.assert_allclose(reach(axes.containers[0]), [0.4, 0.6])
    np.testing.assert_allclose(reach(axes.containers[1]), [0.45, 0.7])


def test_only_what_is_told_apart_from_zero_is_filled():
    axes = figures.difference_rows({"helps": (2, 1), "may be": (2, 3), "hurts": (-2, 1)}, "x")
    filled = [container[0].get_markerfacecolor() != "none" for container in axes.containers]
    assert filled == [True, False, True] and "difference in points" in drawn(axes)


def boxes(axes):
    return [patch for patch in axes.patches if isinstance(patch, plt.Rectangle)]


def arrows(axes):
    return [text for text in axes.texts if getattr(text, "arrow_patch", None)]


def test_boxes_hold_their_texts_and_stay_in_the_picture():
    axes = figures.flow([["pictures"], ["body\n512 numbers", "head"], ["answers"]], {"head": "learns"})
    assert {"pictures", "body\n512 numbers", "head", "answers"} <= set(drawn(axes))
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
