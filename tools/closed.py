"""Closed experiments: another one took their place. Their table stands in `results/lessons/`."""

import pathlib

ROOT = pathlib.Path(__file__).parents[1]


def is_closed(name, root=ROOT):
    """Return whether the table of an experiment stands among the lessons, and nowhere else."""
    table = f"{name}.csv"
    return (root / "results" / "lessons" / table).exists() and not (root / "results" / table).exists()
