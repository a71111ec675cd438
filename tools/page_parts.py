"""What the outputs of a page depend on beside its own cells, part by part, each with a digest.

The parts are the modules that the page reaches, the files that lie beside those modules, the recorded results that
they read, the data that they name, the pins and the version of Python.
"""

import ast
import csv
import functools
import hashlib
import json
import platform

from IPython.core.inputtransformer2 import TransformerManager

import imports


class Repository:
    """What all pages share, read once: the modules below `root`, their imports, the recorded results, the data."""

    def __init__(self, root):
        """Read the modules."""
        self.root = root
        self.known = imports.modules(root, scripts=())
        self.links = imports.graph(self.known)
        tables = root / "results"
        self.recorded = {path.relative_to(tables).with_suffix("").as_posix(): path for path in tables.rglob("*.csv")}
        self.found = functools.cache(find)
        self.digest = functools.cache(digest)

    def parts(self, code):
        """Return a dict from the name of each part that a page with this code depends on to a digest or version."""
        names = imports.reached(imports.imported(code, self.known), self.links)
        paths = {self.known[name] for name in names}
        files = {self.root / "constraints.txt", *paths, *self._beside(paths)}
        read, rows, assets = set(), set(), set()
        for text in [code, *(path.read_text(encoding="utf-8") for path in paths)]:
            tables, shown, named = uses(text)
            read, rows, assets = read | tables, rows | shown, assets | named
        files |= {path for name, path in self.recorded.items() if name in read or ANY in read}
        parts = {"Python": platform.python_version()}
        parts |= {path.relative_to(self.root).as_posix(): self.digest(path) for path in files if path.exists()}
        parts |= {f"the row of {name} in results/places.csv": self._row(name) for name in rows}
        if TITLES in read:
            parts[TITLES] = self._titles()
        return parts | {f"data: {name}": self.found(name) for name in assets if self.found(name)}

    def _beside(self, paths):
        """Return the files that are no modules in the folders of `paths`, and in folders below that hold no modules."""
        homes, files = {path.parent for path in self.known.values()}, []
        for folder in {path.parent for path in paths}:
            others = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
            files += [path for path in others if next(home for home in path.parents if home in homes) == folder]
        return files

    def _titles(self):
        """Return a digest of the names of all notebooks and of the first text in each, which holds its title."""
        found = []
        for path in sorted((self.root / "notebooks").glob("*.ipynb")):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            found.append((path.stem, next((cell["source"] for cell in cells if cell["cell_type"] == "markdown"), "")))
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()

    def _row(self, notebook):
        if "places" not in self.recorded:
            return ""
        with open(self.recorded["places"], encoding="utf-8", newline="") as file:
            rows = [r for r in csv.DictReader(file) if (r["place"], r["notebook"]) == ("reference", notebook)]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def code_of(notebook):
    """Return the code of a notebook as Python that can be read with `ast`; cells that are none on purpose are left out.

    `notebook` is an `nbformat` notebook. Lines for IPython become calls.
    """
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    texts = [text if is_python(text) else TransformerManager().transform_cell(text) for text in texts]
    return "\n".join(filter(is_python, texts))


def is_python(text):
    """Return whether a source text can be read with `ast`."""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


ANY = "*"  # in place of the name of a table: it may be every table
READERS = ("read", "so_far")  # of `results`
TITLES = "the titles of the notebooks"  # likewise: what `results.titles` reads


@functools.cache
def uses(text):
    """Return three sets of names: tables that a source text reads, notebooks whose run times it shows, assets it names.

    Any function of `results` that gets the name of a table reads it; `results.needs("NAME")` shows one row of
    `results/places.csv`, and `results.titles()` all notebooks. Where the name of a table is computed, or the folder
    used, or `results.read` handed on, it may be every table. An asset is `assets.NAME`.
    """
    tables, rows, named, called = set(), set(), set(), []
    for node in ast.walk(ast.parse(text)):
        if _is_part_of(node, "assets") and node.attr.isupper():
            named.add(node.attr)
        elif _is_part_of(node, "results") and node.attr == "FOLDER":
            tables.add(ANY)
        elif isinstance(node, ast.Call) and _is_part_of(node.func, "results"):
            called.append(node.func)  # which `ast.walk` comes to after the call
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            names = {part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)}
            if node.func.attr == "needs":
                rows |= names
            elif node.func.attr == "titles":
                tables.add(TITLES)
            else:
                tables |= names or ({ANY} if node.func.attr in READERS else set())
        elif _is_part_of(node, "results") and node.attr in READERS and node not in called:
            tables.add(ANY)
    return tables, rows, named


def _is_part_of(node, name):
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name


def find(name):
    """Return in words which file stands for the asset `name` of the package, or "" where that is no asset."""
    from tlbook.files import assets, mirror, sources  # here, because a book without data does not need the package

    asset = getattr(assets, name, None)
    if not isinstance(asset, assets.Asset):
        return ""
    found = sources.find_local(asset)[0]
    if not found:
        return "not found" + (f"; in its place: {asset.stand_in}" if asset.stand_in else "")
    if found[1].kind != "mirror":
        return str(found[1])
    return f"{found[1]} {mirror.read_manifest(mirror.mirror_dir())[asset.mirror_name]['sha256']}"


def fetch(name):
    """Download the asset `name` of the package where it is not here and may be; return whether it came."""
    from tlbook.files import assets, sources

    asset = getattr(assets, name)
    if sources.find_local(asset)[0]:
        return False
    try:
        sources.find(asset)
    except sources.NotFound:
        print(f"{asset.name}: not found. In its place: {asset.stand_in}.")
        return False
    return True


def digest(path):
    """Return the SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def changes(before, now):
    """Return in words, part by part, how two dicts of parts differ: a list, empty where they do not."""
    words = []
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            words.append(f"{name} is no longer part of it")
        elif name not in before:
            words.append(f"{name} is new")
        elif before[name] != now[name]:
            words.append(f"{name} changed")
    return words


def read_record(path):
    """Return what `write_record` wrote: a dict with "key" and "parts", or None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_record(path, key, parts):
    """Write down that the outputs under `key` in the cache belong to `parts`, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"key": key, "parts": parts}, indent=1, sort_keys=True), encoding="utf-8")
    partial.replace(path)
