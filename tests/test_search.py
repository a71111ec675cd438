"""The search: what goes into its index, how it ranks, and what a reader can do with it, from disk."""

import json
import pathlib
import shutil

import headless
import pytest
from docutils import nodes
from docutils.core import publish_doctree
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import search_index

ROOT = pathlib.Path(__file__).parents[1]
STATIC = ROOT / "book" / "_static"
PAGE = """
4.2 The pretrained model
========================

What it is, with *care*.

What "frozen" means
-------------------

The optimizer may **not move** these weights. See ``fit_generator``.

.. code:: python

   body.forward_all(x)

Quiz
----

Not to be found.

Exercises
---------

Freeze it.
"""
SECTIONS = [
    [0, "", "1 Start", 0, 0, "Negative results, and what transfer is.", "", ""],
    [0, "bad", "Negative transfer: found?", 0, 1, "It can hurt. " * 40 + "Here transfer was negative.", "", ""],
    [0, "frozen", "What “frozen” means", 0, 1, "The optimizer leaves it alone.", "", ""],
    [0, "ex", "Exercise 1", 2, 1, "Negative transfer: freeze it, freeze it.", "", ""],
    [1, "", "2 Networks", 0, 0, "文章第 3.3 节：卷积神经网络. Layers.", "", ""],
    [1, "rate", "The rate", 0, 1, "How far a step goes: the learning rate.", "fit_generator", ""],
    [1, "mistake", "The mistake: one learning rate for all", 0, 1, "Learning rate, learning rate.", "", ""],
]
TERMS = [
    ["frozen", "term-frozen", "冻结. Kept as it is.", ["冻结"], ["freeze", "freezing"]],
    ["negative transfer", "term-negative", "负迁移. It hurts.", ["负迁移"], []],
]
INDEX = {"pages": ["one.html", "two.html"], "sections": SECTIONS, "terms": TERMS, "homes": [["step size", 5]]}
HTML = """<!DOCTYPE html><html><head><meta charset="utf-8"><script src="_static/search.js"></script></head><body>
<button class="search-button__button" onclick="document.getElementById('pst-search-dialog').showModal()">Search</button>
<dialog id="pst-search-dialog"><form action="search.html"><input type="search" name="q"></form></dialog>
<main><article><section id="top"><h1>1 Start</h1><p>Negative results, and what transfer is.</p>
<section id="bad"><h2>Negative transfer: found?</h2><div style="height: 3000px"></div><p>It can hurt.</p>
<p id="there">Here transfer was negative, <b>negatively</b> so.</p><section id="below"><h3>Below</h3><p>transfer</p>
</section></section></section></article></main></body></html>"""


def test_sections_have_their_own_text_and_what_stands_out():
    found = search_index.sections(publish_doctree(PAGE, settings_overrides={"doctitle_xform": 0}), "notebooks/x")
    assert [(anchor, title, kind) for anchor, title, kind, *_ in found] == [
        ("", "4.2 The pretrained model", search_index.LESSON),
        ("what-frozen-means", 'What "frozen" means', search_index.LESSON),
        ("exercises", "Exercises", search_index.ASIDE),
    ]
    assert found[0][4:] == ["What it is, with care.", "care", ""], "the text below belongs to other sections"
    assert found[1][4:] == [
        "The optimizer may not move these weights. See fit_generator.",
        "not move fit_generator",
        "forward_all",
    ]


def test_pages_and_the_package_are_told_apart():
    assert search_index.kind("book/api/heads", "Heads") == search_index.PACKAGE
    assert search_index.kind("book/places", "Places") == search_index.PAGE
    assert search_index.kind("notebooks/a", "Key points") == search_index.ASIDE


def test_the_glossary_gives_forms_and_chinese_names():
    text = "```{glossary}\n\nfrozen\n  <span>冻结</span>. Kept.\n```\n% frozen: freeze, freezing\n"
    body = nodes.definition("", nodes.paragraph("", "冻结. Kept."))
    item = nodes.definition_list_item("", nodes.term("", "frozen", ids=["term-frozen"]), body)
    assert search_index.terms(text, item) == [
        ["frozen", "term-frozen", "冻结. Kept.", ["冻结"], ["freeze", "freezing"]]
    ]


def test_a_home_must_be_a_section(tmp_path):
    path = tmp_path / "homes.csv"
    entries = [[0, "", "One"], [0, "rate", "The rate"]]
    path.write_text("asked,home\nstep size,book/one#rate\nelsewhere,book/two\n")
    assert search_index.homes(path, entries, ["book/one"]) == [["step size", 1]]
    path.write_text("asked,home\nstep size,book/one#speed\n")
    with pytest.raises(ValueError, match="got book/one#speed for 'step size'"):
        search_index.homes(path, entries, ["book/one"])


def test_the_queries_of_the_book_are_forty():
    lines = (ROOT / "tests" / "search_queries.csv").read_text(encoding="utf-8").splitlines()[1:]
    chinese = [line for line in lines if not line.split(",")[0].isascii()]
    assert (len(lines), len(chinese), len({line.split(",")[0] for line in lines})) == (40, 10, 40)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    (folder / "_static").mkdir()
    for name in ("search.js", "search-rank.js", "found.js"):
        shutil.copy(STATIC / name, folder / "_static")
    text = f"tlbookSearchIndex({json.dumps(INDEX)});"
    (folder / "_static" / search_index.FILE).write_text(text, encoding="utf-8")
    for name in ("one.html", "two.html"):
        (folder / name).write_text(HTML, encoding="utf-8")
    with headless.browser() as driver:
        yield driver, (folder / "one.html").as_uri()


