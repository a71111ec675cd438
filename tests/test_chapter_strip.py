"""The strip at the head of a chapter: declared for every chapter, counted from its page, and said once."""

import re
import types
import xml.etree.ElementTree as ET

import nbformat
import pandas as pd
import pytest
from docutils import nodes, utils

import chapter_facts
import chapter_strip
import front_page
import mark
from page_parts import code_of
from tlbook import results

ROOT = chapter_strip.TABLE.parents[1]
ROWS = chapter_strip.declared()
CHAPTERS = re.findall(r"file: notebooks/(\w+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def test_every_chapter_has_a_row_in_the_order_of_the_book():
    assert list(ROWS) == CHAPTERS


@each_chapter
def test_a_chapter_builds_on_earlier_ones(chapter):
    before = CHAPTERS[: CHAPTERS.index(chapter)]
    assert set(ROWS[chapter]["builds_on"]) <= set(before)
    assert ROWS[chapter]["builds_on"] or not before


@each_chapter
def test_vgg16_has_five_blocks(chapter):
    row = ROWS[chapter]
    if row["network"].startswith("VGG16"):
        blocks = [part for part in row["parts"] if part[0].startswith("block")]
        assert len(chapter_strip.states(blocks)) == 5


@each_chapter
def test_the_drawing_and_the_words_say_the_same(chapter):
    parts = ROWS[chapter]["parts"]
    words = dict(chapter_strip.in_words(parts))
    assert set(words) == set(chapter_strip.states(parts)) and sum(map(len, words.values()))
    assert all(name in words[state] for name, state in parts)


@each_chapter
def test_data_that_a_chapter_loads_are_named(chapter):
    code = code_of(nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4))
    loads = re.search(r"\bload(?!_weights|_model)(_\w+)?\(", code)
    assert chapter_facts.data(code) != "made in the chapter" or not loads


def test_a_range_is_as_many_bars():
    parts = [("blocks 1 to 3", mark.FROZEN), ("block 4", mark.LEARNS), ("head", mark.LEARNS)]
    assert chapter_strip.states(parts) == [mark.FROZEN] * 3 + [mark.LEARNS] * 2
    assert chapter_strip.in_words(parts) == [(mark.FROZEN, "blocks 1 to 3"), (mark.LEARNS, "block 4, head")]


def test_a_part_without_a_state_is_named(tmp_path):
    table = tmp_path / "strips.csv"
    table.write_text("chapter,network,parts,builds_on\n01,VGG16,blocks 1 to 5: melted,\n", encoding="utf-8")
    with pytest.raises(ValueError, match="01: got .*melted"):
        chapter_strip.declared(table)


def section(name, *parts):
    return nodes.section("", nodes.title("", name), *parts, ids=[nodes.make_id(name)])


def words(count):
    return nodes.paragraph("", "word " * count)


def cell(printed, tag="tag_setup"):
    outputs = [nodes.literal_block(text, text) for text in printed]
    output = nodes.container("", *outputs, classes=["cell_output"])
    return nodes.container("", nodes.container("", words(500), classes=["cell_input"]), output, classes=["cell", tag])


def page(*parts, title="4.3 Fine-tuning: the head first"):
    document = utils.new_document("page")
    document += section(title, *parts)
    return document


def test_only_words_of_the_text_count():
    document = page(
        words(1000), cell(["printed " * 400]), section("Quiz", words(400)), section("Exercises", words(400))
    )
    assert chapter_facts.minutes_to_read(document) == 5
    assert chapter_facts.minutes_to_read(page(words(3))) == 1


def test_exercises_and_questions_are_counted():
    asked = [nodes.paragraph("", "", nodes.strong("", f"{n}. Why?")) for n in range(1, 6)]
    bold = nodes.paragraph("", "", nodes.strong("", "2. a step, not a question"))
    document = page(bold, section("Quiz", *asked), section("Exercises", section("Exercise 1"), section("Exercise 2")))
    assert chapter_facts.to_do(document) == (2, 5)


