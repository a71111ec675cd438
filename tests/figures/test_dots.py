"""Rows of dots: every run is there, means and intervals are right, names and series can be read."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from drawn import words

from tlbook import evaluation, figures

matplotlib.use("Agg")  # no window, wherever the tests run
RUNS = pd.DataFrame(
    [
        {"arm": arm, "n_train": n, "seed": seed, "score": 0.3 + 0.1 * k + 0.001 * n + 0.01 * seed * (k + 1)}
        for k, arm in enumerate(["scratch", "probe"])
        for n in (50, 200)
        for seed in range(3)
    ]
    + [{"arm": "lexicon", "n_train": 0, "seed": seed, "score": 0.4} for seed in range(3)]
)
NAMES = {"probe": "linear probe", "scratch": "from scratch", "later": "not recorded"}


def runs_of(axes):
    return [line.get_xdata() for line in axes.lines if line.get_label() == "_a run"]


def means_of(axes):
    return [container[0].get_xdata()[0] for container in axes.containers]


def test_rows_hold_every_run_of_the_named_arms_in_their_order():
    rows = figures.rows_of_runs(RUNS, "score", NAMES)
    assert list(rows) == ["linear probe", "from scratch"]
    np.testing.assert_allclose(rows["from scratch"][200], RUNS.score[(RUNS.arm == "scratch") & (RUNS.n_train == 200)])


def test_differences_are_paired_by_unit_and_in_points():
    wide = RUNS.pivot_table("score", ["n_train", "seed"], "arm")
    rows = figures.rows_of_differences(RUNS.sample(frac=1, random_state=0), "score", {"gain": ("probe", "scratch")})
    for n in (50, 200):
        expected = 100 * (wide.loc[n].probe - wide.loc[n].scratch)
        np.testing.assert_allclose(sorted(rows["gain"][n]), sorted(expected))


def test_a_control_of_one_size_stands_beside_each_size_and_a_missing_arm_is_left_out():
    rows = figures.rows_of_differences(RUNS, "score", {"gain": ("probe", "lexicon"), "other": ("later", "probe")})
    assert list(rows) == ["gain"] and list(rows["gain"]) == [50, 200]
    np.testing.assert_allclose(
        sorted(rows["gain"][50]), sorted(100 * (RUNS.score[(RUNS.arm == "probe") & (RUNS.n_train == 50)] - 0.4))
    )


def test_a_run_without_its_partner_is_left_out_of_the_difference():
    rows = RUNS.drop(index=RUNS.index[(RUNS.arm == "probe") & (RUNS.seed == 2)])
    assert len(figures.rows_of_differences(rows, "score", {"gain": ("probe", "scratch")})["gain"][50]) == 2


def test_a_row_shows_runs_mean_and_interval_with_its_name_and_data():
    rows = figures.rows_of_runs(RUNS, "score", NAMES)
    (axes,) = figures.dot_rows({"accuracy": rows}, "CIFAR-10", series={50: "50 labels", 200: "200"})
    assert {"linear probe", "from scratch", "50 labels", "200", "accuracy", "data: CIFAR-10"} <= set(words(axes))
    groups = [values for row in rows.values() for values in row.values()]
    np.testing.assert_allclose(means_of(axes), [np.mean(group) for group in groups])
    for found, group in zip(runs_of(axes), groups, strict=True):
        np.testing.assert_allclose(found, group)
    for container, group in zip(axes.containers, groups, strict=True):
        mean, half = evaluation.interval(group)
        ends = container[2][0].get_segments()[0][:, 0]
        np.testing.assert_allclose(ends, [mean - half, mean + half])
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_label() == "_a run"]
    assert len(set(heights)) == len(groups), "two series hide each other"
    assert axes.get_xlim()[0] < min(map(min, groups)) and max(map(max, groups)) < axes.get_xlim()[1]


def test_a_mark_is_hollow_where_the_interval_holds_what_it_is_compared_with():
    rows = {"clear": [4.0, 5.0, 6.0], "open": [-1.0, 0.5, 1.0], "one alone": 0.0, "known": (3.0, 4.0)}
    (axes,) = figures.dot_rows({"points": rows}, "x", at=0)
    faces = [container[0].get_markerfacecolor() for container in axes.containers]
    assert faces == [figures.COLOURS[0], "white", figures.COLOURS[0], "white"]
    assert sum(len(found) for found in runs_of(axes)) == 6, "only runs are dots"
    assert [bool(container[2]) for container in axes.containers] == [True, True, False, True]


def test_an_interval_made_elsewhere_may_be_lopsided():
    (axes,) = figures.dot_rows({"share": {"half": (0.9, 0.1), "ends": (0.9, 0.5, 0.95)}}, "x", at=0.7)
    ends = [container[2][0].get_segments()[0][:, 0] for container in axes.containers]
    np.testing.assert_allclose(ends, [[0.8, 1.0], [0.5, 0.95]])
    faces = [container[0].get_markerfacecolor() for container in axes.containers]
    assert means_of(axes) == [0.9, 0.9] and faces == [figures.COLOURS[0], "white"]


def test_two_panels_share_the_rows_and_headings_have_none():
    rows = {"with labels": None, "probe": {50: [0.1, 0.2], 200: [0.3, 0.4]}, "scratch": {50: [0.0, 0.1]}}
    left, right = figures.dot_rows({"one": rows, "other": rows}, "x", lines=[0.25])
    assert means_of(left) == means_of(right) and len(means_of(left)) == 3
    shown = words(left)
    assert shown.count("probe") == shown.count("200") == 1
    for axes in (left, right):
        (dashed,) = [one for one in axes.collections if np.ndim(one.get_linestyle()[0][1])]
        spans = [np.ptp(segment[:, 1]) > 0 for segment in dashed.get_segments() if set(segment[:, 0]) == {0.25}]
        assert spans == [False, True, True], "a line passes the dots of each row, and no name"
    assert [text.get_weight() for text in left.texts if text.get_text() == "with labels"] == ["bold"]


@pytest.mark.parametrize(("rows", "count"), [({}, 0), ({"a": {k: [1.0] for k in range(7)}}, 7)])
def test_no_rows_and_too_many_series_are_refused(rows, count):
    with pytest.raises(ValueError, match=rf"panels: got {count} series in {len(rows)} rows, expected 1\.\.6"):
        figures.dot_rows({"x": rows}, "x")
