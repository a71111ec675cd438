"""A Sphinx extension: the pages about the package, made from its docstrings and tied to the chapters.

In a docstring `backticks` mean code, and a link where they name something public of the package; "chapter 5.6" is a
link to that chapter. Each chapter ends with a box that leads the other way: what it teaches of the package, according
to the docstrings, and what else of it its code calls.
"""

import ast
import functools
import importlib
import inspect
import pathlib
import pkgutil
import re
from unittest.mock import patch

import nbformat
from docutils import nodes
from IPython.core.inputtransformer2 import TransformerManager
from sphinx import addnodes
from sphinx.ext.autodoc.mock import _MockObject, mock

import tlbook

NOTEBOOKS = pathlib.Path(__file__).parents[1] / "notebooks"
_LIST = r"hapters?\s+(\d+(?:\.\d+)?(?:(?:,|,?\s+and)\s+\d+(?:\.\d+)?)*)"
_CHAPTERS = re.compile(rf"\b[Cc]{_LIST}")
_TAUGHT = re.compile(rf"\b(?:Taught\s+in\s+c|C){_LIST}")  # "Taught in chapter 4.3.", or "Chapter 4.3." as a sentence
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CODE = re.compile(r"(?<![`:\w])`([^`]+)`(?![`\w])")


@functools.cache
def modules():
    """Return the public modules of the package, a dict from name to module, imported."""
    found = [tlbook.__name__, *(m.name for m in pkgutil.walk_packages(tlbook.__path__, "tlbook."))]
    return {name: importlib.import_module(name) for name in found if "._" not in name}


@functools.cache
def entries():
    """Return what the pages describe, in the source's order: a dict from full name to module, function or class."""
    found = {}
    for name, module in modules().items():
        found[name] = module
        for key, value in vars(module).items():
            if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == name and key[0] != "_":
                found[f"{name}.{key}"] = value
    return found


@functools.cache
def chapters():
    """Return the document of each chapter, a dict such as {"5.6": "notebooks/05_6_named_entities"}."""
    found = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        part, section = re.match(r"0*(\d+)(?:_(\d+))?_", path.name).groups()
        found[f"{part}.{section}" if section else part] = f"notebooks/{path.stem}"
    return found


def named_chapters(text):
    """Return the numbers of the chapters that a docstring names."""
    return [number for found in _CHAPTERS.findall(text) for number in _NUMBER.findall(found)]


def teaching_chapters(text):
    """Return the numbers of the chapters in which, as a docstring says, its subject is taught."""
    return [number for found in _TAUGHT.findall(text) for number in _NUMBER.findall(found)]


@functools.cache
def taught():
    """Return a dict from the number of a chapter to the full names of what it teaches."""
    found = {}
    for name, entry in entries().items():
        for number in teaching_chapters(inspect.getdoc(entry) or ""):
            found.setdefault(number, []).append(name)
    return found


