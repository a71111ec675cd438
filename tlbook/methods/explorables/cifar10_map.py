"""The map of VGG16 on CIFAR-10, as chapter 4.7 reads it: cells with intervals, differences, ways that fit a budget.

A cell is a place on the map: a way to read or to tune, a resolution, a number of labels. Its runs are the rows of
`results/map.csv`, one a seed. Every function takes the map as far as it is recorded, no row included.
"""

import numpy as np
import pandas as pd

from tlbook import evaluation, results
from tlbook.backbones import vgg16

LAYERS = {name: f"block {name[5]}, convolution {name[-1]}" for name in vgg16.CONVOLUTIONS}
SCRATCH, CLASSICAL = CONTROLS = ("scratch_airbench", "classical")  # without transfer, at 32 pixels
WAYS = {
    "linear_probe": "frozen, block 4",
    "several_depths": "frozen, three depths",
    "last_block": "block 4 tuned",
    "last_two": "blocks 3 and 4 tuned",
    "everything": "all layers tuned",
    "vgg16_mean_variance": "weights drawn anew",
    "vgg16_shuffled": "weights shuffled",
    "vgg16_fresh": "fresh weights",
    SCRATCH: "small, from scratch",
    CLASSICAL: "no network",
}
TRANSFER = tuple(WAYS)[:5]
FROZEN = (*TRANSFER[:2], *LAYERS)
NAMES = WAYS | {layer: f"frozen, {name}" for layer, name in LAYERS.items()}
CELL = ["arm", "resolution", "n_train"]
COLUMNS = (*CELL, "seed", "test_accuracy", "test_right", "validation_accuracy", "chosen", "tmac", "test_tmac")
COLUMNS += ("cpu_seconds", "source", "note", "device", "cpu", "date")


def read():
    """Return the recorded runs. Taught in chapter 4.7."""
    return results.so_far("map", COLUMNS)


def level(runs):
    """Return `(mean, half width)` of the test accuracy of a cell, over seeds and pictures; of one run half is NaN.

    Rows that do not say which pictures were right give an interval over seeds alone.
    """
    if len(runs) < 2:
        return float(runs.test_accuracy.mean()), float("nan")
    if runs.test_right.isna().any():
        return evaluation.interval(runs.test_accuracy)
    return evaluation.crossed(evaluation.unpacked_right(runs.test_right))


def cells(rows):
    """Return a table with one line for each cell that has a run, in the order of `NAMES`.

    Columns are those of `CELL`, `seeds`, `mean` and `half` of the test accuracy, and of the runs the mean `minutes` of
    one core, the test included (NaN for a GPU), `tmac` of choosing and training, and `validation`, the accuracy inside
    the labels.
    """
    found = []
    for cell, runs in rows.groupby(CELL, sort=False):
        mean, half = level(runs)
        means = runs[["cpu_seconds", "tmac", "validation_accuracy"]].mean()
        costs = (means.cpu_seconds / 60, means.tmac, means.validation_accuracy)
        found.append((*cell, runs.seed.nunique(), mean, half, *costs))
    columns = [*CELL, "seeds", "mean", "half", "minutes", "tmac", "validation"]
    order = {name: place for place, name in enumerate(NAMES)}
    return pd.DataFrame(found, columns=columns).sort_values(
        CELL, key=lambda column: column.map(order) if column.name == "arm" else column, ignore_index=True
    )


def difference(rows, one, other):
    """Return `(mean, half width)` of the accuracy of one cell less that of another; None where too little is recorded.

    Both are cells `(arm, resolution, n_train)`. Runs that share a seed are paired, over seeds and test pictures; fewer
    than two such seeds say nothing.
    """
    return lead(runs_of(rows, one), runs_of(rows, other))


def lead(mine, theirs):
    """Return what `difference` does, of the runs of two ways, one row a seed."""
    both = [runs.set_index("seed").sort_index() for runs in (mine, theirs)]
    seeds = both[0].index.intersection(both[1].index)
    if len(seeds) < 2:
        return None
    both = [runs.loc[seeds] for runs in both]
    if any(runs.test_right.isna().any() for runs in both):
        return evaluation.paired(*(runs.test_accuracy for runs in both))
    mine, theirs = (evaluation.unpacked_right(runs.test_right).astype(float) for runs in both)
    return evaluation.crossed(mine - theirs)


def runs_of(rows, cell):
    """Return the rows of one cell `(arm, resolution, n_train)`, of the runs or of `cells`."""
    arm, resolution, n_train = cell
    return rows[(rows.arm == arm) & (rows.resolution == resolution) & (rows.n_train == n_train)]


def verdict(rows, one, other):
    """Say in words what one cell gains over another; "not recorded yet" where a cell has fewer than two seeds."""
    found = difference(rows, one, other)
    return "not recorded yet" if found is None else evaluation.verdict(found)


