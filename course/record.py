"""Record what the solution of an assignment reaches with further seeds: `python -m course.record NAME`.

Each run takes the way of a submission, through the cell and the checks. The line `SEED = 0` of the notebook gets
another number. Rows that are there are kept, where notebook and versions are the same, so a recording may be stopped.
"""

import argparse
import ast
import csv
import datetime
import hashlib
import io
import os
import pathlib
import platform
import tempfile

import numpy as np
from scipy import stats

from course import assignment, bands, check, isolation, made, state, student, submission
from tlbook.commands import speed
from tlbook.files import installed

COLUMNS = ("seed", "name", "share", "code", "source", "python", "keras", "tensorflow", "numpy", "cpu", "date")
SEED_LINE = "SEED = 0"


def provenance(task):
    """Return what a row says of how it came about."""
    tags = {"hidden", "visible", "author"}  # words of hidden checks may change
    cells = [c for c in task.notebook.cells if c.cell_type == "code" and not tags & set(c.metadata.get("tags", []))]
    cells += task.cells("visible")  # where the assignment trains
    solved = "\0".join(ast.unparse(ast.parse(cell.source)) for cell in cells)
    return {
        "code": hashlib.sha256(solved.encode()).hexdigest()[:12],
        "source": "emoji-10 stand-in",
        "python": platform.python_version(),
        "keras": installed.version("keras"),
        "tensorflow": installed.version(*installed.BACKENDS["tensorflow"]) or "",
        "numpy": installed.version("numpy"),
        "cpu": speed.cpu(),
        "date": datetime.date.today().isoformat(),
    }


def shares(task, seed):
    """Run the solution with a seed; return what the hidden checks measured. Raises `RuntimeError` where it fails."""
    cells = submission.code_cells(student.text(student.solution(task)).encode())
    if not any(SEED_LINE in source.splitlines() for _, source in cells):
        raise ValueError(f"{task.path}: expected a line {SEED_LINE!r}")
    cells = [(name, source.replace(SEED_LINE, f"SEED = {seed}")) for name, source in cells]
    probe, truth = task.probe()
    with tempfile.TemporaryDirectory() as folder:
        submission.prepare(folder, cells, task.records, probe)
        # On one processor, as in grading: with several the last digits differ from run to run.
        core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        end = isolation.run(folder, isolation.Limits(), core=core)
        path = pathlib.Path(folder) / "made.npz"
        path.write_bytes(end.made)
        if end.ending != "whole":
            raise RuntimeError(f"seed {seed}: the solution {end.words}")
        arrays, report = made.read(path)
    band = dict.fromkeys(bands.recorded(task.folder), 0.0) or _Nothing()
    results, measured = check.marks(task, probe, truth, arrays, report["missing"], band)
    if failed := [one for one in results if one["words"]]:
        raise RuntimeError(f"seed {seed}: {failed}")
    return measured


class _Nothing(dict):
    """Bands before anything was recorded: any share will do."""

    def __missing__(self, name):
        return 0.0


def main(arguments=None):
    """Record the seeds that are missing, and print the bands."""
    parser = argparse.ArgumentParser(prog="python -m course.record", description=__doc__.splitlines()[0])
    parser.add_argument("assignment")
    parser.add_argument("--seeds", type=int, default=20, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=100, help="the first of them (default: %(default)s)")
    options = parser.parse_args(arguments)
    task = assignment.find(options.assignment)
    about, path = provenance(task), task.folder / "seeds.csv"
    for seed in range(options.first, options.first + options.seeds):
        if seed not in {int(row["seed"]) for row in _rows(path, about)}:
            found = shares(task, seed)
            new = [{"seed": seed, "name": name, "share": round(share, 6)} | about for name, share in found.items()]
            _write(path, _rows(path, about) + new)
            print(f"seed {seed}: {found}", flush=True)
    for name, values in bands.recorded(task.folder).items():
        if len(values) < bands.FEWEST:
            continue
        print(
            f"{name}: {len(values)} seeds, mean {np.mean(values):.3f}, deviation {np.std(values, ddof=1):.3f}, ", end=""
        )
        print(f"smallest {min(values):.3f}, least {bands.of(task.folder)[name]:.3f}; ", end="")
        print(f"normal? p = {stats.shapiro(values).pvalue:.2f} (Shapiro and Wilk)")


def _rows(path, about):
    """Return the rows that are there and of this notebook. Another recording may add some at the same time."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["code"] == about["code"]]


def _write(path, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: (int(row["seed"]), row["name"])))
    state.write(path, text.getvalue())


if __name__ == "__main__":
    main()
