"""A Sphinx extension for the chapters: figures that are part of the page, with a number and a caption to link to.

A figure that a cell draws as SVG goes into the page itself. Its text can be searched and read aloud, takes the font of
the page, and turns light in the dark. The paragraph below the cell that begins with "**Figure 4.3-1.**" becomes its
caption; "Figure 4.3-1" anywhere in the book becomes a link to it.
"""

import html
import pathlib
import re

from docutils import nodes
from sphinx.util import logging

_CAPTION = re.compile(r"Figure (\d+(?:\.\d+)?-\d+)\.?$")
_MENTION = re.compile(r"Figure (\d+(?:\.\d+)?-\d+)")
# Those of `tlbook.figures`, which is not loaded here. The style sheet gives each a lighter one in the dark.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_logger = logging.getLogger(__name__)


def inline_svg(text, alt):
    """Return an SVG of matplotlib as part of an HTML page, described by `alt`.

    Neutral dark colours, and black, which matplotlib leaves unnamed, become the colour of the page's text, and the
    colours of lines those of the style sheet; the white ground goes, and so does the name of the font.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r' id="(?:figure|axes|patch|text|line2d|matplotlib\.axis|xtick|ytick|legend|Line)\w*"', "", text)
    text = re.sub(r'<path d="[^"]*" style="fill: #ffffff"/>', "", text)  # grounds; a white mark has an edge as well
    text = re.sub(r"font(-family)?: ?((?:\d[\w.]* )?)'[^;\"]*", lambda m: _font(m[2]), text)
    text = page_colours(text)
    text = re.sub(r"<text ", '<text fill="currentColor" ', text)
    width = float(re.search(r'width="([\d.]+)pt"', text)[1]) * 4 / 3
    text = re.sub(r'(<svg[^>]*?) width="[\d.]+pt"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[\d.]+pt"', r"\1", text, count=1)
    said = f'role="img" aria-label="{html.escape(alt)}"'
    start = f'<svg class="plot" fill="currentColor" {said} style="--width: {width:.0f}px"'
    return f'<div class="plot-box">{text.replace("<svg", start, 1)}</div>'


def _font(size):
    return f"font-size: {size.strip()}" if size else ""


def page_colours(text):
    """Return a text of SVG with matplotlib's colours, six lower hexadecimal digits, as those of the page."""
    return re.sub(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b", _colour, text)


def _colour(match):
    if match[0] == "#ffffff":
        return "var(--plot-white, #ffffff)"  # a box or a mark with an edge: white is loud in the dark
    if match[0] in COLOURS:
        return f"var(--plot-{COLOURS.index(match[0]) + 1}, {match[0]})"
    red, green, blue = (int(part, 16) for part in match.groups())
    neutral = max(red, green, blue) - min(red, green, blue) < 8
    return "currentColor" if neutral and red <= 0x80 else match[0]


def number_of(paragraph):
    """Return the number of the figure whose caption a paragraph is, such as "4.3-1", or None."""
    first = next((child for child in paragraph.children if child.astext()), None)
    found = isinstance(first, nodes.strong) and _CAPTION.match(first.astext())
    return found[1] if found else None


def anchor(number):
    """Return the id of a figure on its page."""
    return "figure-" + number.replace(".", "-")


def _figures(env):
    """Return which page holds which figure: a dict that Sphinx keeps with its environment."""
    return env.__dict__.setdefault("tlbook_figures", {})


def collect(app, doctree):
    """Remember which page holds which figure, and give the captions their ids."""
    figures = _figures(app.env)
    for paragraph in doctree.findall(nodes.paragraph):
        if number := number_of(paragraph):
            if number in figures:
                _logger.warning("Figure %s has two captions", number, location=paragraph)
            figures[number] = app.env.docname
            paragraph["classes"].append("figure-caption")
            paragraph["ids"].append(anchor(number))


def finish(app, doctree, docname):
    """Put the drawings into the page, the captions below them, and links on what the text calls "Figure 4.3-1"."""
    if app.builder.format != "html":
        return
    for cell in [cell for cell in doctree.findall(nodes.container) if "tag_figure" in cell["classes"]]:
        _arrange(cell)
    for image in list(doctree.findall(nodes.image)):
        path = pathlib.Path(app.srcdir, image["uri"])
        if path.suffix == ".svg" and "jupyter_execute" in path.parts:
            drawn = inline_svg(path.read_text(encoding="utf-8"), image.get("alt", ""))
            image.replace_self(nodes.raw("", drawn, format="html"))
    for text in list(doctree.findall(nodes.Text)):
        if _is_prose(text) and _MENTION.search(text):
            text.parent.replace(text, list(_linked(app, text, docname)))


def _arrange(cell):
    """Order a cell that draws: the figure, its caption, then how it was made."""
    output = [child for child in cell.children if "cell_output" in child.get("classes", [])]
    others = [child for child in cell.children if child not in output]
    place = cell.parent.index(cell) + 1
    following = cell.parent.children[place] if place < len(cell.parent.children) else None
    caption = [following] if isinstance(following, nodes.paragraph) and number_of(following) else []
    for node in caption:
        cell.parent.remove(node)
    cell.children = []
    cell.extend([*output, *caption, *others])


def _is_prose(text):
    parent = text.parent
    while parent is not None:
        if isinstance(parent, nodes.reference | nodes.literal | nodes.literal_block | nodes.title | nodes.raw):
            return False
        parent = parent.parent
    return not (isinstance(text.parent, nodes.strong) and _CAPTION.match(text.astext()))


def _linked(app, text, docname):
    figures, end = _figures(app.env), 0
    for match in _MENTION.finditer(text):
        if match[1] not in figures:
            _logger.warning("there is no %s", match[0], location=text.parent)
            continue
        home = figures[match[1]]
        address = "" if home == docname else app.builder.get_relative_uri(docname, home)
        yield nodes.Text(text[end : match.start()])
        yield nodes.reference("", match[0], refuri=f"{address}#{anchor(match[1])}", internal=True)
        end = match.end()
    yield nodes.Text(text[end:])


def forget(app, env, docname):
    """Forget the figures of a page that is read again or gone."""
    figures = _figures(env)
    for number in [number for number, home in figures.items() if home == docname]:
        del figures[number]


def setup(app):
    """Connect the steps to Sphinx's build."""
    app.connect("doctree-read", collect)
    app.connect("doctree-resolved", finish)
    app.connect("env-purge-doc", forget)
    return {"parallel_read_safe": False, "version": "1"}
