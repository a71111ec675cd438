"""Transfer against the strongest control: what the same labels allow without it."""

import pandas as pd

from tlbook.evaluation.intervals import paired, verdict

COLUMNS = ["n_train", "arm", "control", "arm_score", "control_score", "mean", "half", "verdict", "runs"]


def against_strongest(runs, arms, controls, score):
    """Compare each arm of a recorded table with the strongest of its controls, at each number of labels.

    Parameters
    ----------
    runs : pandas.DataFrame
        One row a run, with `arm`, `n_train`, `seed` and the column `score`. Runs of one arm, size and seed (several
        levels of noise, for example) are averaged first.
    arms, controls : sequence of str
        Values of the column `arm`. Those that were not recorded at a size are left out there.
    score : str
        The column to compare, a share of 0..1; larger is better.

    Returns
    -------
    pandas.DataFrame
        A row for each size and arm: `n_train`, `arm`, `control` (the one that is strongest at this size), the mean
        `arm_score` and `control_score`, the paired difference of the two as `mean` and `half`, its `verdict`, and over
        how many `runs`.

    The strongest control is the one with the best mean of `score` itself, that is on the test. This choice leans
    towards the control, never towards transfer. Raises `ValueError` where nothing can be compared: no arm or no
    control, or fewer than two seeds in common. Taught in chapter 8.1.
    """
    by_run = runs.pivot_table(score, ["n_train", "seed"], "arm")
    rows = []
    for n, table in by_run.groupby(level="n_train"):
        known = [name for name in controls if name in table and table[name].notna().sum() > 1]
        if not known:
            continue
        control = table[known].mean().idxmax()
        for arm in arms:
            both = table[[arm, control]].dropna() if arm in table else table.iloc[:0]
            if len(both) > 1:
                difference = paired(both[arm], both[control])
                scores = both[arm].mean(), both[control].mean()
                rows.append((n, arm, control, *scores, *difference, verdict(difference), len(both)))
    if not rows:
        raise ValueError(
            f"arms, controls: got {list(arms)} and {list(controls)}, expected some that share two seeds at one size"
        )
    return pd.DataFrame(rows, columns=COLUMNS)
