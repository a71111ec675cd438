"""Learning rate and frozen depth on recorded runs: what the explorable figure of chapter 4.3 is given.

Two kinds of record. In one each rate was tried (`cifar10_rates`). In the others each seed chose its rate by itself, and
the runs lie where it chose. The map (`results/map.csv`) takes the place of the older tables as soon as it has tuned
networks.
"""

import math

import pandas as pd

from tlbook import results

# How deep VGG16 is frozen up to block 4, its end here, by what the tables call an arm. `frozen` counts blocks.
DEPTHS = {
    "nothing": {"name": "nothing frozen", "frozen": 0, "arms": ("everything",)},
    "two": {"name": "blocks 1 and 2 frozen", "frozen": 2, "arms": ("last_two",)},
    "three": {"name": "blocks 1 to 3 frozen", "frozen": 3, "arms": ("head_then_block4", "last", "last_block")},
    "all": {"name": "all frozen, a linear probe", "frozen": 4, "arms": ("linear_probe", "probe")},
}
_DEPTH_OF = {arm: depth for depth, what in DEPTHS.items() for arm in what["arms"]}
RESOLUTION = 32


def sets():
    """Return the recorded sets of runs that can be looked at, a list of dict, ready for JSON. Taught in chapter 4.3.

    Each has a `name`, the `measure` that its accuracies are, whether each rate was `tried` or each seed chose one, the
    number of labels `n_train`, a `note` on the pictures, and `runs`: dicts of `depth` (a key of `DEPTHS`), `rate` (None
    for a probe), `seed` and `accuracy`.
    """
    return [_tried(), *_chosen()]


def _tried():
    """Return the runs at each rate, with a probe on as many labels beside them."""
    rates = results.read("cifar10_rates")
    size = int(rates.n_train.iloc[0])
    probes = results.read("cifar10_regimes").query("arm == 'linear_probe' and n_train == @size")
    rows = pd.concat([rates.assign(rate=rates.learning_rate), probes.assign(rate=math.nan)], ignore_index=True)
    return _set(rows, "validation_accuracy", size, tried=True)


def _chosen():
    """Return the runs whose seeds chose a rate, a set for each number of labels; from the map where it has them."""
    try:
        whole = results.read("map")
        rows = whole[(whole.resolution == RESOLUTION) & whole.arm.isin(_DEPTH_OF)]
    except FileNotFoundError:
        rows = None
    if rows is None or not rows.arm.isin([arm for arm in _DEPTH_OF if _DEPTH_OF[arm] != "all"]).any():
        rows = results.read("tuning_pictures")
    rows = rows.assign(rate=rows.chosen.where(rows.arm.map(_DEPTH_OF) != "all"))
    sets = [_set(part, "test_accuracy", int(size), tried=False) for size, part in rows.groupby("n_train")]
    return [each for each in sets if len({run["depth"] for run in each["runs"]} - {"all"}) > 1]


def _set(rows, measure, size, tried):
    rows = rows[rows.arm.isin(_DEPTH_OF)].dropna(subset=measure)
    seeds = rows[rows.arm.map(_DEPTH_OF) != "all"].seed.nunique()
    of = "1 seed" if seeds == 1 else f"{seeds} seeds"
    runs = [
        {
            "depth": _DEPTH_OF[row.arm],
            "rate": None if math.isnan(row.rate) else float(row.rate),
            "seed": int(row.seed),
            "accuracy": float(getattr(row, measure)),
        }
        for row in rows.itertuples()
    ]
    return {
        "name": f"{size:,} labels, {f'each rate tried, {of}' if tried else f'{of}, each chose its rate'}",
        "measure": measure.replace("_", " "),
        "tried": tried,
        "n_train": size,
        "note": rows.note.iloc[0],
        "runs": runs,
    }


def evidence():
    """Return what the explorable figure of chapter 4.3 shows, ready for JSON."""
    return {"depths": {depth: what["name"] for depth, what in DEPTHS.items()}, "sets": sets()}


def means(which):
    """Return the mean accuracy of a set's runs at each depth and rate: a `pandas.DataFrame`.

    Columns `depth` (its name), `rate`, `runs`, `accuracy`, `best` (whether no rate of this depth has a higher mean).
    """
    rows = pd.DataFrame(which["runs"]).assign(rate=lambda table: table.rate.astype(float))
    table = rows.groupby(["depth", "rate"], dropna=False, sort=False).accuracy.agg(["size", "mean"]).reset_index()
    table["best"] = table["mean"] > table.groupby("depth")["mean"].transform("max") - 1e-12  # rounding parts no tie
    order = table.depth.map({depth: what["frozen"] for depth, what in DEPTHS.items()})
    table = table.assign(order=order).sort_values(["order", "rate"]).drop(columns="order")
    table["depth"] = table.depth.map({depth: what["name"] for depth, what in DEPTHS.items()})
    return table.rename(columns={"size": "runs", "mean": "accuracy"}).reset_index(drop=True)


def table(which):
    """Return `means` as readers see it: rates written out, and a word where a mean is the best of its depth."""
    found = means(which)
    rates = [None if math.isnan(rate) else f"{rate:.6f}".rstrip("0") for rate in found.rate]
    best = ["best" if best and rate else "" for best, rate in zip(found.best, rates, strict=True)]
    return found.assign(rate=rates, best=best)
