"""Lay the tables of the map together in `results/map.csv`: `python tools/whole_map.py`, after a part of a recording.

One row a run, as the experiments wrote it, under the columns that all of them have; the rows that are there so far. The
column `experiment` names the table that a row comes from. Nothing is computed here. `make record` ends with it.
"""

import pathlib

import pandas as pd

from tlbook.files import cache

ROOT = pathlib.Path(__file__).parents[1]
TABLES = ("map_frozen", "map_tuned", "map_scratch", "map_classical")
FIRST = ["arm", "resolution", "n_train", "seed", "test_accuracy", "tmac", "test_tmac"]


def whole(folder=ROOT / "results"):
    """Return all rows of the tables that are there, sorted by resolution, number of labels, arm as it comes, seed."""
    found = [folder / f"{name}.csv" for name in TABLES if (folder / f"{name}.csv").is_file()]
    tables = [pd.read_csv(path).assign(experiment=path.stem) for path in found]
    if not tables:
        raise SystemExit(f"{folder} holds none of {', '.join(TABLES)}: record them first (make record)")
    table = pd.concat(tables, ignore_index=True)
    table = table.sort_values(["resolution", "n_train"], kind="stable")
    return table[[*FIRST, *(name for name in table.columns if name not in FIRST)]]


def write(folder=ROOT / "results"):
    """Write the table, and return its path."""
    path = folder / "map.csv"
    table = whole(folder)
    cache.write_atomically(path, lambda file: table.to_csv(file, index=False, lineterminator="\n"))
    return path


if __name__ == "__main__":
    print(write())
