"""What the back matter says of the records: read from experiments, results, pins and chapters, never typed."""

import ast
import pathlib
import re

import nbformat
import pandas as pd

import imports
import page_parts
import whole_map
from closed import is_closed
from tlbook import results
from tlbook.methods import cases

ROOT = pathlib.Path(__file__).parents[1]
_READS = re.compile(r"results\.(?:read|so_far)\(\s*\"(\w+)\"\s*[,)]")
# `tlbook.methods.comparisons` reads these, and names none of them.
_COMPARED = sorted({name for case in cases.CASES for name in (case.table, *case.controls) if "/" not in name})


def experiments(root=ROOT):
    """Return the experiments, sorted, as dicts: `name`, `question`, `unit` (None for a measurement), `kind`.

    Under `left_out` stands what was planned and is not run, and why: a list of str.

    The files are read and not run; closed ones are left out. Raises `ValueError` for one whose question is not a
    plain string.
    """
    found = []
    for path in sorted((root / "experiments").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned = {t.id: n.value for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if _is_name(t)}
        call = assigned.get("EXPERIMENT")
        if isinstance(call, ast.Call) and not is_closed(path.stem, root):
            words = {keyword.arg: keyword.value for keyword in call.keywords}
            entry = {name: _text(words.get(name), assigned) for name in ("question", "unit")}
            if not entry["question"]:
                raise ValueError(f"{path.name}: got no question that can be read, expected a plain string")
            entry["left_out"] = [key.value for key in words["left_out"].keys] if "left_out" in words else []
            found.append({"name": path.stem, "kind": ast.unparse(call.func).split(".")[-1], **entry})
    return found


def _is_name(node):
    return isinstance(node, ast.Name)


def _text(node, assigned):
    node = assigned.get(node.id) if isinstance(node, ast.Name) else node
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def readers(root=ROOT):
    """Return which documents read which table: a dict from table to names such as `notebooks/04_3_fine_tuning`.

    A notebook reads what the modules that it imports itself read by name. Who reads the map reads the tables that are
    laid together in it.
    """
    found, known = {}, imports.modules(root, scripts=())
    for path in [*(root / "notebooks").glob("*.ipynb"), *(root / "book").glob("*.md")]:
        if path.suffix == ".ipynb":
            code = page_parts.code_of(nbformat.read(path, 4))
            names = imports.imported(code, known)
            text = "\n".join([code, *(known[name].read_text(encoding="utf-8") for name in names)])
            if "tlbook.methods.comparisons" in names:
                text += "".join(f'\nresults.read("{table}")' for table in _COMPARED)
        else:
            text = path.read_text(encoding="utf-8")
        for name in _READS.findall(text):
            found.setdefault(name, set()).add(str(path.relative_to(root).with_suffix("").as_posix()))
    for name in whole_map.TABLES if "map" in found else ():
        found.setdefault(name, set()).update(found["map"])
    return {name: sorted(documents) for name, documents in found.items()}


def table(name, root=ROOT):
    """Return a recorded table, or None where it was not recorded yet."""
    path = root / "results" / f"{name}.csv"
    return results.on_cpus(pd.read_csv(path)) if path.exists() else None


def recorded(root=ROOT):
    """Return the tables that are there, a dict from name to rows.

    Left out are those that were replaced (`results/lessons/`), and the map, whose rows stand in others as well.
    """
    found = {name: table(name, root) for name in (*(entry["name"] for entry in experiments(root)), "places")}
    return {name: rows for name, rows in found.items() if rows is not None}


def ran_with(rows):
    """Return in words with which versions a table was recorded, and on what: `(versions, device)`.

    A column that the rows do not have, or leave blank, is left out; `device` is "" where they do not name any.
    """
    named = {"Python": "python", "Keras": "keras", "TensorFlow": "tensorflow", "PyTorch": "torch", "JAX": "jax"}
    versions = [f"{name} {' and '.join(found)}" for name, column in named.items() if (found := _values(rows, column))]
    return ", ".join(versions), "; ".join([*_values(rows, "device"), *_values(rows, "cpu")])


def _values(rows, column):
    return sorted(rows[column].dropna().astype(str).unique()) if column in rows else []


def cost(rows):
    """Return what a table took: `runs`, how many of them say so (`measured`), `cpu_hours`, `memory_mb`, and with what.

    `cpus` and `keras` are lists of names, `dates` the first and the last. A pretraining that several runs share is
    counted once: rows that give the same seconds for it mean the same one.
    """
    blank = pd.Series(float("nan"), rows.index)
    pretraining = pd.to_numeric(rows.get("pretraining", blank), errors="coerce").dropna()
    seconds = rows.get("cpu_seconds", blank)
    return {
        "runs": len(rows),
        "measured": int(seconds.notna().sum()),
        "cpu_hours": (seconds.sum() + sum(set(pretraining))) / 3600,
        "memory_mb": rows.get("peak_memory_mb", blank).max(),
        "cpus": _values(rows, "cpu"),
        "keras": _values(rows, "keras"),
        "dates": (rows.date.min(), rows.date.max()),
    }


def book_cost(places):
    """Return what executing the pages takes on the reference laptop: pages, minutes one after another, most memory."""
    rows = places[(places.place == results.REFERENCE) & places.passed.astype(bool)]
    seconds = results.at_reference(rows.seconds, rows.gflops)
    return {
        "pages": len(rows),
        "minutes": seconds.sum() / 60,
        "longest_seconds": seconds.max(),
        "memory_mb": rows.peak_memory_mb.max(),
    }


def pins(root=ROOT):
    """Return the versions that the book pins for its readers, a dict from package to version."""
    text = (root / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.MULTILINE))
