"""Parts of executed cells for the slides: a figure, a table, printed lines or code, each found by the id of its cell.

What is shown is what the built book shows: the outputs that `make book` keeps. A slide that asks for a cell, an output
or a line that is not there is an error, so that no number on a slide is older or other than the book's.
"""

import html
import json
import re

from bs4 import BeautifulSoup
from jupyter_cache import get_cache
from jupyter_cache.cache.db import NbCacheRecord
from nbformat import NotebookNode, read
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

import chapter_pages
import page_parts

CAPTION = re.compile(r"\*\*Figure (\d+(?:\.\d+)?-\d+)\.\*\* ")


class Executed:
    """The notebooks of the book in `root` with the outputs of the last `make book`; `older` names changed cells."""

    def __init__(self, root):
        """Find the cache. Raises `ValueError` where there is none."""
        self.root, self.older, self._read = root, set(), {}
        if not (root / "_build" / ".jupyter_cache").is_dir():
            raise ValueError(f"{root / '_build'}: there are no outputs, the book was not built. Run make book")
        self.cache = get_cache(str(root / "_build" / ".jupyter_cache"))

    def notebook(self, name):
        """Return the executed notebook of a chapter. Raises `ValueError` where it has not run."""
        if name not in self._read:
            self._read[name] = self._find(name)
        return self._read[name]

    def _find(self, name):
        path = self.root / "notebooks" / f"{name}.ipynb"
        if not path.exists():
            raise ValueError(f"{name}: there is no such chapter in notebooks/")
        record = page_parts.read_record(self.root / "_build" / ".page_parts" / "notebooks" / f"{name}.json")
        try:
            row = NbCacheRecord.record_from_hashkey((record or {})["key"], self.cache.db)
            done = {cell.id: cell for cell in self.cache.get_cache_bundle(row.pk).nb.cells}
        except KeyError:
            raise ValueError(f"{name}: this chapter has not run, there are no outputs. Run make book") from None
        cells = []
        for cell in read(path, 4).cells:  # the text around the cells is in no cache
            if cell.cell_type == "code":
                ran = done.get(cell.id)
                if ran is None or ran.source != cell.source:
                    self.older.add(f"{name}#{cell.id}")
                cell = ran or NotebookNode(cell | {"outputs": []})
            cells.append(cell)
        return cells

    def cell(self, name, key):
        """Return a code cell and the text cell below it, or None. Raises `ValueError` where there is no such cell."""
        cells = self.notebook(name)
        for cell, below in zip(cells, [*cells[1:], None], strict=True):
            if cell.get("id") == key and cell.cell_type == "code":
                return cell, below if below is not None and below.cell_type == "markdown" else None
        raise ValueError(f"{name}#{key}: there is no such code cell in notebooks/{name}.ipynb")

    def used_older(self, places):
        """Return those of `places`, (chapter, id) pairs, whose code has changed since it ran."""
        return [f"{name}#{key}" for name, key in places if f"{name}#{key}" in self.older]


def printed(cell):
    """Return the lines that a cell printed, without warnings."""
    text = "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout")
    return text.rstrip("\n").splitlines()


def chosen(lines, words, where):
    """Return the lines that hold one of the words; all without words. Raises `ValueError` for words in no line."""
    for word in words:
        if not any(word in line for line in lines):
            raise ValueError(f"{where}: no line holds {word!r}; the lines are {json.dumps(lines, ensure_ascii=False)}")
    return [line for line in lines if not words or any(word in line for word in words)]


def between(lines, words, where):
    """Return the lines from the first that holds the first word to the next that holds the second one."""
    if len(words) not in (0, 2):
        raise ValueError(f"{where}: code takes no words, or two: the first and the last line. Got {words}")
    if not words:
        return lines
    start = next((n for n, line in enumerate(lines) if words[0] in line), None)
    end = next((n for n, line in enumerate(lines) if start is not None and n >= start and words[1] in line), None)
    if end is None:
        raise ValueError(f"{where}: no code from {words[0]!r} to {words[1]!r}")
    return lines[start : end + 1]


def figure(cell, words, where):
    """Return the drawings of a cell."""
    parts = []
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    for drawn in (out.data for out in cell.outputs if "data" in out):
        if "image/svg+xml" in drawn:
            parts.append(chapter_pages.inline_svg(drawn["image/svg+xml"], alt))
        elif "image/png" in drawn:
            data = drawn["image/png"].replace("\n", "")
            parts.append(f'<img class="plot" alt="{html.escape(alt)}" src="data:image/png;base64,{data}">')
    if not parts:
        raise ValueError(f"{where}: this cell drew no figure when the book was built")
    return f"<figure>{''.join(parts)}</figure>"


def number(below):
    """Return the number of the figure whose caption a text cell is, such as "4.3-1", or None."""
    caption = CAPTION.match(below.source) if below is not None else None
    return caption and caption[1]


def own_names(drawings, prefix):
    """Begin the names of all parts of drawings with a prefix of their own: several drawings stand in one page."""
    drawings = re.sub(r'\bid="', f'id="{prefix}-', drawings)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", drawings)


def table(cell, words, where):
    """Return the table of a cell, or of its rows those that hold one of the words."""
    for shown in (out.data["text/html"] for out in cell.outputs if "text/html" in out.get("data", {})):
        soup = BeautifulSoup(shown, "html.parser")
        for folded in soup.find_all("details"):
            if "numbers" not in folded.get("class", []):  # a ledger; a figure's numbers are what a slide asks for
                folded.decompose()
        if found := soup.find("table"):
            rows = [row for row in found.find_all("tr") if row.find("td")]
            texts = [row.get_text(" ", strip=True) for row in rows]
            kept = set(chosen(texts, words, where))
            for row, text in zip(rows, texts, strict=True):
                if text not in kept:
                    row.decompose()
            found.attrs = {}
            return str(found)
    raise ValueError(f"{where}: this cell showed no table when the book was built")


def text(cell, words, where):
    """Return what a cell printed, as it stands in columns."""
    if not (lines := printed(cell)):
        raise ValueError(f"{where}: this cell printed nothing when the book was built")
    return f'<pre class="printed">{html.escape(chr(10).join(chosen(lines, words, where)))}</pre>'


def says(cell, words, where):
    """Return what a cell printed as sentences, such as verdicts."""
    if not (lines := sentences(printed(cell))):
        raise ValueError(f"{where}: this cell printed nothing when the book was built")
    return "".join(f'<p class="says">{html.escape(line)}</p>' for line in chosen(lines, words, where))


def sentences(lines):
    """Return printed lines as sentences: one goes on where the next line is indented, or where it ends in a comma."""
    found = []
    for line in lines:
        if found and (line.startswith(" ") or found[-1].endswith((",", ";"))):
            found[-1] += f" {line.strip()}"
        else:
            found.append(" ".join(line.split()))
    return found


def code(cell, words, where):
    """Return the code of a cell, coloured."""
    lines = between(cell.source.splitlines(), words, where)
    spare = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return highlight("\n".join(line[spare:] for line in lines), PythonLexer(), HtmlFormatter(nowrap=False))


KINDS = {"figure": figure, "table": table, "text": text, "says": says, "code": code}