def used(path):
    """Return the full names of the functions and classes of the package that a notebook's code names."""
    cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    nodes_ = list(ast.walk(ast.parse("\n".join(TransformerManager().transform_cell(cell) for cell in cells))))
    imported = {}
    for node in nodes_:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tlbook":
            for alias in node.names:
                imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    found = set()
    for node in nodes_:
        if isinstance(node, ast.Name | ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in imported:
                found.add(full_name(imported[first] + ("." + rest if rest else "")))
    return [name for name, entry in entries().items() if name in found and not inspect.ismodule(entry)]


def full_name(dotted, start=None):
    """Return the full name of what `dotted` means, seen from the module `start` or from the package's top.

    None where it is nothing that the pages describe.
    """
    value = _value(dotted, start or tlbook)
    named = getattr(value, "__qualname__", None)
    name = f"{value.__module__}.{named}" if named else getattr(value, "__name__", None)
    return name if name in entries() else None


def _value(dotted, start):
    names = dotted.split(".")
    value, names = (tlbook, names[1:]) if names[0] == "tlbook" else (start, names)
    for name in names:
        value = getattr(value, name, None)
    return value


def short_name(name):
    """Return what a reader types for an entry: `tags.spans`, or `data.load_target` where the room lends its name."""
    *above, room, module, last = ["", *name.split(".")]
    lent = above and last in getattr(modules()[".".join(above[1:] + [room])], "__all__", ())
    return f"{room if lent else module}.{last}" if module != "tlbook" else last


def to_rst(text, module=None, owner=None):
    """Return a docstring as reStructuredText: code and chapters become links, notes behind a section stand alone."""
    parts = re.split(r"(\n[ ]*\n)", text)
    parts = [part if part.lstrip().startswith(">>>") else _linked(part, module, owner) for part in parts]
    text = "".join(parts)
    # Behind a section such as Returns, a paragraph that is not indented is no entry of that section. napoleon sees its
    # end in two empty lines.
    section = r"^\w[\w ]*\n-{3,}\n"
    head, *rest = re.split(f"(?m)(?={section})", text)
    return head + "".join(re.sub(r"\n\n(?=\S)", "\n\n\n", part) for part in rest)


def _linked(text, module, owner):
    try:
        arguments = set(inspect.signature(owner).parameters)
    except (TypeError, ValueError):
        arguments = set()

    def code(match):
        shown = " ".join(match[1].split())
        if shown.split(".")[0] not in arguments and re.fullmatch(r"[\w.]+", shown):
            found = full_name(shown, module) or full_name(shown)
            if found and entries()[found] is not owner:
                return f":py:obj:`{shown} <{found}>`"
            if shown.startswith("tlbook.") and _value(shown, tlbook) is None:
                return f":py:obj:`{shown}`"  # a name that leads nowhere: Sphinx will say so
        return f"``{shown}``"

    def links(match):
        return _NUMBER.sub(lambda number: f":doc:`{number[0]} </{chapters()[number[0]]}>`", match[0])

    return _CHAPTERS.sub(links, _CODE.sub(code, text))


def import_package(app):
    """Import the package once, without the libraries that are slow to load: only names and docstrings count here."""
    # A class must not inherit from what stands in for a library: autodoc would then load the library after all.
    with mock(app.config.autodoc_mock_imports), patch.object(_MockObject, "__mro_entries__", lambda self, bases: ()):
        entries()


def read_docstring(app, what, name, owner, options, lines):
    """Turn a docstring into reStructuredText before napoleon reads it."""
    module = modules().get(name) or inspect.getmodule(owner)
    lines[:] = to_rst("\n".join(lines), module, owner).split("\n")


def leave_as_code(app, env, node, contnode):
    """Leave names of Python and of other packages as code: only a name of this package must lead somewhere."""
    if node.get("refdomain") == "py" and not node["reftarget"].startswith("tlbook"):
        return contnode
    return None


def add_box(app, doctree):
    """Put a box behind a chapter's last section that leads to the pages about the package."""
    number = {document: number for number, document in chapters().items()}.get(app.env.docname)
    if number is None:
        return
    teaches = taught().get(number, [])
    calls = [name for name in used(NOTEBOOKS.parent / f"{app.env.docname}.ipynb") if name not in teaches]
    box = nodes.admonition("", nodes.title("", "In the package"), classes=["package"])
    for text, names in (("Taught here: ", teaches), ("Also used: " if teaches else "Used here: ", calls)):
        if names:
            line = nodes.paragraph("", text)
            for i, name in enumerate(names):
                link = addnodes.pending_xref("", refdomain="py", reftype="obj", reftarget=name, refdoc=app.env.docname)
                line += [nodes.Text(", ")] * bool(i) + [link]
                link += nodes.literal("", short_name(name))
            box += line
    last = doctree
    while sections := [node for node in last.children if isinstance(node, nodes.section)]:
        last = sections[-1]
    last += box


def setup(app):
    """Register the extension with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("builder-inited", import_package)
    app.connect("autodoc-process-docstring", read_docstring, priority=400)  # napoleon comes at 500
    app.connect("missing-reference", leave_as_code)
    app.connect("doctree-read", add_box)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
