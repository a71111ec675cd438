"""A grid of cells: every number stands in its cell, with interval and runs; the best of a column has a frame."""

import matplotlib
import numpy as np
import pytest
from drawn import words

from tlbook import figures

matplotlib.use("Agg")  # no window, wherever the tests run
ROWS = {
    "probe": {10: (0.301, 0.012, 10), 100: (0.5, float("nan"), 1)},
    "tuned": {10: (0.25, 0.02, 5)},
    "scratch": {10: (0.2, 0.01, 3), 100: (0.4, 0.01, 3)},
}
HEADINGS = {10: "10", 100: "100"}


def drawn(**more):
    return figures.cell_grid(ROWS, "CIFAR-10", headings=HEADINGS, **more)


def fields(axes, filled):
    """Row and column of the fields of cells, with how dark they are; or of the frames."""
    patches = [patch for patch in axes.patches if patch.get_fill() == filled]
    return {(round(p.get_y() + 0.46), round(p.get_x() + 0.47)): p.get_alpha() for p in patches}


def test_each_cell_says_its_number_its_interval_and_its_runs():
    said = words(drawn(groups={"labels": 2}))
    assert {"probe", "tuned", "scratch", "10", "100", "labels", "data: CIFAR-10"} <= set(said)
    assert {"30.1", "±1.2 (10)", "50.0", "one run", "25.0", "±2.0 (5)"} <= set(said)
    assert said.count("·") == 1, "what was not recorded is a dot"


def test_larger_is_darker_and_the_best_of_several_runs_is_framed():
    axes = drawn()
    dark = fields(axes, filled=True)
    assert len(dark) == 5 and dark[2, 0] == 0 and dark[0, 1] == max(dark.values()) <= 0.5
    assert dark[0, 0] == pytest.approx(0.5 * 0.101 / 0.3)
    assert set(fields(axes, filled=False)) == {(0, 0), (2, 1)}, "one run is no best"
    assert fields(drawn(scale=(0, 1)), filled=True)[2, 0] == pytest.approx(0.1)


def test_a_single_run_that_is_as_good_as_the_best_has_no_frame():
    rows = {"once": {10: (0.5, float("nan"), 1)}, "often": {10: (0.5, 0.1, 3)}}
    axes = figures.cell_grid(rows, "CIFAR-10", headings={10: "10"})
    assert set(fields(axes, filled=False)) == {(1, 0)}


def test_names_and_cells_keep_apart():
    axes = drawn()
    axes.figure.draw_without_rendering()
    first = min(patch.get_window_extent().x0 for patch in axes.patches)
    names = [text for text in axes.texts if text.get_text() in ROWS]
    assert len(names) == 3 and all(name.get_window_extent().x1 < first for name in names)
    assert axes.get_window_extent().x0 <= min(name.get_window_extent().x0 for name in names)


def test_equal_cells_are_drawn():
    axes = figures.cell_grid({"a": {0: (0.5, 0.1, 2)}}, "CIFAR-10", headings={0: "all"})
    assert np.isfinite(list(fields(axes, filled=True).values())).all()


@pytest.mark.parametrize("rows, groups", [({}, None), (ROWS, {"labels": 3})])
def test_nothing_to_draw_and_groups_that_do_not_count_all_are_named(rows, groups):
    with pytest.raises(ValueError, match="expected a row, and groups that count all columns"):
        figures.cell_grid(rows, "CIFAR-10", headings=HEADINGS, groups=groups)
