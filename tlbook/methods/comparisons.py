"""What the recorded tables say of each case: transfer against the strongest control that the same labels allow.

The tables are read anew at each call, so these rows say what the record says today.
"""

import pandas as pd

from tlbook import evaluation, results
from tlbook.methods.cases import CASES, HEAD, NETWORK


def comparisons():
    """Return every recorded comparison of transfer with the strongest control, a `pandas.DataFrame`.

    A row is one case, what was trained, and a number of labels. Columns: `kind`, `source`, `target`, `near`, `trains`
    (`HEAD` or `NETWORK`), `n_train`, those of `evaluation.against_strongest`, the mean `cpu_seconds` of the arm and
    of its control (`control_seconds`; nan where not all were recorded), `n_choose` (labels that chose), `collection`
    (the data that the target was drawn from), `table` and `chapter`; and where weights of the network were trained as
    well, what that added to the linear classifier, as `over_head` and `over_head_half`. Raises as
    `evaluation.against_strongest` does. Taught in chapter 8.1.
    """
    return pd.concat([_of(case) for case in CASES], ignore_index=True)


def _of(case):
    runs = results.read(case.table)
    if case.only:
        column, value = case.only
        runs = runs[runs[column] == value]
    runs = pd.concat([runs, *(_controls_of(results.read(name)) for name in case.controls)], ignore_index=True)
    runs, arms = _chosen(_at_every_size(runs), case)
    transfer = {*arms, *case.without}
    controls = [name for name in runs.arm.unique() if name not in transfer and _is_control(runs, name)]
    score = f"test_{case.score}"
    rows = evaluation.against_strongest(runs, list(arms), controls, score)
    rows = rows.assign(trains=rows.arm.map(arms))
    head = next((name for name, trained in arms.items() if trained == HEAD), None)
    if head and NETWORK in arms.values():
        network = [name for name, trained in arms.items() if trained == NETWORK]
        over = evaluation.against_strongest(runs, network, [head], score)
        over = over.rename(columns={"mean": "over_head", "half": "over_head_half"})
        rows = rows.merge(over[["n_train", "arm", "over_head", "over_head_half"]], how="left", on=["n_train", "arm"])
    else:
        rows = rows.assign(over_head=float("nan"), over_head_half=float("nan"))
    costs = runs.groupby(["n_train", "arm"]).cpu_seconds.agg(lambda values: values.mean(skipna=False))
    chose = runs.groupby(["n_train", "arm"]).n_choose.max()
    keys = [[(n, name) for n, name in zip(rows.n_train, rows[column], strict=True)] for column in ("arm", "control")]
    return rows.assign(
        cpu_seconds=costs.reindex(keys[0]).to_numpy(),
        control_seconds=costs.reindex(keys[1]).to_numpy(),
        n_choose=chose.reindex(keys[0]).to_numpy(),
        collection=case.collection or case.target,
        **{name: getattr(case, name) for name in ("kind", "source", "target", "near", "table", "chapter")},
    )


def _at_every_size(runs):
    """Return the runs; those that need no label are repeated for each number of labels, as a control at all of them."""
    none = runs[runs.n_train == 0]
    sizes = [n for n in runs.n_train.unique() if n]
    return pd.concat([runs[runs.n_train > 0], *(none.assign(n_train=n) for n in sizes)], ignore_index=True)


def _controls_of(runs):
    """Return the rows of a table that hold no transfer."""
    return runs[runs.pretraining == "none"]


def _is_control(runs, arm):
    return (runs.loc[runs.arm == arm, "pretraining"] == "none").all()


def _chosen(runs, case):
    """Return the runs and the arms; where arms are alternatives, those runs that validation chose, under one name."""
    arms = {}
    for name, trained in case.arms.items():
        if isinstance(name, tuple):
            tried = runs[runs.arm.isin(name)]
            by_mean = tried.groupby(["n_train", "arm"])[f"validation_{case.score}"].mean().unstack("arm")
            best = by_mean.idxmax(axis=1)
            kept = tried[tried.arm == tried.n_train.map(best)]
            name = f"best of {len(name)} by validation"
            runs = pd.concat([runs[~runs.arm.isin(tried.arm)], kept.assign(arm=name)])
        arms[name] = trained
    return runs, arms
