"""Results: the tables that the experiments wrote, as the chapters read them."""

import io
import math
import pathlib

import pandas as pd

from tlbook.files.archives import DamagedFile, reading

# Beside the package in a checkout, inside it in an installed wheel.
_PACKAGE = pathlib.Path(__file__).parent
FOLDER = _PACKAGE / "recorded" if (_PACKAGE / "recorded").is_dir() else _PACKAGE.parent / "results"

REFERENCE, REFERENCE_GFLOPS = "reference", 70  # a laptop without AVX-512: float32, each of two cores


def read(name):
    """Return the recorded experiment `name` as a `pandas.DataFrame`, one row a run.

    Raises `FileNotFoundError` where it was never recorded, and `DamagedFile` where the table is empty or cut off.
    """
    path = FOLDER / f"{name}.csv"
    command = "`make places`" if name == "places" else f"`python -m experiments.{name}`"
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


def at_reference(seconds, gflops):
    """Return how long a run would take on the reference laptop: seconds x gflops / 70.

    `gflops` is what one core of the machine that measured does in a product of large float32 matrices, in billion
    operations a second (`tlbook.commands.speed.gflops`). Numbers, arrays or columns. What is no arithmetic scales
    otherwise.

    >>> at_reference(30.0, 140.0)
    60.0
    """
    return seconds * gflops / REFERENCE_GFLOPS


def needs(notebook):
    """Say what running a notebook takes on the reference laptop, from its row in `results/places.csv`."""
    unknown = f"{notebook} has not been measured yet: `make places` measures it."
    try:
        rows = read("places")
    except FileNotFoundError:
        return unknown
    rows = rows[(rows.place == REFERENCE) & (rows.notebook == notebook)]
    if rows.empty:
        return unknown
    row = rows.iloc[0]
    if not row.passed:
        return f"{notebook} failed when it was last measured ({row.date}): {row.error}"
    return (
        f"On a laptop with two cores of {REFERENCE_GFLOPS} GFLOP/s each this notebook takes about "
        f"{at_reference(row.seconds, row.gflops):.0f} s and {_rounded_mb(row.peak_memory_mb)}. "
        f"Half as fast a machine takes twice as long. (Measured {row.date}.)"
    )


def _rounded_mb(megabytes):
    """Return megabytes in words, to the next 50: memory differs that much from run to run."""
    return f"{50 * math.ceil(megabytes / 50):,} MB"
