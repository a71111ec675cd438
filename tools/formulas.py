"""A Sphinx extension: formulas become MathML while the book is built.

Every browser of today draws MathML by itself. So a formula needs no script, stands at once, prints, and a screen reader
reads it. The LaTeX that the author wrote stays inside, as an annotation. The letters come from one font that the book
brings along, and where that is missing from those that systems have.
"""

import re
import xml.etree.ElementTree as ET

from docutils import nodes
from latex2mathml import converter
from latex2mathml.exceptions import NoAvailableTokensError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

_LINES = re.compile(r"\\(begin|end)\{(?:align|aligned|equation|gather|gathered)\*?\}")
_SIGNS = {"lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "lVert": "‖", "rVert": "‖", "Vert": "‖"}
_SIGNS |= {"langle": "⟨", "rangle": "⟩", "vert": "|", "lvert": "|", "rvert": "|"}
_BIG = re.compile(rf"(\\[bB]igg?[lr]?)\s*\\({'|'.join(_SIGNS)})(?![a-zA-Z])")
_OPEN = set("([{⟨‖|,;)]}⟩.:=<>≤≥+−-∣⌊⌈⁡")  # before these, and after them, a function's name needs no space
_PARTS = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "mover": 2, "munder": 2, "munderover": 3, "mroot": 2}
_LIMITS = ("min", "max", "lim")
_logger = logging.getLogger(__name__)


def to_mathml(text, block=False):
    """Return a formula, LaTeX without dollars, as a MathML element in a string; `block` sets it on a line of its own.

    Raises `ValueError` where it is no LaTeX that can be read.
    """
    text = text.strip()
    try:
        math = ET.fromstring(converter.convert(_prepared(text), display="block" if block else "inline"))
    except (NoAvailableTokensError, ET.ParseError, IndexError, KeyError, ValueError) as error:
        raise ValueError(f"no formula that can be read: {text!r} ({type(error).__name__}: {error})") from error
    except Exception as error:  # the converter's own errors have no common ancestor
        if type(error).__module__.startswith("latex2mathml"):
            raise ValueError(f"no formula that can be read: {text!r} ({type(error).__name__})") from error
        raise
    for element in math.iter():
        element.tag = element.tag.partition("}")[2] or element.tag
    if unread := [part.text for part in math.iter("mi") if (part.text or "").startswith("\\")]:
        raise ValueError(f"no formula that can be read: {text!r} has {', '.join(unread)}")
    if any(len(part) != _PARTS.get(part.tag, len(part)) for part in math.iter()):
        raise ValueError(f"no formula that can be read: {text!r} is not whole")
    _mend(math)
    meaning = ET.Element("semantics")
    row = ET.SubElement(meaning, "mrow")
    row.extend(list(math))
    ET.SubElement(meaning, "annotation", encoding="application/x-tex").text = text
    math[:] = [meaning]
    return ET.tostring(math, encoding="unicode")


def _prepared(text):
    """Return LaTeX in the words that the converter knows: several lines are one aligned block."""
    text = text.replace("<", r"\lt ").replace(">", r"\gt ")
    text = re.sub(r"\\arg(?![a-zA-Z])", r"\\operatorname{arg}", text)
    text = re.sub(r"\\(math(?:bb|bf|cal|rm))\s+(\w)", r"\\\1{\2}", text)
    text = re.sub(r"\\\\\[[\d.]+\w\w\]", r"\\\\", text)  # extra room between lines: the style sheet gives room
    text = re.sub(r"(\\[bB]igg?[lr]?)\s*\\\|", r"\1‖", text)
    text = _BIG.sub(lambda m: m[1] + _SIGNS[m[2]], text)
    text = _LINES.sub(r"\\\1{split}", text)
    if r"\\" in text and not text.startswith(r"\begin{split}") and not _inside(text):
        text = rf"\begin{{split}}{text}\end{{split}}"
    return text


def _inside(text):
    """Return whether every line break of a formula lies in an environment of its own, such as a matrix."""
    return r"\\" not in re.sub(r"\\begin\{(\w+)\*?\}.*?\\end\{\1\*?\}", "", text, flags=re.S)


