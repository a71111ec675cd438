"""Run a submission and gather what it made. This runs inside the cell of the submission and holds no secret.

Run as a script, `perform.py TASK OUT`: TASK is a folder with `task.json` (the cells of the notebook, and the code that
gathers) and `probe.npz` (inputs on which functions are tried), OUT the file to write. A cell that raises does not stop
the next one: who fails in one question goes on with the others.
"""

import ast
import json
import os
import pathlib
import sys
import types

import numpy as np

from course import made, watching

MOST_WORDS = 300


def told(error):
    """Return an error in one line."""
    try:
        words = f"{type(error).__name__}: {error}"
    except Exception:  # an error that fails to say what it is
        words = type(error).__name__
    return " ".join(words.split())[:MOST_WORDS]


def plain_source(source):
    """Return the code of a cell without the lines that only a notebook understands (`%magic`, `!command`)."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())


def run_cell(source, name, namespace):
    """Run the code of a cell; return its error in words, or None. Leaving Python is an error like any other."""
    try:
        code = compile(ast.parse(plain_source(source), name), name, "exec")
        exec(code, namespace)
    except KeyboardInterrupt:
        return "KeyboardInterrupt"
    except BaseException as error:
        return told(error)
    return None


def perform(cells, records, probe, notes=None):
    """Run the cells of a notebook, then the code that gathers. Return what was made, a dict, and a report.

    `cells` and `records` are lists of (name, source); `probe` is a dict of arrays. The report holds `errors` of the
    cells, `missing` (why the part of a record is not there) and the `notes`, see `course.watching`.
    """
    module = types.ModuleType("__main__")
    namespace = vars(module)
    errors, missing, gathered = [], {}, {}
    around, sys.modules["__main__"] = sys.modules["__main__"], module  # where its functions say that they are from
    if notes:
        notes.on = True
    for number, (name, source) in enumerate(cells, start=1):
        if error := run_cell(source, f"<cell {number}>", namespace):
            errors.append([name, error])
    if notes:
        notes.close()
    for name, source in records:
        found = {}
        namespace |= {"probe": dict(probe), "made": found}
        if error := run_cell(source, f"<record {name}>", namespace):
            missing[name] = error
        for key, value in found.items():
            try:
                gathered[key] = made.plain(key, value)
            except made.NotPlain as error:
                missing[name] = str(error)
    sys.modules["__main__"] = around
    return gathered, {"errors": errors[:50], "missing": missing, "notes": notes.words if notes else []}


def main():
    """Perform the submission and write what it made."""
    task, out = map(pathlib.Path, sys.argv[1:])
    work = json.loads((task / "task.json").read_text(encoding="utf-8"))
    with np.load(task / "probe.npz", allow_pickle=False) as file:
        probe = {name: file[name] for name in file.files}
    notes = watching.Notes([os.getcwd(), "/scratch", "/dev"])
    arrays, report = perform(work["cells"], work["records"], probe, notes)
    made.write(out, arrays, report)
    os._exit(0)  # whatever threads it left


if __name__ == "__main__":
    main()
