"""Results: the tables that the experiments wrote, as the chapters read them."""

import html
import io
import json
import math
import os
import pathlib
import re

import pandas as pd

from tlbook.files.archives import DamagedFile, reading

# Beside the package in a checkout, inside it in an installed wheel.
_PACKAGE = pathlib.Path(__file__).parent
_HOME = _PACKAGE / "recorded" if (_PACKAGE / "recorded").is_dir() else _PACKAGE.parent / "results"
# A recording on other data sets the variable: the processes of its runs load this module anew.
FOLDER = pathlib.Path(os.environ.get("TLBOOK_RESULTS") or _HOME)

_COMMANDS = {"places": "`make places`", "map": "`python tools/whole_map.py`"}  # of tables that no experiment writes
REFERENCE, REFERENCE_GFLOPS = "reference", 70  # a laptop without AVX-512: float32, each of two cores
# The places of `results/places.csv`, as readers call them, in the order of the page.
PLACES = {
    REFERENCE: "Laptop",
    "colab": "Colab",
    "codespaces": "Codespaces",
    "binder": "Binder",
    "oldest": "Oldest versions",
    "torch": "PyTorch",
    "jax": "JAX",
}


def read(name):
    """Return the recorded experiment `name` as a `pandas.DataFrame`, one row a run.

    `cpu_seconds` are those of `on_cpus`.

    Raises `FileNotFoundError` where it was never recorded, and `DamagedFile` where the table is empty or cut off.
    """
    path = FOLDER / f"{name}.csv"
    back = "take it back from the repository (git checkout)"
    command = _COMMANDS.get(name, f"`python -m experiments.{name}`")
    closed = name.startswith("lessons/")  # nothing records it any more
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: {back if closed else f'record it with {command}'}")
    remedy = back if closed else f"{back}, or remove it and record it anew with {command}"
    with reading(path, f"a recorded table; {remedy}"):
        text = path.read_text(encoding="utf-8")
        table = pd.read_csv(io.StringIO(text))
    # pandas fills a row that is cut off with NaN. A whole table ends with a newline.
    if table.empty or not text.endswith("\n"):
        raise DamagedFile(f"{path} is cut off or holds no row; {remedy}")
    return on_cpus(table)


def on_cpus(table):
    """Return a table in which only runs on a CPU have `cpu_seconds`: those of a GPU's host are blank, NaN.

    So no page takes the one for the other.
    """
    if not {"cpu_seconds", "device"} <= set(table):
        return table
    return table.assign(cpu_seconds=table.cpu_seconds.mask(~table.device.isin(["CPU", float("nan")])))


def so_far(name, columns=("arm", "n_train", "seed", "test_accuracy", "source", "note")):
    """Return what is recorded of the experiment `name`, as `read` does: no rows, under `columns`, where nothing is.

    A page that reads its table so can be shown while the experiment still runs.
    """
    try:
        return read(name)
    except FileNotFoundError:
        print(f"The experiment {name} is not recorded yet. What rests on it is left out here.")
        return pd.DataFrame(columns=list(columns))


def gaps(rows, arms, sizes, least=3):
    """Say in one sentence which arms have fewer than `least` seeds at one of the sizes so far.

    `rows` has the columns `arm`, `n_train` and `seed`. `arms` maps an arm to the name that readers see; `sizes` lists
    values of `n_train`, or maps them to what readers call them.

    >>> rows = pd.DataFrame({"arm": ["probe"] * 3, "n_train": 50, "seed": [0, 1, 2]})
    >>> gaps(rows, {"probe": "the probe", "lora": "low rank"}, [50])
    'Fewer than 3 seeds so far: low rank (50).'
    >>> gaps(rows, {"probe": "the probe"}, [50])
    'Every arm has 3 seeds or more.'
    """
    seeds = rows.groupby(["arm", "n_train"]).seed.nunique()
    called = sizes if isinstance(sizes, dict) else {size: f"{size:,}" for size in sizes}
    lacking = {arm: [called[size] for size in called if seeds.get((arm, size), 0) < least] for arm in arms}
    said = [f"{arms[arm]} ({', '.join(map(str, at))})" for arm, at in lacking.items() if at]
    return f"Fewer than {least} seeds so far: {'; '.join(said)}." if said else f"Every arm has {least} seeds or more."


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


