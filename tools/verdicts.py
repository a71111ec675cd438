"""Print every verdict of the book, with the page that prints it and the tables behind it: `make verdicts`.

A verdict is a sentence of `evaluation.verdict`. They are read from the outputs of the last `make book`, so that they
are what a reader sees. A cell that rests on no recorded table computed its verdict in a live run.
"""

import ast
import pathlib
import re
import sys

from bs4 import BeautifulSoup
from jupyter_cache import get_cache
from sphinx_external_toc.parsing import parse_toc_yaml

import build_book
import page_parts

VERDICT = re.compile(r"(?:helps|hurts) by \d+\.\d ± |not told apart: [+-]")
LIVE = "a live run"


def verdicts(notebook):
    """Return `(tables, lines)` of each cell of an executed notebook that prints verdicts."""
    behind, found = {}, []
    for cell in notebook.cells:
        if cell.cell_type == "code" and page_parts.is_python(cell.source):
            tables = tables_behind(cell.source, behind)
            if lines := [*in_text(cell.outputs), *in_tables(cell.outputs)]:
                found.append((sorted(tables - {page_parts.TITLES}) or [LIVE], lines))
    return found


def tables_behind(source, behind):
    """Return the tables that a cell rests on; `behind` says it of names, and learns what the cell defines."""
    every = set()
    for statement in ast.parse(source).body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        own = own_names(statement)
        used = {node.id for node in names if isinstance(node.ctx, ast.Load)} - own
        tables = page_parts.uses(ast.unparse(statement))[0].union(*(behind.get(name, ()) for name in used))
        for name in defined_by(statement, names):
            behind[name] = tables
        every |= tables
    return every


def own_names(statement):
    """Return the names that mean something else inside a function or a comprehension than outside."""
    inside = [node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension)]
    if isinstance(statement, ast.FunctionDef):
        inside.append(statement)
    nodes = [node for part in inside for node in ast.walk(part)]
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


def defined_by(statement, names):
    """Return the names that a statement gives a value to."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {node.id for node in names if isinstance(node.ctx, ast.Store)} - own_names(statement)


def in_text(outputs):
    """Return the printed lines with a verdict; an indented one after the last line that is not, which says of what."""
    text = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    heading, found = "", []
    for line in text.splitlines():
        indented = line.startswith(" ")
        if VERDICT.search(line):
            found.append(f"{heading} {line.strip()}" if indented and heading else line.strip())
        if not indented:
            heading = line.strip()
    return found


def in_tables(outputs):
    """Return a line for each row of a table that holds a verdict: what the row is about, then each verdict."""
    found = []
    for output in outputs:
        html = output.get("data", {}).get("text/html", "")
        for table in BeautifulSoup(html, "html.parser").find_all("table"):
            rows = [[c.get_text(" ", strip=True) for c in row.find_all(["th", "td"])] for row in table.find_all("tr")]
            for row in rows[1:]:
                named = list(zip(rows[0], row, strict=False))
                about = ", ".join(text for _, text in named if text and not VERDICT.search(text))
                found += [f"{about}; {column}: {text}" for column, text in named if VERDICT.search(text)]
    return found


def main(root=pathlib.Path(__file__).parents[1]):
    """Print the verdicts of all pages in the order of the book; return how many pages have not been built."""
    cache, missing = get_cache(root / "_build" / ".jupyter_cache"), 0
    for name in map(str, parse_toc_yaml(root / "_toc.yml")):
        path = root / f"{name}.ipynb"
        if not path.exists():
            continue
        try:
            record = cache.match_cache_notebook(build_book.read_page(path))
        except KeyError:
            print(f"{name}: not built as it stands; run `make book` first", file=sys.stderr)
            missing += 1
            continue
        for tables, lines in verdicts(cache.get_cache_bundle(record.pk).nb):
            print(f"{name} ({', '.join(tables)})", *(f"  {line}" for line in lines), sep="\n")
    return missing


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
