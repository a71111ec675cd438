"""Results: the tables that the experiments wrote, as the chapters read them."""

import io
import pathlib

import pandas as pd

from tlbook.files.archives import DamagedFile, reading

# Beside the package in a checkout, inside it in an installed wheel.
_PACKAGE = pathlib.Path(__file__).parent
FOLDER = _PACKAGE / "recorded" if (_PACKAGE / "recorded").is_dir() else _PACKAGE.parent / "results"


def read(name):
    """Return the recorded experiment `name` as a `pandas.DataFrame`, one row a run.

    Raises `FileNotFoundError` where it was never recorded, and `DamagedFile` where the table is empty or cut off.
    """
    path, command = FOLDER / f"{name}.csv", f"`python -m experiments.{name}`"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: record it with {command}")
    remedy = f"take it back from the repository (git checkout), or remove it and record it anew with {command}"
    with reading(path, f"a recorded table; {remedy}"):
        text = path.read_text(encoding="utf-8")
        table = pd.read_csv(io.StringIO(text))
    # pandas fills a row that is cut off with NaN. A whole table ends with a newline.
    if table.empty or not text.endswith("\n"):
        raise DamagedFile(f"{path} is cut off or holds no row; {remedy}")
    return table


def caveat(rows):
    """Say in one sentence whether the CPU seconds of recorded rows count the features that they read from the cache.

    A first run has an empty cache. Rows that were measured with a full one say "warm" in their column `cache`.
    """
    warm = (rows.cache == "warm").sum()
    if not warm:
        return "CPU seconds were measured with an empty feature cache."
    return (
        f"Of {len(rows)} runs {warm} were measured with features already in the cache: their CPU seconds leave out "
        "what a first run spends on features."
    )


def needs(notebook):
    """Say in one sentence what running a notebook takes, as measured in `results/notebooks.csv`."""
    unknown = f"{notebook} has not been measured yet: `make times` measures it."
    try:
        rows = read("notebooks").set_index("notebook")
    except FileNotFoundError:
        return unknown
    if notebook not in rows.index:
        return unknown
    row = rows.loc[notebook]
    return (
        f"Running this notebook took {row.seconds:.0f} s and {row.peak_memory_mb:.0f} MB of memory "
        f"on {row.cores} cores (measured {row.date}, data: {row.source})."
    )
