"""Accuracy bands: the least that an honest run reaches, from recorded seeds, and the chance that it does not.

`seeds.csv` beside an assignment holds what its solution reached with each seed. A further honest run is another draw
from the same distribution. The least is the lower end of a one-sided prediction interval of Student's t,
mean - t * s * sqrt(1 + 1/n), at a risk of `RISK` for all bands of an assignment together (each gets an equal part). It
holds for shares that are close to normal over seeds, which `python -m course.record` tests.
"""

import csv
import math
import pathlib

import numpy as np

RISK = 5e-4  # that an honest run fails any band of an assignment by accident: below 1 in 1,000, half of it in reserve
FEWEST = 10  # seeds


def recorded(folder):
    """Return what was recorded beside an assignment: a dict from name to values, one a seed; empty without a record."""
    path, found = pathlib.Path(folder) / "seeds.csv", {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["name"], []).append(float(row["share"]))
    return found


def least(values, risk):
    """Return the value below which a further draw falls with a chance of `risk`. Raises `ValueError` below 10."""
    from scipy import stats  # costs seconds, and most assignments of a test have no bands

    n = len(values)
    if n < FEWEST:
        raise ValueError(f"seeds.csv: got {n} seeds, expected {FEWEST} or more: python -m course.record NAME")
    spread = np.std(values, ddof=1) * math.sqrt(1 + 1 / n)
    return float(np.mean(values) + stats.t.ppf(risk, n - 1) * spread)


def of(folder):
    """Return the bands of the assignment in a folder: a dict from name to the least share.

    Raises `ValueError` where `seeds.csv` holds too few seeds: then no accuracy can be judged, and nothing is graded.
    """
    found = recorded(folder)
    return {name: least(values, RISK / len(found)) for name, values in found.items()}
