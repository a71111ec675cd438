"""Plots: each shows the numbers that it was given, names its lines and its data, and keeps all inside."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from drawn import words
from scipy import stats

from tlbook import evaluation, figures
from tlbook.figures import plots

matplotlib.use("Agg")  # no window, wherever the tests run
RUNS = pd.DataFrame(
    [
        {"arm": arm, "n_train": n, "seed": seed, "test_accuracy": 0.3 + 0.1 * k + 0.05 * j + 0.01 * seed * (k + 1)}
        for k, arm in enumerate(["scratch", "probe"])
        for j, n in enumerate([100, 1000, 10000])
        for seed in range(3)
    ]
)
HISTORY = {"accuracy": [0.2, 0.5, 0.9], "val_accuracy": [0.1, 0.4, 0.6]}


def of_runs(**more):
    labels = {"xlabel": "labels", "ylabel": "test accuracy"}
    return figures.interval_plot(RUNS, "n_train", "test_accuracy", "arm", "CIFAR-10", **labels | more)


def test_interval_plot_shows_means_intervals_and_every_run():
    axes = of_runs(names={"probe": "linear probe", "scratch": "from scratch"})
    assert {"linear probe", "from scratch", "data: CIFAR-10", "labels", "test accuracy"} <= set(words(axes))
    for container, arm in zip(axes.containers, ["probe", "scratch"], strict=True):
        groups = [rows.test_accuracy for _, rows in RUNS[RUNS.arm == arm].groupby("n_train")]
        np.testing.assert_allclose(container[0].get_ydata(orig=False), [group.mean() for group in groups])
        for bar, group in zip(container[2][0].get_segments(), groups, strict=True):
            np.testing.assert_allclose(
                bar[:, 1], np.add(group.mean(), [-1, 1] * np.array(evaluation.interval(group)[1]))
            )
    dots = np.concatenate([line.get_ydata() for line in axes.lines if line.get_marker() == "."])
    assert sorted(dots) == sorted(RUNS.test_accuracy), "a run is missing"


def test_sizes_that_grow_by_factors_lie_on_a_logarithmic_axis_with_their_numbers():
    axes = of_runs()
    assert axes.get_xscale() == "log" and [t.get_text() for t in axes.get_xticklabels()] == ["100", "1,000", "10,000"]
    places = [container[0].get_xdata(orig=False) for container in axes.containers]
    assert not np.isclose(*places).any(), "intervals hide each other"
    near = RUNS.assign(n_train=RUNS.n_train.map({100: 1, 1000: 2, 10000: 3}))
    axes = figures.interval_plot(near, "n_train", "test_accuracy", "arm", "x", xlabel="", ylabel="")
    assert axes.get_xscale() == "linear"


def test_words_stand_side_by_side_without_a_line_between_them():
    layers = RUNS.assign(layer=RUNS.n_train.map({100: "first", 1000: "second", 10000: "third"}))
    axes = figures.interval_plot(layers, "layer", "test_accuracy", "arm", "x", xlabel="layer", ylabel="accuracy")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["first", "second", "third"]
    assert {container[0].get_linestyle() for container in axes.containers} == {"None"}


def test_names_choose_the_arms_and_their_order():
    axes = of_runs(names={"probe": "VGG16 frozen"})
    assert "VGG16 frozen" in words(axes) and "scratch" not in words(axes) and len(axes.containers) == 1


def test_more_names_than_colours_are_refused_before_anything_is_drawn():
    with pytest.raises(ValueError, match="names: got 7, expected at most 6"):
        of_runs(names={f"arm {number}": f"{number}" for number in range(7)})
    assert not plt.get_fignums()


def test_a_single_run_has_a_dot_and_no_interval():
    axes = figures.interval_plot(RUNS[RUNS.seed == 0], "n_train", "test_accuracy", "arm", "x", xlabel="", ylabel="")
    assert not axes.containers and len(axes.lines) == 6 and not {"scratch", "probe"} & set(words(axes))


def test_a_table_that_still_grows_is_drawn_as_far_as_it_goes():
    """A lone run is a dot; a name without runs is left out, and the others keep the colours that they will have."""
    rows = RUNS[(RUNS.arm == "probe") & ((RUNS.n_train == 100) | (RUNS.seed == 0))]
    names = {"scratch": "fresh", "probe": "probe"}
    axes = figures.interval_plot(rows, "n_train", "test_accuracy", "arm", "x", names=names, xlabel="", ylabel="")
    (line,) = [line for line in axes.lines if line.get_label()[:1] != "_" and line.get_marker() != "."]
    assert line.get_color() == figures.COLOURS[1] and len(line.get_xdata()) == 1 and "fresh" not in words(axes)
    pairs = {"gain": ("probe", "scratch"), "other": ("adapters", "scratch")}
    axes = figures.difference_plot(rows, "n_train", "test_accuracy", "arm", pairs, "x", xlabel="labels")
    assert not axes.containers and not {"gain", "other"} & set(words(axes))


def test_difference_plot_pairs_runs_of_a_seed_and_shows_zero():
    axes = figures.difference_plot(
        RUNS, "n_train", "test_accuracy", "arm", {"gain": ("probe", "scratch")}, "CIFAR-10", xlabel="labels"
    )
    wide = RUNS.pivot_table("test_accuracy", ["n_train", "seed"], "arm")
    means = [100 * evaluation.paired(rows.probe, rows.scratch)[0] for _, rows in wide.groupby("n_train")]
    np.testing.assert_allclose(axes.containers[0][0].get_ydata(orig=False), means)
    assert axes.get_ylim()[0] <= 0 <= axes.get_ylim()[1] and {"gain", "difference in points"} <= set(words(axes))


def test_a_run_without_its_partner_is_left_out_of_the_difference():
    rows = RUNS.drop(index=RUNS.index[(RUNS.arm == "probe") & (RUNS.seed == 2)])
    axes = figures.difference_plot(
        rows, "n_train", "test_accuracy", "arm", {"gain": ("probe", "scratch")}, "x", xlabel="labels"
    )
    assert sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() == ".") == 6


def test_lines_are_named_at_their_ends_and_names_do_not_overlap():
    axes = figures.curves({"first": [1, 2, 3.0], "second": [1, 2, 3.01], "third": [1, 1, 1]}, "x", xlabel="", ylabel="")
    axes.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["first", "second", "third"]
    assert not any(a.overlaps(b) for a in boxes for b in boxes if a is not b)
    assert [text.get_color() for text in axes.texts] == [line.get_color() for line in axes.lines]


@pytest.mark.parametrize("places", [[0.0], [5.0, 5.0], [0, 1, 2], [99, 100, 98, 3], [50] * 5])
def test_labels_move_apart_and_stay_inside(places):
    moved = plots._apart(places, 10, 100)
    assert (np.diff(np.sort(moved)) > 9.9).all() and moved.min() > -0.1 and moved.max() < 100.1
    assert [moved[i] for i in np.argsort(places, kind="stable")] == sorted(moved)


def test_curves_have_as_many_colours_as_lines():
    for n in (0, len(figures.COLOURS) + 1):
        with pytest.raises(ValueError, match=rf"series: got {n}, expected 1\.\.{len(figures.COLOURS)}"):
            figures.curves({str(i): [1, 2] for i in range(n)}, "x", xlabel="", ylabel="")


def test_curves_take_values_by_step_or_pairs():
    axes = figures.curves({"a": [0.1, 0.2], "b": ([10, 20], [0.3, 0.4])}, "x", xlabel="step", ylabel="y", ylim=(0, 1))
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2])
    np.testing.assert_array_equal(axes.lines[1].get_xdata(), [10, 20])
    assert axes.get_ylim() == (0, 1)


def test_learning_curves_show_training_beside_validation():
    figure = figures.learning_curves({"first": HISTORY, "second": HISTORY}, "CIFAR-10")
    left, right = figure.axes
    for axes, key in ((left, "accuracy"), (right, "val_accuracy")):
        for line in axes.lines:
            np.testing.assert_array_equal(line.get_ydata(), HISTORY[key])
        assert axes.get_ylim() == (0, 1) and all(float(tick).is_integer() for tick in axes.get_xticks())
    assert (left.get_ylabel(), right.get_ylabel()) == ("training accuracy", "validation accuracy")
    assert words(right).count("first") == 1, "the names stand once"


def test_bars_carry_their_names_and_values():
    axes = figures.bars({"from scratch": 0.314, "frozen": 0.5}, "CIFAR-10", xlabel="test accuracy", xlim=(0, 1))
    assert {"from scratch", "frozen", "31%", "50%", "data: CIFAR-10"} <= set(words(axes))
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first stands on top"


def test_intervals_are_students_over_the_seeds():
    groups = [np.array([0.5, 0.6, 0.7]), np.array([0.8, 0.81, 0.85, 0.9])]
    _, axes = plt.subplots()
    container = figures.intervals(axes, [100, 1000], groups, label="linear probe", color=figures.COLOURS[2])
    assert container.get_label() == "linear probe" and container[0].get_color() == figures.COLOURS[2]
    np.testing.assert_array_equal(container[0].get_xdata(), [100, 1000])
    for segment, group in zip(container[2][0].get_segments(), groups, strict=True):
        expected = stats.t.interval(0.95, len(group) - 1, group.mean(), stats.sem(group))
        np.testing.assert_allclose(segment[:, 1], expected)