def _mend(math):
    """Change in place what MathML Core has no longer, and what the converter leaves without TeX's spaces."""
    for row in list(math.iter()):
        _join_upright(row)
        _name_functions(row)
    for letter in math.iter("mi"):
        if letter.text in (":", ";"):
            letter.tag = "mo"
    for sign in math.iter("mo"):
        if sign.text == ".":
            sign.attrib |= {"lspace": "0", "rspace": "0"}
        elif sign.text in ("‖", "|") and not {"stretchy", "minsize"} & sign.attrib.keys():
            sign.set("stretchy", "false")
        elif sign.text in ("′", "″"):
            sign.set("class", "prime")
    for pair in [*math.iter("msub"), *math.iter("munder")]:
        if pair[0].text in _LIMITS:
            pair.tag, pair[0].tag = "munder", "mo"
            pair[0].attrib |= {"movablelimits": "true", "lspace": "0", "rspace": "0"}
    for pair in [*math.iter("mover"), *math.iter("munder")]:
        if pair[0].tag == "mstyle" and len(pair[0]) == 1:  # an arrow grows with what stands above it
            pair[0] = pair[0][0]
            pair[0].set("stretchy", "true")
    for line in math.iter("mtr"):
        _align(line)
    for space in math.iter("mspace"):
        if space.get("width") == "negativethinmathspace":
            space.set("width", "-0.167em")
    for table in math.iter("mtable"):
        table.attrib.pop("columnspacing", None)
        table.attrib.pop("rowspacing", None)
    for padded in math.iter("mpadded"):  # above an arrow: room at both sides is all it is for
        padded.attrib.clear()
        for child in padded.findall("mspace"):
            padded.remove(child)
        padded.insert(0, ET.Element("mspace", width="0.5em"))
        padded.append(ET.Element("mspace", width="0.5em"))


def _align(line):
    """Give the cells of a line the classes that the style sheet aligns by: `aligned` has pairs, right and left."""
    for place, cell in enumerate(line.findall("mtd")):
        side = cell.attrib.pop("columnalign", "")
        apart = place and (side == "right" or line[0].get("class") == "left")
        if side:
            cell.set("class", f"{side} apart" if apart else side)


def _join_upright(row):
    """Make one word of upright letters that follow each other: a voice reads "softmax", not "s o f t m a x"."""
    before = None
    for child in list(row):
        upright = child.tag == "mi" and child.get("mathvariant") == "normal"
        if upright and before is not None:
            before.text += child.text
            before.attrib.pop("mathvariant", None)
            row.remove(child)
        else:
            before = child if upright else None
    if row.tag == "mrow" and len(row) == 1 and row[0].tag == "mi" and len(row[0].text or "") > 1:
        row.tag, row.text = "mi", row[0].text
        row[:] = []


def _name_functions(row):
    """Give the name of a function, such as log, TeX's thin spaces; the converter sets some of them as operators."""
    if row.tag not in ("math", "mrow", "mtd", "msqrt", "mstyle"):
        return
    for child in list(row):
        base = child[0] if child.tag in ("msub", "msup", "msubsup", "munder") and len(child) else child
        name = base.text or ""
        if base.tag not in ("mi", "mo") or len(name) < 2 or not name.isalpha() or not name.isascii():
            continue
        base.tag = "mi"
        place = list(row).index(child)
        if place + 1 < len(row) and not _tight(row[place + 1]):
            row.insert(place + 1, ET.Element("mspace", width="0.167em"))
        if place and not _tight(row[place - 1]):
            row.insert(place, ET.Element("mspace", width="0.167em"))


def _tight(element):
    return element.tag in ("mspace", "mtext") or (element.tag == "mo" and (element.text or "").strip()[:1] in _OPEN)


def _converted(translator, node, block):
    text = node.astext()
    try:
        return to_mathml(text, block)
    except ValueError as error:
        _logger.warning("%s", error, location=node)
        return f"<code>{translator.encode(text)}</code>"


def visit_inline(translator, node):
    """Write a formula within the text."""
    long = " long" if len(node.astext()) > 30 else ""  # the style sheet lets it scroll on a phone
    translator.body.append(translator.starttag(node, "span", "", CLASS=f"math notranslate nohighlight{long}"))
    translator.body.append(_converted(translator, node, block=False) + "</span>")
    raise nodes.SkipNode


def visit_block(translator, node):
    """Write a formula on a line of its own, with its number where it has one."""
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node.get("number"):
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(_converted(translator, node, block=True) + "</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Register the way in which formulas are written; `html_math_renderer: mathml` chooses it."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