@pytest.fixture
def measured(monkeypatch):
    row = {"place": "reference", "notebook": "04_3_fine_tuning", "passed": True, "seconds": 20.0, "gflops": 140.0}
    table = pd.DataFrame([row | {"peak_memory_mb": 1320.0, "date": "2026-11-25", "error": ""}])
    monkeypatch.setattr(results, "read", lambda name: table)
    return table


def test_run_time_is_that_of_the_reference_laptop(measured):
    assert chapter_strip.run_time("04_3_fine_tuning") == "40 s, 1.4 GB"
    assert chapter_strip.run_time("05_2_sentiment") == "not measured"
    measured["passed"] = False
    assert chapter_strip.run_time("04_3_fine_tuning") == "failed when last measured"


class Titles(dict):
    """A title for every page."""

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        return nodes.title("", f"{name.split('/')[-1]}: and more")


@pytest.fixture
def app(measured):
    builder = types.SimpleNamespace(format="html", get_relative_uri=lambda here, there: f"../{there}.html")
    env = types.SimpleNamespace(titles=Titles())
    front_page.facts(env)["notebooks/04_3_fine_tuning"] = {"read": 2, "do": 0, "data": "CIFAR-10"}
    return types.SimpleNamespace(builder=builder, env=env)


def strips(document):
    return [node for node in document.findall(nodes.raw) if 'class="strip"' in node.astext()]


def test_the_strip_stands_below_the_title_and_the_articles_heading(app):
    article = nodes.paragraph("", "", nodes.raw("", '<span lang="zh-Hans">', format="html"), nodes.Text("x"))
    document = page(article, words(400))
    chapter_strip.add(app, document, "notebooks/04_3_fine_tuning")
    (strip,) = strips(document)
    assert document[0].index(strip) == 2
    found = ET.fromstring(strip.astext())
    facts = {
        pair.find("dt").text: "".join(pair.find("dd").itertext())
        for pair in found.iter("div")
        if pair.find("dt") is not None
    }
    assert facts == {
        "Read": "2 min",
        "Run": "40 s, 1.4 GB",
        "Exercise": "0 min",
        "Data": "CIFAR-10",
        "Builds on": "04_2_pretrained_model",
    }
    said = "".join(found.find("p").itertext())
    assert said == "In VGG16: frozen blocks 1 to 3; learning block 4, new head; left out block 5."
    assert found[0].get("aria-hidden") == "true", "the words say it all"
    assert "../notebooks/04_2_pretrained_model.html" in strip.astext()


def test_without_the_articles_heading_it_stands_right_below_the_title(app):
    document = page(words(10))
    chapter_strip.add(app, document, "notebooks/04_3_fine_tuning")
    assert document[0].index(strips(document)[0]) == 1


def test_other_pages_have_none(app, caplog):
    document = page(words(10))
    chapter_strip.add(app, document, "book/places")
    assert not strips(document)
    chapter_strip.add(app, document, "notebooks/99_new")
    assert not strips(document) and "99_new has no row in strips.csv" in caplog.text


def test_what_the_strip_says_is_not_printed_again(app):
    sentence = results.needs("04_3_fine_tuning")
    alone, among = cell([f"{sentence}\n"]), cell([f"first\n{sentence}\nlast\n", "other\n"])
    document = page(alone, among, cell([f"{sentence}\n"], tag="tag_lesson"))
    chapter_strip.add(app, document, "notebooks/04_3_fine_tuning")
    printed = [block.astext() for block in document.findall(nodes.literal_block)]
    assert printed == ["first\n\nlast", "other\n", f"{sentence}\n"]
    assert len(alone) == 1, "an output without anything in it is gone"


def test_the_book_says_how_minutes_are_counted():
    text = " ".join((ROOT / "book" / "how-to-use.md").read_text(encoding="utf-8").split())
    assert f"at {chapter_facts.WORDS_A_MINUTE} a minute" in text
    assert f"count {chapter_facts.EXERCISE_MINUTES} for an exercise and {chapter_facts.QUESTION_MINUTES} for a" in text
