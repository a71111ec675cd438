"""A submission: which files in a folder are one, whose it is, and how it gets ready to run."""

import json
import pathlib
from dataclasses import dataclass

import numpy as np

LARGEST = 20 << 20  # bytes of a notebook


class Unreadable(ValueError):
    """A file that is no notebook."""


@dataclass(frozen=True)
class Submission:
    """The notebook of a student: `student`, the name of the file or of the folder it lies in, and its `path`."""

    student: str
    path: pathlib.Path


def all_in(folder):
    """Return the submissions in a folder, in order of the students' names.

    A submission is `NAME.ipynb` in the folder, or one notebook in a folder `NAME`. Raises `ValueError` where a folder
    holds several, where two have one name, or where there is none.
    """
    folder, found = pathlib.Path(folder), {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_symlink() or path.name.startswith("."):
            continue
        inside = (
            sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts) if path.is_dir() else []
        )
        if len(inside) > 1:
            raise ValueError(f"{path}: got {len(inside)} notebooks, expected one: {[p.name for p in inside]}")
        notebook = path if path.suffix == ".ipynb" else inside[0] if inside else None
        if notebook is not None:
            name = path.stem if path.is_file() else path.name
            if name in found:
                raise ValueError(f"{folder}: got two submissions of {name}")
            found[name] = Submission(name, notebook)
    if not found:
        raise ValueError(f"SUBMISSIONS: got {folder}, expected a folder with notebooks, NAME.ipynb or NAME/any.ipynb")
    return list(found.values())


def code_cells(content):
    """Return the code of a notebook, bytes, as a list of (name of the cell, source). Raises `Unreadable`.

    The notebook is read as JSON and nothing else: nothing in it runs, and no library looks at it.
    """
    if len(content) > LARGEST:
        raise Unreadable(f"larger than {LARGEST >> 20} MB")
    try:
        cells = json.loads(content)["cells"]
        found = []
        for number, cell in enumerate(cells, start=1):
            if cell["cell_type"] == "code":
                source = cell["source"]
                source = source if isinstance(source, str) else "".join(source)
                found.append((f"cell {number}", source))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"no notebook: {type(error).__name__}") from None
    return found


def prepare(folder, cells, records, probe):
    """Write into a folder what the cell of a submission gets: `task.json` and `probe.npz`."""
    folder = pathlib.Path(folder)
    text = json.dumps({"cells": cells, "records": records})
    (folder / "task.json").write_text(text, encoding="utf-8")
    np.savez(folder / "probe.npz", **probe)
