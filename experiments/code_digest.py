"""The digest of what decides an experiment's figures: its code and its grids, and not the words around them."""

import ast
import hashlib
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
WORDS = ("question", "unit", "left_out")  # keywords that change no row that is there


def digest(function, arms=(), settled=None):
    """Return a digest of what decides the figures: the code behind `function`, the grids of `arms`, and `settled`.

    The code is that of the function's module and of the modules in `experiments/` that it imports, without comments,
    docstrings, questions, units, and what a module does as a command: saying something better makes no row stale.
    Neither does a run that is left out, nor the frame, which decides no figure: `protocol`, and all that it imports
    itself, so `pretraining` too: a change in which random numbers it puts back is not seen here. The package `tlbook`
    has its own version.
    """
    frame = _reached(FOLDER / "protocol.py", {})
    code = _reached(pathlib.Path(sys.modules[function.__module__].__file__), frame).values()
    grids = [(name, arm.grid, arm.first, arm.pretraining) for name, arm in dict(arms).items()]
    text = repr([*sorted(code), grids, settled])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _reached(file, without):
    """Return the code of a file and of all files in `experiments/` that it reaches by its imports, a dict by path."""
    files, found = [file], {}
    while files:
        file = files.pop()
        if file not in found and file not in without:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            files += _imported(tree)
            found[file] = _code(tree)
    return found


def _imported(tree):
    """Return the files in `experiments/` that a module imports."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "experiments":
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("experiments."):
            names.append(node.module.removeprefix("experiments."))
    return [FOLDER / f"{name}.py" for name in names]


def _code(tree):
    """Return the statements of a module as text, without what changes no figure."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [word for word in node.keywords if word.arg not in WORDS]
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "__name__" in ast.unparse(node.test))]
    return ast.unparse(tree)
