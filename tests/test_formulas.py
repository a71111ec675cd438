"""`formulas`: LaTeX becomes MathML that browsers draw and voices read, and the font has every sign."""

import json
import pathlib
import re
import xml.etree.ElementTree as ET

import pytest

import formulas
import math_font

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").rglob("*.md")])


def tree(text, block=False):
    return ET.fromstring(formulas.to_mathml(text, block))


def words(math):
    """What a formula shows: its text without the annotation."""
    return "".join("".join(part.itertext()) for part in math.find("semantics") if part.tag != "annotation")


def written(path):
    """The formulas of a page or notebook, as LaTeX."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
    blocks = re.findall(r"\$\$(.*?)\$\$", text, flags=re.S)
    return blocks + re.findall(r"(?<![\\$])\$([^$\n]+)\$(?!\d)", re.sub(r"\$\$.*?\$\$", "", text, flags=re.S))


def test_the_author_s_latex_stays():
    math = tree(r"\frac{1}{n}", block=True)
    assert math.get("display") == "block" and math.find(".//mfrac") is not None
    assert math.find(".//annotation").text == r"\frac{1}{n}"


def test_a_word_is_one_word_and_not_letters():
    assert [part.text for part in tree(r"\mathrm{softmax}(x)").iter("mi")][0] == "softmax"


def test_a_function_is_set_apart_but_not_from_its_bracket():
    assert len(list(tree(r"\log p").iter("mspace"))) == 1
    assert not list(tree(r"\log(p)").iter("mspace"))


def test_what_stands_below_min_stands_below_it():
    assert [part.tag for part in tree(r"\min_w L").iter() if "under" in part.tag] == ["munder"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"a < b", "a<b"),
        (r"\Big\lfloor x \Big\rfloor", "⌊x⌋"),
        (r"\mathbb E", "𝔼"),
        (r"p \big\| q", "p‖q"),
        (r"\arg", "arg"),
    ],
)
def test_what_the_converter_does_not_know_is_put_otherwise(text, shown):
    assert words(tree(text)) == shown


def test_lines_are_aligned_in_pairs():
    math = tree(r"\begin{aligned} a &= b, & c &= d \\ e &= f, & g &= h \end{aligned}")
    assert [cell.get("class") for cell in math.iter("mtd")] == ["right", "left", "right apart", "left"] * 2


def test_extra_room_between_lines_is_not_shown():
    assert words(tree(r"a \\[2ex] b")) == "ab"


@pytest.mark.parametrize("text", [r"\nonesuch", r"\frac{1", r"x^", r"\left( a"])
def test_what_cannot_be_read_is_named(text):
    with pytest.raises(ValueError, match="no formula that can be read"):
        formulas.to_mathml(text)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_formula_of_the_book_is_read_and_the_font_has_its_signs(path):
    known = math_font.codes()  # the file is woff2, which a reader's environment cannot open
    for text in written(path):
        missing = {sign for sign in words(tree(text)) if ord(sign) not in known and not sign.isspace()}
        assert not missing, f"{text}: the font has no {missing}; see tools/math_font.py"