def titles(folder=_PACKAGE.parent / "notebooks"):
    """Return the title of every notebook, its first heading with its number, a dict by name in the order of chapters.

    Empty in an installed wheel, which holds no notebooks.
    """
    found = {}
    for path in sorted(folder.glob("*.ipynb"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)]):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        found[path.stem] = next(match[1] for text in texts if (match := re.search(r"^# +(.+)$", text, re.MULTILINE)))
    return found


def status(rows, titles):
    """Return an HTML table of where the notebooks run: chapters down, places across, seconds and memory in the cells.

    `rows` are those of `results/places.csv`, `titles` as from the function of that name: every notebook has its line,
    measured or not. Seconds are those `at_reference`. What failed is a numbered reason below the table.
    """
    known = {(row.place, row.notebook): row for row in rows.itertuples() if row.notebook in titles}
    reasons, body = [], []
    for name, title in titles.items():
        cells = [_cell(known.get((place, name)), f"{title}, {PLACES[place]}", reasons) for place in PLACES]
        link = f'<a href="../notebooks/{name}.html">{html.escape(title)}</a>'
        body.append(f'<tr><th scope="row">{link}</th>{"".join(cells)}</tr>')
    heads = "".join(f'<th scope="col">{name}</th>' for name in PLACES.values())
    of_places = [[row for key, row in known.items() if key[0] == place] for place in PLACES]
    foot = [
        ("All that passed", [_total(part) for part in of_places]),
        ("Measured", [_span(row.date for row in part) for part in of_places]),
        ("With", [_span(f"Python {row.python}, Keras {row.keras}" for row in part) for part in of_places]),
    ]
    foot = [f'<tr><th scope="row">{name}</th>{"".join(f"<td>{t}</td>" for t in part)}</tr>' for name, part in foot]
    reasons = [f'<li id="reason-{n}">{html.escape(text)}</li>' for n, text in enumerate(reasons, 1)]
    below = f"<p>What failed, and why:</p><ol>{''.join(reasons)}</ol>" if reasons else "<p>Nothing failed.</p>"
    return (
        '<div class="places" role="region" aria-labelledby="places" tabindex="0"><table>'
        f'<caption id="places">Seconds at {REFERENCE_GFLOPS} GFLOP/s a core, and memory</caption>'
        f'<thead><tr><th scope="col">Chapter</th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody><tfoot>{''.join(foot)}</tfoot></table></div>{below}"
    )


def _cell(row, what, reasons):
    """Return one cell of `status`, and add to `reasons` why it failed."""
    if row is None:
        return "<td>not measured</td>"
    if not row.passed:
        reasons.append(f"{what}: {row.error} ({row.date})")
        return f'<td><strong>✗ failed</strong> <a href="#reason-{len(reasons)}">reason {len(reasons)}</a></td>'
    return f"<td>{at_reference(row.seconds, row.gflops):.0f} s<br>{_rounded_mb(row.peak_memory_mb)}</td>"


def _total(rows):
    """Return in words how many notebooks of a place passed, how long they take together, and the most memory."""
    passed = [row for row in rows if row.passed]
    if not passed:
        return f"0 of {len(rows)}" if rows else "not measured"
    minutes = sum(at_reference(row.seconds, row.gflops) for row in passed) / 60
    most = max(row.peak_memory_mb for row in passed)
    return f"{len(passed)} of {len(rows)}: {minutes:.1f} minutes, at most {_rounded_mb(most)}"


def _span(values):
    """Return the least and the largest of some texts, once where they are equal, and a dash where there are none."""
    found = sorted(set(values))
    return " to ".join(dict.fromkeys([found[0], found[-1]])) if found else "–"