def searched(page, words):
    """Open the page, search for words, and return the driver and the headings found, in their order."""
    driver, address = page
    driver.get(address)
    driver.find_element(By.TAG_NAME, "body").send_keys("/")
    field = driver.find_element(By.CSS_SELECTOR, "#pst-search-dialog input")
    field.send_keys(words)
    WebDriverWait(driver, 10).until(lambda d: "section" in status(d) or "Nothing" in status(d))
    # Not `find_elements`, which would wait ten seconds for a list that stays empty.
    found = "return [...document.querySelectorAll('.search-list a')].map((link) => link.textContent)"
    return driver, driver.execute_script(found)


def status(driver):
    return driver.find_element(By.CSS_SELECTOR, ".search-status").text


def test_nothing_is_loaded_before_somebody_searches(page):
    driver, address = page
    driver.get(address)
    loaded = "return [...document.scripts].map((script) => script.src.split('/').pop())"
    assert driver.execute_script(loaded) == ["search.js"]
    driver.find_element(By.TAG_NAME, "body").send_keys("/")
    WebDriverWait(driver, 10).until(lambda d: search_index.FILE in d.execute_script(loaded))


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("negative transfer", "Negative transfer: found?"),  # a heading, and no exercise
        ("Freezing", "What “frozen” means"),  # another form, by the glossary
        ("负迁移", "Negative transfer: found?"),  # a Chinese name, by the glossary
        ("神经网络", "2 Networks"),  # Chinese in the text
        ("generator", "The rate"),  # a part of a name
        ("step sizes", "The rate"),  # a home by hand
        ("optimi", "What “frozen” means"),  # what is being typed
        ("optimizr", "What “frozen” means"),  # a slip
    ],
)
def test_the_section_that_was_meant_comes_first(page, words, first):
    assert searched(page, words)[1][0] == first


def test_the_list_is_announced_and_holds_the_definition(page):
    driver, found = searched(page, "negative transfer")
    assert status(driver) == f"{len(found)} sections."
    assert driver.find_element(By.CSS_SELECTOR, ".search-term").text == "negative transfer 负迁移. It hurts."
    excerpt = driver.find_element(By.CSS_SELECTOR, ".search-list li p")
    assert "Here transfer was negative." in excerpt.text, "the piece with most of the words"
    assert [mark.text for mark in excerpt.find_elements(By.TAG_NAME, "mark")][-2:] == ["transfer", "negative"]
    assert searched(page, "zzzzzz")[1] == [] and "Nothing found" in status(driver)


def test_arrows_walk_and_enter_opens_the_passage(page):
    driver, found = searched(page, "negative transfer")
    field = driver.switch_to.active_element
    field.send_keys(Keys.ARROW_DOWN)
    assert driver.switch_to.active_element.text == found[0]
    driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert driver.switch_to.active_element.text == found[1]
    driver.switch_to.active_element.send_keys(Keys.ARROW_UP)
    driver.switch_to.active_element.send_keys(Keys.ARROW_UP)
    assert driver.switch_to.active_element == field
    field.send_keys(Keys.ENTER)
    WebDriverWait(driver, 10).until(lambda d: d.current_url.endswith("#bad"))
    marks = [mark.text for mark in driver.find_elements(By.CSS_SELECTOR, "mark.found")]
    assert marks == ["Negative", "transfer", "transfer", "negative"], "of this section, and not of those below it"
    there = driver.find_element(By.ID, "there")
    assert "found-passage" in there.get_attribute("class") and there == driver.switch_to.active_element
    WebDriverWait(driver, 10).until(lambda d: inside(d, there))
    WebDriverWait(driver, 10).until(lambda d: "4 marked" in d.find_element(By.CSS_SELECTOR, ".found-note").text)
    assert not headless.errors(driver)


def inside(driver, node):
    top, height = driver.execute_script("return [arguments[0].getBoundingClientRect().top, innerHeight]", node)
    return 0 <= top < height


def test_escape_takes_the_marks_away(page):
    driver, address = page
    driver.get(f"{address}?find=negative&stems=negativ#bad")
    before = driver.find_element(By.CSS_SELECTOR, "mark.found")
    text = driver.find_element(By.ID, "there").text
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    driver.implicitly_wait(0)
    assert before and not driver.find_elements(By.CSS_SELECTOR, "mark, .found-passage, .found-note")
    driver.implicitly_wait(10)
    assert driver.find_element(By.ID, "there").text == text and driver.current_url == f"{address}#bad"


def test_a_whole_page_is_marked_from_its_top(page):
    """Its own heading has no anchor, so that its address ends without one."""
    driver, address = page
    driver.get(f"{address}?find=negative&stems=negativ")
    assert driver.find_element(By.CSS_SELECTOR, "mark.found").text == "Negative"
    assert not headless.errors(driver)


def test_a_key_in_a_field_is_a_letter(page):
    driver, _ = searched(page, "a/b")
    assert driver.find_element(By.CSS_SELECTOR, "#pst-search-dialog input").get_attribute("value") == "a/b"
