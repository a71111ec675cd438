"""Figures as part of the page: drawn inline, captioned, linked, and arranged before the code that made them."""

import io
import pathlib
import types
import xml.etree.ElementTree as ET

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from docutils import nodes, utils

import chapter_pages
from tlbook import figures

matplotlib.use("Agg")  # no window, wherever the tests run


@pytest.fixture(scope="module")
def drawn():
    figure, axes = plt.subplots()
    axes.plot([1, 2, 3], [2, 1, 3], label="a line")
    axes.axhline(2, color=figures.GREY)
    axes.imshow(np.zeros((2, 2, 3), "uint8"), extent=(1, 2, 1, 2))
    figures.name_data(axes, "CIFAR-10 < 3")
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight")
    plt.close(figure)
    return chapter_pages.inline_svg(file.getvalue(), 'Accuracy "rises" & stays')


def test_the_drawing_is_one_element_that_says_what_it_shows(drawn):
    box = ET.fromstring(drawn)
    (svg,) = box
    assert svg.get("role") == "img" and svg.get("aria-label") == 'Accuracy "rises" & stays'
    assert "--width: " in svg.get("style") and svg.get("width") is None and svg.get("viewBox")
    assert "<?xml" not in drawn and "<!DOCTYPE" not in drawn and "<metadata" not in drawn


def test_the_drawing_takes_colour_and_font_of_the_page_and_keeps_its_own_colours(drawn):
    assert "DejaVu" not in drawn and "font-size" in drawn
    assert "#595959" not in drawn and "#000000" not in drawn and "#ffffff" not in drawn.lower()
    assert "stroke: var(--plot-1, #0072b2)" in drawn and "currentColor" in drawn
    assert "data: CIFAR-10 &lt; 3</text>" in drawn
    assert ET.fromstring(drawn)[0].get("fill") == "currentColor", "signs of formulas name no colour"


def test_a_white_box_is_less_loud_in_the_dark():
    box = '<svg width="9pt" height="9pt"><path d="M0 0" style="fill: #ffffff; stroke: #0072b2"/></svg>'
    assert "fill: var(--plot-white, #ffffff)" in chapter_pages.inline_svg(box, "")
    style = (pathlib.Path(__file__).parents[1] / "book" / "_static" / "tlbook.css").read_text(encoding="utf-8")
    assert "--plot-white:" in style.partition('html[data-theme="dark"]')[2].partition("}")[0]


def test_the_page_knows_the_colours_of_the_figures_and_has_one_for_the_dark_for_each():
    assert [colour.lower() for colour in figures.COLOURS] == list(chapter_pages.COLOURS)
    style = (pathlib.Path(__file__).parents[1] / "book" / "_static" / "tlbook.css").read_text(encoding="utf-8")
    assert all(f"--plot-{number}:" in style for number in range(1, len(figures.COLOURS) + 1))


def test_two_drawings_on_a_page_share_no_name_of_a_part(drawn):
    names = [element.get("id") for element in ET.fromstring(drawn).iter() if element.get("id")]
    assert not [name for name in names if name.startswith(("figure", "axes", "patch", "text", "line2d", "xtick"))]
    used = {name for name in names if f"#{name}" in drawn}
    assert all(name in used or name.startswith(("m", "image", "QuadMesh", "PathCollection")) for name in names)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("Figure 4.3-1.", "4.3-1"),
        ("Figure 1-2.", "1-2"),
        ("Figure 5.10-12.", "5.10-12"),
        ("Figure.", None),
        ("So", None),
    ],
)
def test_a_caption_is_known_by_its_number(words, number):
    paragraph = nodes.paragraph("", "", nodes.Text(""), nodes.strong("", words), nodes.Text(" What it shows."))
    assert chapter_pages.number_of(paragraph) == number
    assert chapter_pages.number_of(nodes.paragraph("", words + " no bold")) is None


def test_the_anchor_is_one_word():
    assert chapter_pages.anchor("5.10-2") == "figure-5-10-2"


def paragraph(*words):
    return nodes.paragraph("", "", *(nodes.strong("", w[2:-2]) if w[:2] == "**" else nodes.Text(w) for w in words))


def page(*parts):
    document = utils.new_document("page")
    document.extend(parts)
    return document


class Environment:
    docname = "notebooks/04_3"


@pytest.fixture
def app(tmp_path):
    builder = types.SimpleNamespace(format="html", get_relative_uri=lambda here, there: f"{there}.html")
    return types.SimpleNamespace(env=Environment(), builder=builder, srcdir=tmp_path)


def read(app, docname, document):
    app.env.docname = docname
    chapter_pages.collect(app, document)
    return document


def finish(app, docname, document, caplog):
    caplog.clear()
    chapter_pages.finish(app, document, docname)
    return [record.getMessage() for record in caplog.records]


def links(document):
    return [(link.astext(), link["refuri"]) for link in document.findall(nodes.reference)]


def test_mentions_become_links_in_the_same_page_and_in_others(app, caplog):
    here = page(paragraph("**Figure 4.3-1.**", " Accuracy."), paragraph("Figure 4.3-1 and Figure 1-2 show it."))
    there = page(paragraph("**Figure 1-2.**", " Labels."))
    read(app, "notebooks/01", there), read(app, "notebooks/04_3", here)
    assert finish(app, "notebooks/04_3", here, caplog) == []
    assert links(here) == [("Figure 4.3-1", "#figure-4-3-1"), ("Figure 1-2", "notebooks/01.html#figure-1-2")]
    assert here.children[1].astext() == "Figure 4.3-1 and Figure 1-2 show it."
    assert here.children[0]["ids"] == ["figure-4-3-1"] and "figure-caption" in here.children[0]["classes"]


def test_code_and_links_are_left_alone(app, caplog):
    read(app, "notebooks/04_3", page(paragraph("**Figure 4.3-1.**")))
    link = nodes.reference("", "Figure 4.3-1", refuri="x")
    document = page(nodes.paragraph("", "", nodes.literal("", "Figure 4.3-1"), link))
    finish(app, "other", document, caplog)
    assert links(document) == [("Figure 4.3-1", "x")]


def test_a_figure_that_is_not_there_and_one_that_is_there_twice_are_told(app, caplog):
    document = page(paragraph("See Figure 4.3-9."))
    assert "there is no Figure 4.3-9" in "".join(finish(app, "notebooks/04_3", document, caplog))
    read(app, "a", page(paragraph("**Figure 1-1.**")))
    caplog.clear()
    read(app, "b", page(paragraph("**Figure 1-1.**")))
    assert "Figure 1-1 has two captions" in caplog.text


def test_a_page_that_is_gone_takes_its_figures_along(app, caplog):
    read(app, "a", page(paragraph("**Figure 1-1.**")))
    chapter_pages.forget(app, app.env, "a")
    assert "there is no Figure 1-1" in "".join(finish(app, "b", page(paragraph("Figure 1-1")), caplog))


def test_a_figure_stands_before_its_caption_and_the_code_that_made_it(app, caplog):
    cell = nodes.container(classes=["cell", "tag_figure"])
    cell += [nodes.container(classes=["cell_input"]), nodes.container(classes=["cell_output"])]
    document = read(app, "a", page(cell, paragraph("**Figure 1-1.**", " Labels."), paragraph("Read on.")))
    finish(app, "a", document, caplog)
    assert [child["classes"] for child in cell] == [["cell_output"], ["figure-caption"], ["cell_input"]]
    assert document.children[1].astext() == "Read on."
