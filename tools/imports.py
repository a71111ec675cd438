"""Which modules of this repository a piece of code reaches, read from its imports with `ast`: nothing is run.

The build asks it what a page depends on, `make quick` which tests a change touches, and `tests/test_house.py` whether
the layers of the package hold.
"""

import ast
import functools


def modules(root, packages=("tlbook", "experiments"), scripts=("tools",)):
    """Return a dict from the dotted name of each module below `root` to its path.

    `packages` are folders that are imported by their name; `scripts` are folders whose files import each other by the
    bare name of the file. A package stands under its own name, with the path of its `__init__.py`.
    """
    known = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            names = path.relative_to(root).with_suffix("").parts
            known[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    for folder in scripts:
        known |= {path.stem: path for path in sorted((root / folder).glob("*.py"))}
    return known


def imported(text, known, package=""):
    """Return the names in `known` of what a source text imports itself, inside functions too.

    `from a.b import c` is the module `a.b.c` where there is one, otherwise `a.b`. `package` is the package of the text,
    for imports that begin with a dot. A list that holds "-m" and a module starts that module, which counts as well.
    """
    found = set()
    for level, base, name in _statements(text):
        if level:
            base = ".".join([*package.split(".")[: len(package.split(".")) - level + 1], *filter(None, [base])])
        full = f"{base}.{name}" if name and base else base or name
        while full and full not in known:
            full = full.rpartition(".")[0]
        found.add(full)
    return found - {""}


@functools.cache
def _statements(text):
    """Return the imports of a source text as tuples (dots, module, name)."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(0, alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.level, node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, ast.List | ast.Tuple):
            values = [part.value if isinstance(part, ast.Constant) else None for part in node.elts]
            started = [name for flag, name in zip(values, values[1:], strict=False) if flag == "-m"]
            found += [(0, name, "__main__") for name in started if isinstance(name, str)]
    return tuple(found)


def parents(name):
    """Return the packages around a module, outermost first: importing the module runs them all."""
    steps = name.split(".")
    return [".".join(steps[:n]) for n in range(1, len(steps))]


def graph(known):
    """Return a dict from each module to the set of modules that it imports itself."""
    links = {}
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        links[name] = imported(path.read_text(encoding="utf-8"), known, package) - {name}
    return links


def reached(names, links):
    """Return all modules that importing `names` runs: what they import in turn, and the packages on the way."""
    todo, seen = list(names), set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [*links[name], *(package for package in parents(name) if package in links)]
    return seen