def strongest(known, n_train):
    """Return the cell of the control that names most test pictures rightly with so many labels.

    It is chosen by the test, which favours the controls: a lead over it is no luck of a weak one. None where one of
    `CONTROLS` is not recorded: it might be the stronger one.
    """
    here = known[known.arm.isin(CONTROLS) & (known.resolution == 32) & (known.n_train == n_train)]
    return tuple(here.loc[here["mean"].idxmax(), CELL]) if set(here.arm) == set(CONTROLS) else None


def chosen_runs(rows, resolution, n_train):
    """Return one run a seed: the probe on the layer that its own labels prefer, at a tie the lower layer.

    That choice has seen no test picture, and no other draw of labels. No row where nothing chose: one label a class.
    """
    here = rows[(rows.resolution == resolution) & (rows.n_train == n_train) & rows.arm.isin(list(LAYERS))]
    here = here.dropna(subset="validation_accuracy")
    order = here.arm.map({layer: place for place, layer in enumerate(LAYERS)}).sort_values(kind="stable").index
    here = here.loc[order]
    return here.loc[here.groupby("seed").validation_accuracy.idxmax()].sort_values("seed")


def best_frozen(known, n_train, resolution=None, tmac=np.inf):
    """Return the frozen cell that is right most often *inside* the labels, on average over its seeds; None for none.

    It is one of those with so many labels, at one resolution or at any, that cost `tmac` or less. With one label a
    class nothing can choose.
    """
    here = known[(known.n_train == n_train) & known.arm.isin(FROZEN) & (known.tmac <= tmac)].dropna(subset="validation")
    here = here if resolution is None else here[here.resolution == resolution]
    return tuple(here.loc[here.validation.idxmax(), CELL]) if len(here) else None


def within(rows, known, n_train, minutes):
    """Return what a budget buys: one half of the test pictures chooses the way, the other half tells how good it is.

    Of the cells `known` with `n_train` labels and two seeds or more whose mean minutes fit, the one is taken whose runs
    name most pictures of the first half. Returns a dict of `arm`, `resolution`, `seeds`, `minutes`, `mean` and `half`,
    or None where no cell fits.
    """
    fits = known[(known.n_train == n_train) & (known.minutes <= minutes) & (known.seeds > 1)]
    scores, told = [], []
    for cell in fits.itertuples():
        right = evaluation.unpacked_right(runs_of(rows, (cell.arm, cell.resolution, n_train)).test_right)
        middle = right.shape[1] // 2
        scores.append(right[:, :middle].mean())
        told.append(right[:, middle:])
    if not scores:
        return None
    best = int(np.argmax(scores))
    chosen, (mean, half) = fits.iloc[best], evaluation.crossed(told[best])
    return dict(chosen[["arm", "resolution", "seeds", "minutes"]]) | {"mean": mean, "half": half}


def grid(known, arms, places):
    """Return cells as `figures.cell_grid` takes them: name of an arm -> heading -> `(mean, half, seeds)`.

    `arms` maps an arm to its name, `places` a heading to `(resolution, n_train)`. An arm without any run is left out.
    """
    at = known.set_index(CELL)[["mean", "half", "seeds"]].sort_index()
    found = {
        name: {heading: tuple(at.loc[(arm, *place)]) for heading, place in places.items() if (arm, *place) in at.index}
        for arm, name in arms.items()
    }
    return {name: line for name, line in found.items() if line}


def evidence(rows, known):
    """Return what the explorable figure of chapter 4.7 shows, ready for JSON: cells, and the runs behind each.

    `controls` are `[labels, mean, arm]` of the strongest control at each number of labels.
    """
    found, controls = [], {n: strongest(known, n) for n in sorted(known.n_train.unique())}
    controls = {n: cell for n, cell in controls.items() if cell}
    for cell in known.itertuples():
        place = cell.arm, int(cell.resolution), int(cell.n_train)
        numbers = {name: _number(getattr(cell, name)) for name in ("mean", "half", "minutes", "tmac")}
        rival = None if cell.arm in CONTROLS else controls.get(cell.n_train)
        control = rival and verdict(rows, place, rival)
        runs = [
            [int(run.seed), run.test_accuracy, _number(run.chosen), _number(run.cpu_seconds / 60)]
            for run in runs_of(rows, place).sort_values("seed").itertuples()
        ]
        named = dict(zip(("way", "resolution", "labels"), place, strict=True))
        found.append(named | numbers | {"control": control, "runs": runs})
    ways = {arm: name for arm, name in NAMES.items() if arm in set(known.arm)}
    means = {n: runs_of(known, cell)["mean"].iloc[0] for n, cell in controls.items()}
    line = [[int(n), _number(means[n]), cell[0]] for n, cell in controls.items()]
    return {"ways": ways, "controls": line, "cells": found}


def _number(value):
    """Return a number for JSON, which has none that is not finite."""
    return round(float(value), 6) if np.isfinite(value) else None


def table(known):
    """Return the cells as readers see them: what stands in place of the explorable figure where no script runs."""
    return known.assign(arm=known.arm.map(NAMES)).drop(columns="validation")
